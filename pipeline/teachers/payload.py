"""The body of a chat request, in the shape that each model takes."""

import json

from curation.profiles import TOKEN_PARAMETERS

STRUCTURED = ("json_schema", "tool_call", "json_object")


def payload(teacher, system, user, *, schema=None, parameters=None):
    """The body of a chat request, in the shape that this teacher's profile takes (its keys: `curation.profiles`).

    `schema` is (name, JSON schema) or None; the teacher's `structure` says how it is asked for, if at all.
    """
    profile = profile_of(teacher)
    messages = _messages(profile["system_role"], system, user)
    body = {"model": teacher.model, "messages": messages}
    body |= _parameters(profile, _wanted(teacher.parameters, parameters or {}))
    if schema and teacher.structure in STRUCTURED:
        name, definition = schema
        body |= _structured(teacher.structure, name, without(definition, profile.get("schema_without", ())), profile)
        if teacher.structure == "json_object":
            asked = "\n\nAnswer with one JSON object by this JSON schema:\n"
            messages[-1]["content"] += asked + json.dumps(definition)
    return body


def profile_of(teacher):
    """The whole profile of a teacher: what its own says, and for the rest the guess by the model's name."""
    guess = default_profile(teacher.model)
    named = [name for name in TOKEN_PARAMETERS if name in teacher.parameters]
    if named == ["max_completion_tokens"]:
        guess["token_parameter"] = named[0]
    return guess | teacher.profile


def default_profile(model):
    """A first guess at what a model takes, by its name: reasoning models refuse max_tokens, temperature and top_p."""
    name = model.rsplit("/", 1)[-1]
    reasoning = name.startswith(("o1", "o3", "o4", "gpt-5")) and "chat" not in name
    return {
        "token_parameter": "max_completion_tokens" if reasoning else "max_tokens",
        "sampling": not reasoning,
        "system_role": "developer" if reasoning else "system",
    }


def structure_of(body):
    """How `body` asks for a structure: json_schema, json_object, tool_call or text."""
    if body.get("tools"):
        return "tool_call"
    return body.get("response_format", {}).get("type", "text")


def schema_in(body):
    """The JSON schema that `body` asks by, {} where it sends none."""
    if body.get("tools"):
        return body["tools"][0].get("function", {}).get("parameters", {})
    return body.get("response_format", {}).get("json_schema", {}).get("schema", {})


def without(schema, keywords):
    """A JSON schema without some of its keywords, wherever they stand; a field of that name stays."""
    if not keywords:
        return schema
    kept = {name: part for name, part in schema.items() if name not in keywords}
    if "properties" in kept:
        kept["properties"] = {name: without(part, keywords) for name, part in kept["properties"].items()}
    if isinstance(kept.get("items"), dict):
        kept["items"] = without(kept["items"], keywords)
    if "prefixItems" in kept:
        kept["prefixItems"] = [without(part, keywords) for part in kept["prefixItems"]]
    return kept


def _messages(role, system, user):
    if not system:
        return [{"role": "user", "content": user}]
    if role == "user":
        return [{"role": "user", "content": f"{system}\n\n{user}"}]
    return [{"role": role, "content": system}, {"role": "user", "content": user}]


def _wanted(usual, instead):
    """The usual parameters and those that stand in their place; a limit on tokens replaces one of another name."""
    limited = any(name in instead for name in TOKEN_PARAMETERS)
    kept = {name: value for name, value in usual.items() if not (limited and name in TOKEN_PARAMETERS)}
    return kept | instead


def _parameters(profile, wanted):
    for name in TOKEN_PARAMETERS:
        if name in wanted:
            wanted[profile["token_parameter"]] = wanted.pop(name)
    if profile.get("reasoning_effort"):
        wanted.setdefault("reasoning_effort", profile["reasoning_effort"])
    for name in TOKEN_PARAMETERS:
        if isinstance(wanted.get(name), int) and profile.get("most_tokens"):
            wanted[name] = min(wanted[name], profile["most_tokens"])
    left_out = set(profile.get("omit", ()))
    if not profile["sampling"]:
        left_out |= {"temperature", "top_p"}
    elif profile["sampling"] == "temperature" and "temperature" in wanted:
        left_out.add("top_p")
    return {name: value for name, value in wanted.items() if name not in left_out}


def _structured(structure, name, definition, profile):
    """What asks for the structure, beside the messages."""
    if structure == "json_object":
        return {"response_format": {"type": "json_object"}}
    strict = {"strict": True} if profile.get("strict", True) else {}
    if structure == "json_schema":
        asked = {"name": name, **strict, "schema": definition}
        return {"response_format": {"type": "json_schema", "json_schema": asked}}
    description = f"Hand over the {name}."
    function = {"name": name, "description": description, **strict, "parameters": definition}
    choice = profile.get("tool_choice", "named")
    named = {"type": "function", "function": {"name": name}}
    return {
        "tools": [{"type": "function", "function": function}],
        "tool_choice": named if choice == "named" else choice,
    }
