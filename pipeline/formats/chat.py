"""Chat messages: one conversation of a user and an assistant per row.

What is unknown is an empty text, never null, so that readers which infer types from the first rows see the same
columns everywhere.
"""

from operator import attrgetter

import pyarrow as pa

from .record import Batch, Format, row_id

# Fields in the order of the alphabet, so that what comes back from Parquet gives lines with sorted keys.
MESSAGE = pa.struct([pa.field("content", pa.string(), nullable=False), pa.field("role", pa.string(), nullable=False)])
CONVERSATION = pa.list_(pa.field("element", MESSAGE, nullable=False))

# Where a row comes from, in every format: the name of a column is the name of the field of Record.
ABOUT = {
    "task_type": pa.string(),
    "domain": pa.string(),
    "prompt_key": pa.string(),
    "group": pa.string(),
    "split": pa.string(),
    "status": pa.string(),
    "teacher": pa.string(),
    "attempt": pa.int64(),
    "edited": pa.bool_(),
    "locator": pa.string(),
    "licence": pa.string(),
}


def schema(**content):
    """The Arrow schema of a format: its id and content columns, then where the row comes from; no nulls."""
    columns = {"id": pa.string()} | content | ABOUT
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in columns.items()])


def about(records):
    """The columns of ABOUT, a row for each of `records`."""
    return dict(records.once("about", _about) if isinstance(records, Batch) else _about(records))


def _about(records):
    return {name: list(map(attrgetter(name), records)) for name in ABOUT}


OF_THE_SECOND = ("id", "prompt_key", "status", "teacher", "attempt", "edited")  # what a pair says of its methodology
MESSAGES_SCHEMA = schema(messages=CONVERSATION)


def to_messages(user, assistant, system=None):
    """Chat messages: system only if there is one. An empty user or assistant text is refused.

    Their keys are sorted, as lines have them: writing need not sort anew.
    """
    for role, text in (("user", user), ("assistant", assistant)):
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"the {role} message is {text!r}; a training record needs its text")
    messages = [{"content": system, "role": "system"}] if system else []
    return [*messages, {"content": user, "role": "user"}, {"content": assistant, "role": "assistant"}]


def conversation(record, options):
    """The conversation of one record."""
    return to_messages(record.user, record.text, record.system if options.system else None)


def conversations(batch, options):
    """The conversation of each record; not to be changed, as formats share them."""

    def make(records):
        return [conversation(each, options) for each in records]

    return batch.once(("conversations", options), make) if isinstance(batch, Batch) else make(batch)


def prompt_of(record, options):
    """What the answer of one record is given to: the conversation up to the answer."""
    messages = conversation(record, options)
    messages.pop()
    return messages


def answer(text):
    """An answer as a list of one message."""
    return [{"content": text, "role": "assistant"}]


def own_ids(columns):
    """Each row stands on the accepted row whose id it has."""
    return [(row,) for row in columns["id"]]


def bare(*names):
    """The function that makes lines of these columns alone."""
    names = sorted(names)

    def lines(columns):
        return [dict(zip(names, row, strict=True)) for row in zip(*(columns[name] for name in names), strict=True)]

    return lines


def meta(columns):
    """What is known of each line of a strict file: every column but the conversation."""
    return bare(*(columns.keys() - {"messages"}))(columns)


def _messages(batch, options):
    return {"id": [each.id for each in batch], "messages": conversations(batch, options)} | about(batch)


def _pairs(batch, options):
    talks = conversations(batch, options)
    both = [(first, first.partner) for first in batch if first.partner]
    firsts = [talk for first, talk in zip(batch, talks, strict=True) if first.partner]
    turns = [talk + to_messages(second.user, second.text) for talk, (_, second) in zip(firsts, both, strict=True)]
    columns = {"id": [row_id(first.id, second.id) for first, second in both], "messages": turns}
    columns["hypothesis_id"] = [first.id for first, _ in both]
    columns |= {f"methodology_{name}": [getattr(second, name) for _, second in both] for name in OF_THE_SECOND}
    return columns | about([first for first, _ in both])


def _ids_of_both(columns):
    return list(zip(columns["hypothesis_id"], columns["methodology_id"], strict=True))


MESSAGES = Format(
    name="messages",
    label="Chat messages",
    help="One conversation per row: user, assistant. The JSON Lines file holds messages alone, as OpenAI asks.",
    schema=MESSAGES_SCHEMA,
    columns=_messages,
    lines=bare("messages"),
    row_ids=own_ids,
    beside={"meta": meta},
)
PAIRS = Format(
    name="pairs",
    label="Hypothesis–method pairs",
    help="One conversation of two turns per source: the hypothesis, then the method that tests it.",
    schema=schema(
        messages=CONVERSATION,
        hypothesis_id=pa.string(),
        **{f"methodology_{name}": ABOUT.get(name, pa.string()) for name in OF_THE_SECOND},
    ),
    columns=_pairs,
    lines=bare("messages"),
    row_ids=_ids_of_both,
    needs=frozenset({"partner"}),
    beside={"meta": meta},
)
