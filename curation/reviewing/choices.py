"""What a person chose on one response, and whether it is a choice at all."""

from dataclasses import dataclass, field

from ..models.review import Action
from .reasons import known_reasons


@dataclass(frozen=True)
class Choice:
    """What a form says about one response. `version` is the reviewer's newest version when the form was made.

    `met` is {complaint id: whether the answer meets it}, of those that its reviewer has a word on.
    """

    response_id: int
    action: str
    reasons: tuple[str, ...] = ()
    edited_text: str | None = None
    comment: str = ""
    version: int = 0
    met: dict = field(default_factory=dict)


def checked(choice, project):
    """The choice, if it is one; raises ValueError saying what is wrong."""
    if choice.action not in Action.values:
        raise ValueError(f"{choice.action!r} is no decision: use {', '.join(Action.values)}.")
    known = known_reasons(project)
    unknown = [code for code in choice.reasons if code not in known]
    if unknown:
        raise ValueError(f"Unknown reasons {', '.join(unknown)}: use {', '.join(known)}.")
    if choice.action == Action.ACCEPT and choice.edited_text is not None and not choice.edited_text.strip():
        raise ValueError("An accepted text cannot be empty: put the text back, or reject the response.")
    return choice
