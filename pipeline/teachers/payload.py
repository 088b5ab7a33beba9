"""The body of a chat request, in the shape that each model takes."""

import json


def payload(teacher, system, user, *, schema=None, parameters=None):
    """The body of a chat request, in the shape that this teacher's profile takes.

    `schema` is (name, JSON schema) or None; the teacher's `structure` says how it is asked for, if at all.
    """
    profile = default_profile(teacher.model) | teacher.profile
    wanted = {**teacher.parameters, **(parameters or {})}
    if "max_tokens" in wanted:
        wanted[profile["token_parameter"]] = wanted.pop("max_tokens")
    if not profile["sampling"]:
        for name in ("temperature", "top_p"):
            wanted.pop(name, None)
    messages = [{"role": profile["system_role"], "content": system}] if system else []
    messages.append({"role": "user", "content": user})
    body = {"model": teacher.model, "messages": messages, **wanted}
    if schema and teacher.structure == "json_schema":
        name, definition = schema
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": name, "strict": True, "schema": definition},
        }
    elif schema and teacher.structure == "json_object":
        body["response_format"] = {"type": "json_object"}
        messages[-1]["content"] += "\n\nAnswer with one JSON object by this JSON schema:\n" + json.dumps(schema[1])
    return body


def default_profile(model):
    """What a model takes, judged by its name: reasoning models refuse max_tokens, temperature and top_p."""
    name = model.rsplit("/", 1)[-1]
    reasoning = name.startswith(("o1", "o3", "o4", "gpt-5")) and "chat" not in name
    return {
        "token_parameter": "max_completion_tokens" if reasoning else "max_tokens",
        "sampling": not reasoning,
        "system_role": "developer" if reasoning else "system",
    }
