"""Where people disagree: the answers that drive it, by task and by reason."""

from collections import Counter
from dataclasses import dataclass
from itertools import combinations

from ..models import Prompt, State, TeacherResponse
from .alpha import Alpha, alpha_of

SHOWN = 20


@dataclass(frozen=True)
class Agreement:
    """How far people agree within a kind of task, or on everything (`name` empty)."""

    name: str
    compared: int
    equal: int
    alpha: Alpha

    @property
    def percent(self):
        return 100 * self.equal / self.compared if self.compared else None


def agreement_by_task(several):
    """[Agreement] on everything, then for each task type; `several` are rows of decisions.by_response."""
    tasks = sorted({rows[0].task_type for rows in several.values()})
    whole = [_agreement("", list(several.values()))]
    if len(tasks) < 2:
        return whole
    of_task = {task: [rows for rows in several.values() if rows[0].task_type == task] for task in tasks}
    return whole + [_agreement(task, units) for task, units in of_task.items()]


def _agreement(name, units):
    pairs = [pair for rows in units for pair in combinations((given.action for given in rows), 2)]
    alpha = alpha_of([given.action for given in rows] for rows in units)
    return Agreement(name, len(pairs), sum(one == other for one, other in pairs), alpha)


@dataclass(frozen=True)
class ReasonAgreement:
    """How far people name a reason together, on the answers that several decided.

    `named` answers had it from at least one person, `by_all` of them from everybody.
    """

    code: str
    named: int
    by_all: int
    alpha: Alpha

    @property
    def percent(self):
        return 100 * self.by_all / self.named


def agreement_by_reason(several):
    """[ReasonAgreement] of every reason that was named, the most named first."""
    named, by_all = Counter(), Counter()
    for rows in several.values():
        sets = [set(given.reasons) for given in rows]
        named.update(set.union(*sets))
        by_all.update(set.intersection(*sets))
    return [
        ReasonAgreement(code, number, by_all[code], alpha_of(_names(code, rows) for rows in several.values()))
        for code, number in sorted(named.items(), key=lambda item: (-item[1], item[0]))
    ]


def _names(code, rows):
    return [code in given.reasons for given in rows]


@dataclass(frozen=True)
class Disputed:
    """An answer on which people differ: `apart` of `compared` comparisons of two decisions."""

    prompt: Prompt
    attempt: int
    decisions: tuple  # (reviewer's name, action)
    apart: int
    compared: int

    @property
    def percent(self):
        return 100 * self.apart / self.compared


def drivers(several, most=SHOWN):
    """The Disputed answers that drive disagreement, the most divided first, then the newest; without those still open.

    Who has yet to decide on an answer is to do so alone, managers too.
    """
    ranked = []
    for response, rows in several.items():
        pairs = list(combinations((given.action for given in rows), 2))
        apart = sum(one != other for one, other in pairs)
        if apart:
            newest = max(given.created_at for given in rows)
            ranked.append((apart / len(pairs) * len(rows), newest, response, apart, len(pairs)))
    ranked.sort(reverse=True)
    found = []
    for start in range(0, len(ranked), 10 * most):
        part = ranked[start : start + 10 * most]
        responses = TeacherResponse.objects.select_related("prompt__document").in_bulk([row[2] for row in part])
        for _, _, pk, apart, compared in part:
            response = responses.get(pk)
            if response is None or _is_open(response):
                continue
            said = tuple((given.reviewer, given.action) for given in several[pk])
            found.append(Disputed(response.prompt, response.attempt, said, apart, compared))
            if len(found) == most:
                return found
    return found


def _is_open(response):
    return response.prompt.state == State.TO_REVIEW and response.prompt.current_response_id == response.pk
