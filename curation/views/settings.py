"""A project's settings: name, guidelines, policies, models, shares of the splits."""

from django.contrib import messages
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from curation import families, reviewing
from curation.access import MANAGER, project_or_404
from curation.forms import ProjectForm, SplitSharesForm
from curation.reviewing import ranking

ORDERING = {"queue_order", "paired"}  # what changes the places in the review queue


@require_http_methods(["GET", "POST"])
def project_settings(request, slug):
    """One form for the project, one for the shares; `preview` shows the guidelines without saving."""
    project = project_or_404(request.user, slug, MANAGER)
    member = project.member
    of_shares = request.method == "POST" and "train" in request.POST
    shares = SplitSharesForm(request.POST if of_shares else None, project=project)
    form = ProjectForm(None if of_shares else request.POST or None, instance=project)
    preview = "preview" in request.POST
    if of_shares and shares.is_valid():
        shares.save_by(request.user)
        messages.success(request, "The shares hold for every group that is not assigned yet.")
        return redirect("project_settings", slug)
    if form.is_bound and form.is_valid() and not preview:
        form.save_by(request.user)
        # Fewer reviews may decide what already has them, and more may be wanted of what has none yet.
        reviewing.recount(project)
        in_order = ranking.order_changed(project, request.user) if ORDERING & set(form.changed_data) else ""
        messages.success(request, f"Saved. {in_order}".strip())
        return redirect("project_settings", slug)
    if form.is_bound:
        # A form that is checked writes into its instance: the bar on top must say what is stored.
        project = project_or_404(request.user, slug, MANAGER)
        project.member = member
    context = {
        "project": project,
        "form": form,
        "shares": shares,
        "warnings": families.warnings(project),
        "preview": form["guidelines"].value() if preview else None,
        "frozen_groups": project.split_assignments.count(),
        "teachers_known": form.fields["teacher"].queryset.exists(),
    }
    wrong = (form.is_bound and form.errors) or (shares.is_bound and shares.errors)
    return render(request, "curation/project_settings.html", context, status=422 if wrong else 200)
