"""What managers do with many prompts at once. The verbs are the models' own; here is only which and how many."""

from collections.abc import Callable
from dataclasses import dataclass

from .models import Prompt, State
from .reviewing import reopen

AT_ONCE = 5000  # prompts one press touches at most, so that it ends within a request


@dataclass(frozen=True)
class Action:
    """A bulk action: which of the chosen prompts it touches, and the verb."""

    label: str
    states: tuple
    verb: Callable
    needs_reason: bool
    says: str

    def touches(self, prompts):
        """Those of `prompts` that would change."""
        return prompts.in_state(*self.states)

    def carry_out(self, prompts, user, reason):
        """Do it, oldest first, at most AT_ONCE of them; returns how many changed."""
        chosen = list(self.touches(prompts).order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
        return sum(self.verb(chosen[start : start + 1000], user, reason) for start in range(0, len(chosen), 1000))


def _retry(ids, user, reason):
    return Prompt.objects.filter(pk__in=ids).unpark(actor=user, reason=reason)


def _reopen(ids, user, reason):
    prompts = Prompt.objects.filter(pk__in=ids).exclude(current_response=None).select_related("project")
    return sum(reopen(prompt, user, reason) for prompt in prompts)


ACTIONS = {
    "retry": Action("Retry parked", (State.PARKED,), _retry, False, "They wait again for the stage that parked them."),
    "reopen": Action(
        "Reopen",
        (State.ACCEPTED, State.REJECTED),
        _reopen,
        True,
        "They go back to review. Earlier decisions stay on record and count no more.",
    ),
}
