"""SampleGate: judges read each response; the gate decides from what they say."""

from dataclasses import replace

from curation.models import Call, FilterResult, GateResult, JudgeScore, Prompt, State
from pipeline import answers, teachers
from pipeline.answers.completions import read_completion
from pipeline.asks import Ask

from . import choosing, gating, recalling
from .adapting import learn
from .gating import gate_of
from .questions import all_known, asked_of, brought_up_to_date, works_of
from .sending import park, send_on
from .working import BATCH

STATE = State.TO_JUDGE
LOOKS_AT = ("current_response__teacher",)
RECALLED = (State.TO_REVIEW, State.TO_RESOLVE, State.TO_REGENERATE, State.REJECTED, State.ACCEPTED)


def room(run):
    """How many prompts the judges read at once; each reads every candidate, as often as the project says."""
    readers = run.project.readers
    if not readers:
        return BATCH  # scores came with the answers, or the judges are gone: nothing is asked
    slowest = min(judge.concurrency for _, judge, _ in readers)
    return max(1, slowest // (len(readers) * _candidates(run)))


def _candidates(run):
    """How many answers a prompt has, as the project asks for them; some failed, others were cut off and doubled."""
    return run.project.samples * (1 + run.project.more_teachers.count())


def prepare(run, waiting):
    """Ask each judge of each answer that passed the filters, except where its reading is known."""
    found = choosing.candidates_of(waiting)
    works = works_of(run.project, waiting, _to_judge(waiting, found))
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


def fix_rules(project):
    """Version 1 of the gate, before any prompt is locked: versions are made under the project's lock."""
    if project.is_gated:
        gating.gate_of(project)


def save(run, works):
    """Store the scores, ask once more where a reply could not be read, and let the gate decide on the rest.

    A candidate whose judge failed is out, while another has all its scores; a prompt is parked where none has. Where
    nobody was to read anything, people do.
    """
    for each in works:
        each.notes = brought_up_to_date(run.project, each.notes)
    unread = [each for each in works if not any(each.notes["wanted"][r.pk] for r in each.notes["responses"])]
    ids = [each.prompt.pk for each in unread]
    send_on(run, ids, State.TO_REVIEW, "gated", source=STATE, detail={"reasons": ["no_judges"]})
    scores, again, failed, ready = [], [], [], []
    for each in (each for each in works if each not in unread):
        scores += _read(each)
        out = {each.notes["of"][name][0].pk for name, call in each.calls.items() if call.error_class}
        each.notes["judged"] = [response for response in each.notes["responses"] if response.pk not in out]
        (ready if each.complete and each.notes["judged"] else failed if each.complete else again).append(each)
    park(run, failed)
    JudgeScore.objects.bulk_create(scores, ignore_conflicts=True)
    gating.decide(run, ready, source=STATE)
    return again


def _read(each):
    """The scores of one work that could be read or were given up; what is to be asked again has no call any more."""
    scores = []
    for name, call in list(each.calls.items()):
        if call.state == Call.State.FAILED:
            if learn(each.asks[name], call):
                each.asks[name] = _asked_anew(each, name)
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


def _asked_anew(each, name):
    """The same question in the shape that its judge takes, as a refusal has taught."""
    ask, (response, reader, _) = each.asks[name], each.notes["of"][name]
    each.notes["of"][name] = (response, reader, ask.teacher)  # whose profile says what was learned
    return asked_of(each, name, ask.sample)


def _second(ask, call):
    """What is asked after an unreadable reply: the same once more, with more room where the reply was cut off.

    The sample after its own is nobody else's: see `question`.
    """
    most = teachers.profile_of(ask.teacher).get("most_tokens")
    longer = teachers.bigger(ask.body, most) if call.finish_reason == "length" else None
    if longer:
        return Ask(ask.teacher, longer, ask.sample)
    return replace(ask, sample=ask.sample + 1)


def _score(each, name, said, error=""):
    response, reader, judge = each.notes["of"][name]
    rubric, version, _, repeat = reader
    return JudgeScore(
        response=response,
        judge=judge,
        rubric=rubric,
        rubric_version=version,
        repeat=repeat,
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


def standing(project):
    """Prompts that the current gate can judge by known scores and that stay where they are, whatever it says."""
    return recalling.standing(_unjudged(project), project).filter(all_known(project))


def call_back(project, run):
    """Another gate: undecided prompts are judged again, by the scores that are known where the rubric is the same.

    The others get the verdict of the new gate where they stand, from known scores alone, by the job: see
    `recalling.catch_up`. Returns how many those are.
    """
    recalling.recall(undecided(project), STATE, "regated", run)
    return recalling.expect(run, standing(project))


def measure_standing(run, prompt_ids):
    """Store the verdicts on these prompts' current answers, and count them."""
    prompts = list(Prompt.objects.filter(pk__among=prompt_ids).select_related("current_response__teacher"))
    for prompt in prompts:
        prompt.project = run.project
    works = works_of(run.project, prompts, {prompt.pk: [prompt.current_response] for prompt in prompts})
    known = [each for each in works if not each.asks and each.notes["wanted"][each.prompt.current_response_id]]
    for each in known:
        each.notes["judged"] = each.notes["responses"]
    recalling.keep(GateResult, gating.where_they_stand(run, known), run)
