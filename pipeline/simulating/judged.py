"""Answers that judges have read, one array for each thing known of them; and the band a gate puts each of them in."""

from dataclasses import dataclass
from statistics import fmean

import numpy

from pipeline.gate import ACCEPT_FROM, BANDS, PRECISE, SHORT, THRESHOLDS

REFUSE, PEOPLE, ACCEPT = range(len(BANDS))
UNDECIDED, REFUSED, ACCEPTED = -1, 0, 1
RUBRICS = tuple(SHORT)


@dataclass
class Judged:
    """Judged answers of a project, in the order of their ids.

    `scores` are by rubric, NaN where there is none; `spread` is the widest of any rubric; `held` says that people must
    look whatever the scores; `decided` what people decided (UNDECIDED, REFUSED, ACCEPTED); `current` that it is its
    prompt's present answer, `waiting` that this waits for people and nobody has decided on it.
    """

    responses: numpy.ndarray
    scores: dict[str, numpy.ndarray]
    spread: numpy.ndarray
    held: numpy.ndarray
    decided: numpy.ndarray
    current: numpy.ndarray
    waiting: numpy.ndarray
    all_versions: bool = False  # of the rubrics: the versions in force have no readings

    def __len__(self):
        return len(self.responses)

    @property
    def rubrics(self):
        """The rubrics that answers were read by."""
        return [rubric for rubric in RUBRICS if rubric in self.scores]

    @property
    def whole(self):
        """Whether each answer has a score by every rubric."""
        found = numpy.ones(len(self), bool)
        for scores in self.scores.values():
            found &= ~numpy.isnan(scores)
        return found


def score_of(readings):
    """(score, spread) of one rubric from [(judge, score)], as the gate computes them; NaN without a score."""
    if len(readings) == 1:
        return round(readings[0][1], PRECISE), 0.0
    if not readings:
        return numpy.nan, 0.0
    by_judge = {}
    for judge, score in readings:
        by_judge.setdefault(judge, []).append(score)
    scores = [score for _, score in readings]
    return round(fmean(map(fmean, by_judge.values())), PRECISE), round(max(scores) - min(scores), PRECISE)


def bands(judged, gate):
    """REFUSE, PEOPLE or ACCEPT for each answer: what `gate.judge_verdict` says of it."""
    people, low, reached = judged.held.copy(), numpy.zeros(len(judged), bool), numpy.ones(len(judged), bool)
    if gate["max_spread"] is not None:
        people |= judged.spread > gate["max_spread"]
    if gate["require_both"] and len(judged.rubrics) < len(RUBRICS):
        people[:] = True
    for rubric, scores in judged.scores.items():
        people |= numpy.isnan(scores)
        low |= scores < gate[THRESHOLDS[rubric]]
        reached &= scores >= (gate[ACCEPT_FROM[rubric]] or 0)
    found = numpy.where(reached, ACCEPT, PEOPLE)
    if gate["decides"]:
        found[low] = REFUSE
    else:
        found[:] = ACCEPT
    found[people] = PEOPLE
    return found.astype(numpy.int8)
