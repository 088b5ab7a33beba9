"""Audits before a release: the list, one with its result, and one row after the other."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from curation.access import MANAGER, REVIEWER, project_or_404
from curation.models import AuditSettled, TeacherResponse
from curation.reviewing.support import Segment
from pipeline import formats
from pipeline.forms_releases import LookForm, OverrideForm
from pipeline.releasing import auditing, telling

SHOWN = 100  # rows of an audit on a page


@require_GET
def release_audits(request, slug):
    """Every audit, the newest first, and what the settings ask for."""
    project = project_or_404(request.user, slug)
    looked = Count("items", filter=Q(items__bad__isnull=False))
    audits = project.audits.annotate(looked=looked, bad=Count("items", filter=Q(items__bad=True)))
    page = Paginator(audits.order_by("-created_at", "-pk"), 50).get_page(request.GET.get("page"))
    return render(request, "pipeline/release_audits.html", {"project": project, "page": page})


@require_GET
def release_audit(request, slug, pk):
    """What was found, what it says of all rows, and the rows."""
    project = project_or_404(request.user, slug)
    return _page(request, project, _audit_or_404(project, pk), OverrideForm())


def _page(request, project, audit, form, *, error="", status=200):
    items = audit.items.select_related("prompt__document", "decided_by")
    context = {
        "project": project,
        "audit": audit,
        "result": auditing.result_of(audit),
        "recipe": telling.recipe_words(audit.recipe),
        "page": Paginator(items, SHOWN).get_page(request.GET.get("page")),
        "releases": audit.releases.order_by("version"),
        "form": form,
        "error": error,
    }
    return render(request, "pipeline/release_audit.html", context, status=status)


@require_GET
def release_audit_next(request, slug, pk):
    """The first row that nobody looked at yet; the result once there is none."""
    project = project_or_404(request.user, slug, REVIEWER)
    return _go_on(project, _audit_or_404(project, pk))


@require_http_methods(["GET", "POST"])
def release_audit_row(request, slug, pk, row_id):
    """One row with its source beside it; a verdict on it brings the next."""
    project = project_or_404(request.user, slug, REVIEWER)
    audit = _audit_or_404(project, pk)
    item = get_object_or_404(audit.items.select_related("prompt__document", "decided_by"), row_id=row_id)
    found = {} if item.bad is None else {"bad": "bad" if item.bad else "good", "note": item.note}
    form = LookForm(request.POST if request.method == "POST" else None, initial=found)
    shown = _shown(project, item)
    if request.method == "POST" and form.is_valid() and not shown["changed"]:
        try:
            audit.look(item, form.cleaned_data["bad"] == "bad", note=form.cleaned_data["note"], by=request.user)
        except AuditSettled as error:
            form.add_error(None, str(error))
        else:
            return _go_on(project, audit, after=item.row_id)
    context = {"project": project, "audit": audit, "item": item, "form": form, "result": auditing.result_of(audit)}
    context |= shown | _neighbours(audit, item) | {"settled": audit.is_settled}
    refused = 409 if shown["changed"] or form.non_field_errors() else 422
    return render(
        request, "pipeline/release_audit_row.html", context, status=refused if request.method == "POST" else 200
    )


@require_POST
def release_audit_override(request, slug, pk):
    """Let a release pass in spite of the audit, for a written reason."""
    project = project_or_404(request.user, slug, MANAGER)
    audit, form, error = _audit_or_404(project, pk), OverrideForm(request.POST), ""
    if form.is_valid():
        try:
            audit.override(form.cleaned_data["reason"], request.user)
        except AuditSettled as refusal:
            error = str(refusal)
        else:
            messages.success(request, "The audit is overridden; the reason stays with it. Build the release again.")
            return redirect("release_audit", slug, pk)
    return _page(request, project, audit, form, error=error, status=409 if error else 422)


def _audit_or_404(project, pk):
    audit = get_object_or_404(project.audits.select_related("created_by", "ended_by"), pk=pk)
    audit.project = project
    return audit


def _go_on(project, audit, after=""):
    """To the next row without a verdict, behind `after` first."""
    waiting = audit.items.filter(bad=None)
    item = waiting.filter(row_id__gt=after).first() or waiting.first()
    if item is None:
        return redirect("release_audit", project.slug, audit.pk)
    return redirect("release_audit_row", project.slug, audit.pk, item.row_id)


def _neighbours(audit, item):
    """The rows before and behind, and the place of this one."""
    before = audit.items.filter(row_id__lt=item.row_id)
    return {
        "former": before.order_by("-row_id").first(),
        "following": audit.items.filter(row_id__gt=item.row_id).first(),
        "number": before.count() + 1,
    }


def _shown(project, item):
    """What is to be looked at: the text, its source, the pair's other half; whether it changed since it was drawn."""
    response = TeacherResponse.objects.filter(pk=item.response_id).with_authoritative_text().get()
    prompt, document = item.prompt, item.prompt.document
    text = prompt.context or (document.text if document else "")
    return {
        "response": response,
        "document": document,
        "source": [Segment(text)] if text else [],
        "other": _other_half(project, prompt),
        "changed": formats.row_id(prompt.key, response.authoritative) != item.row_id,
    }


def _other_half(project, prompt):
    """The answer to the other prompt of its pair, as it would be released; None without one."""
    pair = prompt.pair if project.paired else None
    if pair is None:
        return None
    other = pair.methodology_id if pair.hypothesis_id == prompt.pk else pair.hypothesis_id
    current = TeacherResponse.objects.filter(current_for=other)
    return current.with_authoritative_text().select_related("prompt").first()
