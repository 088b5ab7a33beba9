"""A project counted for its data page: what a grouped query can tell of all of it, the rest of a sample."""

import random
from collections import Counter
from dataclasses import dataclass
from itertools import islice

from django.db.models import Count, Max, Min

from curation.models import Fingerprint
from pipeline.resemblance.fingerprints import sizes

from .keeping import kept
from .rows import rows_of_project

MOST = 20_000  # answers that are looked at one by one
AFRESH = 500  # of them, those that the rules are measured on where nothing is stored
SPARSE = 3  # ids in the span for each answer, beyond which drawing from the span is not worth it


@dataclass(frozen=True)
class Census:
    """`groups` are [(domain, task type, teacher, finish reason, prompts, answers)] of the whole project.

    `rows` are its answers one by one, or a part of them drawn at random.
    """

    groups: list
    rows: list

    @property
    def prompts(self):
        return sum(prompts for *_, prompts, _ in self.groups)

    @property
    def answers(self):
        return sum(answers for *_, answers in self.groups)

    @property
    def exact(self):
        """Whether every answer was looked at."""
        return len(self.rows) == self.answers

    def cells(self, place):
        """{(domain, task type): prompts or answers}, by their `place` in a group from its end: -2 or -1."""
        found = Counter()
        for group in self.groups:
            found[group[0], group[1]] += group[place]
        return found


def census_of(project, look, most=MOST):
    """The Census of a project, Kept."""
    return kept(project, "census", lambda: _counted(project, look, most), most)


def _counted(project, look, most):
    groups = _groups(project)
    ids = _drawn(project, sum(answers for *_, answers in groups), most)
    return Census(groups, list(islice(rows_of_project(project, look, ids, AFRESH), most)))


def _groups(project):
    named = ("domain", "task_type", "current_response__teacher__name", "current_response__finish_reason")
    counted = project.prompts.order_by().values_list(*named)
    return list(counted.annotate(prompts=Count("pk"), answers=Count("current_response")))


def _drawn(project, answers, most):
    """Ids of prompts to look at, all or about `most`, in no order, so that the first are as good as any.

    Of many they are drawn from the span of the project's ids, without reading them. Not every id of it is an answered
    prompt of this project, so more are drawn; where few are, the ids are read after all.
    """
    dice = random.Random(project.pk)
    span = project.prompts.aggregate(low=Min("pk"), high=Max("pk"))
    ids = range(span["low"] or 0, (span["high"] or 0) + 1)
    if answers <= most or len(ids) > SPARSE * answers:
        answered = project.prompts.filter(current_response__isnull=False).order_by("pk")
        ids = list(answered.values_list("pk", flat=True))
        return dice.sample(ids, min(most, len(ids)))
    return dice.sample(ids, min(len(ids), round(1.02 * most * len(ids) / answers)))


def cells_of(project):
    """{(domain, task type): prompts} of a project, answered or not."""
    counted = project.prompts.order_by().values_list("domain", "task_type").annotate(n=Count("pk"))
    return {(domain, task): number for domain, task, number in counted}


def clusters_of(project, kinds=Fingerprint.Kind):
    """{kind: (clusters, members)} of a project's near-duplicates: the clusters that their own page shows.

    A member is a unit, such as a pair: the two prompts of one source resemble each other, and are no duplicates.
    """
    found = {}
    for kind in kinds:
        if by_size := sizes(project, kind):
            found[str(kind)] = (sum(by_size.values()), sum(size * number for size, number in by_size.items()))
    return found
