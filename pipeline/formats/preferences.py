"""Which of two answers is the better one: pairs for DPO, single labelled answers for KTO.

The better one is the accepted text. The worse one is an earlier answer to the same prompt that was refused, or the
teacher's own text where a person edited it. Only prompts that have both are in either format.
"""

import pyarrow as pa

from .chat import CONVERSATION, about, answer, prompt_of, schema
from .record import Format, Refused, row_id

REASONS = pa.list_(pa.field("element", pa.string(), nullable=False))
WORSE = {
    "kind": pa.string(),
    "reasons": REASONS,
    "rejected_attempt": pa.int64(),
    "rejected_candidate": pa.int64(),
    "rejected_teacher": pa.string(),
}


def worse(record):
    """[(kind, Refused)] in a fixed order: what stands against the accepted text, each text once, none without words."""
    if not record.original and not record.refused:
        return []
    found = {}
    edited = [("edited", Refused(record.original, record.reasons, record.attempt, record.teacher))]
    refused = sorted(record.refused, key=lambda each: (each.attempt, each.candidate, each.text))
    for kind, each in [*(edited if record.original else ()), *(("refused", each) for each in refused)]:
        said = each.text.strip()
        if said and said != record.text.strip():
            found.setdefault(said, (kind, each))
    return list(found.values())


def _of_the_worse(standing):
    return {
        "kind": [kind for kind, _ in standing],
        "reasons": [list(each.reasons) for _, each in standing],
        "rejected_attempt": [each.attempt for _, each in standing],
        "rejected_candidate": [each.candidate for _, each in standing],
        "rejected_teacher": [each.teacher for _, each in standing],
    }


def _preference(batch, options):
    pairs = [(record, each) for record in batch for each in worse(record)]
    records = [record for record, _ in pairs]
    columns = {
        "id": [row_id(record.id, each.text) for record, (_, each) in pairs],
        "row_id": [record.id for record in records],
        "prompt": [prompt_of(record, options) for record in records],
        "chosen": [answer(record.text) for record in records],
        "rejected": [answer(each.text) for _, (_, each) in pairs],
    }
    return columns | _of_the_worse([each for _, each in pairs]) | about(records)


def _kto(batch, options):
    rows = []  # (record, text, label, reasons)
    for record in batch:
        against = worse(record)
        rows += [(record, record.text, True, ())] if against else []
        rows += [(record, each.text, False, each.reasons) for _, each in against]
    records = [row[0] for row in rows]
    columns = {
        "id": [row_id(record.prompt_key, text) for record, text, _, _ in rows],
        "row_id": [record.id for record in records],
        "prompt": [prompt_of(record, options) for record in records],
        "completion": [answer(text) for _, text, _, _ in rows],
        "label": [label for _, _, label, _ in rows],
        "reasons": [list(reasons) for *_, reasons in rows],
    }
    return columns | about(records)


def _accepted_ids(columns):
    return [(row,) for row in columns["row_id"]]


def _lines(*names):
    """Lines of these columns and of the reasons, as words: a list that is empty at first gets no type from readers."""

    def lines(columns):
        reasons = [", ".join(each) for each in columns["reasons"]]
        rows = zip(*(reasons if name == "reasons" else columns[name] for name in names), strict=True)
        return [dict(zip(names, row, strict=True)) for row in rows]

    return lines


def _openai(columns):
    """OpenAI's own form of a preference: preferred and non-preferred output to an input."""
    rows = zip(columns["prompt"], columns["chosen"], columns["rejected"], strict=True)
    return [
        {"input": {"messages": prompt}, "non_preferred_output": rejected, "preferred_output": chosen}
        for prompt, chosen, rejected in rows
    ]


def _ranking(columns):
    """The form of LLaMA-Factory, and of axolotl's chat_template.default: one message each, not a list."""
    rows = zip(columns["prompt"], columns["chosen"], columns["rejected"], strict=True)
    return [{"chosen": chosen[0], "messages": prompt, "rejected": rejected[0]} for prompt, chosen, rejected in rows]


def _labelled(columns):
    """The form of LLaMA-Factory: a whole conversation and its label."""
    rows = zip(columns["prompt"], columns["completion"], columns["label"], strict=True)
    return [{"label": label, "messages": [*prompt, *completion]} for prompt, completion, label in rows]


PREFERENCE = Format(
    name="preference",
    label="Preference pairs",
    help="The accepted answer against one that was refused, or that a person had to edit, with the reasons; for DPO.",
    schema=schema(row_id=pa.string(), prompt=CONVERSATION, chosen=CONVERSATION, rejected=CONVERSATION, **WORSE),
    columns=_preference,
    lines=_lines("chosen", "prompt", "reasons", "rejected"),
    row_ids=_accepted_ids,
    needs=frozenset({"refused"}),
    beside={"llama_factory": _ranking, "openai": _openai},
)
KTO = Format(
    name="kto",
    label="Labelled answers",
    help="The answers of the preference pairs one by one, each with the label true (accepted) or false; for KTO.",
    schema=schema(row_id=pa.string(), prompt=CONVERSATION, completion=CONVERSATION, label=pa.bool_(), reasons=REASONS),
    columns=_kto,
    lines=_lines("completion", "label", "prompt", "reasons"),
    row_ids=_accepted_ids,
    needs=frozenset({"refused"}),
    beside={"llama_factory": _labelled},
)
