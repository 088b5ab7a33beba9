"""What a run would ask, composed by the stages' own functions, without writing or asking anything."""

from dataclasses import dataclass

from curation.models import Call, Pair, Run, State, TeacherResponse
from pipeline import teachers
from pipeline.asks import Ask
from pipeline.stages import again, collect, judge, questions, regenerate
from pipeline.stages.composing import only_looking

# What a methodology's hypothesis must still pass before it is asked, by the state the hypothesis is in.
AHEAD = {State.TO_COLLECT: ("filters", "gate"), State.TO_FILTER: ("filters", "gate"), State.TO_JUDGE: ("gate",)}


@dataclass(frozen=True)
class Purpose:
    """What a call is for: answer, regeneration or judge; of which task type, or by which rubric."""

    kind: str
    of: str


@dataclass
class Foreseen:
    """A call that a prompt would lead to, if it passes the gates named in `chance`.

    `reads` is the line of an answer that does not exist yet and will be part of the request.
    """

    ask: Ask
    purpose: Purpose
    chance: tuple = ()
    reads: tuple | None = None
    reused: bool = False  # the ledger has its answer already

    @property
    def line(self):
        """What has one price and one experience: (teacher id, Purpose)."""
        return (self.ask.teacher.pk, self.purpose)

    @property
    def tokens(self):
        """About how many input tokens."""
        return teachers.estimate_input(self.ask.body)

    @property
    def least_tokens(self):
        """The same without the schema: not every endpoint counts it."""
        return teachers.estimate_input({"messages": self.ask.body["messages"]})


def foresee(project, stage, prompts, parameters):
    """For each of `prompts` the list of Foreseen calls of a run of `stage`; empty where it would ask nothing.

    Raises StopRun where there is no teacher.
    """
    run = Run(project=project, stage=stage, parameters=parameters)
    for prompt in prompts:
        prompt.project = project
    with only_looking():
        found = {prompt.pk: [] for prompt in prompts}
        for pk, calls in _STAGES[stage](run, prompts):
            found[pk] += calls
    if not parameters.get("fresh"):
        _mark_reused(found.values())
    return [found[prompt.pk] for prompt in prompts]


def of_works(works, kind):
    """The Foreseen calls of works that are composed already, each prompt's in a list; `kind` as in Purpose."""
    found = [_answers(work.prompt, work, kind) for work in works]
    _mark_reused(found)
    return found


def _collect(run, prompts):
    if "again" in run.parameters:
        prompts = again.of_another_payload(run, prompts)
    for prompt, work, _ in collect.asks_of(run, prompts):
        yield prompt.pk, _answers(prompt, work, "answer")


def _regenerate(run, prompts):
    for prompt, work, _ in regenerate.asks_of(run, prompts):
        yield prompt.pk, _answers(prompt, work, "regeneration")


def _answers(prompt, work, kind, chance=()):
    asks = work.asks.values() if work else ()  # what cannot be composed will be parked
    return [Foreseen(ask, Purpose(kind, prompt.task_type), chance) for ask in asks]


def _judge(run, prompts, chance=()):
    if run.project.judges:
        for work in judge.prepare(run, prompts):
            asks = [(work.notes["of"][name][1].rubric, ask) for name, ask in work.asks.items()]
            yield work.prompt.pk, [Foreseen(ask, Purpose("judge", rubric), chance) for rubric, ask in asks]


def _pipeline(run, prompts):
    by_state = {state: [prompt for prompt in prompts if prompt.state == state] for state in AHEAD}
    yield from _judge(run, by_state[State.TO_JUDGE])
    yield from _judge(run, by_state[State.TO_FILTER], ("filters",))
    unasked = by_state[State.TO_COLLECT]
    ahead = _ahead(unasked)
    for prompt, work, _ in collect.asks_of(run, unasked):
        chance = ahead.get(prompt.pk, ())
        if chance is not None:
            answers = _answers(prompt, work, "answer", chance)
            yield prompt.pk, answers
            yield prompt.pk, _judgements(run.project, prompt, answers)


def _ahead(prompts):
    """{prompt id: what its hypothesis must pass first} of paired methodologies; None: not in this run."""
    pairs = Pair.objects.filter(methodology__in=[prompt.pk for prompt in prompts], project__paired=True)
    states = pairs.exclude(hypothesis__state__in=(State.TO_REVIEW, State.TO_RESOLVE, State.ACCEPTED))
    return {pk: AHEAD.get(state) for pk, state in states.values_list("methodology_id", "hypothesis__state")}


def _judgements(project, prompt, answers):
    """What the judges would be asked of answers that do not exist yet."""
    found, unwritten = [], TeacherResponse(text="")
    sheets = {rubric: questions.sheet(project, rubric) for rubric in project.judges}
    for rubric, teacher, repeat in project.readers:
        ask = questions.question(prompt, unwritten, teacher, sheets[rubric], repeat)
        for answer in answers:
            found.append(Foreseen(ask, Purpose("judge", rubric), (*answer.chance, "filters"), reads=answer.line))
    return found


def _mark_reused(found):
    """Note which calls the ledger has answered already, in whichever project: they are not bought again."""
    calls = {call.ask.identity: call for each in found for call in each if not call.reads}
    rows = Call.objects.filter(payload_hash__in={digest for digest, _ in calls}, state=Call.State.ANSWERED)
    for identity in rows.values_list("payload_hash", "sample_index"):
        if identity in calls:
            calls[identity].reused = True


_STAGES = {"collect": _collect, "regenerate": _regenerate, "judge": _judge, "pipeline": _pipeline}
