"""Rubrics: what judges read answers for, as data. From YAML, checked by name, to the words of a prompt; and back."""

import hashlib
import re
import reprlib

import yaml
from django.conf import settings

from .config import read_yaml, yaml_of
from .config_errors import ConfigError

NAMES = ("factuality", "reasoning")
KEYS = ("label", "description", "dimensions", "flags", "instructions")
DIMENSION_KEYS = ("name", "label", "description", "task_types", "options")
FLAG_KEYS = ("name", "description")
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
RANGE = re.compile(r"(\d{1,3})(?:\s*[-–]\s*(\d{1,3}))?")
MOST_DIMENSIONS, MOST_FLAGS, LONGEST = 20, 40, 4000
# A dimension of such a name would be taken for something else in the judge's reply.
TAKEN = {"score", "rationale", "flags", "dimensions", "requires_human_review"}


def shipped(name):
    """The rubric of configs/rubrics/NAME.yaml."""
    path = settings.CONFIG_DIR / "rubrics" / f"{name}.yaml"
    try:
        return load_rubric(read_yaml(path))
    except ConfigError as error:
        raise ConfigError([f"{path.name}: {message}" for message in error.messages]) from None


def asked_by(template, rubric):
    """What a score keeps as the version that it was given by: of the template that asked, and of the rubric."""
    return hashlib.sha256(f"{template.sha256}\n{rubric.sha256}".encode()).hexdigest()


def from_yaml(text):
    """The rubric that a YAML text holds; raises ConfigError with every problem."""
    try:
        body = yaml_of(text)
    except ConfigError as error:
        raise ConfigError(f"This {error}") from None
    if not isinstance(body, dict):
        raise ConfigError(f"This is {_kind(body)}; a rubric is a mapping with {', '.join(KEYS)}.")
    return load_rubric(body)


def to_yaml(body):
    """A rubric as YAML, its keys and options in their usual order."""
    ordered = {key: body[key] for key in KEYS if key in body}
    ordered["dimensions"] = [
        {key: in_order(each[key]) if key == "options" else each[key] for key in DIMENSION_KEYS if key in each}
        for each in body["dimensions"]
    ]
    ordered["flags"] = [{key: each[key] for key in FLAG_KEYS if key in each} for each in body.get("flags", [])]
    return yaml.safe_dump(ordered, sort_keys=False, allow_unicode=True, width=110)


def load_rubric(body):
    """A rubric from a mapping, whole and with its options as text; raises ConfigError that names every problem."""
    wrong = _unknown(body, KEYS, "")
    found = {
        "label": _text(body, "label", "", wrong, needed=True),
        "description": _text(body, "description", "", wrong),
        "dimensions": _list(body, "dimensions", _dimension, MOST_DIMENSIONS, wrong),
        "flags": _list(body, "flags", _flag, MOST_FLAGS, wrong),
        "instructions": _text(body, "instructions", "", wrong),
    }
    if not body.get("dimensions"):
        wrong.append("dimensions: a rubric needs at least one.")
    if wrong:
        raise ConfigError(wrong)
    return found


def dimensions(body, task_type):
    """The dimensions of a rubric that answers to this task type are read for, in their order."""
    return [each for each in body["dimensions"] if task_type in each.get("task_types", [task_type])]


def labels(body):
    """{name of a dimension: its label}."""
    return {each["name"]: each["label"] for each in body["dimensions"]}


def words(body, task_type):
    """A rubric as it stands in the prompt of a judge who reads an answer to this task type."""
    lines = ["Give each dimension a whole number from 0 to 100:"]
    for each in dimensions(body, task_type):
        said = each["description"] or each["label"]
        lines.append(f"- {each['name']}: {said}")
        lines += [f"  {span}: {meaning}" for span, meaning in in_order(each.get("options", {})).items()]
    if body.get("flags"):
        lines += ["", "Flags, as many as apply, none if none does:"]
        lines += [f"- {each['name']}: {each['description']}".removesuffix(": ") for each in body["flags"]]
    if body.get("instructions"):
        lines += ["", body["instructions"]]
    return "\n".join(lines)


