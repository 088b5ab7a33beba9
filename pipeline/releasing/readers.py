"""What other programs are told of a release's files: dataset_info.json, and the lines to put into their configuration.

The checks of `checking/` read the files by these very words, so that what the card says is what was tried.
"""

import json

from django.utils.text import slugify

DATASET_INFO = "dataset_info.json"
ROLES = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "system_tag": "system",
}
CHAT = {"formatting": "sharegpt", "columns": {"messages": "messages"}, "tags": ROLES}

# By format: how LLaMA-Factory reads its JSON Lines. Prompt–completion is a shape that it does not have.
LLAMA_FACTORY = {
    "messages": CHAT,
    "pairs": CHAT,
    "sharegpt": {"formatting": "sharegpt", "columns": {"messages": "conversations"}},
    "alpaca": {
        "formatting": "alpaca",
        "columns": {"prompt": "instruction", "query": "input", "response": "output", "system": "system"},
    },
    "preference": CHAT
    | {"ranking": True, "columns": {"messages": "messages", "chosen": "chosen", "rejected": "rejected"}},
    "kto": CHAT | {"columns": {"messages": "messages", "kto_tag": "label"}},
}

NAMES = {"role": "role", "content": "content"}
TURNS = {"type": "chat_template", "field_messages": "messages", "message_property_mappings": NAMES}

# By format: an entry under `datasets` of an axolotl configuration, but for its path.
AXOLOTL = {
    "messages": TURNS,
    "pairs": TURNS,
    "sharegpt": TURNS
    | {"field_messages": "conversations", "message_property_mappings": {"role": "from", "content": "value"}},
    "alpaca": {"type": "alpaca"},
    "preference": {
        "type": "chat_template.default",
        "field_messages": "messages",
        "field_chosen": "chosen",
        "field_rejected": "rejected",
        "message_property_mappings": NAMES,
    },
}

# What trainer of TRL takes a format, and what it learns from; ShareGPT is turned into messages by TRL itself.
TRL = {
    "messages": "SFTTrainer",
    "prompt_completion": "SFTTrainer",
    "pairs": "SFTTrainer",
    "preference": "DPOTrainer",
    "kto": "KTOTrainer",
}


def called(project):
    """The name under which LLaMA-Factory finds the data: the project's, not its address, which another may hold."""
    return slugify(project.name) or "dataset"


def lines_path(kind, split, reader=""):
    """The JSON Lines file of a format that `reader` ("llama_factory", "axolotl", "openai") takes."""
    suffix = ""
    if kind == "preference":
        suffix = {"llama_factory": ".llama_factory", "axolotl": ".llama_factory", "openai": ".openai"}.get(reader, "")
    elif kind == "kto" and reader == "llama_factory":
        suffix = ".llama_factory"
    return f"jsonl/{kind}/{split}{suffix}.jsonl"


def dataset_info(name, files):
    """dataset_info.json of LLaMA-Factory: an entry for each format and split that is among `files` ([{path, …}]).

    The training split of a format is called <name>_<format>, the others <name>_<format>_<split>.
    """
    there, found = {entry["path"] for entry in files}, {}
    for kind, reading in LLAMA_FACTORY.items():
        for split in ("train", "validation", "test"):
            path = lines_path(kind, split, "llama_factory")
            if path in there:
                called = f"{name}_{kind}" if split == "train" else f"{name}_{kind}_{split}"
                found[called] = {"file_name": path} | reading
    return found


def write_dataset_info(directory, name, files):
    """Write dataset_info.json into a release's folder; its path in it."""
    text = json.dumps(dataset_info(name, files), indent=2, sort_keys=True, ensure_ascii=False)
    (directory / DATASET_INFO).write_text(text + "\n", encoding="utf-8")
    return DATASET_INFO
