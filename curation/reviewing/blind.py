"""The blind share: prompts whose judgements a reviewer sees only after deciding, so that judges can be held to people.

What is drawn depends on the seed and the prompt alone: it stays drawn when the share grows, and a pair shares a draw.
"""

import hashlib

from ..labels import words
from ..models import Annotation, Event, Pair, State

_DECIDED = (State.ACCEPTED, State.REJECTED, State.TO_RESOLVE)  # whoever could review it has: everybody may read on
_TELLING = ("gated", "regated", "same_reason_again")  # events that say how the scores were


def drawn(project, prompts):
    """Ids of those of `prompts` that are in the project's blind share."""
    if not project.blind_percent or not prompts:
        return set()
    keys = {prompt.pk: prompt.key for prompt in prompts}
    if project.paired:
        # The prompts themselves may be many; a join by their ids answers for all of them at once.
        keys |= dict(Pair.objects.filter(methodology__in=list(keys)).values_list("methodology", "hypothesis__key"))
    return {pk for pk, key in keys.items() if _draw(project, key) < project.blind_percent}


def _draw(project, key):
    return int(hashlib.sha256(f"blind:{project.split_seed}:{key}".encode()).hexdigest()[:8], 16) % 100


def hidden_from(user, project, prompts):
    """Ids of those of `prompts` whose judgements `user`, who may review, does not see yet.

    They are shown once the user decided on the current answer, or nobody is to decide any more.
    """
    found = drawn(project, [prompt for prompt in prompts if prompt.state not in _DECIDED])
    if not found:
        return found
    current = {prompt.current_response_id: prompt.pk for prompt in prompts if prompt.pk in found}
    return found - {current[pk] for pk in _decided_by(user, list(current))}


def hidden_in_check(prompt):
    """Whether a gold or repeated item is decided without its judgements: as it is, or was, the first time."""
    return bool(drawn(prompt.project, [prompt]))


def _decided_by(user, responses):
    """Ids of those of `responses` that this person ever decided on: they have seen what was hidden before."""
    given = Annotation.objects.filter(response__in=responses, reviewer=user, purpose=Annotation.Purpose.REVIEW)
    return given.values_list("response", flat=True).distinct()


def decides_blind(user, project, prompt, response):
    """Whether a decision of `user` on `response`, about to be stored, is made without having seen its judgements."""
    if not hidden_from(user, project, [prompt]):
        return False
    # Reopened ones lay open in between.
    return not Event.objects.filter(prompt=prompt, from_state__in=_DECIDED, at__gte=response.created_at).exists()


def hazards(scores):
    """What people must know whatever the judges' scores: safety flags, and whether a judge asks for a person."""
    flags = [words(flag) for score in scores for flag in score.flags if str(flag).lower().startswith("safety")]
    asks = ["a judge asks for a person"] if any(score.requires_human_review for score in scores) else []
    return list(dict.fromkeys(flags)) + asks


def without_judgements(event):
    """The event without the words that give scores away; not to be saved."""
    if event.kind in _TELLING:
        event.detail = {}
    return event
