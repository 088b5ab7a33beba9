"""Rows added up to what `validating` asks of a data set."""

from collections import Counter

from pipeline.validating import Counts, Share

from .looking import RULES


class Tally:
    """Counts rows as they come; keeps no text."""

    def __init__(self):
        self.cells, self.prompts_of = Counter(), Counter()
        self.prompts = self.answered = self.empty = self.duplicates = self.repeated = self.unreadable = 0
        self.looked = {question: [0, 0] for question in RULES}
        self._keys, self._answers = set(), set()

    def add(self, row):
        """One more Row."""
        self.prompts += 1
        self.prompts_of[row.domain, row.task_type] += 1
        self.duplicates += row.key is not None and _seen(row.key, self._keys)
        if not row.answered:
            return
        self.answered += 1
        self.cells[row.domain, row.task_type] += 1
        self.empty += row.empty
        self.repeated += not row.empty and _seen(row.digest, self._answers)
        for question, fine in row.looked.items():
            self.looked[question][0] += fine
            self.looked[question][1] += 1

    def counts(self, *, prompts=None, has_answers=True, cells=None, **more):
        """The Counts. `prompts` and `cells` are those of the whole data set where the rows are a part of it."""
        found = {
            "prompts": self.prompts if prompts is None else prompts,
            "answered": self.answered if has_answers else None,
            "cells": cells or self.cells or self.prompts_of,
            **{name: getattr(self, name) for name in ("empty", "duplicates", "repeated", "unreadable")},
            **{question: Share(*numbers) for question, numbers in self.looked.items()},
        }
        return Counts(**(found | more))


def _seen(value, known):
    before = len(known)
    known.add(value)
    return len(known) == before
