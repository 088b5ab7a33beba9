"""What a filter rule is given and what it gives back."""

import math
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as the rules see it. A missing text (None, NaN) is an empty text, never the word "nan".

    `tokens` are completion tokens as billed, without reasoning tokens; None where the endpoint did not say,
    or where a person has edited the text since. `parsed` are the fields of a structured answer. For a methodology,
    `hypothesis` is the text of the hypothesis it is to test, and `hypothesis_fields` that one's fields.
    """

    text: str
    task_type: str = ""
    context: str = ""
    tokens: int | None = None
    finish_reason: str = ""
    refusal: str = ""
    parsed: dict | None = None
    hypothesis: str = ""
    hypothesis_fields: dict | None = None

    def __post_init__(self):
        for name in ("text", "context", "finish_reason", "refusal", "hypothesis"):
            value = getattr(self, name)
            if value is None or isinstance(value, float) and math.isnan(value):
                object.__setattr__(self, name, "")
            elif not isinstance(value, str):
                raise TypeError(f"Answer.{name} is {type(value).__name__}; it must be text")


class Measurement(NamedTuple):
    """What one rule measured. `value` and `limit` go into JSON; `note` is one short sentence, or empty."""

    rule: str
    value: int | str
    limit: int | str
    ok: bool
    note: str = ""


def quoted(texts, *, most=3, width=60):
    """The first few texts in quotes, each cut to `width` characters, for a note."""
    shown = [" ".join(text.split()) for text in texts[:most]]
    shown = [text if len(text) <= width else text[: width - 1] + "…" for text in shown]
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(f"“{text}”" for text in shown) + more
