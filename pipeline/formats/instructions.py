"""A question and its answer in columns of their own: prompt–completion, Alpaca, and ShareGPT's names for a chat."""

import pyarrow as pa

from .chat import CONVERSATION, about, bare, conversations, own_ids, schema
from .record import Format

NAMED = pa.struct([pa.field("from", pa.string(), nullable=False), pa.field("value", pa.string(), nullable=False)])
SPEAKERS = {"system": "system", "user": "human", "assistant": "gpt"}


def _prompt_completion(batch, options):
    talks = conversations(batch, options)
    columns = {"id": [each.id for each in batch], "prompt": [talk[:-1] for talk in talks]}
    return columns | {"completion": [talk[-1:] for talk in talks]} | about(batch)


def _sharegpt(batch, options):
    turns = [
        [{"from": SPEAKERS[turn["role"]], "value": turn["content"]} for turn in talk]
        for talk in conversations(batch, options)
    ]
    return {"id": [each.id for each in batch], "conversations": turns} | about(batch)


def _alpaca(batch, options):
    talks = conversations(batch, options)
    columns = {
        "id": [each.id for each in batch],
        "instruction": [talk[-2]["content"] for talk in talks],
        "input": [""] * len(batch),
        "output": [talk[-1]["content"] for talk in talks],
        "system": [talk[0]["content"] if len(talk) == 3 else "" for talk in talks],
    }
    return columns | about(batch)


PROMPT_COMPLETION = Format(
    name="prompt_completion",
    label="Prompt and completion",
    help="The same conversation cut before the answer: trainers such as TRL then learn from the answer alone.",
    schema=schema(prompt=CONVERSATION, completion=CONVERSATION),
    columns=_prompt_completion,
    lines=bare("prompt", "completion"),
    row_ids=own_ids,
)
SHAREGPT = Format(
    name="sharegpt",
    label="ShareGPT",
    help="The same conversation in ShareGPT's names: conversations of from (human, gpt) and value.",
    schema=schema(conversations=pa.list_(pa.field("element", NAMED, nullable=False))),
    columns=_sharegpt,
    lines=bare("conversations"),
    row_ids=own_ids,
)
ALPACA = Format(
    name="alpaca",
    label="Alpaca",
    help="Plain columns: instruction (the prompt as sent), input (always empty), output, system.",
    schema=schema(instruction=pa.string(), input=pa.string(), output=pa.string(), system=pa.string()),
    columns=_alpaca,
    lines=bare("instruction", "input", "output", "system"),
    row_ids=own_ids,
)
