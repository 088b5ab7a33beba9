"""The review page: one unit at a time, decided, skipped, taken back."""

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from curation.access import REVIEWER, project_or_404
from curation.forms_review import DecisionForm, new_key
from curation.models import Annotation, TeacherResponse
from curation.models.prepared import Prepared
from curation.reviewing import (
    Conflict,
    ReviewItem,
    TooLate,
    claim_next,
    held_until,
    holders,
    open_prompt,
    purpose_of,
    renew,
    settle,
    skip,
    submit,
    take_back,
    unit_of,
)
from curation.reviewing.parts import part_text, with_part
from curation.views.review_page import conflict_page, go_on, page

REFUSING = ("regenerate", "reject")


@require_GET
def review(request, slug):
    """The next review unit of this person, held for them; or why there is none."""
    project = project_or_404(request.user, slug, REVIEWER)
    return page(request, project, claim_next(project, request.user))


@require_GET
def review_prompt(request, slug, key):
    """One prompt by its address: to decide it, or to change a decision that has no effect yet."""
    project = project_or_404(request.user, slug, REVIEWER)
    prompt = get_object_or_404(project.prompts, key=key)
    settle(project)
    item = open_prompt(project, request.user, prompt)
    if not item.prompts:
        messages.info(request, "This prompt does not wait for review.")
        return redirect("prompt_detail", slug, key)
    return page(request, project, item)


@require_POST
def review_submit(request, slug):
    """Take in the decisions on a unit; then the next one."""
    project = project_or_404(request.user, slug, REVIEWER)
    responses = _responses(project, request.POST)
    if not responses:
        messages.error(request, "Nothing was sent: open the queue and decide on what it shows.")
        return redirect("review", slug)
    unit = unit_of(project, responses[0].prompt_id)
    forms = _forms(unit, responses, request.POST)
    if not all([form.is_valid() for form in forms]):
        return page(request, project, _item_again(request, unit, responses), forms=forms, status=422)
    choices = [form.choice for form in forms if form.choice]
    key, seconds = request.POST.get("key", ""), request.POST.get("seconds", "")
    try:
        done = submit(
            project,
            request.user,
            choices,
            idempotency_key=key[:64] or new_key(),
            seconds=int(seconds) if seconds.isdecimal() and len(seconds) < 7 else 0,
        )
    except Conflict as conflict:
        return conflict_page(request, project, forms, {problem.shown.pk: problem for problem in conflict.problems})
    if done.differs:
        return conflict_page(request, project, forms, {})
    if done.repeated:
        messages.info(request, f"This was saved already, {_said(done.annotations)}; nothing was counted twice.")
    return go_on(request, project, saved=[response.pk for response in responses])


@require_POST
def review_take(request, slug):
    """The page once more, with another answer's text, or a sentence or step of it, in the edit; nothing is decided.

    Without `take` it is the page as it was typed.
    """
    project = project_or_404(request.user, slug, REVIEWER)
    responses = _responses(project, request.POST)
    if "take" not in request.POST and responses:
        forms = [DecisionForm.again(request.POST, each) for each in responses]
        return page(
            request, project, _item_again(request, unit_of(project, responses[0].prompt_id), responses), forms=forms
        )
    other, number = _asked_for(project, request.POST.get("take", ""))
    into = next((response for response in responses if response.prompt_id == other.prompt_id), None)
    if into is None:
        raise Http404("That answer is to another prompt.")
    typed = request.POST.get(f"r{into.pk}-text", into.text).replace("\r\n", "\n")
    part = part_text(other.text, number)
    text = other.text if number == 0 else with_part(typed, part) if part else typed
    unit = unit_of(project, into.prompt_id)
    forms = [DecisionForm.again(request.POST, each, text if each == into else None) for each in responses]
    return page(request, project, _item_again(request, unit, responses), forms=forms)


@require_POST
def review_skip(request, slug):
    """Put what is held at the end of this person's queue; then the next one."""
    project = project_or_404(request.user, slug, REVIEWER)
    skip(project, request.user, _ids(request.POST.getlist("prompt")))
    return go_on(request, project)


@require_POST
def review_take_back(request, slug):
    """Take back the last submit while there is time; it comes again."""
    project = project_or_404(request.user, slug, REVIEWER)
    ids = _ids(request.POST.getlist("annotation"))
    row = Annotation.objects.filter(
        pk__in=ids, reviewer=request.user, response__prompt__project=project
    ).select_related("response__prompt__project").first()  # fmt: skip
    if ids and row is None:
        raise Http404("No such decision of yours in this project.")
    try:
        if row is None:
            raise TooLate
        take_back(request.user, row)
    except TooLate:
        messages.warning(request, "It could not be taken back: it has taken effect. A manager can reopen it.")
    else:
        messages.info(request, "Taken back. Decide again, or skip it.")
    return go_on(request, project)


@require_POST
def review_heartbeat(request, slug):
    """The page is still open: hold on to what it shows. Returns the line that says until when."""
    project = project_or_404(request.user, slug, REVIEWER)
    ids = _ids(request.POST.getlist("prompt"))
    until = renew(project, request.user, ids) if ids else None
    context = {"project": project, "until": until, "prompt_ids": ids}
    if until is None:
        context["others"] = holders(project.prompts.filter(pk__in=ids), request.user)
    return render(request, "curation/_review_held.html", context)


def _item_again(request, unit, responses):
    """What a form that was sent is about, to show it once more."""
    shown = {response.prompt_id for response in responses}
    prompts = tuple(prompt for prompt in unit.prompts if prompt.pk in shown)
    if len(prompts) < len(shown):
        raise Http404("These responses are not reviewed together.")
    return ReviewItem(unit, prompts, held_until(prompts, request.user), purpose_of(request.user, prompts[0]))


def _asked_for(project, value):
    """(response, number of its sentence or step; 0 for its whole text) of a button to take something."""
    pk, _, number = value.partition("-")
    if not (pk.isdecimal() and len(pk) < 19 and len(number) < 5 and (number or "0").isdecimal()):
        raise Http404("Say what to take: an answer, and the number of its sentence or step.")
    return get_object_or_404(TeacherResponse, pk=int(pk), prompt__project=project), int(number or 0)


def _ids(values):
    return [int(value) for value in values[:2] if value.isdecimal() and len(value) < 19]


def _responses(project, data):
    """The responses a form is about, in its order; 404 for one that is not of this project or unit."""
    ids = _ids(data.getlist("response"))
    found = {response.pk: response for response in _responses_among(project=project.pk, ids=ids)}
    if len(found) < len(set(ids)):
        raise Http404("No such response in this project.")
    for response in found.values():
        response.prompt.project = project
    return [found[pk] for pk in dict.fromkeys(ids)]


@Prepared
def _responses_among(project: int, ids: list):
    return TeacherResponse.objects.filter(prompt__project=project, pk__among=ids).select_related("prompt", "teacher")


def _forms(unit, responses, data):
    """A bound form for each response. A method may be left open where its hypothesis is refused: it is asked anew."""
    prompt_ids = [response.prompt_id for response in responses]
    if len(set(prompt_ids)) < len(prompt_ids) or not set(prompt_ids) <= set(unit.ids):
        raise Http404("These responses are not reviewed together.")
    method = unit.pair.methodology_id if unit.pair else None
    refused = any(data.get(f"r{r.pk}-action") in REFUSING for r in responses if r.prompt_id != method)
    return [DecisionForm(data, response=r, optional=r.prompt_id == method and refused) for r in responses]


def _said(annotations):
    return " and ".join(f"{row.response.prompt.task_type}: {row.action}" for row in annotations)
