"""What TRL asks of a dataset, by its page on dataset formats: one of its types, told by the columns, in messages."""

from functools import partial

from .rows import looked_through, turns

# The columns by which TRL tells a type. It looks into any one of them to see whether rows are conversations.
TELLING = {"prompt", "chosen", "rejected", "completion", "messages", "text", "conversations"}
TYPES = {
    "messages": {"messages"},
    "pairs": {"messages"},
    "sharegpt": {"conversations"},
    "prompt_completion": {"prompt", "completion"},
    "preference": {"prompt", "chosen", "rejected"},
    "kto": {"prompt", "completion"},
}
IN_ORDER = {kind: sorted(names) for kind, names in TYPES.items()}


def problems(path, kind):
    """What is wrong with a file of the format `kind`, Parquet or JSON Lines, as TRL's trainers would read it."""
    return looked_through(path, partial(faults, kind))[0]


def faults(kind, row):
    """The faults of one row of the format `kind`."""
    wrong = column_faults(kind, row.keys())
    return wrong or _faults(row, kind)


def column_faults(kind, names):
    """What is wrong with the columns, by which TRL tells a type."""
    found = TELLING.intersection(names)
    if found == TYPES[kind]:
        return []
    said = ", ".join(sorted(found)) or "none"
    return [f"of the columns by which TRL tells a type it has {said}, not {', '.join(sorted(TYPES[kind]))}"]


def _faults(row, kind):
    faults, roles = [], {}
    names = ("from", "value") if kind == "sharegpt" else ("role", "content")
    for name in IN_ORDER[kind]:
        roles[name], wrong = turns(row[name], *names)
        if wrong:
            faults.append(f"{name} {wrong}")
    if faults:
        return faults
    answer = "gpt" if kind == "sharegpt" else "assistant"
    for name, said in roles.items():
        if name == "prompt" and said[-1] != "user":
            faults.append("prompt does not end with the user's message")
        elif name in ("messages", "conversations") and said[-1] != answer:
            faults.append(f"{name} does not end with an answer")
        elif name in ("completion", "chosen", "rejected") and said != ["assistant"]:
            faults.append(f"{name} is not one answer of the assistant")
    if kind == "preference" and row["chosen"] == row["rejected"]:
        faults.append("chosen and rejected are the same")
    if kind == "kto" and not isinstance(row.get("label"), bool):
        faults.append("label is not true or false")
    return faults
