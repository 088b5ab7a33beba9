"""What a filter rule is given and what it gives back."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from pipeline.filters import reading
from pipeline.filters.clauses import clauses
from pipeline.filters.steps import steps

TEXTS = ("text", "context", "finish_reason", "refusal", "hypothesis")


@dataclass(eq=False)
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
        for name in TEXTS:
            value = getattr(self, name)
            if type(value) is str:
                continue
            if value is None or value != value:  # NaN alone differs from itself
                setattr(self, name, "")
            elif not isinstance(value, str):
                raise TypeError(f"Answer.{name} is {type(value).__name__}; it must be text")

    # What several rules read out of the same text is read once.

    @cached_property
    def lower(self):
        """The text in lower case, typographic apostrophes made straight."""
        return self.text.lower().replace("’", "'")

    @cached_property
    def words(self):
        """The words of the text in lower case, in order, hyphens taken apart."""
        return reading.words(self.lower)

    @cached_property
    def word_set(self):
        return frozenset(self.words)

    @cached_property
    def stems(self):
        """The beginnings of the words, which all forms of a word share."""
        return frozenset([word.removesuffix("s")[: reading.STEM] for word in self.word_set])

    @cached_property
    def context_words(self):
        return reading.words(self.context.lower())

    @cached_property
    def sentences(self):
        """The sentences of the text; list markers, headings and blank lines are none."""
        return reading.sentences(self.text)

    @cached_property
    def clauses(self):
        """(what is varied, what is said to follow) as parts of the text."""
        return clauses(self.text)

    @cached_property
    def lines(self):
        """The lines of the text that are not blank."""
        return [line for line in self.text.splitlines() if line.strip()]

    @cached_property
    def steps(self):
        """The ordered steps of the text, each with its own words."""
        return steps(self.text, self.sentences)


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
