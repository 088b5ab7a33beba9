"""One response as the review and resolve pages show it: its text, what was measured, the other answers beside it."""

from dataclasses import dataclass, field
from functools import cached_property

from ..models import Annotation, Prompt, Resolution, TeacherResponse
from .complaints import Asked
from .parts import parts_of
from .support import Quote
from .terms import Piece, pieces
from .verdicts import Verdicts

SHOWN_ELSEWHERE = {"statement", "steps", "support"}
MOST_TABS = 12  # answers side by side on a card, as review.css knows them; older ones are folded below


@dataclass
class Attempt:
    """Another answer to the same prompt: an earlier one, or a candidate beside the one that goes on."""

    response: TeacherResponse
    verdicts: Verdicts
    resolution: Resolution | None
    of: int = 1  # candidates of its attempt
    beside: bool = False  # it is of the same attempt as the one that goes on

    @cached_property
    def parts(self):
        """(white space before, its sentences and steps)."""
        return parts_of(self.response.text, [Piece(self.response.text)])

    @property
    def number(self):
        """Its place among the candidates, from 1."""
        return self.response.candidate + 1

    @property
    def replaced(self):
        """Whether it was cut off and a longer answer took its place."""
        return self.response.is_replaced


@dataclass(frozen=True)
class Tab:
    """One of the answers that a card shows in turn: `place` 0 is the one to decide, which has no Attempt."""

    place: int
    response: TeacherResponse
    of: int
    attempt: Attempt | None = None

    @property
    def name(self):
        """2 for the only answer of attempt 2, else 2.1, 2.2 …"""
        return f"{self.response.attempt}.{self.response.candidate + 1}" if self.of > 1 else str(self.response.attempt)


@dataclass
class Card:
    """One response on the page: to decide, or (`deciding` False) the pair's other half, for reading."""

    prompt: Prompt
    response: TeacherResponse | None
    deciding: bool
    verdicts: Verdicts
    others: list[Attempt]  # candidates of the same attempt that were not chosen
    attempts: list[Attempt]  # earlier ones, the newest first
    own: Annotation | None  # this person's newest decision on it, current or not
    taken_back: bool  # `own` is not current because its author took it back
    resolution: Resolution | None  # what holds, shown for reading only
    tests_older: TeacherResponse | None = None  # the method tests this one, not the hypothesis' current answer
    tests_edited: str = ""  # people changed the hypothesis to this after the method was asked for
    may_stay_open: bool = False  # a method need not be decided where its hypothesis is refused
    quotes: list[Quote] = field(default_factory=list)
    terms: dict = field(default_factory=dict)  # what the hypothesis calls its variable and its outcome
    form: object = None
    complaints: list[Asked] = field(default_factory=list)  # what this attempt was asked to mend
    hidden_complaints: int = 0  # what judges had said of the one before, hidden until its reviewer decided
    checks: dict = field(default_factory=dict)  # complaint id → met, as `own` says
    tests_another: bool = False  # as the form stands, the method was asked with another hypothesis

    @property
    def answers(self):
        """The other answers, the newest first: of its own attempt, then of earlier ones."""
        return self.others + self.attempts

    @cached_property
    def tabs(self):
        """A Tab for the answer to decide and each of the newest others, in the order in which they came."""
        if not self.response:
            return []
        own = Tab(0, self.response, self.candidates)
        shown = [Tab(n, each.response, each.of, each) for n, each in enumerate(self.answers[: MOST_TABS - 1], 1)]
        return sorted([own, *shown], key=lambda tab: (tab.response.attempt, tab.response.candidate))

    @property
    def folded(self):
        """The answers for which there is no tab."""
        return self.answers[MOST_TABS - 1 :]

    @property
    def before(self):
        """The answer that it is compared with first: of the attempt before, else the next candidate; None alone."""
        return next((each.response for each in (*self.attempts, *self.others)), None)

    @property
    def checklist(self):
        """(what was to be mended, its field in the form; None on a card for reading) of each complaint."""
        return [(each, self.form[each.field] if self.form else None) for each in self.complaints]

    @property
    def typed(self):
        """The text as the form has it, else the text that holds."""
        return self.form.typed if self.form else self.text

    @cached_property
    def parts_of_text(self):
        """(white space before, the sentences and steps of the text), each with what it leans on."""
        return parts_of(self.text, self.pieces, self.quotes)

    @property
    def title(self):
        return self.prompt.task_type.replace("_", " ").capitalize()

    @property
    def text(self):
        """The text that holds: of people, where they edited and accepted it, else the teacher's."""
        if self.resolution and self.resolution.action == "accept":
            return self.resolution.text
        return self.response.text if self.response else ""

    @cached_property
    def pieces(self):
        """The text in Pieces, with the places that name the hypothesis' variable and outcome."""
        return pieces(self.text, self.terms)

    @property
    def named(self):
        """The kinds of terms that the text names."""
        return list(dict.fromkeys(piece.kind for piece in self.pieces if piece.kind))

    @property
    def parts(self):
        """(name, value) of the parsed parts that the text does not show already."""
        fields = self.response.fields if self.response and isinstance(self.response.fields, dict) else {}
        return [
            (name.replace("_", " "), value)
            for name, value in fields.items()
            if name not in SHOWN_ELSEWHERE and isinstance(value, str) and value.strip() and value not in self.text
        ]

    @property
    def candidates(self):
        """How many answers its attempt has."""
        return 1 + len(self.others)

    @property
    def number(self):
        """The shown answer's place among the candidates, from 1."""
        return self.response.candidate + 1

    @property
    def missing_quotes(self):
        """How many of the quotes the source does not have; known once the source was marked."""
        return sum(not quote.found for quote in self.quotes)

    @property
    def prefill(self):
        """The decision to begin the form with: one that stands and may be changed, or that was taken back."""
        return self.own if self.own and (self.own.current or self.taken_back) else None
