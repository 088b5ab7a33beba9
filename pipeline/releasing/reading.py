"""Chosen rows -> Records, batch by batch, in the order of the rows. A batch costs a handful of statements."""

import json
from collections import defaultdict, namedtuple

from django.db.models import TextField
from django.db.models.functions import Cast, NullIf

from curation.models import Event, FilterResult, GateResult, Prompt, Resolution, Teacher, TeacherResponse
from curation.models.document import said_of_source
from curation.models.response import LONGER
from curation.reviewing.reasons import known_reasons
from pipeline.formats import Record, Refused, row_id
from pipeline.splits import SPLITS

from . import proof

AT_ONCE = 5000  # rows that are read by one set of statements: PostgreSQL may go over whole tables for each
OTHER = "other"  # the reviewers' reason for what is said in words of their own
BATCH = 1000  # rows that are handed on together
# What a Record takes of an answer beside what the proof takes: {name: field}.
COLUMNS = proof.ANSWER | {
    "key": "prompt__key",
    "user": "sent_user",
    "system": "sent_system",
    "own": "text",  # the teacher's
    "action": "held__action",
    "another": "another",
    "why": "why",
    "task_type": "prompt__task_type",
    "attempt": "attempt",
    "kind": "teacher__kind",
    "name": "teacher__name",
    "locator": "prompt__document__locator",
    "licence": "prompt__document__licence",
    "title": "prompt__document__title",
}
Answer = namedtuple("Answer", COLUMNS)


class Changed(Exception):
    """What was chosen is not what stands there now: somebody decided meanwhile."""


class Reader:
    """Reads the Records of chosen rows, and what stands behind them.

    `placed` are by row places in SPLITS, `needs` what the formats ask for beside the row itself ("partner",
    "refused"), `behind` a proof.Reader.
    """

    def __init__(self, chosen, placed, needs, behind):
        self.chosen, self.placed, self.needs, self.behind = chosen, placed, needs, behind

    def batches(self, places, size=BATCH):
        """(Records, what is known of each) of some of the rows at these places at a time, all of one split.

        Raises Changed where a text is not the one that was chosen.
        """
        for start in range(0, len(places), AT_ONCE):
            records, known = self._read(places[start : start + AT_ONCE])
            for first in range(0, len(records), size):
                yield records[first : first + size], known[first : first + size]

    def _read(self, places):
        split, rows = SPLITS[self.placed[places[0]]], list(self.chosen.rows[places])
        others = self._partners_of(rows, places)
        responses = [row.response_id for row in rows]
        answers = _answers(responses + [other.response_id for other in others.values()])
        gate = _gate(answers)
        found = {}
        for row in (*rows, *others.values()):
            _, score = gate.get(row.response_id, (None, None))
            found[row.prompt_id] = _record(row, split, score, answers[row.response_id])
        _as_first_asked(found)
        _as_their_rows_say(found)
        for prompt_id, other in others.items():
            found[prompt_id].partner = found[other.prompt_id]
        if "refused" in self.needs:
            for prompt_id, refused in _refused({row.prompt_id: row.response_id for row in rows}).items():
                found[prompt_id].refused = refused
        rulesets = {response: gate[response][0] for response in responses if response in gate}
        return [found[row.prompt_id] for row in rows], self.behind.read(responses, answers, rulesets)

    def _partners_of(self, rows, places):
        """{prompt id: row of its methodology} of those whose methodology is in the same split."""
        if "partner" not in self.needs:
            return {}
        partners = self.chosen.partners[places]
        paired = (partners >= 0) & (self.placed[partners] == self.placed[places])
        hypotheses = (row for row, has_partner in zip(rows, paired, strict=True) if has_partner)
        others = self.chosen.rows[partners[paired]]
        return {row.prompt_id: other for row, other in zip(hypotheses, others, strict=True)}


def _answers(ids):
    """{response id: Answer}; all of one statement."""
    rows = proof.annotated(TeacherResponse.objects.filter(pk__among=frozenset(ids)).order_by())
    # The accepted text comes only where it is another one: nearly always it is the teacher's, which comes anyway.
    rows = rows.annotate(why=Cast("held__reasons", TextField()), another=NullIf("held__text", "text"))
    return {pk: Answer._make(values) for pk, *values in rows.values_list("pk", *COLUMNS.values())}


def _as_first_asked(found):
    """Give {prompt id: Record} of later attempts the system message of the first: the stricter one of a second chance
    holds the refused answer and what was said of it, which is nothing to learn from."""
    again = {prompt_id: record for prompt_id, record in found.items() if record.attempt > 1}
    if not again:
        return
    first = TeacherResponse.objects.filter(prompt__pk__among=frozenset(again), attempt=1).order_by("-candidate")
    systems = dict(first.values_list("prompt_id", "sent_system"))
    for prompt_id, record in again.items():
        record.system = systems.get(prompt_id, "")


