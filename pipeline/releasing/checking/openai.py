"""What OpenAI's fine-tuning asks of a file, by its documentation and its published check of chat data.

Roles, keys and texts of each line, the size of the file, and how few examples it refuses.
"""

from .rows import is_text, looked_through

MOST_BYTES = 512_000_000
FEWEST = 10
KEYS = {"role", "content", "name", "function_call", "weight"}
ROLES = ("system", "user", "assistant", "function")


def problems(path):
    """What is wrong with a file of chat examples: messages alone, known roles and keys, an answer at the end."""
    return looked_through(path, faults)[0] + too_large(path)


def faults(row):
    """The faults of one chat example."""
    found = [] if row.keys() == {"messages"} else [f"its keys are {_names(row)}; the file has messages alone"]
    found += _faults(row.get("messages"))
    return found if _ends_with_answer(row.get("messages")) else [*found, "its last message is not the assistant's"]


def preference_problems(path):
    """What is wrong with a file of preferences: input, preferred_output and non_preferred_output."""
    return looked_through(path, preference_faults)[0] + too_large(path)


def preference_faults(row):
    """The faults of one preference."""
    if row.keys() != {"input", "preferred_output", "non_preferred_output"}:
        return [f"its keys are {_names(row)}; they must be input, non_preferred_output, preferred_output"]
    asked = row["input"].get("messages") if isinstance(row["input"], dict) else None
    found = [*_faults(asked), *_faults(row["preferred_output"]), *_faults(row["non_preferred_output"])]
    if _ends_with_answer(asked):
        found.append("its input ends with an answer already")
    if not all(_is_one_answer(row[name]) for name in ("preferred_output", "non_preferred_output")):
        found.append("an output is one message of the assistant")
    elif row["preferred_output"] == row["non_preferred_output"]:
        found.append("both outputs are the same")
    return found


def too_few(path, rows):
    """The sentence for a training file of fewer examples than a job takes; [] for others."""
    if rows >= FEWEST:
        return []
    return [f"{_shown(path)} has {rows} examples; OpenAI's fine-tuning takes files of {FEWEST} and more."]


def too_large(path):
    """The sentence for a file larger than OpenAI takes; [] for others. `problems` says it too."""
    size = path.stat().st_size
    if size <= MOST_BYTES:
        return []
    return [f"{_shown(path)} has {size:,} bytes; OpenAI takes {MOST_BYTES:,} in one file."]


def _faults(messages):
    """The faults of a list of messages, each in words."""
    if not isinstance(messages, list) or not messages:
        return ["its messages are not a list, or an empty one"]
    faults = []
    for message in messages:
        if not isinstance(message, dict):
            faults.append("a message is no object")
            continue
        if not {"role", "content"} <= message.keys():
            faults.append("a message has no role or no content")
        elif message["role"] not in ROLES:
            faults.append(f"a message has the role {message['role']!r}; roles are {', '.join(ROLES)}")
        elif not is_text(message["content"]):
            faults.append(f"the {message['role']} message has no text")
        if unknown := message.keys() - KEYS:
            faults.append(f"a message has the keys {', '.join(sorted(unknown))}, which are unknown")
    return faults


def _ends_with_answer(messages):
    last = messages[-1] if isinstance(messages, list) and messages else None
    return isinstance(last, dict) and last.get("role") == "assistant"


def _is_one_answer(messages):
    return isinstance(messages, list) and len(messages) == 1 and _ends_with_answer(messages)


def _names(row):
    return ", ".join(sorted(row)) or "none"


def _shown(path):
    return "/".join(path.parts[-3:])
