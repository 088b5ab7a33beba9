"""Drafts: kept while somebody types, listed until they are sent or put away; and a page that is left lets go."""

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from curation.access import REVIEWER, project_or_404
from curation.kept_posts import place_of, typed_fields
from curation.models import Draft, ReviewClaim, TeacherResponse
from curation.reviewing import drafts
from curation.reviewing.claims import release


@require_POST
def draft_save(request, slug):
    """Store what stands in a form; JSON says whether, since when, and what it replaced."""
    project = project_or_404(request.user, slug, REVIEWER)
    response, form = _asked(project, request.POST)
    made = drafts.moment_of(request.POST.get("draft_made"))
    if made is None:
        return JsonResponse({"problem": "A draft says when its form was made, as in 2026-11-23T08:00:00Z."}, status=400)
    fields = typed_fields(dict(request.POST.lists()), f"r{response.pk}-")
    seen = drafts.moment_of(request.POST.get("draft_seen"))
    try:
        kept = drafts.keep(project, request.user, response, form, fields, made=made, seen=seen)
    except drafts.TooMuch as refusal:
        return JsonResponse({"problem": str(refusal)}, status=413)
    at = kept.draft.updated_at.isoformat() if kept.draft else None
    return JsonResponse({"kept": kept.draft is not None, "at": at, "replaced": kept.replaced})


def _asked(project, data):
    """(response, form) that a post about a draft names; 404 for what is not of this project or not this person's."""
    pk, form = data.get("draft_response", ""), data.get("draft_form", Draft.Form.REVIEW)
    if form not in Draft.Form.values or (form == Draft.Form.RESOLVE and not project.member.may_resolve):
        raise Http404("No such form of yours.")
    if not pk.isdecimal() or len(pk) > 18:
        raise Http404("No such response in this project.")
    return get_object_or_404(TeacherResponse.objects.select_related("prompt"), pk=pk, prompt__project=project), form


@require_GET
def draft_list(request, slug):
    """What this person typed and never sent, with the way back to where it stands."""
    project = project_or_404(request.user, slug, REVIEWER)
    rows = [
        {"draft": row, "place": place_of(row.response, row.form), "text": _text(row)}
        for row in drafts.unsent(project, request.user)
    ]
    return render(request, "curation/draft_list.html", {"project": project, "rows": rows})


@require_POST
def draft_drop(request, slug):
    """Put a draft away; then back to its form without it, or to the other drafts."""
    project = project_or_404(request.user, slug, REVIEWER)
    response, form = _asked(project, request.POST)
    ids = [int(pk) for pk in request.POST.getlist("draft_response")[:2] if pk.isdecimal() and len(pk) < 19]
    if drafts.drop(request.user, ids, form):
        messages.info(request, "The draft is put away.")
    place = place_of(response, form) if request.POST.get("back") == "form" else ""
    return redirect(place or reverse("draft_list", args=[slug]))


def _text(draft):
    """(name of a field, what is typed there) of a draft, to be read and copied."""
    typed = {name: values for name, values in draft.body.items() if not name.startswith("met-")}
    filled = ((name, "\n".join(values).strip()) for name, values in typed.items())
    return [(name.replace("_", " "), text) for name, text in filled if text]


@require_POST
def review_release(request, slug):
    """The page was left: others may have what it held, unless another page of this person holds it since."""
    project = project_or_404(request.user, slug, REVIEWER)
    ids = [int(value) for value in request.POST.getlist("prompt")[:2] if value.isdecimal() and len(value) < 19]
    until = drafts.moment_of(request.POST.get("until"))
    if ids and until:
        own = ReviewClaim.objects.filter(prompt__in=ids, reviewer=request.user, until__lte=until)
        release(project, request.user, list(own.values_list("prompt", flat=True)))
    return HttpResponse(status=204)
