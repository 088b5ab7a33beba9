"""What LLaMA-Factory asks: dataset_info.json by its documented keys, and every row as that file says to read it.

LLaMA-Factory leaves a row out that it cannot use, with a line in its log; here it is a fault.
"""

import json
from functools import partial

from pipeline.releasing.readers import DATASET_INFO

from .rows import is_text, looked_through, turns

KEYS = {"file_name", "formatting", "ranking", "split", "columns", "tags"}
COLUMNS = {
    "alpaca": {"system", "chosen", "rejected", "kto_tag", "prompt", "query", "response", "history"},
    "sharegpt": {"system", "chosen", "rejected", "kto_tag", "messages"},
}
TAGS = {
    "role_tag": "from",
    "content_tag": "value",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "observation_tag": "observation",
    "function_tag": "function_call",
    "system_tag": "system",
}


def problems(directory):
    """What is wrong with dataset_info.json in `directory`, and with the files it names."""
    wrong, entries = described(directory)
    for entry in entries:
        wrong += looked_through(directory / entry["file_name"], partial(faults, entry))[0]
    return wrong


def described(directory):
    """(what is wrong with dataset_info.json, its entries that can be followed)."""
    try:
        entries = json.loads((directory / DATASET_INFO).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return [f"{DATASET_INFO} cannot be read: {error}."], []
    wrong = {name: _description_faults(directory, entry) for name, entry in entries.items()}
    sentences = [f"{DATASET_INFO}, {name}: {fault}." for name, those in wrong.items() for fault in those]
    return sentences, [entry for name, entry in entries.items() if not wrong[name]]


def faults(entry, row):
    """The faults of one row of a file, read as its entry says."""
    return (_alpaca if entry.get("formatting", "alpaca") == "alpaca" else _sharegpt)(row, entry)


def _description_faults(directory, entry):
    """What is wrong with the description itself."""
    formatting = entry.get("formatting", "alpaca")
    if formatting not in COLUMNS:
        return [f"formatting is {formatting!r}; it is one of {', '.join(COLUMNS)}"]
    faults = [f"{key} is no key of a description" for key in sorted(entry.keys() - KEYS)]
    faults += [f"{key} is no column of {formatting}" for key in sorted(entry["columns"].keys() - COLUMNS[formatting])]
    faults += [f"{key} is no tag" for key in sorted(entry.get("tags", {}).keys() - TAGS.keys())]
    if not (directory / entry["file_name"]).is_file():
        faults.append(f"the file {entry['file_name']} is not there")
    return faults


def _alpaca(row, entry):
    columns = entry["columns"]
    missing = sorted(set(columns.values()) - row.keys())
    if missing:
        return [f"it has no column {', '.join(missing)}"]
    return [
        f"{columns[name]} is empty or no text" for name in ("prompt", "response") if not is_text(row[columns[name]])
    ]


def _sharegpt(row, entry):
    columns, tags = entry["columns"], TAGS | entry.get("tags", {})
    missing = sorted(set(columns.values()) - row.keys())
    if missing:
        return [f"it has no column {', '.join(missing)}"]
    name = columns["messages"]
    roles, wrong = turns(row[name], tags["role_tag"], tags["content_tag"])
    if wrong:
        return [f"{name} {wrong}"]
    return _order_faults(name, roles, tags, entry) + _extra_faults(row, columns, tags, entry)


def _order_faults(name, roles, tags, entry):
    """People speak at odd places, the assistant at even ones; what is ranked ends before the answer."""
    roles = roles[1:] if roles[0] == tags["system_tag"] else roles
    allowed = ((tags["user_tag"], tags["observation_tag"]), (tags["assistant_tag"], tags["function_tag"]))
    if any(role not in allowed[place % 2] for place, role in enumerate(roles)):
        return [f"{name} does not go from {tags['user_tag']} to {tags['assistant_tag']} in turn"]
    if len(roles) % 2 != bool(entry.get("ranking")):
        return [f"{name} has {len(roles)} turns, so LLaMA-Factory would leave it out"]
    return []


def _extra_faults(row, columns, tags, entry):
    faults = []
    if entry.get("ranking"):
        for name in (columns["chosen"], columns["rejected"]):
            roles, wrong = turns([row[name]], tags["role_tag"], tags["content_tag"])
            if wrong or roles[0] != tags["assistant_tag"]:
                faults.append(f"{name} is not one message of {tags['assistant_tag']}")
    if "kto_tag" in columns and not isinstance(row[columns["kto_tag"]], bool):
        faults.append(f"{columns['kto_tag']} is not true or false")
    return faults
