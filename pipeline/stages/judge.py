"""SampleGate: two judges read each response; the gate decides from what they say."""

import hashlib
from dataclasses import replace

from curation.models import Call, FilterResult, GateResult, JudgeScore, Resolution, Ruleset, State, Teacher
from pipeline import answers, prompts, teachers
from pipeline.answers.completions import read_completion
from pipeline.asks import Ask, Work
from pipeline.gate import DEFAULTS, Reading, judge_verdict, load_gate

from . import choosing, recalling
from .adapting import learn
from .composing import template
from .sending import park, send_on
from .working import BATCH

STATE = State.TO_JUDGE
LOOKS_AT = ("current_response__teacher",)
RECALLED = (State.TO_REVIEW, State.TO_REGENERATE, State.REJECTED, State.ACCEPTED)


def gate_of(project):
    """The project's current gate; the default thresholds become version 1 at first use."""
    return project.gate_ruleset or Ruleset.record(project, Ruleset.Kind.GATE, load_gate(DEFAULTS), origin="defaults")


def room(run):
    """How many prompts the judges read at once; each reads every candidate."""
    judges = run.project.judges
    if not judges:
        return BATCH  # those who waited for judges that are gone: nothing is asked, they go to people
    return max(1, min(judge.concurrency for judge in judges.values()) // (len(judges) * _candidates(run)))


def _candidates(run):
    """How many answers a prompt has, as the project asks for them; some failed, others were cut off and doubled."""
    return run.project.samples * (1 + run.project.more_teachers.count())


def prepare(run, waiting):
    """Ask each judge of each answer that passed the filters, except where its score by this rubric is known."""
    found = choosing.candidates_of(waiting)
    works = _works(run, waiting, _to_judge(waiting, found))
    for each in works:
        each.notes["candidates"] = len(found[each.prompt.pk])
    return works


def _to_judge(waiting, found):
    """{prompt id: the candidates that passed the filters}; the current one where none is known to have."""
    may = choosing.standing(waiting, found)
    several = [response for responses in may.values() if len(responses) > 1 for response in responses]
    results = FilterResult.objects.filter(response__in=several).order_by("pk")
    passed = dict(results.values_list("response_id", "passed"))
    passing = {pk: [r for r in responses if passed.get(r.pk, True)] for pk, responses in may.items()}
    return {prompt.pk: passing[prompt.pk] or [prompt.current_response] for prompt in waiting}


def _works(run, waiting, responses):
    judges = run.project.judges
    rubrics = {rubric: template(run.project, f"judge_{rubric}") for rubric in judges}
    ids = [response.pk for several in responses.values() for response in several]
    scores = JudgeScore.objects.filter(response__in=ids)
    known = set(scores.values_list("response_id", "judge_id", "rubric", "rubric_version"))
    works = []
    for prompt in waiting:
        notes = {"rubrics": rubrics, "judges": judges, "responses": responses[prompt.pk], "of": {}, "tried": set()}
        work = Work(prompt, notes=notes)
        for response in responses[prompt.pk]:
            for rubric, judge in judges.items():
                if (response.pk, judge.pk, rubric, rubrics[rubric].sha256) not in known:
                    name = f"{rubric} of {response.pk}"
                    notes["of"][name] = (response, rubric)
                    work.asks[name] = question(prompt, response, judge, rubrics[rubric])
        works.append(work)
    return works


def question(prompt, response, judge, rubric, sample=0):
    """The Ask for a judge's reading of one answer by the version `rubric` of its template."""
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
    return Ask(judge, body, sample)


def save(run, works):
    """Store the scores, ask once more where a reply could not be read, and let the gate decide on the rest.

    A candidate whose judge failed is out, while another has all its scores; a prompt is parked where none has.
    """
    if not run.project.judges:
        ids = [each.prompt.pk for each in works]
        send_on(run, ids, State.TO_REVIEW, "gated", source=STATE, detail={"reasons": ["no_judges"]})
        return []
    scores, again, failed, ready = [], [], [], []
    for each in works:
        scores += _read(each)
        out = {each.notes["of"][name][0].pk for name, call in each.calls.items() if call.error_class}
        each.notes["judged"] = [response for response in each.notes["responses"] if response.pk not in out]
        (ready if each.complete and each.notes["judged"] else failed if each.complete else again).append(each)
    park(run, failed)
    JudgeScore.objects.bulk_create(scores, ignore_conflicts=True)
    _decide(run, ready)
    return again


def _read(each):
    """The scores of one work that could be read or were given up; what is to be asked again has no call any more."""
    scores = []
    for name, call in list(each.calls.items()):
        response, rubric = each.notes["of"][name]
        if call.state == Call.State.FAILED:
            if learn(each.asks[name], call):
                teacher, sample = each.asks[name].teacher, each.asks[name].sample
                each.asks[name] = question(each.prompt, response, teacher, each.notes["rubrics"][rubric], sample)
                del each.calls[name]
            continue
        try:
            said = read_completion(call.raw_reply)
            scores.append(_score(each, name, answers.parse_judgement(said.content or said.refusal)))
        except answers.JudgeUnreadable as error:
            if name in each.notes["tried"]:
                scores.append(_score(each, name, None, error=str(error) or "unreadable"))
            else:
                each.notes["tried"].add(name)
                each.asks[name] = _second(each.asks[name], call)
                del each.calls[name]
    return scores


def _second(ask, call):
    """What is asked after an unreadable reply: the same once more, with more room where the reply was cut off."""
    most = teachers.profile_of(ask.teacher).get("most_tokens")
    longer = teachers.bigger(ask.body, most) if call.finish_reason == "length" else None
    if longer:
        return Ask(ask.teacher, longer)
    return replace(ask, sample=ask.sample + 1)


def _score(each, name, said, error=""):
    response, rubric = each.notes["of"][name]
    return JudgeScore(
        response=response,
        judge=each.notes["judges"][rubric],
        rubric=rubric,
        rubric_version=each.notes["rubrics"][rubric].sha256,
        call=each.calls[name],
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
    decided = list(_unjudged(project).decided_by_people().select_related("current_response__teacher"))
    for prompt in decided:
        prompt.project = project
    works = _works(run, decided, {prompt.pk: [prompt.current_response] for prompt in decided})
    known = [each for each in works if not each.asks]
    for each in known:
        each.notes["judged"] = each.notes["responses"]
    return recalling.keep(GateResult, [(w.prompt, row) for w, ((row, _),) in _verdicts(run, known)], run)


def _verdicts(run, works):
    """[(work, [(GateResult without an outcome, Verdict) of each judged candidate])] by the current gate."""
    project, ruleset = run.project, gate_of(run.project)
    gate, readings = load_gate(ruleset.body), _readings(works)
    found = []
    for each in works:
        rows = []
        for response in each.notes["judged"]:
            verdict = judge_verdict(readings[response.pk], list(project.judges), gate)
            row = GateResult(
                response=response,
                ruleset=ruleset,
                run=run,
                measurements=verdict.measurements,
                reasons=verdict.reasons,
                passed=verdict.passed,
            )
            rows.append((row, verdict))
        found.append((each, rows))
    return found


def _decide(run, works):
    """The gate's verdict on each candidate, stored with every reason; then each prompt goes on with the best one."""
    results, chosen, targets, details = [], {}, {}, {}
    for each, rows in _verdicts(run, works):
        prompt = each.prompt
        best, verdict, why = choosing.by_scores(rows)
        best.outcome = _target(prompt, best.response, verdict)
        results += [row for row, _ in rows]
        chosen[prompt.pk] = best
        targets.setdefault(best.outcome, []).append(prompt)
        details[prompt.pk] = {"reasons": verdict.reasons} | choosing.words(best.response, each.notes["candidates"], why)
    GateResult.objects.bulk_create(results, ignore_conflicts=True)
    recalling.note_outcomes(GateResult, gate_of(run.project), list(chosen.values()))
    passed = sum(best.passed for best in chosen.values())
    run.count(gate_passed=passed, gate_held=len(chosen) - passed)
    choosing.make_current(run, [(w.prompt, chosen[w.prompt.pk].response) for w in works], source=STATE)
    for target, reached in targets.items():
        ids = [prompt.pk for prompt in reached]
        moved = send_on(run, ids, target, "gated", source=STATE, detail={pk: details[pk] for pk in ids})
        if target == State.ACCEPTED:
            _accept_by_policy([chosen[pk].response for pk in moved])


def _readings(works):
    """{response id: [Reading]} of this project's judges and rubric versions, unreadable ones included."""
    found = {response.pk: [] for each in works for response in each.notes["judged"]}
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


def _target(prompt, response, verdict):
    """Where a judged prompt goes by the project's policy."""
    project = prompt.project
    if verdict.needs_people:
        return State.TO_REVIEW
    if not verdict.passed:
        return project.on_gate_fail
    imported = response.teacher.kind == Teacher.Kind.IMPORTED  # nobody here knows how it was made
    return State.ACCEPTED if _drawn(prompt) and not imported else State.TO_REVIEW


def _drawn(prompt):
    """Whether this prompt is in the share that is accepted without a person; a pair shares one draw."""
    draw = hashlib.sha256(f"auto-accept:{prompt.project.split_seed}:{prompt.group_key}".encode()).hexdigest()
    return int(draw[:8], 16) % 100 < prompt.project.auto_accept_percent


def _accept_by_policy(responses):
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
