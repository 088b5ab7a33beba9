"""What a teacher's capability profile may say: one table, by which the form checks it and the docs describe it.

A profile holds only what differs from the guess by the model's name. Endpoints teach it too: what a refusal changed
stands in it as if a person had written it, with a line under "learned" that says when and why.
"""

from dataclasses import dataclass

TOKEN_PARAMETERS = ("max_tokens", "max_completion_tokens")
SYSTEM_ROLES = ("system", "developer", "user")
TOOL_CHOICES = ("named", "required", "auto")
SCHEMA_FITTINGS = ("max_length", "patterns", "leave_out")


@dataclass(frozen=True)
class Key:
    """One key of a profile: what may stand there, and what it does."""

    takes: str
    help: str
    fits: object  # value -> whether it may stand there


def _is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _are_names(value):
    return isinstance(value, list) and all(isinstance(each, str) and each for each in value)


def _is_fitting(value):
    if not isinstance(value, dict) or not set(value) <= set(SCHEMA_FITTINGS):
        return False
    lengths, patterns = value.get("max_length", {}), value.get("patterns", {})
    return (
        _are_names(value.get("leave_out", []))
        and (isinstance(lengths, dict) and all(_is_count(each) for each in lengths.values()))
        and (isinstance(patterns, dict) and all(isinstance(p, str) or _are_names(p) for p in patterns.values()))
    )


FITTING = f"an object with {', '.join(SCHEMA_FITTINGS)}"
KEYS = {
    "token_parameter": Key(
        " or ".join(TOKEN_PARAMETERS),
        "The name under which the limit on the answer's tokens is sent.",
        lambda value: value in TOKEN_PARAMETERS,
    ),
    "most_tokens": Key("a whole number above 0", "The largest limit on the answer's tokens that is taken.", _is_count),
    "sampling": Key(
        'true, false or "temperature"',
        'Whether temperature and top_p may be sent; "temperature": that one alone, without top_p.',
        lambda value: isinstance(value, bool) or value == "temperature",
    ),
    "system_role": Key(
        ", ".join(SYSTEM_ROLES),
        "The role of the system prompt; user: it stands at the head of the user message.",
        lambda value: value in SYSTEM_ROLES,
    ),
    "reasoning_effort": Key(
        "a word such as low, medium, high; or null",
        "Sent as reasoning_effort; null sends none.",
        lambda value: value is None or isinstance(value, str) and bool(value),
    ),
    "omit": Key("a list of names", "Parameters that are never sent, as the endpoint refuses them.", _are_names),
    "tool_choice": Key(
        ", ".join(TOOL_CHOICES),
        "How a tool call is asked for: the tool by name, any tool, or left to the model.",
        lambda value: value in TOOL_CHOICES,
    ),
    "strict": Key("true or false", "Whether schemas are sent as strict ones.", lambda value: isinstance(value, bool)),
    "schema_without": Key(
        "a list of JSON schema keywords", "Keywords left out of schemas, such as maxItems.", _are_names
    ),
    "answer_schema": Key(FITTING, "Fits the schemas of answers to a small model.", _is_fitting),
    "judge_schema": Key(FITTING, "Fits the schemas of judgements to a small model.", _is_fitting),
    "learned": Key(
        "a list, written by the program",
        "What endpoints taught: when, by which words, and what it changed. Take a line out to let it be learned again.",
        lambda value: isinstance(value, list) and all(isinstance(each, dict) for each in value),
    ),
}


def check_profile(profile):
    """What is wrong with a profile, a sentence for each; [] where nothing is."""
    if not isinstance(profile, dict):
        return ['The profile must be a JSON object such as {"system_role": "user"}.']
    unknown = [name for name in profile if name not in KEYS]
    problems = [f"“{name}” is no key of a profile; its keys are {', '.join(KEYS)}." for name in unknown]
    for name, key in KEYS.items():
        if name in profile and not key.fits(profile[name]):
            problems.append(f"“{name}” must be {key.takes}.")
    return problems


# What the program writes into a request itself, and what it could not read the answer of.
OURS = ("model", "messages", "stream", "stream_options", "response_format", "tools", "tool_choice", "functions")
NUMBERS = {"temperature": (0, 2), "top_p": (0, 1)}


def check_parameters(parameters):
    """What is wrong with the parameters that are sent with every request, a sentence for each; [] where nothing is."""
    problems = [f"“{name}” is set by the program: leave it out." for name in OURS if name in parameters]
    if parameters.get("n", 1) != 1:
        problems.append("“n” must be 1: how many answers a prompt gets is a setting of the project.")
    limits = [name for name in TOKEN_PARAMETERS if name in parameters]
    if len(limits) > 1:
        problems.append(f"Give {' or '.join(limits)}, not both; it is sent by the name that the model takes.")
    for name in limits:
        if not _is_count(parameters[name]):
            problems.append(f"“{name}” must be a whole number above 0.")
    for name, (least, most) in NUMBERS.items():
        value = parameters.get(name, least)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            problems.append(f"“{name}” must be a number from {least} to {most}.")
    return problems
