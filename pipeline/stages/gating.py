"""The gate's verdict on what judges read: stored with every reason, and each prompt sent on; a pair goes together."""

import hashlib
import re
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q

from curation.models import Event, GateResult, JudgeScore, Prompt, Ruleset, State, Teacher
from pipeline.gate import ACCEPT, DEFAULTS, Reading, Verdict, judge_verdict, load_gate
from pipeline.regenerating import meeting

from . import choosing, halves, recalling
from .questions import Reader, wanted_of
from .sending import send_on

INVALID = re.compile(r"invalid_judge_[fr]_(json|schema)\b")


def gate_of(project):
    """The project's current gate; the default thresholds become version 1 at first use."""
    return project.gate_ruleset or Ruleset.record(project, Ruleset.Kind.GATE, load_gate(DEFAULTS), origin="defaults")


def unread(project, states):
    """Prompts in `states` whose current answer the gate has judged, but not by all the readings wanted now."""
    judged = GateResult.objects.filter(response=OuterRef("current_response"))
    prompts = Prompt.objects.filter(project=project, state__in=states).filter(Exists(judged))
    lacks = Q(pk__in=[])
    for reader in wanted_of(project):
        scores = JudgeScore.objects.filter(response=OuterRef("current_response"), rubric=reader.rubric)
        own = Q(rubric_version=reader.version, judge=reader.judge_id, repeat=reader.repeat)
        lacks |= ~Exists(scores.filter(own | Q(rubric_version=JudgeScore.IMPORTED)))
    return prompts.filter(lacks)


def judge_anew(project, *, by=None):
    """Make a version of the gate that stands for what judges are asked now: the next SampleGate run asks for the rest.

    Its thresholds stay. Returns the version.
    """
    asked = hashlib.sha256(repr(wanted_of(project)).encode()).hexdigest()[:16]
    body = load_gate({**gate_of(project).body, "readings": asked})
    return Ruleset.record(project, Ruleset.Kind.GATE, body, origin="judged again", by=by)


@dataclass
class _Decided:
    """One prompt with the candidate that goes on."""

    prompt: Prompt
    row: GateResult
    verdict: Verdict
    why: str
    candidates: int

    @property
    def may_be_accepted(self):
        """Whether no person need see it: in the accept band, in the share that is drawn, and no import."""
        imported = self.row.response.teacher.kind == Teacher.Kind.IMPORTED  # nobody here knows how it was made
        return self.verdict.band == ACCEPT and not imported and drawn(self.prompt)


def decide(run, works, *, source):
    """The gate's verdict on each candidate, stored with every reason; then each prompt goes on with the best one."""
    if not works:
        return
    rows, found = [], []
    for each, judged in _verdicts(run, works):
        row, verdict, why = choosing.by_scores(judged)
        rows += [row for row, _ in judged]
        found.append(_Decided(each.prompt, row, verdict, why, each.notes["candidates"]))
    partners = halves.partners(found)
    ruleset = gate_of(run.project)
    halves.give_pair_scores(rows, ruleset)
    accepted = halves.accepted(run, ruleset, found, partners)
    for each in found:
        each.row.outcome = State.ACCEPTED if each.prompt.pk in accepted else _target(each)
        each.row.audit = each.verdict.band == ACCEPT and each.row.outcome == State.TO_REVIEW
    _store(run, rows, found)
    choosing.make_current(run, [(each.prompt, each.row.response) for each in found], source=source)
    _send_on(run, found, source)


def _send_on(run, found, source):
    for target in {each.row.outcome for each in found}:
        reached = {each.prompt.pk: each for each in found if each.row.outcome == target}
        details = {pk: _detail(each) for pk, each in reached.items()}
        moved = send_on(run, list(reached), target, "gated", source=source, detail=details)
        if target == State.ACCEPTED:
            halves.accept_by_policy([reached[pk].row.response for pk in moved])


def _detail(each):
    """What the event says: the reasons, the choice where there was one, and whether people audit it."""
    said = {"reasons": each.verdict.reasons} | choosing.words(each.row.response, each.candidates, each.why)
    return said | ({"audit": True} if each.row.audit else {})


