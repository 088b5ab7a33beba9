"""A row of a file becomes prompts and the source they are about: pure functions, no database."""

import hashlib
from typing import NamedTuple

from curation.models import Prompt, SourceDocument
from curation.models.prompt import content_key, normalise

from .errors import BadRow
from .mapping import SOURCES
from .outputs import COLUMNS, Answer, read_answer
from .passages import DEFAULT_LIMIT, cut
from .values import dump, json_cell, text_cell

DEFAULT_TASK_TYPES = ("hypothesis", "methodology")


def _longest(model, field):
    return model._meta.get_field(field).max_length


SHORT = {
    "task_type": _longest(Prompt, "task_type"),
    "domain": _longest(Prompt, "domain"),
    "locator": _longest(SourceDocument, "locator"),
    "licence": _longest(SourceDocument, "licence"),
}


class Source(NamedTuple):
    """A source document to be."""

    content_hash: str
    text: str
    title: str
    domain: str
    locator: str
    passage: int
    licence: str


class Draft(NamedTuple):
    """A prompt to be; `metadata` is JSON text as stored."""

    key: str
    task_type: str
    user_prompt: str
    context: str
    system_prompt: str
    domain: str
    metadata: str
    group_key: str


class Piece(NamedTuple):
    """What one row, or one passage of it, asks for: a source, the prompts about it, and whether they are a pair.

    `answer` is the row's own answer to its one prompt; `no_answer` says why what stands in its place is none.
    """

    source: Source | None
    drafts: list[Draft]
    paired: bool
    answer: Answer | None = None
    no_answer: str = ""


def digest(*parts):
    """sha256 over the texts, each with its length, so that ("ab", "c") is not ("a", "bc")."""
    found = hashlib.sha256()
    for part in parts:
        data = part.encode()
        found.update(len(data).to_bytes(8, "big") + data)
    return found.hexdigest()


def group_key(locator, text):
    """What must stay in one split: sha256 of the locator, else of the normalised source text."""
    return hashlib.sha256((locator or normalise(text)).encode()).hexdigest()


class RowConverter:
    """Turns the values of a row into `Piece`s. Raises BadRow for one that cannot be imported."""

    def __init__(self, mapping, task_types=DEFAULT_TASK_TYPES, passage_chars=DEFAULT_LIMIT):
        self.mapping = mapping
        self.task_types = tuple(dict.fromkeys(task_types))
        self.passage_chars = passage_chars
        # What is said of an answer belongs to it, not to its prompt.
        self._mapped = set(mapping.values()) | (COLUMNS if "output" in mapping else set())
        self._source_columns = [mapping[field] for field in SOURCES if field in mapping]

    def __call__(self, values):
        """The pieces of one row; what a reader could not read is raised as it is."""
        if isinstance(values, BadRow):
            raise values
        prompt = "" if is_rendered(values) else self._long(values, "prompt")
        context = self._long(values, "context") or self._long(values, "text")
        if not prompt and not context:
            right = "a prompt or a text is expected"
            raise BadRow(" / ".join(self._source_columns), "empty", right)
        task_type = self._short(values, "task_type")
        about = {
            "title": " ".join(self._long(values, "title").split()),
            "locator": self._short(values, "locator"),
            "licence": self._short(values, "licence"),
        }
        shared = {
            "system_prompt": self._long(values, "system_prompt"),
            "domain": self._short(values, "domain"),
            # Without a source to say it of, the prompt itself keeps where it is from.
            "metadata": self._metadata(values, {} if context else about),
        }
        answer, no_answer = self._answer(values)
        if prompt:
            piece = self._asked(prompt, context, self._only_type(task_type), shared, about)
            return [piece._replace(answer=answer, no_answer=no_answer)]
        if answer:
            return [self._answered(context, self._only_type(task_type), shared, about)._replace(answer=answer)]
        types = (task_type,) if task_type else self.task_types
        first, *others = self._texts(context, types, shared, about)
        return [first._replace(no_answer=no_answer), *others]

    def _answer(self, values):
        column = self.mapping.get("output")
        return read_answer(column, values, set(self.mapping.values())) if column else (None, "")

    def _answered(self, text, task_type, shared, about):
        """A text alone with its answer: the answer is about the whole of it, so it is not cut into passages."""
        source = _source(text, 0, shared["domain"], about)
        return Piece(source, [_draft(task_type, "", text, group_key(about["locator"], text), shared)], False)

    def _only_type(self, task_type):
        if task_type:
            return task_type
        if len(self.task_types) == 1:
            return self.task_types[0]
        raise BadRow(
            self.mapping.get("task_type", "task_type"), "empty", "a prompt needs a task type, such as hypothesis"
        )

    def _asked(self, prompt, context, task_type, shared, about):
        """A row with a prompt of its own: its context is sent with it, hence whole."""
        source = _source(context, 0, shared["domain"], about) if context else None
        group = group_key(about["locator"], context or prompt)
        return Piece(source, [_draft(task_type, prompt, context, group, shared)], False)

    def _texts(self, text, task_types, shared, about):
        """A row with a text alone: a source for each passage of it, a prompt for each task type."""
        group = group_key(about["locator"], text)
        passages = cut(text, self.passage_chars)
        pieces = []
        for number, passage in enumerate(passages, start=1):
            source = _source(passage, number if len(passages) > 1 else 0, shared["domain"], about)
            drafts = [_draft(task_type, "", passage, group, shared) for task_type in task_types]
            pieces.append(Piece(source, drafts, {"hypothesis", "methodology"} <= set(task_types)))
        return pieces

    def _long(self, values, field):
        column = self.mapping.get(field)
        return text_cell(column, values.get(column)) if column else ""

    def _short(self, values, field):
        column = self.mapping.get(field)
        return text_cell(column, values.get(column), limit=SHORT[field]).strip() if column else ""

    def _metadata(self, values, about):
        said = {_name(name): json_cell(name, value) for name, value in values.items() if name not in self._mapped}
        return dump({name: value for name, value in about.items() if value} | said)


def is_rendered(values):
    """Whether a row's prompt is the message of a template, as a snapshot writes it for a text alone: not its own."""
    return bool(values.get("prompt_key") and values.get("prompt_rendered_from"))


def _name(name):
    text_cell(name, name)
    return name


def _source(text, passage, domain, about):
    return Source(
        digest(about["locator"], normalise(text)),
        text,
        about["title"],
        domain,
        about["locator"],
        passage,
        about["licence"],
    )


def _draft(task_type, prompt, context, group, shared):
    system, domain, metadata = shared["system_prompt"], shared["domain"], shared["metadata"]
    key = content_key(task_type, domain, prompt, context, system)
    return Draft(key, task_type, prompt, context, system, domain, metadata, group)
