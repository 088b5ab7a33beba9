"""Everything a page shows of the responses under review, gathered in a fixed number of queries."""

from dataclasses import dataclass

from .. import labels
from ..models import Annotation, Event, FilterResult, GateResult, JudgeScore, Resolution, State, TeacherResponse
from ..models.prepared import Prepared
from ..models.review import Purpose
from .blind import drawn, hazards, hidden_from
from .card import Attempt, Card
from .combining import tests_another
from .complaints import checks_of, complaints_of, shown
from .support import mark, support_of
from .terms import terms_of
from .verdicts import Verdicts, judgements_of


def cards_of(unit, deciding, user, responses=(), purpose=Purpose.REVIEW):
    """A Card for each prompt of `unit`; `deciding` are those to decide, for `purpose`: gold and repeated ones look new.

    `responses` replace the current ones of their prompts: what a form was made for, where it is shown again.
    """
    shown = {prompt.pk: prompt.current_response for prompt in unit.prompts}
    shown |= {response.prompt_id: response for response in responses}
    everything = _everything(unit, user, purpose)
    made = [_card(prompt, shown[prompt.pk], prompt in deciding, everything) for prompt in unit.prompts]
    _find_support(unit, made)
    if unit.pair and len(made) == 2:
        _compare_with_hypothesis(*made)
    return made


@dataclass(frozen=True)
class PairScore:
    """What SampleGate gave a pair, and each of its halves: 0–100."""

    score: float
    halves: list  # (title, score)


def pair_score(made):
    """The PairScore of two cards, or None where a half has no score or this reader does not see it yet."""
    gates = [card.verdicts.gate for card in made]
    if len(made) < 2 or not all(gates) or any(gate.score is None for gate in gates):
        return None
    if gates[1].pair_score is None or made[1].tests_older:  # scored with another hypothesis than the one shown
        return None
    return PairScore(gates[1].pair_score, [(card.title, gate.score) for card, gate in zip(made, gates, strict=True)])


def _find_support(unit, made):
    """What each answer leans on, and what the hypothesis calls its variable and its outcome."""
    source, terms = _source_text(unit), terms_of(made[0].response.fields if made[0].response else None)
    for half, card in enumerate(made):
        if card.response:
            letter = "HM"[half] if unit.pair else ""
            card.quotes = support_of(card.response, source, half=half, letter=letter, what=card.title.lower())
            card.terms = terms


def source_of(unit, made):
    """(document or None, the source as Segments, the questions put to the teacher in words of their own)."""
    questions = list(dict.fromkeys(prompt.user_prompt for prompt in unit.prompts if prompt.user_prompt))
    marked = mark(_source_text(unit), [quote for card in made for quote in card.quotes])
    return unit.prompts[0].document, marked, questions


def _source_text(unit):
    first = unit.prompts[0]
    return first.context or (first.document.text if first.document else "")


def notice_mismatch(made):
    """Once the cards have their forms: say where a method was asked with another hypothesis than the form has."""
    if len(made) == 2 and made[1].response and any(card.form and card.form.is_edited for card in made):
        made[1].tests_another = tests_another(*made, made[0].typed, made[1].typed)


def _everything(unit, user, purpose):
    responses = _responses(prompts=unit.ids)
    ids = [response.pk for response in responses]
    own = _own(responses=ids, reviewer=user.pk, purpose=purpose)
    found = {
        "responses": responses,
        "filters": {row.response_id: row for row in _filter_results(responses=ids)},
        "gates": {row.response_id: row for row in _gate_results(responses=ids)},
        "scores": {},
        "labels": labels.dimensions(unit.prompts[0].project_id),
        "resolutions": {row.response_id: row for row in _resolutions(responses=ids)},
        "own": {row.response_id: row for row in own},
    }
    for row in _scores(responses=ids):
        found["scores"].setdefault(row.response_id, []).append(row)
    found["taken_back"] = _taken_back(unit, user, found, purpose)
    found["hidden"] = _hidden(unit, user, found["responses"], purpose)
    found["complaints"] = complaints_of(responses)
    found["checks"] = checks_of([row.pk for row in own]) if found["complaints"] and own else {}
    return found


@Prepared
def _responses(prompts: list):
    rows = TeacherResponse.objects.filter(prompt__among=prompts).select_related("teacher", "hypothesis")
    return rows.order_by("attempt", "candidate")


