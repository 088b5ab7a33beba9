"""The calibration of a project: every judge by every rubric and dimension, people among each other, and the audit."""

from dataclasses import dataclass

import numpy

from curation import labels
from curation.agreement import krippendorff_alpha
from curation.models import GateResult, Teacher
from pipeline.gate import DEFAULTS, THRESHOLDS, load_gate
from pipeline.simulating import Share, kept

from .drawing import decided_of, readings_of, stands
from .figures import Figures, bias_by, confusion, figures, reliability, spread_of, terciles

GROUPS = 8  # teachers or domains, the largest


@dataclass(frozen=True)
class Row:
    """A kind of score with its Figures on all decisions, and on blind ones alone."""

    label: str
    everything: Figures
    blind: Figures


@dataclass(frozen=True)
class Judge:
    """One judge by one rubric. `biases` is [(by what, [Bias])]; the first of `rows` is the score as a whole."""

    name: str
    rubric: str
    threshold: float
    rows: list
    reliability: list
    biases: list
    spread: object

    @property
    def whole(self):
        """The Figures of the score as a whole, on all decisions."""
        return self.rows[0].everything


@dataclass(frozen=True)
class Calibration:
    """`answers` decided ones were looked at, `blind` of them with a blind decision; `cut` where there are older ones.

    `people` is Krippendorff's alpha of the reviewers' accepts on `several` answers that more than one decided; `audit`
    is {version of the gate: Share that people accepted of what its accept band sent them}.
    """

    answers: int
    blind: int
    cut: bool
    all_versions: bool
    judges: list
    people: float | None
    several: int
    audit: dict
    audit_waiting: int


def calibration_of(project):
    """The Calibration of `project`; kept until something new is stored."""
    return kept(f"calibrating:{project.pk}:{project.gate_ruleset_id}", project, lambda: _computed(project))


def _computed(project):
    answers, cut = decided_of(project)
    readings, all_versions = readings_of(project, list(answers))
    called = labels.dimensions(project)
    judges = [
        _judge(name, rubric, threshold, reads, answers, called.get(rubric, {}))
        for name, rubric, threshold, reads in _judges(project, readings)
    ]
    several = [answer.said for answer in answers.values() if len(answer.said) > 1]
    audit, audit_waiting = _audit(project)
    return Calibration(
        answers=len(answers),
        blind=sum(bool(answer.blind) for answer in answers.values()),
        cut=cut,
        all_versions=all_versions,
        judges=judges,
        people=_among_people(several),
        several=len(several),
        audit=audit,
        audit_waiting=audit_waiting,
    )


def confusions_of(project):
    """([(judge's name, rubric, Confusion of the whole score)], whether there are older decided answers besides).

    The same counts as the calibration's, without its intervals, which take most of its time.
    """
    answers, cut = decided_of(project)
    readings, _ = readings_of(project, list(answers))
    found = []
    for name, rubric, threshold, reads in _judges(project, readings):
        verdicts = [(read.score >= threshold, answers[pk].opinions[0][1]) for pk, read in reads.items()]
        told = numpy.array([both for both in verdicts if both[1] is not None], bool).reshape(-1, 2)
        found.append((name, rubric, confusion(told[:, 0], told[:, 1], threshold)))
    return found, cut


def _judges(project, readings):
    """(name, rubric, threshold, {response id: Read}) of each judge that a rubric of the gate was read by, in order."""
    names = dict(Teacher.objects.values_list("pk", "name"))
    gate = load_gate(project.gate_ruleset.body if project.gate_ruleset else DEFAULTS)
    for (judge, rubric), reads in sorted(readings.items(), key=lambda item: (item[0][1], names[item[0][0]])):
        if rubric in THRESHOLDS:
            yield names[judge], rubric, gate[THRESHOLDS[rubric]], reads


def _judge(name, rubric, threshold, reads, answers, called):
    pairs = [(answers[pk], read) for pk, read in reads.items()]
    found = {dimension for _, read in pairs for dimension in read.dimensions}
    # In the rubric's order; of what it does not name no order is known, as databases keep JSON in orders of their own.
    named = [name for name in called if name in found] + sorted(found - called.keys())
    rows = [_row("Score as a whole", [(a, read.score) for a, read in pairs], threshold, with_alpha=True)]
    for dimension in named:
        scored = [(a, read.dimension(dimension)) for a, read in pairs]
        label = called.get(dimension) or labels.words(dimension).capitalize()
        rows.append(_row(label, [(a, score) for a, score in scored if score is not None], threshold))
    seen = [answer for answer, _ in pairs]
    scores = [read.score for _, read in pairs]
    values, verdicts = zip(*(answer.opinions[0] for answer in seen), strict=True)
    thirds = terciles([answer.length for answer in seen])
    by_length = [third for _, third in sorted(zip((answer.length for answer in seen), thirds, strict=True))]
    groups = {
        "length": thirds,
        "teacher": [answer.teacher for answer in seen],
        "domain": [answer.domain or "no domain" for answer in seen],
    }
    order = {"length": dict.fromkeys(by_length), "teacher": (), "domain": ()}
    return Judge(
        name=name,
        rubric=rubric,
        threshold=threshold,
        rows=rows,
        reliability=reliability(scores, verdicts),
        biases=[(by, bias_by(of, scores, values, order[by])[:GROUPS]) for by, of in groups.items()],
        spread=spread_of([read.scores for _, read in pairs]),
    )


def _row(label, scored, threshold, *, with_alpha=False):
    both = []
    for place in (0, 1):
        known = [(score, *answer.opinions[place]) for answer, score in scored if answer.opinions[place][0] is not None]
        scores, values, verdicts = zip(*known, strict=True) if known else ((), (), ())
        both.append(figures(scores, values, verdicts, threshold, with_alpha=with_alpha and not place))
    return Row(label, *both)


def _among_people(several):
    """Krippendorff's alpha of people's accepts; each said is {reviewer: accepted}."""
    reviewers = sorted({reviewer for said in several for reviewer in said})
    return krippendorff_alpha([[said.get(reviewer) for said in several] for reviewer in reviewers])


def _audit(project):
    """({gate version: Share accepted}, how many still wait) of the accept band's answers that people were sent."""
    sent = GateResult.objects.filter(ruleset__in=list(project.rulesets.filter(kind="gate")), audit=True)
    rows = list(sent.order_by().values_list("ruleset__version", "response"))
    said = dict(stands({response for _, response in rows}))
    found = {}
    for version, response in rows:
        if response in said:
            hits, n = found.get(version, (0, 0))
            found[version] = hits + (said[response] == "accept"), n + 1
    waiting = len({response for _, response in rows} - said.keys())
    return {version: Share(*found[version]) for version in sorted(found, reverse=True)}, waiting
