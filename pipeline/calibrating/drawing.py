"""The newest decided answers of a project with what people said, and what each judge read in them."""

from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean

from django.db.models import Max
from django.db.models.functions import Length

from curation.models import Annotation, JudgeScore, Resolution, Teacher, TeacherResponse
from pipeline.simulating import versions

MOST = 20_000  # answers, those that were decided last
AT_ONCE = 5_000


@dataclass
class Answer:
    """One decided answer. `said` and `blind` are {reviewer: accepted it}, of all decisions and of blind ones alone."""

    teacher: str
    domain: str
    length: int
    said: dict = field(default_factory=dict)
    blind: dict = field(default_factory=dict)
    settled: bool | None = None  # what stands by consensus or an adjudicator

    @cached_property
    def opinions(self):
        """((value, verdict) of all decisions, the same of blind ones alone).

        The value is the share that accepts, × 100, None without a decision; the verdict what stands, else most of the
        decisions, None where they are split.
        """
        value, blind = _accepting(self.said), _accepting(self.blind)
        return (value, _most(value) if self.settled is None else self.settled), (blind, _most(blind))


def _accepting(said):
    return 100 * fmean(said.values()) if said else None


def _most(value):
    return None if value in (None, 50) else value > 50


@dataclass
class Read:
    """One judge's reading of one answer by one rubric: means over repeats, and each repeat's score."""

    scores: list = field(default_factory=list)
    dimensions: dict = field(default_factory=dict)

    @property
    def score(self):
        return fmean(self.scores)

    def dimension(self, name):
        """The mean of a dimension over repeats; None where it was not given as a number."""
        values = self.dimensions.get(name)
        return fmean(values) if values else None


def decided_of(project):
    """({response id: Answer}, whether there are older ones besides) of the newest decided answers."""
    given = Annotation.objects.filter(purpose=Annotation.Purpose.REVIEW, current=True).order_by()
    of_project = given.filter(response__prompt__project=project)
    newest = of_project.values("response").annotate(newest=Max("pk")).order_by("-newest")
    ids = list(newest.values_list("response", flat=True)[: MOST + 1])
    cut, ids = len(ids) > MOST, ids[:MOST]
    names, answers = dict(Teacher.objects.values_list("pk", "name")), {}
    for part in _parts(ids):
        rows = TeacherResponse.objects.filter(pk__in=part).order_by()
        for pk, teacher, domain, length in rows.values_list("pk", "teacher_id", "prompt__domain", Length("text")):
            answers[pk] = Answer(names.get(teacher, ""), domain, length)
        decisions = given.filter(response__in=part).values_list("response", "reviewer", "action", "blind")
        for pk, reviewer, action, blind in decisions:
            answers[pk].said[reviewer] = action == "accept"
            if blind:
                answers[pk].blind[reviewer] = action == "accept"
        for pk, action in stands(part):
            answers[pk].settled = action == "accept"
    return answers, cut


def stands(responses):
    """[(response id, action)] of what people settled on these responses."""
    by = (Resolution.By.CONSENSUS, Resolution.By.ADJUDICATOR)
    settled = Resolution.objects.filter(current=True, by__in=by).order_by().values_list("response", "action")
    return [row for part in _parts(list(responses)) for row in settled.filter(response__in=part)]


def readings_of(project, ids):
    """({(judge id, rubric): {response id: Read}}, whether they are of all versions) of these answers.

    By the rubrics in force and as they came with a file; where those have no readings, by every version.
    """
    current = set(versions(project).values()) | {JudgeScore.IMPORTED}
    in_force, others = {}, {}
    columns = ("response", "judge", "rubric", "rubric_version", "score", "dimensions")
    for part in _parts(ids):
        rows = JudgeScore.objects.filter(response__in=part, score__isnull=False).order_by("pk")
        for pk, judge, rubric, version, score, dimensions in rows.values_list(*columns):
            into = in_force if version in current else others
            read = into.setdefault((judge, rubric), {}).setdefault(pk, Read())
            read.scores.append(score)
            for name, value in (dimensions or {}).items():
                if isinstance(value, int | float) and not isinstance(value, bool):
                    read.dimensions.setdefault(name, []).append(value)
    return (in_force, False) if in_force else (others, bool(others))


def _parts(ids):
    return [ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE)]