@Prepared
def _filter_results(responses: list):
    return FilterResult.objects.filter(response__among=responses).order_by("pk")


@Prepared
def _gate_results(responses: list):
    return GateResult.objects.filter(response__among=responses).order_by("pk")


@Prepared
def _resolutions(responses: list):
    rows = Resolution.objects.filter(response__among=responses).select_related("decided_by")
    return rows.order_by("current", "pk")


@Prepared
def _own(responses: list, reviewer: int, purpose: str):
    rows = Annotation.objects.filter(response__among=responses, reviewer=reviewer, purpose=purpose)
    return rows.order_by("version")


@Prepared
def _scores(responses: list):
    return JudgeScore.objects.filter(response__among=responses).select_related("judge").order_by("pk")


def _hidden(unit, user, responses, purpose):
    """Ids of the responses, earlier ones and other candidates too, whose judgements this person does not see yet."""
    project = unit.prompts[0].project
    review = purpose == Purpose.REVIEW
    prompts = hidden_from(user, project, unit.prompts) if review else drawn(project, unit.prompts)
    return {response.pk for response in responses if response.prompt_id in prompts}


def _taken_back(unit, user, found, purpose):
    """Ids of prompts where the last thing that ended a decision was this person taking it back."""
    ended = {pk for pk, row in found["own"].items() if not row.current}
    if not ended:
        return set()
    if purpose != Purpose.REVIEW:  # nothing else ends one, and no event tells
        return {response.prompt_id for response in found["responses"] if response.pk in ended}
    kinds = ("taken_back", "reopened", "attempts_used_up", "same_reason_again")
    ended = Event.objects.filter(prompt__in=unit.ids, kind__in=kinds)
    last = {event.prompt_id: event for event in ended.order_by("at", "pk")}
    return {prompt_id for prompt_id, event in last.items() if event.kind == "taken_back" and event.actor_id == user.pk}


def _verdicts(response_id, everything):
    gate = everything["gates"].get(response_id)
    scores = everything["scores"].get(response_id, [])
    if response_id in everything["hidden"]:
        return Verdicts(everything["filters"].get(response_id), hidden=True, hazards=hazards(scores))
    return Verdicts(everything["filters"].get(response_id), gate, judgements_of(scores, gate, everything["labels"]))


def _card(prompt, response, deciding, everything):
    pk = response.pk if response else None
    others, earlier = _other_answers(prompt, response, everything) if response else ([], [])
    resolution = everything["resolutions"].get(pk)
    own, to_mend = everything["own"].get(pk), everything["complaints"].get(pk, [])
    blind = pk in everything["hidden"]
    return Card(
        prompt=prompt,
        response=response,
        deciding=deciding,
        verdicts=_verdicts(pk, everything),
        others=others,
        attempts=earlier,
        own=own,
        complaints=shown(to_mend, prompt.project, blind=blind),
        hidden_complaints=sum(row.source == "gate" for row in to_mend) if blind else 0,
        checks=everything["checks"].get(own.pk, {}) if own else {},
        taken_back=prompt.pk in everything["taken_back"],
        # Each reviewer answers alone: what the others came to is shown only where there is nothing left to decide.
        resolution=resolution if resolution and resolution.current and not deciding else None,
    )


def _other_answers(prompt, shown, everything):
    """(the other candidates of the attempt of `shown`, the answers of earlier attempts), as Attempts."""
    attempts = {}
    for row in everything["responses"]:
        if row.prompt_id == prompt.pk and row.attempt <= shown.attempt:
            attempts.setdefault(row.attempt, []).append(row)
    made = {
        number: [
            Attempt(
                row,
                _verdicts(row.pk, everything),
                everything["resolutions"].get(row.pk),
                len(rows),
                row.attempt == shown.attempt,
            )
            for row in rows
            if row.pk != shown.pk
        ]
        for number, rows in attempts.items()
    }
    others = made.pop(shown.attempt, [])
    return others, [each for number in sorted(made, reverse=True) for each in made[number]]


def _compare_with_hypothesis(hypothesis, methodology):
    methodology.may_stay_open = hypothesis.deciding and methodology.deciding
    asked = methodology.response.hypothesis if methodology.response else None
    if asked and hypothesis.response and asked.pk != hypothesis.response.pk:
        methodology.tests_older = asked
    elif hypothesis.resolution and hypothesis.resolution.edited and hypothesis.prompt.state == State.ACCEPTED:
        methodology.tests_edited = hypothesis.resolution.text
