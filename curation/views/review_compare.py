"""Two answers to one prompt, or an answer and what somebody made of it, word by word."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from curation.access import REVIEWER, project_or_404
from curation.models import TeacherResponse
from curation.reviewing.diff import compare

TYPED = "typed"  # stands for what the form holds
NAMES = ("before", "after")


@require_http_methods(["GET", "POST"])
def review_compare(request, slug):
    """What turns `before` into `after`: the fragment to HTMX, else a page.

    A GET has an address that can be sent on; a POST carries the review form, so that what is typed can be compared.
    """
    project = project_or_404(request.user, slug, REVIEWER)
    data = request.POST or request.GET
    of, _, edit = data.get("of", "").partition("-") if request.method == "POST" else ("", "", "")
    if edit:  # the button below the edit: what was changed
        chosen = {"before": of, "after": TYPED}
    else:
        chosen = {name: data.get(f"{name}-{of}" if of else name, "") for name in NAMES}
    if request.method == "POST" and not request.htmx and TYPED not in chosen.values():
        return redirect(f"{reverse('review_compare', args=[slug])}?{urlencode(chosen)}")
    if not all(chosen.values()):
        messages.info(request, "Say which two answers to compare: before and after.")
        return redirect("review", slug)
    named = {*chosen.values(), of} - {""}
    # What is typed is in the form that `of` names: an address has none.
    responses = _responses(project, named - {TYPED} if of else named)
    sides = [_side(value, responses, request.POST.get(f"r{of}-text", "")) for value in chosen.values()]
    prompt = next(iter(responses.values())).prompt
    context = {"project": project, "prompt": prompt, "sides": sides, "diff": compare(*(side["text"] for side in sides))}
    return render(request, f"curation/{'_' if request.htmx else ''}review_compare.html", context)


def _responses(project, values):
    """{id as written: response} of one prompt of the project; else 404."""
    ids = {value for value in values if value.isdecimal() and len(value) < 19}
    rows = TeacherResponse.objects.filter(prompt__project=project, pk__in=ids).select_related("prompt__document")
    found = {str(row.pk): row for row in rows}
    if not found or values != set(found) or len({row.prompt_id for row in found.values()}) > 1:
        raise Http404("No two answers to one prompt of this project.")
    return found


def _side(value, responses, typed):
    if value == TYPED:
        return {"response": None, "text": typed.replace("\r\n", "\n")}
    return {"response": responses[value], "text": responses[value].text}
