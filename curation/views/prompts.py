"""One prompt's whole life, and sending prompts back by hand."""

from dataclasses import dataclass
from itertools import groupby

from django.contrib import messages
from django.db.models import Prefetch
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from curation import labels
from curation.access import MANAGER, project_or_404
from curation.models import Annotation, State, TeacherResponse
from curation.reviewing import hazards, hidden_from, reopen, without_judgements, word_diff
from curation.reviewing.complaints import shown, with_checks
from curation.reviewing.gold import gold_of
from curation.reviewing.holding import held_prompts, mates
from curation.reviewing.support import mark, support_of
from curation.reviewing.verdicts import judgements_of
from curation.views.queueing import queue_context
from curation.views.talk import talk_context

SHOWN_EVENTS = 200
HIDDEN = "What the judges say is hidden until you decide: this prompt is in the blind share."


def _prompt_or_404(project, key):
    beside = ("document", "current_response__gold__created_by", "run")
    return get_object_or_404(project.prompts.select_related(*beside), key=key)


@dataclass
class Attempt:
    """The answers of one attempt; `chosen` is the one that went on, None while nothing is chosen."""

    number: int
    responses: list
    chosen: TeacherResponse | None

    @property
    def is_choice(self):
        return len(self.responses) > 1


def _attempts(prompt, responses):
    """The newest first, each with its candidates in order."""
    rows = sorted(responses, key=lambda response: (-response.attempt, response.candidate))
    # What was asked again had gone on from its attempt; what machines still look at is not chosen yet.
    by_id = {response.pk: response for response in rows}
    went_on, link = set(), by_id.get(prompt.current_response_id)
    if link and prompt.state in (State.TO_FILTER, State.TO_JUDGE):
        link = by_id.get(link.parent_id)
    while link:
        went_on.add(link.pk)
        link = by_id.get(link.parent_id)
    made = []
    for number, group in groupby(rows, key=lambda response: response.attempt):
        group = list(group)
        made.append(Attempt(number, group, next((row for row in group if row.pk in went_on), None)))
    return made


def _responses(prompt, blind):
    """Every answer to a prompt with all that was said of it; of what judges said only the hazards where `blind`."""
    decisions = Annotation.objects.all()
    if not prompt.project.member.is_manager:  # what was a check of a reviewer is for managers to know
        decisions = decisions.filter(purpose=Annotation.Purpose.REVIEW)
    rows = prompt.responses.select_related("teacher", "hypothesis__prompt", "run", "call").prefetch_related(
        "filter_results__ruleset",
        "gate_results__ruleset",
        "judge_scores__judge",
        Prefetch("annotations", decisions.select_related("reviewer")),
        "resolutions__decided_by",
        with_checks(),
    )
    dimensions = labels.dimensions(prompt.project)
    for row in rows:
        for given in row.annotations.all():
            given.diff = word_diff(row.text, given.edited_text) if given.edited_text is not None else ()
        gate = max(row.gate_results.all(), key=lambda result: result.pk, default=None)
        row.judgements = [] if blind else judgements_of(row.judge_scores.all(), gate, dimensions)
        row.hazards = hazards(row.judge_scores.all()) if blind else []
        row.to_mend = shown(row.complaints.all(), prompt.project, blind=blind)
        if blind and row.attempt > 1 and row.sent_system:
            row.sent_system = "Hidden until you decide: it may quote the judges of an earlier attempt."
    return rows


def _alike(project, prompt):
    """Near-duplicates of the current answer."""
    if not project.near_duplicate_percent or not prompt.current_response:
        return []
    prompt.project, prompt.current_response.prompt = project, prompt
    return mates(prompt.current_response)


def _held(project, prompt, partner):
    """Near-duplicates that hold this prompt back from review; the pair's other half is held with it."""
    if not held_prompts(project).filter(pk=prompt.pk).exists():
        return []
    halves = [prompt, partner] if partner and project.paired else [prompt]
    found = {mate.prompt.pk: mate for half in halves for mate in _alike(project, half) if mate.ahead}
    return list(found.values())


@require_GET
def prompt_detail(request, slug, key):
    """Source, every attempt with what was measured and decided, and the history."""
    project = project_or_404(request.user, slug)
    prompt = _prompt_or_404(project, key)
    prompt.project = project  # with its member, who decides what is shown
    pair = prompt.pair
    partner_id = pair and (pair.methodology_id if pair.hypothesis_id == prompt.pk else pair.hypothesis_id)
    partner = project.prompts.select_related("current_response").filter(pk=partner_id).first() if partner_id else None
    blind = project.member.may_review and prompt.pk in hidden_from(request.user, project, [prompt])
    events = list(prompt.events.select_related("actor", "run").order_by("-at", "-pk")[: SHOWN_EVENTS + 1])
    text = prompt.context or (prompt.document.text if prompt.document else "")
    quotes = support_of(prompt.current_response, text) if prompt.current_response else []
    context = {
        "project": project,
        "prompt": prompt,
        "partner": partner,
        "quotes": quotes,
        "source": mark(text, quotes),
        "alike": _alike(project, prompt),
        "held": _held(project, prompt, partner),
        "attempts": _attempts(prompt, _responses(prompt, blind)),
        "overlaps": prompt.overlaps.select_related("evaluation_set", "response").order_by("evaluation_set__name", "pk"),
        "events": [without_judgements(e) if blind else e for e in events[:SHOWN_EVENTS]],
        "more_events": len(events) > SHOWN_EVENTS,
        "releases": prompt.release_rows.select_related("release").order_by("release__version"),
        "hidden": HIDDEN if blind else "",
        # While people are still to decide, nobody reads what the others said; a manager may, behind a fold.
        "decisions": "open" if prompt.state != State.TO_REVIEW else "fold" if project.member.is_manager else "hidden",
        "may_reopen": project.member.is_manager
        and prompt.state in (State.ACCEPTED, State.REJECTED)
        and prompt.current_response_id
        and not prompt.withdrawal_id,
        "may_retry": project.member.is_manager and prompt.state == State.PARKED,
    }
    context |= talk_context(project, request.user, [prompt], place="prompt") | gold_of(project, prompt)
    context |= queue_context(project, prompt)
    return render(request, "curation/prompt_detail.html", context)


@require_POST
def prompt_reopen(request, slug, key):
    """Ask people again about a settled prompt; the reason stays in its history."""
    project = project_or_404(request.user, slug, MANAGER)
    prompt = _prompt_or_404(project, key)
    try:
        reopened = reopen(prompt, request.user, request.POST.get("reason", ""))
    except ValueError as error:
        messages.error(request, str(error))
    else:
        if reopened:
            messages.success(request, "Reopened: it waits for review again.")
        else:
            messages.warning(request, f"Nothing changed: it is {prompt.get_state_display().lower()} already.")
    return redirect("prompt_detail", slug, key)


@require_POST
def prompt_retry(request, slug, key):
    """Put a parked prompt back where it was."""
    project = project_or_404(request.user, slug, MANAGER)
    prompt = _prompt_or_404(project, key)
    if prompt.unpark(actor=request.user, reason=request.POST.get("reason", "")):
        messages.success(request, f"It waits again: {prompt.get_state_display().lower()}.")
    else:
        messages.warning(request, f"Nothing changed: it is not parked but {prompt.get_state_display().lower()}.")
    return redirect("prompt_detail", slug, key)
