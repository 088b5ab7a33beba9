"""Chat messages: one conversation of a user and an assistant per row.

What is unknown is an empty text, never null, so that readers which infer types from the first rows see the same
columns everywhere.
"""

import pyarrow as pa

from .record import Format

MESSAGE = pa.struct([pa.field("role", pa.string(), nullable=False), pa.field("content", pa.string(), nullable=False)])
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
    return {name: [getattr(record, name) for record in records] for name in ABOUT}


MESSAGES_SCHEMA = schema(messages=CONVERSATION)


def to_messages(user, assistant, system=None):
    """Chat messages: system only if there is one. An empty user or assistant text is refused."""
    for role, text in (("user", user), ("assistant", assistant)):
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"the {role} message is {text!r}; a training record needs its text")
    messages = [{"role": "system", "content": system}] if system else []
    return [*messages, {"role": "user", "content": user}, {"role": "assistant", "content": assistant}]


def own_ids(columns):
    """Each row stands on the accepted row whose id it has."""
    return [(row,) for row in columns["id"]]


def _columns(batch, options):
    messages = [to_messages(each.user, each.text, each.system if options.system else None) for each in batch]
    return {"id": [each.id for each in batch], "messages": messages} | about(batch)


def _lines(columns):
    return [{"messages": messages} for messages in columns["messages"]]


def _meta(columns):
    """What is known of each line of the strict file: every column but the conversation."""
    names = sorted(columns.keys() - {"messages"})
    return [dict(zip(names, row, strict=True)) for row in zip(*(columns[name] for name in names), strict=True)]


MESSAGES = Format(
    name="messages",
    label="Chat messages",
    help="One conversation per row: user, assistant. The JSON Lines file holds messages alone, as OpenAI asks.",
    schema=MESSAGES_SCHEMA,
    columns=_columns,
    lines=_lines,
    row_ids=own_ids,
    beside={"meta": _meta},
)