def where_they_stand(run, works):
    """[(prompt, GateResult without an outcome)] for decided prompts, from readings that are known."""
    found = [(each.prompt, row) for each, ((row, _),) in _verdicts(run, works)]
    halves.give_pair_scores([row for _, row in found], gate_of(run.project))
    return found


def _verdicts(run, works):
    """[(work, [(GateResult without an outcome, Verdict) of each judged candidate])] by the current gate."""
    ruleset = gate_of(run.project)
    gate, readings = load_gate(ruleset.body), _readings(works)
    found = []
    for each in works:
        rows = []
        for response in each.notes["judged"]:
            configured = [rubric for rubric, *_ in each.notes["wanted"][response.pk]]
            verdict = judge_verdict(readings[response.pk], configured, gate)
            row = GateResult(
                response=response,
                ruleset=ruleset,
                run=run,
                measurements=verdict.measurements,
                reasons=verdict.reasons,
                score=verdict.score,
                passed=verdict.passed,
            )
            rows.append((row, verdict))
        found.append((each, rows))
    return found


def _readings(works):
    """{response id: [Reading]} of those that are wanted, unreadable ones included."""
    wanted = {response.pk: each.notes["wanted"][response.pk] for each in works for response in each.notes["judged"]}
    found = {pk: [] for pk in wanted}
    for score in JudgeScore.objects.filter(response__in=found).order_by("pk"):
        if Reader.of(score) in wanted[score.response_id]:  # which a batch has kept as plain tuples
            found[score.response_id].append(reading_of(score))
    return found


def reading_of(score):
    """A stored JudgeScore as the gate's rule takes it."""
    invalid = INVALID.match(score.error) if score.rubric_version == JudgeScore.IMPORTED else None
    return Reading(
        score.rubric,
        score.score,
        tuple(score.flags or ()),
        score.requires_human_review,
        score.error,
        score.judge_id,
        invalid[1] if invalid else "",
    )


def _target(each):
    """Where a judged prompt goes by the project's policy, if it is not accepted without a person."""
    return State.TO_REVIEW if each.verdict.passed or each.verdict.needs_people else each.prompt.project.on_gate_fail


def drawn(prompt):
    """Whether this prompt is in the share that is accepted without a person; a pair shares one draw."""
    draw = hashlib.sha256(f"auto-accept:{prompt.project.split_seed}:{prompt.group_key}".encode()).hexdigest()
    return int(draw[:8], 16) % 100 < prompt.project.auto_accept_percent


def _store(run, rows, found):
    # Judged again under the same gate, by other judges say: the verdict is that of the readings that moved the prompt.
    _keep_replaced(run, rows)
    GateResult.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=("response", "ruleset"),
        update_fields=("run", "measurements", "reasons", "score", "pair_score", "passed", "audit", "flips"),
    )
    meeting.by_gate({row.response_id: row.reasons for row in rows})
    ruleset = gate_of(run.project)
    recalling.note_outcomes(GateResult, ruleset, [each.row for each in found])
    audited = [each.row.response_id for each in found if each.row.audit]
    GateResult.objects.filter(ruleset=ruleset, response__in=audited, audit=False).update(audit=True)
    passed = sum(each.row.passed for each in found)
    run.count(gate_passed=passed, gate_held=len(found) - passed)


def _keep_replaced(run, rows):
    """What the gate said before under the same version, and says otherwise now, goes into the history of its prompt."""
    now = {row.response_id: row for row in rows}
    former = GateResult.objects.filter(ruleset=gate_of(run.project), response__in=now).select_related("response")
    said = ("passed", "score", "pair_score", "reasons", "measurements", "outcome", "audit", "flips")
    Event.objects.bulk_create(
        [
            Event(
                project=run.project,
                prompt_id=old.response.prompt_id,
                run=run,
                kind="gate_verdict_replaced",
                detail={"response": old.response_id, "was": {name: getattr(old, name) for name in said}},
            )
            for old in former
            if (old.measurements, old.reasons) != (now[old.response_id].measurements, now[old.response_id].reasons)
        ]
    )
