"""The review page: one unit at a time, decided, skipped, taken back."""

import json
import random

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from curation.access import REVIEWER, project_or_404
from curation.forms_review import DecisionForm, new_key
from curation.kept_posts import typed_fields
from curation.models import Annotation, TeacherResponse
from curation.models.prepared import Prepared
from curation.reviewing import (
    Conflict,
    EmptyQueue,
    ReviewItem,
    TooLate,
    cards_of,
    claim_next,
    drafts,
    held_until,
    holders,
    last_decision,
    newest_own,
    notice_mismatch,
    open_prompt,
    pair_score,
    pending_counts,
    purpose_of,
    renew,
    settle,
    skip,
    source_of,
    submit,
    take_back,
    unit_of,
    waiting_among_the_first,
    why_not_decide,
)
from curation.reviewing.parts import part_text, with_part
from curation.views.talk import talk_context

REFUSING = ("regenerate", "reject")
MANY, RECOUNTED = 50, 0.1  # with many waiting, one submit in ten counts them anew
RECOUNTED_AMONG_CHECKS = 0.25


@require_GET
def review(request, slug):
    """The next review unit of this person, held for them; or why there is none."""
    project = project_or_404(request.user, slug, REVIEWER)
    return _page(request, project, claim_next(project, request.user))


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
    return _page(request, project, item)


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
        return _page(request, project, _item_again(request, unit, responses), forms=forms, status=422)
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
        return _conflict_page(request, project, forms, {problem.shown.pk: problem for problem in conflict.problems})
    if done.differs:
        return _conflict_page(request, project, forms, {})
    if done.repeated:
        messages.info(request, f"This was saved already, {_said(done.annotations)}; nothing was counted twice.")
    return _go_on(request, project, saved=[response.pk for response in responses])


@require_POST
def review_take(request, slug):
    """The page once more, with another answer's text, or a sentence or step of it, in the edit; nothing is decided.

    Without `take` it is the page as it was typed.
    """
    project = project_or_404(request.user, slug, REVIEWER)
    responses = _responses(project, request.POST)
    if "take" not in request.POST and responses:
        forms = [DecisionForm.again(request.POST, each) for each in responses]
        return _page(
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
    return _page(request, project, _item_again(request, unit, responses), forms=forms)


@require_POST
def review_skip(request, slug):
    """Put what is held at the end of this person's queue; then the next one."""
    project = project_or_404(request.user, slug, REVIEWER)
    skip(project, request.user, _ids(request.POST.getlist("prompt")))
    return _go_on(request, project)


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
    return _go_on(request, project)


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


def _go_on(request, project, saved=()):
    """The next unit: as a fragment to HTMX, else by redirect."""
    if not request.htmx:
        return redirect("review", project.slug)
    response = _page(request, project, claim_next(project, request.user))
    if saved:
        response["HX-Trigger"] = json.dumps({"review-saved": {"responses": saved}})
    return response


def _page(request, project, item, *, forms=(), status=200):
    """The page, or to an HTMX post its changed part, with `item` in it."""
    context = {"project": project, "last": last_decision(project, request.user)}
    if isinstance(item, EmptyQueue):
        context |= {"empty": item, "part": "curation/_review_empty.html"}
    else:
        context |= _item_context(project, item, request.user, forms) | {"part": "curation/_review_item.html"}
    shown = [card.response for card in context.get("cards", ()) if card.deciding]
    context["unsent"] = drafts.unsent_number(project, request.user, besides=shown)
    return _render(request, context, status)


def _render(request, context, status=200):
    fragment = request.htmx and request.method == "POST"
    if fragment:
        context["counts"] = _left(context["project"], request.user)  # for the top bar, which stays
    return render(request, context["part"] if fragment else "curation/review.html", context, status=status)


def _left(project, user):
    """pending_counts where few are left; where many are, now and then: None leaves the number as it stands."""
    draw = random.random()
    if draw > RECOUNTED and waiting_among_the_first(project, user, MANY) > MANY / 2:
        return None
    # It does not fall after a gold or repeated item: where some are mixed in, nor does it after most others.
    if draw > RECOUNTED_AMONG_CHECKS and (project.gold_percent or project.repeat_percent):
        return None
    return pending_counts(project, user)


def _item_context(project, item, user, forms):
    made = cards_of(item.unit, item.prompts, user, [form.response for form in forms], item.purpose)
    bound = {form.response.pk: form for form in forms}
    deciding = [card for card in made if card.deciding]
    kept = drafts.drafts_of(user, [card.response.pk for card in deciding])
    for card in deciding:
        card.form = bound.get(card.response.pk) or DecisionForm.of(card, kept.get(card.response.pk))
        card.form.draft = kept.get(card.response.pk)
    notice_mismatch(made)
    document, source, questions = source_of(item.unit, made)
    until = item.until
    return {
        "item": item,
        "cards": made,
        "pair": pair_score(made),
        "document": document,
        "source": source,
        "questions": questions,
        "first": item.unit.prompts[0],
        "until": until,
        "others": () if until else holders(item.prompts, user),
        "prompt_ids": [prompt.pk for prompt in item.prompts],
        "key": new_key(),
    } | talk_context(project, user, item.unit.prompts, place="review")


def _conflict_page(request, project, forms, problems):
    """409: what was typed beside what holds now; nothing was stored, and nothing typed is lost."""
    rows = []
    for form in forms:
        response = form.response
        response.prompt.refresh_from_db()
        problem = problems.get(response.pk)
        typed = typed_fields(dict(request.POST.lists()), f"r{response.pk}-")
        form.draft = drafts.keep_now(project, request.user, response, drafts.REVIEW, typed)
        rows.append(
            {
                "form": form,
                "response": response,
                "own": newest_own(response.pk, request.user, purpose_of(request.user, response.prompt)),
                "kind": problem.kind if problem else "" if problems else "already_sent",
                "now": problem.now if problem else response,
                "open": not why_not_decide(request.user, response),
            }
        )
    context = {
        "project": project,
        "rows": rows,
        "repeated": not problems,
        "may_send": all(row["open"] for row in rows),
        "key": new_key(),
        "part": "curation/_review_conflict.html",
    }
    # Without problems it is the first result that is shown, which is no failure.
    return _render(request, context, status=409 if problems else 200)