def _as_their_rows_say(found):
    """Give Records whose source text does not say its title, locator or licence, or that have none, what the prompt's
    own row said."""
    short = {prompt_id: row for prompt_id, row in found.items() if not (row.title and row.locator and row.licence)}
    if not short:
        return
    for prompt_id, metadata in Prompt.objects.filter(pk__among=frozenset(short)).values_list("pk", "metadata"):
        for name, said in said_of_source(metadata).items():
            setattr(short[prompt_id], name, getattr(short[prompt_id], name) or said)


def _gate(ids):
    """{response id: (id of the ruleset, score) of its newest gate result}"""
    results = GateResult.objects.filter(response__pk__among=frozenset(ids)).order_by("pk")
    return {row[0]: row[1:] for row in results.values_list("response_id", "ruleset_id", "score")}


def _record(row, split, score, answer):
    own, edited_to = answer.own, answer.another if answer.action == "accept" else None
    text = own if edited_to is None else edited_to
    if row_id(answer.key, text) != row.row_id:
        raise Changed(f"the text of prompt {answer.key[:12]} changed")
    edited = text != own
    return Record(
        id=row.row_id,
        prompt_key=answer.key,
        user=answer.user,
        system=answer.system,
        text=text,
        task_type=answer.task_type,
        domain=row.domain,
        group=row.group,
        split=split,
        status=_status(row, answer.by, edited),
        teacher=_called(answer.kind, answer.name, answer.model),
        attempt=answer.attempt,
        edited=edited,
        locator=answer.locator or "",
        licence=answer.licence or "",
        title=answer.title or "",
        score=score,
        original=own if edited else "",
        reasons=tuple(json.loads(answer.why)) if edited and answer.why else (),
    )


def _called(kind, name, model):
    """What a release calls a teacher: the model that answered; of an imported answer the name that it came under."""
    return name if kind == Teacher.Kind.IMPORTED else model


def _status(row, by, edited):
    """Who stands behind a row: nobody yet, the project's policy, or people, who may have edited it."""
    if row.status == "unreviewed":
        return "unreviewed"
    if by == Resolution.By.POLICY:
        return "policy"
    return "edited" if edited else "accepted"


# -- what was refused -----------------------------------------------------------------------------------------------


def _refused(current):
    """{prompt id: (Refused, …)} for {prompt id: id of the accepted response}: other answers to the same question which
    filters, gate or people refused, with the codes of their reasons.

    A method for another hypothesis answered another question; an answer that was cut off is told by its longer one.
    """
    others = TeacherResponse.objects.filter(prompt__pk__among=frozenset(current))
    others = others.exclude(pk__among=frozenset(current.values()))
    others = others.exclude(text="").exclude(metadata__has_key=LONGER)
    names = ("pk", "prompt_id", "hypothesis_id", "text", "attempt", "candidate", "model_id", "teacher__kind")
    rows = list(others.order_by("pk").values_list(*names, "teacher__name"))
    reasons = _reasons([row[0] for row in rows], {row[1] for row in rows}) if rows else {}
    about = _hypotheses({current[row[1]] for row in rows})
    found = defaultdict(list)
    for pk, prompt, hypothesis, text, attempt, candidate, model, kind, name in rows:
        if pk in reasons and hypothesis == about[current[prompt]]:
            called = _called(kind, name, model)
            found[prompt].append(Refused(text, tuple(sorted(reasons[pk])), attempt, called, candidate))
    return {
        prompt: tuple(sorted(those, key=lambda each: (each.attempt, each.candidate))) for prompt, those in found.items()
    }


def _hypotheses(responses):
    return dict(TeacherResponse.objects.filter(pk__among=responses).values_list("pk", "hypothesis_id"))


def _ordered(prompts):
    """{response id: codes} of what a file of annotations sent back; its reasons may be codes or free words."""
    found = {}
    orders = Event.objects.filter(prompt__among=frozenset(prompts), kind="regeneration_ordered").order_by("pk")
    for order in orders.select_related("project"):
        known = known_reasons(order.project)
        codes = {"_".join(text.lower().split()) for text in order.detail.get("reasons") or ()}
        codes = {code if code in known else OTHER for code in codes}
        found.setdefault(order.detail.get("response"), set()).update(f"reviewer:{code}" for code in codes)
    return found


def _reasons(responses, prompts):
    """{response id: codes of all reasons} of those that were refused, by the newest verdict of each kind."""
    found = _ordered(prompts)
    results = FilterResult.objects.filter(response__among=responses).order_by("pk")
    for response, codes in dict(results.values_list("response", "failed")).items():
        if codes:
            found.setdefault(response, set()).update(f"filter:{code}" for code in codes)
    gated = GateResult.objects.filter(response__among=responses).order_by("pk")
    gated = {row[0]: row[1:] for row in gated.values_list("response", "passed", "reasons")}
    for response, (passed, codes) in gated.items():
        if not passed:
            found.setdefault(response, set()).update(f"gate:{code}" for code in codes)
    held = Resolution.objects.filter(response__among=responses, current=True).exclude(action="accept").order_by()
    for response, codes in held.values_list("response", "reasons"):
        found.setdefault(response, set()).update(f"reviewer:{code}" for code in codes)
    return found