def in_order(options):
    """Options from the best to the worst; a database may have kept them in an order of its own."""
    return dict(sorted(options.items(), key=lambda item: _span(item[0]), reverse=True))


def _span(text):
    """(from, to) of "90-100" or "100"; None where it is no range within 0-100."""
    match = RANGE.fullmatch(str(text).strip())
    if not match:
        return None
    first, last = int(match[1]), int(match[2] or match[1])
    return (first, last) if first <= last <= 100 else None


def _dimension(each, where, wrong):
    wrong += _unknown(each, DIMENSION_KEYS, where)
    name = _name(each, where, wrong)
    found = {"name": name, "label": _text(each, "label", where, wrong) or name.replace("_", " ").capitalize()}
    found["description"] = _text(each, "description", where, wrong)
    types = each.get("task_types")
    if types is not None:
        if isinstance(types, list) and types and all(isinstance(one, str) and one.strip() for one in types):
            found["task_types"] = [one.strip() for one in types]
        else:
            wrong.append(
                f"{where}task_types: {_shown(types)} is not right: give a list of task types, or leave it out."
            )
    found["options"] = _options(each.get("options"), where, wrong)
    return found


def _options(options, where, wrong):
    if options is None:
        return {}
    if not isinstance(options, dict):
        wrong.append(f'{where}options: {_kind(options)} is not right: give a mapping such as "90-100": flawless.')
        return {}
    found, spans = {}, []
    for key, meaning in options.items():
        span = _span(key)
        if span is None:
            wrong.append(f"{where}options: {_shown(key)} is not right: give a range within 0 to 100, such as 90-100.")
        elif any(first <= span[1] and span[0] <= last for first, last in spans):
            wrong.append(f"{where}options: {key} overlaps another range.")
        elif not isinstance(meaning, str) or not meaning.strip():
            wrong.append(f"{where}options: {key} needs a meaning.")
        else:
            spans.append(span)
            found[str(key).strip().replace("–", "-")] = " ".join(meaning.split())
    return found


def _flag(each, where, wrong):
    wrong += _unknown(each, FLAG_KEYS, where)
    return {"name": _name(each, where, wrong), "description": _text(each, "description", where, wrong)}


def _list(body, key, read, most, wrong):
    """The entries of a list of mappings, each name once."""
    given = body.get(key) or []
    if not isinstance(given, list):
        wrong.append(f"{key}: {_kind(given)} is not right: give a list.")
        return []
    if len(given) > most:
        wrong.append(f"{key}: {len(given)} are too many: give at most {most}.")
    found = []
    for number, each in enumerate(given[:most], start=1):
        if not isinstance(each, dict):
            wrong.append(f"{key}[{number}]: {_kind(each)} is not right: give a mapping with name and description.")
            continue
        made = read(each, f"{key}[{number}].", wrong)
        if made["name"] and made["name"] in [other["name"] for other in found]:
            wrong.append(f"{key}[{number}].name: {made['name']} stands there twice.")
        found.append(made)
    return found


def _name(each, where, wrong):
    name = each.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name) or name in TAKEN:
        wrong.append(
            f"{where}name: {_shown(name)} is not right: give small letters, digits and underscores, up to 40, that "
            f"begin with a letter; {', '.join(sorted(TAKEN))} mean something else."
        )
        return ""
    return name


def _text(body, key, where, wrong, *, needed=False):
    value = body.get(key)
    if value is None or value == "":
        if needed:
            wrong.append(f"{where}{key}: a text is needed.")
        return ""
    if not isinstance(value, str) or len(value) > LONGEST or "\0" in value:
        wrong.append(f"{where}{key}: {_shown(value)} is not right: give a text of at most {LONGEST:,} characters.")
        return ""
    return value.strip()


def _unknown(body, known, where):
    return [f"{where}{key} is not a known key; known here: {', '.join(known)}." for key in body if key not in known]


def _shown(value):
    return reprlib.repr(value)  # cuts long and deep values short: YAML's references can blow up to gigabytes


def _kind(value):
    names = {dict: "a mapping", list: "a list", str: "a text", type(None): "nothing", int: "a number"}
    return names.get(type(value), f"a {type(value).__name__}")
