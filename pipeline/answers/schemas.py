"""JSON schemas that teachers and judges are asked to answer by, in the strict form that endpoints enforce."""

import copy

DIRECTIONS = ("increase", "decrease", "no change", "other")
METHOD_PARTS = ("system", "perturbation", "control", "readout", "safety")


def _text(description):
    return {"type": "string", "description": description}


def _strict(properties):
    """An object of exactly these properties: strict modes want every one required and no others."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


# Lists have an upper end: small models would otherwise go on until they are cut off.
SUPPORT = {
    "type": "array",
    "items": {"type": "string"},
    "maxItems": 6,
    "description": "Sentences of the source, copied word for word",
}
SCORE = {"type": "integer", "minimum": 0, "maximum": 100}

HYPOTHESIS = _strict(
    {
        "statement": _text("One falsifiable hypothesis in one to three sentences"),
        "variable": _text("The variable that is varied"),
        "outcome": _text("The outcome that is measured"),
        "direction": {"type": "string", "enum": list(DIRECTIONS), "description": "The predicted change of the outcome"},
        "support": SUPPORT,
    }
)

METHODOLOGY = _strict(
    {
        "system": _text("The experimental system: organism, cell line, sample, material or model"),
        "perturbation": _text("What is changed, and by how much"),
        "control": _text("The control group or condition"),
        "readout": _text("What is measured, and with what"),
        "safety": _text("Safety level, protective equipment, disposal"),
        "steps": {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 4,
            "maxItems": 6,
            "description": "The steps in order, each one instruction without a number",
        },
        "support": SUPPORT,
    }
)


def judge_schema(dimensions, *, max_length=None, patterns=None, leave_out=()):
    """The schema of a judge's reply with a score for each of these `dimensions`. Reasons come before numbers."""
    schema = _strict(
        {
            "rationale": _text("Why, in one to three sentences"),
            "dimensions": _strict({name: dict(SCORE) for name in dimensions}),
            "flags": {"type": "array", "items": {"type": "string"}, "maxItems": 6},
            "requires_human_review": {"type": "boolean"},
            "score": dict(SCORE),
        }
    )
    return _fitted(schema, max_length, patterns, leave_out)


def schema_for(task_type, *, max_length=None, patterns=None, leave_out=()):
    """The schema of an answer to this task type, to be read only, or None where plain text is asked for.

    For small models: `max_length` {field: characters} bounds a text or each text of a list, `patterns` {field: regular
    expression} leads a text, or each text of a list by one expression each; `leave_out` drops fields.
    """
    schema = {"hypothesis": HYPOTHESIS, "methodology": METHODOLOGY}.get(task_type)
    if not schema or not (max_length or patterns or leave_out):
        return schema
    return _fitted(copy.deepcopy(schema), max_length, patterns, leave_out)


def _fitted(schema, max_length, patterns, leave_out):
    """A fresh schema without some fields, and with bounded or led texts."""
    for name in leave_out:
        schema["properties"].pop(name, None)
    fields = schema["properties"]
    schema["required"] = list(fields)
    for name in fields.keys() & (max_length or {}).keys():
        fields[name].get("items", fields[name])["maxLength"] = max_length[name]
    for name in fields.keys() & (patterns or {}).keys():
        fields[name] = _led(patterns[name])
    return schema


def _led(pattern):
    if isinstance(pattern, str):
        return {"type": "string", "pattern": pattern}
    items = [_led(each) for each in pattern]
    return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
