"""A sample of a project's answers with what the rules measured on them, one array for each rule."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy

from pipeline import filters

UNKNOWN = -1  # in Column.fine: not measured, or measured with other words and patterns than those in force


class Column(NamedTuple):
    """One rule over the rows of a sample: `values` (NaN where it is no number) and `fine` (1, 0 or UNKNOWN)."""

    values: numpy.ndarray
    fine: numpy.ndarray

    def take(self, rows):
        """The same of these rows alone."""
        return Column(self.values[rows], self.fine[rows])


@dataclass
class Sample:
    """Current answers of a project, drawn at random where there are too many to look at all.

    `total` says how many answers it stands for, `columns` are the measurements as stored, by rule. `decided` are those
    that people decided, `outdated` those without a verdict by the version in force, `small` the rows on which what is
    not stored is measured afresh. `identity` is (rules and size, newest verdict) of when it was drawn, `drawn_at` the
    seconds of the clock then.
    """

    identity: tuple
    drawn_at: float
    project_id: int
    total: int
    prompts: numpy.ndarray
    responses: numpy.ndarray
    tasks: tuple[str, ...]
    task: numpy.ndarray
    decided: numpy.ndarray
    outdated: numpy.ndarray
    columns: dict[str, Column]
    small: numpy.ndarray
    body: dict

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name not in ("rules", "everything")}

    def __len__(self):
        return len(self.prompts)

    @property
    def exact(self):
        """Whether it holds every answer that it stands for."""
        return len(self) == self.total

    @property
    def behind(self):
        """How many answers have no verdict by the version in force yet: {undecided, decided, exact}."""
        share = self.total / len(self) if len(self) else 0
        undecided, decided = (self.outdated & ~self.decided).sum(), (self.outdated & self.decided).sum()
        return {"undecided": round(undecided * share), "decided": round(decided * share), "exact": self.exact}

    @cached_property
    def rules(self):
        """The rules in force when it was drawn."""
        return filters.load_rules(self.body)

    @cached_property
    def everything(self):
        """The numbers of all rows."""
        return numpy.arange(len(self))

    def column(self, rule):
        """The stored measurements of a rule, all UNKNOWN where there are none."""
        if rule not in self.columns:
            return Column(numpy.full(len(self), numpy.nan), numpy.full(len(self), UNKNOWN, numpy.int8))
        return self.columns[rule]

    def of_task(self, task, rows):
        """Those of `rows` whose prompts are of this task type."""
        return rows[self.task[rows] == self.tasks.index(task)] if task in self.tasks else rows[:0]


def words_of(rule, settings):
    """The keywords of a rule apart from its limit, on which its measured value may depend."""
    return {each.keyword: settings[each.key] for each in rule.settings if each.keyword and each is not rule.limit}


def limit_of(rule, settings):
    """The number that a rule holds values to under these settings, or None where it has none."""
    return settings[rule.limit.key] if rule.limit else None
