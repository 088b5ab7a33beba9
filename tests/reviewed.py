"""What tests of reviewing share: prompts to review, who is given which first, and decisions."""

from curation.models import State
from curation.reviewing import Choice, ReviewItem, claim_next, submit
from tests import factories


def to_review(project, number=1):
    """New prompts that wait for review."""
    return [factories.prompt(project, State.TO_REVIEW) for _ in range(number)]


def first(project, user):
    """The id of the prompt that `user` is given now, or None."""
    item = claim_next(project, user)
    return item.prompts[0].pk if isinstance(item, ReviewItem) else None


def decide(project, user, prompt, action="accept"):
    """Send in one decision; a second one of the same person on the same prompt is the first one again."""
    prompt.refresh_from_db()
    return submit(project, user, [Choice(prompt.current_response_id, action)], idempotency_key=f"{user}{prompt.pk}")
