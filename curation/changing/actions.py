"""The bulk actions: which of the chosen prompts each one touches, and why it leaves the others."""

from collections import Counter
from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone

from ..models import Run, State
from . import deeds

PREVIEW_CAP = 100_000  # prompts that a preview counts; the run counts them all
OPEN = (State.TO_FILTER, State.TO_JUDGE, State.TO_REGENERATE)


def _in_hand():
    return Q(run__state__in=Run.LIVE) | Q(lease_until__gt=timezone.now())


UNANSWERED = ("they have no answer to review", lambda: Q(current_response=None))
WITHDRAWN = ("they were withdrawn for good", lambda: Q(withdrawal__isnull=False))
IN_HAND = ("a run has them in hand", _in_hand)
PINNED = ("they are pinned already", lambda: Q(pinned=True))
UNPINNED = ("they are not pinned", lambda: Q(pinned=False))


@dataclass(frozen=True)
class Action:
    """A bulk action. `deed(change, prompts, locked)` changes locked prompts and returns a ChangeItem for each changed.

    `hurdles` are (why prompts in its states are left all the same, what makes their condition). `takes_codes`: it takes
    the project's reason codes beside the reason in words.
    """

    label: str
    states: tuple
    says: str
    done: str
    deed: object
    hurdles: tuple = ()
    needs_reason: bool = False
    needs_people: bool = False
    takes_codes: bool = False

    def touches(self, prompts):
        """Those of `prompts` that would change."""
        prompts = prompts.in_state(*self.states)
        for _, condition in self.hurdles:
            prompts = prompts.exclude(condition())
        return prompts

    @property
    def where(self):
        """The states of the prompts that it touches, in words."""
        names = [State(state).label.lower() for state in self.states]
        return " or ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


@dataclass(frozen=True)
class Preview:
    """What an action would come to: of `chosen` prompts it touches `touched`; `left` are (how many, why) of the others.

    Beyond PREVIEW_CAP nothing is counted to its end: `capped` says so, and `left` is then empty.
    """

    chosen: int
    touched: int
    left: tuple[tuple[int, str], ...]
    capped: bool = False


def preview(action, prompts):
    """The Preview of `action` over a queryset of prompts."""
    states = Counter(prompts.order_by().values_list("state", flat=True)[: PREVIEW_CAP + 1])
    chosen = states.total()
    ready = _count(action.touches(prompts))
    if chosen > PREVIEW_CAP:
        return Preview(PREVIEW_CAP, min(ready, PREVIEW_CAP), (), capped=True)
    left = [
        (number, f"they are {State(state).label.lower()}")
        for state, number in states.most_common()
        if state not in action.states
    ]
    rest = prompts.in_state(*action.states)
    for why, condition in action.hurdles:
        number = _count(rest.filter(condition()))
        rest = rest.exclude(condition())
        left += [(number, why)] if number else []
    return Preview(chosen, ready, tuple(left))


def _count(prompts):
    return prompts.order_by().values("pk")[: PREVIEW_CAP + 1].count()


ACTIONS = {
    "review": Action(
        "Send to review",
        OPEN,
        "People decide on the answer as it is, whatever filters, SampleGate or another attempt would have said.",
        "sent to review",
        deeds.send_to_review,
        (IN_HAND,),
    ),
    "reopen": Action(
        "Reopen",
        (State.ACCEPTED, State.REJECTED),
        "They go back to review. Earlier decisions stay on record and count no more.",
        "reopened",
        deeds.reopen,
        (WITHDRAWN, UNANSWERED),
        needs_reason=True,
    ),
    "assign": Action(
        "Assign",
        (State.TO_REVIEW,),
        "Each comes first in the queue of one of the people you name, who take turns, and a place is kept for them.",
        "assigned",
        deeds.assign,
        needs_people=True,
    ),
    "pin": Action(
        "Pin",
        (State.TO_REVIEW,),
        "They come before everything else that waits for review.",
        "pinned",
        deeds.pin,
        (PINNED,),
    ),
    "unpin": Action(
        "Unpin",
        (State.TO_REVIEW,),
        "They take their ordinary place in the queue.",
        "unpinned",
        deeds.unpin,
        (UNPINNED,),
    ),
    "reject": Action(
        "Reject",
        tuple(state for state in State if state != State.REJECTED),
        "They are rejected in your name, a rejected hypothesis with its methodology, and are in no further release.",
        "rejected",
        deeds.reject,
        (IN_HAND,),
        needs_reason=True,
        takes_codes=True,
    ),
    "retry": Action(
        "Retry parked",
        (State.PARKED,),
        "They wait again for the stage that parked them.",
        "put back",
        deeds.retry,
    ),
}


def label(change):
    """What a Change was, in a few words."""
    return ACTIONS[change.action].label if change.action in ACTIONS else "One edit in several answers"
