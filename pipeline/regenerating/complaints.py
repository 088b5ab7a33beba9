"""What was said against an answer: rules that it failed, what SampleGate held against it, reviewers' words."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from curation.models import Annotation, Event, FilterResult, GateResult, JudgeScore, Resolution, State
from curation.reviewing.reasons import known_reasons
from pipeline import filters
from pipeline.gate import SHORT

from .recipes import FILTER, GATE, OTHER, REVIEWER

SOURCES = (FILTER, GATE, REVIEWER)
BY_PEOPLE = (Resolution.By.ADJUDICATOR, Resolution.By.MANAGER)
LONGEST = 2000  # characters of what was said


@dataclass(frozen=True)
class Said:
    """One thing said against an answer: from where, its code, and what was measured or said in words."""

    source: str
    code: str
    words: str = ""
    limit: str = ""

    @property
    def key(self):
        """Its name in a body of recipes."""
        return f"{self.source}:{self.code}"

    @property
    def identity(self):
        """What makes two of them the same reason; a comment without a reason is known by its words."""
        said = " ".join(self.words.lower().split()) if (self.source, self.code) == (REVIEWER, OTHER) else ""
        return self.source, self.code, said

    @property
    def is_named(self):
        """Whether it names a fault: sent back with neither reason nor comment, an answer has none."""
        return (self.source, self.code) != (REVIEWER, OTHER) or bool(self.words.strip())


def complaints_of(prompt, also=(), *, sources=SOURCES):
    """Everything said against the current answer of `prompt`, as Said; `also` are reasons that are not stored yet.

    Of the sources filter, gate and reviewer only those named are looked at: not everybody may read judges or others.
    """
    if prompt.current_response_id is None:
        return merged(also)
    found = complaints_for([prompt])[prompt.pk]
    return merged([*(said for said in found if said.source in sources), *also])


def complaints_for(prompts):
    """{prompt id: [Said]} of these prompts' current answers, in a fixed number of queries."""
    answers = {prompt.current_response_id: prompt for prompt in prompts}
    found = {prompt.pk: [] for prompt in prompts}
    parts = (_of_filters(answers), _of_the_gate(answers), _of_reviewers(answers), _of_orders(answers))
    for response, said in chain(*parts):
        found[answers[response].pk].append(said)
    return {pk: merged(said) for pk, said in found.items()}


def merged(said: Iterable[Said]):
    """One Said for each source and code, with all that was said; the order stays."""
    found = {}
    for each in said:
        found.setdefault((each.source, each.code), []).append(each)
    return [Said(*key, _together(several), several[0].limit) for key, several in found.items()]


def _together(several):
    return " ".join(dict.fromkeys(said.words.strip() for said in several if said.words.strip()))[:LONGEST]


def asked_for_their_hypothesis(prompts):
    """Ids of those that wait for another attempt only because their hypothesis got another answer."""
    waiting = [prompt.pk for prompt in prompts if prompt.state == State.TO_REGENERATE]
    # A prompt that was parked on the way comes back for the reason it was sent for.
    sent = Event.objects.filter(prompt__in=waiting, to_state=State.TO_REGENERATE).exclude(kind="unparked")
    last = dict(sent.order_by("at", "pk").values_list("prompt", "kind"))
    return {pk for pk, kind in last.items() if kind == "hypothesis_changed"}


# -- machines ---------------------------------------------------------------------------------------------------------


def _of_filters(answers):
    newest = {}
    rows = FilterResult.objects.filter(response__in=answers).order_by("pk")
    for response, measurements in rows.values_list("response", "measurements"):
        newest[response] = measurements
    for response, measurements in newest.items():
        for found in measurements:
            if not found["ok"]:
                yield response, Said(FILTER, found["rule"], measured(found), _in_words(found.get("limit")))


def measured(found):
    """One measurement of a rule in words: its value against the limit, and what was found."""
    rule, value, note = filters.RULES.get(found["rule"]), found.get("value"), found.get("note", "")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (rule and rule.bound and is_number):
        return note or _in_words(value)
    if rule.unit == "findings":
        return note or f"{_in_words(value)} found"
    said = f"{_in_words(value)} {rule.unit}, {rule.bound} {_in_words(found.get('limit'))} wanted"
    return f"{said}: {note}" if note else said


def _in_words(value):
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None or isinstance(value, bool) else str(value)


def _of_the_gate(answers):
    newest = {}
    for row in GateResult.objects.filter(response__in=answers).order_by("pk"):
        newest[row.response_id] = row
    held = {response: row for response, row in newest.items() if not row.passed}
    readings = {response: [] for response in held}
    for score in JudgeScore.objects.filter(response__in=held, score__isnull=False).order_by("score", "pk"):
        readings[score.response_id].append(score)
    for response, row in held.items():
        for code in row.reasons:
            yield response, Said(GATE, code, _judges_words(code, readings[response]))


def _judges_words(code, readings):
    """What the worst reading that a reason speaks of says; the others would say the same in other words, or nothing."""
    rubrics = [rubric for rubric, short in SHORT.items() if short in code] or list(SHORT)
    about = [each for each in readings if each.rubric in rubrics]
    if code.startswith("safety"):
        about = [each for each in about if each.requires_human_review or each.flags] or about
    if not about:
        return ""
    worst = about[0]
    flags = f" Flags: {', '.join(map(str, worst.flags))}." if worst.flags else ""
    return f"The {worst.rubric} judge gave {worst.score:g} of 100: {worst.rationale or 'no reason given.'}{flags}"


# -- people -----------------------------------------------------------------------------------------------------------


def _of_reviewers(answers):
    decisions = Annotation.objects.filter(response__in=answers, purpose=Annotation.Purpose.REVIEW, current=True)
    held = Resolution.objects.filter(response__in=answers, current=True, by__in=BY_PEOPLE)
    for rows in (decisions, held):
        wanted = rows.exclude(action="accept").order_by("pk").values_list("response", "reasons", "comment")
        for response, codes, comment in wanted:
            for code in codes or [OTHER]:
                yield response, Said(REVIEWER, code, comment)


def _of_orders(answers):
    """Orders of an annotations file: its reasons may be codes or free words."""
    prompts = {prompt.pk: prompt for prompt in answers.values()}
    rows = Event.objects.filter(prompt__in=prompts, kind="regeneration_ordered").order_by("at", "pk")
    for pk, detail in rows.values_list("prompt", "detail"):
        if detail.get("response") != prompts[pk].current_response_id:
            continue
        known = known_reasons(prompts[pk].project)
        for text in detail.get("reasons", []) or [""]:
            code = "_".join(text.lower().split())
            yield detail["response"], Said(REVIEWER, code) if code in known else Said(REVIEWER, OTHER, text)
