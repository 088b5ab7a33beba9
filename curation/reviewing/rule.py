"""Consensus as a pure rule: decisions in, outcome out. No database, no clock."""

import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import Any

MAJORITY, UNANIMITY = "majority", "unanimity"
ACCEPT = "accept"


@dataclass(frozen=True)
class Decision:
    """One person's current decision: `text` is what they would have released, edited or not."""

    action: str
    text: str = ""
    source: Any = None  # the annotation behind it; the rule does not look at it


@dataclass(frozen=True)
class Outcome:
    """What the decisions amount to.

    `action` is what was agreed, else None. `missing` decisions are still to come; with none missing and no action,
    people disagree and an adjudicator decides. `text` is the authoritative text of an agreed accept.
    """

    action: str | None
    deciding: tuple[Decision, ...] = ()
    surplus: tuple[Decision, ...] = ()
    missing: int = 0
    text: str = ""

    @property
    def agreed(self):
        return self.action is not None

    @property
    def disagreed(self):
        return self.action is None and not self.missing


def same_text(text):
    """The text as it counts when two are compared: NFC, \\n line ends, white space at the ends of lines aside."""
    lines = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
    return "\n".join(line.rstrip() for line in lines).rstrip()


def consensus(decisions, required, mode=MAJORITY):
    """The outcome of `decisions`, the oldest first, where `required` of them decide under `mode`.

    The first `required` decide once all are in; later ones are surplus. A majority is more than half of `required`
    naming one action, unanimity is all. Accepts that agree must also agree on the text.
    """
    if required < 1:
        raise ValueError(f"{required} decisions cannot decide: at least 1 is required.")
    if mode not in (MAJORITY, UNANIMITY):
        raise ValueError(f"{mode!r} is no way to agree: use {MAJORITY} or {UNANIMITY}.")
    deciding, surplus = tuple(decisions[:required]), tuple(decisions[required:])
    if len(deciding) < required:
        return Outcome(None, deciding, missing=required - len(deciding))
    action, votes = Counter(decision.action for decision in deciding).most_common(1)[0]
    if votes < required if mode == UNANIMITY else votes * 2 <= required:
        return Outcome(None, deciding, surplus)
    if action != ACCEPT:
        return Outcome(action, deciding, surplus)
    texts = [decision.text for decision in deciding if decision.action == ACCEPT]
    if len({same_text(text) for text in texts}) > 1:
        return Outcome(None, deciding, surplus)
    return Outcome(action, deciding, surplus, text=texts[0])
