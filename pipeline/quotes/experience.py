"""What this project's own answers say of the next ones; where there are none yet, an estimate that says so."""

from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean

from curation.models import Call, FilterResult, GateResult, JudgeScore, State, TeacherResponse
from curation.models.response import LONGER
from pipeline.stages.questions import TRIES
from pipeline.teachers import default_profile, estimate_input

from .amounts import Amount, share_of, sum_of_draws

ENOUGH = 5  # answers from which percentiles are taken
NEWEST = 400
COMPARED = 100  # of them, whose requests are read to compare the estimate of their tokens
OUTPUT = {
    "hypothesis": Amount(80, 170, 320),
    "methodology": Amount(250, 480, 800),
    "judge": Amount(80, 160, 300),
    "other": Amount(60, 250, 800),
}
REASONING = Amount(300, 1000, 3000)  # tokens that a reasoning model writes before its answer
INPUT = Amount(0.85, 1.0, 1.2)  # real tokens to estimated ones, where an endpoint is not known yet
OTHER_LENGTHS = Amount(0.98, 1.0, 1.02)  # what stands around every text weighs more where texts are short
PASSES = Amount(0.4, 0.8, 1.0)  # of the answers, where nothing was measured yet
SECONDS_BEFORE, TOKENS_A_SECOND = 1.0, 50.0  # an endpoint nobody has timed


@dataclass
class Experience:
    """Answers of one teacher for one purpose in this project, the newest first."""

    teacher: object
    purpose: object
    outputs: list = field(default_factory=list)
    seconds: list = field(default_factory=list)
    first: int = 0  # calls that were a first try
    asked_again: int = 0  # of them, that were followed by a second one
    calls: list = field(default_factory=list)

    @property
    def is_enough(self):
        return len(self.outputs) >= ENOUGH

    @property
    def each(self):
        """Output tokens of one answer, as p10, p50 and p90 of their mean."""
        if self.is_enough:
            return Amount.exactly(fmean(self.outputs))
        task = "judge" if self.purpose.kind == "judge" else self.purpose.of
        guess = OUTPUT.get(task, OUTPUT["other"])
        profile = default_profile(self.teacher.model) | self.teacher.profile
        return guess if profile["sampling"] else guess + REASONING

    def output(self, calls):
        """Output tokens of so many (an Amount) calls."""
        return sum_of_draws(calls, self.outputs) if self.is_enough else calls * self.each

    def again(self, calls):
        """How many calls come on top of `calls`: judges asked a second time, answers that were cut off."""
        if not self.is_enough or not self.asked_again or not calls.mid:
            return Amount()
        return calls * share_of(calls.mid, self.asked_again, self.first)

    @cached_property
    def ratios(self):
        """Real to estimated input tokens of the newest answers."""
        rows = Call.objects.filter(pk__in=self.calls[:COMPARED], prompt_tokens__gt=0)
        return [
            used / max(1, estimate_input(request))
            for request, used in rows.values_list("request", "prompt_tokens")
            if request.get("messages")
        ]

    @property
    def is_calibrated(self):
        return len(self.ratios) >= ENOUGH

    def input(self, calls, about):
        """Input tokens of calls that are estimated at `about` tokens together."""
        if not self.is_calibrated or not calls.mid:
            return about * INPUT
        whole = about * sum_of_draws(calls, self.ratios) * OTHER_LENGTHS
        parts = zip(whole.percentiles, calls.percentiles, strict=True)
        return Amount(*(each / number if number else 0.0 for each, number in parts))


def of_answers(project, teacher, purpose):
    """The Experience with a teacher's answers of this task type; those of the same stage where there are enough."""
    rows = TeacherResponse.objects.filter(
        prompt__project=project,
        prompt__task_type=purpose.of,
        teacher=teacher,
        call__isnull=False,
        completion_tokens__isnull=False,
    ).order_by("-pk")
    names = ("call_id", "completion_tokens", "latency_ms", "metadata", "run__stage")
    by_call = {row[0]: row for row in reversed(rows.values_list(*names)[:NEWEST])}
    found = list(reversed(by_call.values()))
    same = [row for row in found if (row[4] == "regenerate") == (purpose.kind == "regeneration")]
    chosen = same if len(same) >= ENOUGH else found
    cut_off = sum(LONGER in row[3] for row in chosen)
    return Experience(
        teacher,
        purpose,
        outputs=[row[1] for row in chosen],
        seconds=[row[2] / 1000 for row in chosen if row[2]],
        first=len(chosen) - cut_off,
        asked_again=cut_off,
        calls=[row[0] for row in chosen],
    )


def of_judgements(project, teacher, purpose):
    """The Experience with a judge by this rubric."""
    rows = JudgeScore.objects.filter(
        response__prompt__project=project,
        judge=teacher,
        rubric=purpose.of,
        call__completion_tokens__isnull=False,
    ).order_by("-pk")
    names = ("call_id", "call__completion_tokens", "call__latency_ms", "call__sample_index", "repeat")
    found = list({row[0]: row for row in rows.values_list(*names)[:NEWEST]}.values())
    return Experience(
        teacher,
        purpose,
        outputs=[row[1] for row in found],
        seconds=[row[2] / 1000 for row in found if row[2]],
        first=len(found),
        asked_again=sum(row[3] > TRIES * row[4] for row in found),
        calls=[row[0] for row in found],
    )


def experience_of(project, teacher, purpose):
    """What this project knows of a teacher for a purpose; never what another project paid for."""
    return (of_judgements if purpose.kind == "judge" else of_answers)(project, teacher, purpose)


def passing(project, gate, number):
    """Which share of `number` answers passes the `filters` or the `gate`, by what was measured in this project."""
    if gate == "gate" and not project.is_gated:
        return Amount.exactly(1)
    if gate == "gate":
        rows = GateResult.objects.exclude(outcome="")
        rows = rows.order_by("-pk").filter(response__prompt__project=project).values_list("outcome", flat=True)
        measured = [outcome in (State.TO_REVIEW, State.ACCEPTED) for outcome in rows[:NEWEST]]
    else:
        rows = FilterResult.objects.filter(response__prompt__project=project).order_by("-pk")
        measured = list(rows.values_list("passed", flat=True)[:NEWEST])
    return share_of(number, sum(measured), len(measured)) if len(measured) >= ENOUGH else PASSES


def seconds_of(experiences):
    """(seconds a call takes on average, whether that was measured) of one teacher's experiences."""
    seen = [seconds for each in experiences for seconds in each.seconds]
    if seen:
        return fmean(seen), True
    return SECONDS_BEFORE + max(each.each.mid for each in experiences) / TOKENS_A_SECOND, False
