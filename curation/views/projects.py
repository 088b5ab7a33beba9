"""A project's front page, and making a project."""

from django.contrib import messages
from django.db import transaction
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from curation import overview, reviewing, tallies
from curation.access import project_or_404
from curation.forms import ProjectCreateForm
from curation.models import Membership, State
from curation.reviewing import assigning
from curation.reviewing.talk import flagged


def _progress(project):
    counts = tallies.states(project)
    return {
        "project": project,
        "counts": counts,
        "funnel": [(state, label, counts[state]) for state, label in State.choices],
        "most": max(counts.values()) or 1,
        "total": sum(counts.values()),
        "live_runs": list(project.runs.live()),
    }


@require_GET
def project_detail(request, slug):
    """The funnel, runs going on, cost, reviewers' progress and what to do next."""
    project = project_or_404(request.user, slug)
    reviewing.settle(project, limit=50)
    progress = _progress(project)
    releases = list(project.releases.all()[:3])
    waiting = overview.waiting_for(project, request.user)
    context = progress | {
        "next": overview.next_step(
            project, progress["counts"], live_runs=progress["live_runs"], waiting=waiting, releases=releases
        ),
        "not_offered": overview.not_offered(project, request.user, progress["counts"], waiting),
        "waiting": waiting,
        "flagged": flagged(project) if project.member.is_manager else 0,
        "short": assigning.short(project),
        "policies": overview.policies(project),
        "last_runs": project.runs.all()[:3],
        "releases": releases,
        "cost": overview.cost_so_far(project),
        "progress": overview.reviewers_progress(project),
    }
    return render(request, "curation/project_detail.html", context)


@require_GET
def project_progress(request, slug):
    """The part of the front page that changes while a run lives."""
    return render(request, "curation/_project_progress.html", _progress(project_or_404(request.user, slug)))


@require_http_methods(["GET", "POST"])
def project_create(request):
    """Any logged-in user may make a project and becomes its manager."""
    form = ProjectCreateForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            project = form.save()
            project.add_member(request.user, Membership.Role.MANAGER, can_resolve=True, by=request.user)
        messages.success(request, f"{project.name} is made; you are its manager.")
        return redirect("project_detail", project.slug)
    return render(request, "curation/project_create.html", {"form": form})
