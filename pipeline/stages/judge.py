"""SampleGate: two judges read each response; the gate decides from what they say."""

import hashlib

from curation.models import Call, GateResult, JudgeScore, Resolution, Ruleset, State, Teacher
from pipeline import answers, ledger, prompts, teachers
from pipeline.gate import DEFAULTS, Reading, judge_verdict, load_gate

from . import recalling
from .composing import template
from .plainer import learn_plainer
from .sending import park, send_on
from .working import BATCH

STATE = State.TO_JUDGE
RECALLED = (State.TO_REVIEW, State.TO_REGENERATE, State.REJECTED, State.ACCEPTED)


def gate_of(project):
    """The project's current gate; the default thresholds become version 1 at first use."""
    return project.gate_ruleset or Ruleset.record(project, Ruleset.Kind.GATE, load_gate(DEFAULTS), origin="defaults")


def room(run):
    """How many prompts may be in hand, where each asks every judge."""
    judges = run.project.judges
    if not judges:
        return BATCH  # those who waited for judges that are gone: nothing is asked, they go to people
    return max(1, min(judge.concurrency for judge in judges.values()) // len(judges))


def prepare(run, waiting):
    """Ask each judge of each response, except where its score by this rubric is known."""
    judges = run.project.judges
    rubrics = {rubric: template(run.project, f"judge_{rubric}") for rubric in judges}
    known = {
        (score.response_id, score.judge_id, score.rubric, score.rubric_version)
        for score in JudgeScore.objects.filter(response__in=[prompt.current_response_id for prompt in waiting])
    }
    works = []
    for prompt in waiting:
        asks, notes = {}, {"rubrics": rubrics, "judges": judges}
        for rubric, judge in judges.items():
            if (prompt.current_response_id, judge.pk, rubric, rubrics[rubric].sha256) not in known:
                asks[rubric] = _ask(prompt, judge, rubrics[rubric])
        works.append(ledger.Work(prompt, asks, notes=notes))
    return works


def _ask(prompt, judge, rubric, sample=0):
    response = prompt.current_response
    text = prompts.render(
        rubric.body,
        {
            "context": prompt.context or "(no source was given)",
            "prompt": prompt.user_prompt or f"Write one {prompt.task_type} from the source.",
            "response": response.text or "(empty)",
        },
    )
    schema = answers.judge_schema(rubric.name.removeprefix("judge_"), **judge.profile.get("judge_schema", {}))
    body = teachers.payload(judge, "", text, schema=("judgement", schema))
    return ledger.Ask(judge, body, sample)


def save(run, works):
    """Store the scores, ask once more where a reply could not be read, and let the gate decide on the rest."""
    if not run.project.judges:
        ids = [each.prompt.pk for each in works]
        send_on(run, ids, State.TO_REVIEW, "gated", source=STATE, detail={"reasons": ["no_judges"]})
        return []
    failed = [w for w in works if any(c.state == Call.State.FAILED and not _learn(w, n, c) for n, c in w.calls.items())]
    park(run, failed)
    scores, again, ready = [], [], []
    for each in works:
        if each in failed:
            continue
        read, unread = _read(each)
        scores += read
        (again if unread else ready).append(each)
    JudgeScore.objects.bulk_create(scores, ignore_conflicts=True)
    _decide(run, ready)
    return again


def _learn(each, name, call):
    """Where the endpoint takes no schema, ask this judge again in the next simpler way; returns whether it will be."""
    ask = each.asks[name]
    if not learn_plainer(ask, call):
        return False
    each.asks[name] = _ask(each.prompt, ask.teacher, each.notes["rubrics"][name], ask.sample)
    return True


def _read(each):
    """(scores that could be read or were given up, whether something is to be asked again) of one work."""
    scores, again = [], False
    for rubric, call in list(each.calls.items()):
        if call.state == Call.State.FAILED:
            del each.calls[rubric]
            again = True
            continue
        try:
            content, refusal, _ = ledger.message_of(call)
            scores.append(_score(each, rubric, call, answers.parse_judgement(content or refusal)))
        except answers.JudgeUnreadable as error:
            ask = each.asks[rubric]
            if ask.sample == 0:
                each.asks[rubric] = ledger.Ask(ask.teacher, ask.body, sample=1)
                del each.calls[rubric]
                again = True
            else:
                scores.append(_score(each, rubric, call, None, error=str(error) or "unreadable"))
    return scores, again


def _score(each, rubric, call, judgement, error=""):
    said = judgement
    return JudgeScore(
        response=each.prompt.current_response,
        judge=each.notes["judges"][rubric],
        rubric=rubric,
        rubric_version=each.notes["rubrics"][rubric].sha256,
        call=call,
        score=said.score if said else None,
        dimensions=said.dimensions if said else {},
        flags=list(said.flags) if said else [],
        requires_human_review=said.requires_human_review if said else False,
        rationale=said.rationale if said else "",
        error=error,
    )


def undecided(project):
    """Prompts past the gate that its current version has not judged and no person has decided."""
    return recalling.undecided(_unjudged(project), project)


def _unjudged(project):
    return recalling.unmeasured(project, GateResult, gate_of(project), RECALLED)


def call_back(project, run):
    """Another gate: undecided prompts are judged again, by the scores that are known where the rubric is the same.

    Decided ones get the verdict of the new gate where they stand, from known scores alone; see `recalling.keep`.
    """
    recalling.recall(undecided(project), STATE, "regated", run)
    standing = list(_unjudged(project).decided_by_people().select_related("current_response__teacher"))
    for prompt in standing:
        prompt.project = project
    works = [each for each in prepare(run, standing) if not each.asks]
    return recalling.keep(GateResult, [(w.prompt, row) for w, row, _ in _verdicts(run, works)], run)


def _verdicts(run, works):
    """[(work, GateResult without an outcome, Verdict)] by the current gate."""
    project, ruleset = run.project, gate_of(run.project)
    gate, readings = load_gate(ruleset.body), _readings(works)
    found = []
    for each in works:
        response = each.prompt.current_response
        verdict = judge_verdict(readings[response.pk], list(project.judges), gate)
        row = GateResult(
            response=response,
            ruleset=ruleset,
            run=run,
            measurements=verdict.measurements,
            reasons=verdict.reasons,
            passed=verdict.passed,
        )
        found.append((each, row, verdict))
    return found


def _decide(run, works):
    """The gate's verdict on each response, stored with every reason; then each prompt goes on."""
    results, targets, details = [], {}, {}
    for each, row, verdict in _verdicts(run, works):
        row.outcome = _target(each.prompt, verdict)
        results.append(row)
        targets.setdefault(row.outcome, []).append(each.prompt)
        details[each.prompt.pk] = {"reasons": verdict.reasons}
    GateResult.objects.bulk_create(results, ignore_conflicts=True)
    run.count(gate_passed=sum(r.passed for r in results), gate_held=sum(not r.passed for r in results))
    for target, reached in targets.items():
        ids = [prompt.pk for prompt in reached]
        moved = send_on(run, ids, target, "gated", source=STATE, detail={pk: details[pk] for pk in ids})
        if target == State.ACCEPTED:
            _accept_by_policy([prompt for prompt in reached if prompt.pk in moved])


def _readings(works):
    """{response id: [Reading]} of this project's judges and rubric versions, unreadable ones included."""
    found = {each.prompt.current_response_id: [] for each in works}
    if not works:
        return found
    rubrics, judges = works[0].notes["rubrics"], works[0].notes["judges"]
    current = {(rubric, rubrics[rubric].sha256, judge.pk) for rubric, judge in judges.items()}
    for score in JudgeScore.objects.filter(response__in=found):
        if (score.rubric, score.rubric_version, score.judge_id) in current:
            found[score.response_id].append(
                Reading(score.rubric, score.score, tuple(score.flags), score.requires_human_review, score.error)
            )
    return found


def _target(prompt, verdict):
    """Where a judged prompt goes by the project's policy."""
    project = prompt.project
    if verdict.needs_people:
        return State.TO_REVIEW
    if not verdict.passed:
        return project.on_gate_fail
    imported = prompt.current_response.teacher.kind == Teacher.Kind.IMPORTED  # nobody here knows how it was made
    return State.ACCEPTED if _drawn(prompt) and not imported else State.TO_REVIEW


def _drawn(prompt):
    """Whether this prompt is in the share that is accepted without a person; a pair shares one draw."""
    draw = hashlib.sha256(f"auto-accept:{prompt.project.split_seed}:{prompt.group_key}".encode()).hexdigest()
    return int(draw[:8], 16) % 100 < prompt.project.auto_accept_percent


def _accept_by_policy(accepted):
    responses = [prompt.current_response for prompt in accepted]
    Resolution.objects.bulk_create(
        [
            Resolution(
                response=response,
                by=Resolution.By.POLICY,
                action="accept",
                text=response.text,
                reasons=["auto_accept"],
                applied_at=response.created_at,
            )
            for response in responses
        ],
        ignore_conflicts=True,
    )
