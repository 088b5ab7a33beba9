"""What axolotl asks of a file, read by the very configuration that the dataset card gives."""

from functools import partial

from pipeline.releasing.readers import AXOLOTL

from .rows import is_text, looked_through, turns

KNOWN = {"user": "user", "human": "user", "assistant": "assistant", "gpt": "assistant", "system": "system"}


def problems(path, kind):
    """What is wrong with the JSON Lines of the format `kind` as axolotl would read them."""
    return looked_through(path, partial(faults, kind))[0]


def faults(kind, row):
    """The faults of one row of the format `kind`."""
    said = AXOLOTL[kind]
    return {"alpaca": _alpaca, "chat_template": _chat, "chat_template.default": _preference}[said["type"]](row, said)


def _alpaca(row, said):
    faults = [f"{name} is empty or no text" for name in ("instruction", "output") if not is_text(row.get(name))]
    return faults + ([] if isinstance(row.get("input"), str) else ["input is no text"])


def _chat(row, said):
    roles, wrong = _roles(row, said)
    if wrong:
        return [wrong]
    return [] if "assistant" in roles else ["no message is the assistant's, so nothing would be learned"]


def _preference(row, said):
    roles, wrong = _roles(row, said)
    faults = [wrong] if wrong else []
    if roles and roles[-1] != "user":
        faults.append(f"{said['field_messages']} does not end with the user's message")
    for name in (said["field_chosen"], said["field_rejected"]):
        answers, wrong = turns([row.get(name)], *_names(said))
        if wrong or KNOWN.get(answers[0]) != "assistant":
            faults.append(f"{name} is not one message of the assistant")
    return faults


def _roles(row, said):
    """(what axolotl takes the roles for, None), or (None, what is wrong)."""
    name = said["field_messages"]
    roles, wrong = turns(row.get(name), *_names(said))
    if wrong:
        return None, f"{name} {wrong}"
    if unknown := {str(role) for role in roles} - KNOWN.keys():
        return None, f"{name} has the roles {', '.join(sorted(unknown))}, which axolotl does not know"
    return [KNOWN[role] for role in roles], None


def _names(said):
    return said["message_property_mappings"]["role"], said["message_property_mappings"]["content"]
