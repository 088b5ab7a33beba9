"""Recipes: what is done about each reason why an answer was sent back. configs/recipes.yaml is where projects begin."""

import difflib
import json
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

import yaml
from django.conf import settings
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from curation import labels
from curation.models import Complaint, Ruleset, Teacher
from curation.profiles import check_parameters
from curation.reviewing.reasons import BY_CODE, known_reasons
from pipeline import filters, gate, prompts
from pipeline.config import read_yaml, yaml_of
from pipeline.config_errors import ConfigError

SHIPPED = "recipes.yaml"
FILTER, GATE, REVIEWER = Complaint.Source.values
OTHER = "other"  # the reviewers' reason that says nothing without its comment
LONGEST = 2000  # characters of an addendum
MOST_TEACHERS = 20


@dataclass(frozen=True)
class Reason:
    """Something an answer can be sent back for: where it comes from, its code, and what people call it."""

    source: str
    code: str
    label: str
    help: str = ""

    @property
    def key(self):
        """Its name in a body of recipes: filter:<rule>, gate:<reason> or reviewer:<code>."""
        return f"{self.source}:{self.code}"


def reasons(project=None):
    """{key: Reason} of all that can be said of an answer in `project`, in the order of the sources."""
    named = BY_CODE | (known_reasons(project) if project else {})
    found = [Reason(FILTER, rule.id, rule.label, rule.help) for rule in filters.RULES.values()]
    found += [Reason(GATE, code, labels.gate_reason(code)) for code in gate.REASONS]
    found += [Reason(REVIEWER, each.code, each.label, each.help) for each in named.values()]
    return {each.key: each for each in found}


def label(source, code, known=None):
    """What people call a reason by `known` (see `reasons`); a code that nothing knows any more, by its words."""
    found = (reasons() if known is None else known).get(f"{source}:{code}")
    return found.label if found else labels.words(code)


# -- reading ----------------------------------------------------------------------------------------------------------


def _parameters(value):
    problems = check_parameters(value)
    if problems:
        raise ValueError(" ".join(problems))
    return value


def _addendum(value):
    return " ".join(value.split())


Addendum = Annotated[str, Field(max_length=LONGEST), AfterValidator(_addendum)]
Ladder = Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=MOST_TEACHERS)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Recipe(_Section):
    addendum: Addendum = ""
    parameters: Annotated[dict[str, object], AfterValidator(_parameters)] = Field(default_factory=dict)
    ladder: Ladder = Field(default_factory=list)


class _Otherwise(_Section):
    addendum: Addendum = ""


class _Recipes(_Section):
    ladder: Ladder = Field(default_factory=list)
    stop_after_same_reason: int | None = Field(2, ge=2, le=20)
    recipes: dict[str, _Recipe] = Field(default_factory=dict)
    otherwise: _Otherwise = Field(default_factory=_Otherwise)


def load_recipes(body, project=None):
    """A whole body of recipes from a mapping; raises ConfigError that names every key and value that is wrong.

    Reasons are those that `project` knows, teachers those that are there.
    """
    if not isinstance(body, dict):
        known = ", ".join(_Recipes.model_fields)
        raise ConfigError(f"This is a {type(body).__name__}; recipes are a mapping with {known}.")
    _refuse_unstorable(body)
    try:
        found = _Recipes.model_validate(body).model_dump()
    except ValidationError as error:
        raise ConfigError([_say(item) for item in error.errors()]) from None
    known = reasons(project)
    wrong = [_unknown(key, known) for key in found["recipes"] if key not in known]
    wrong += _wrong_placeholders(found) + _wrong_teachers(found)
    if wrong:
        raise ConfigError(wrong)
    return found


def _refuse_unstorable(body):
    """What YAML may say and no database keeps: NaN, dates, texts with NUL or half a character."""
    try:
        written = json.dumps(body, allow_nan=False)
        json.dumps(body, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"This holds what cannot be stored: {' '.join(str(error).split())[:200]}.") from None
    if "\\u0000" in written:
        raise ConfigError("This holds what cannot be stored: a text with the character NUL.")


def _wrong_placeholders(body):
    addenda = {f"recipes.{key}": each["addendum"] for key, each in body["recipes"].items()}
    addenda["otherwise"] = body["otherwise"]["addendum"]
    return [
        f"{where}.addendum: {{{{{name}}}}} is not known here; rules have {{{{limit}}}}, and nothing else is filled in."
        for where, text in addenda.items()
        for name in dict.fromkeys(prompts.DOUBLE.findall(text))
        if name != "limit" or not where.startswith(f"recipes.{FILTER}:")
    ]


def ladders_of(body):
    """[(where it stands, its names)] of every ladder in a body of recipes that has a rung."""
    found = [("ladder", body.get("ladder", []))]
    found += [(f"recipes.{key}.ladder", each.get("ladder", [])) for key, each in body.get("recipes", {}).items()]
    return [(where, names) for where, names in found if names]


def has_ladder(project):
    """Whether the project's recipes name a teacher themselves."""
    return bool(project.recipe_ruleset and ladders_of(project.recipe_ruleset.body))


def _wrong_teachers(body):
    wanted = {name for _, names in ladders_of(body) for name in names}
    known = Teacher.objects.exclude(kind=Teacher.Kind.IMPORTED).filter(name__in=wanted)
    missing = wanted - set(known.values_list("name", flat=True))
    return [
        f"{where}: there is no teacher named {name!r} that can be asked."
        for where, names in ladders_of(body)
        for name in names
        if name in missing
    ]


def _unknown(key, known):
    near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.7)
    hint = f"{near[0]} is meant?" if near else "name it filter:<rule>, gate:<reason of SampleGate> or reviewer:<reason>"
    return f"recipes.{key}: unknown reason; {hint}".rstrip(".") + ("" if near else ".")


def _say(item):
    """One pydantic error in words, with the key's full name."""
    where = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        section = _Recipes
        if len(item["loc"]) > 1:
            section = _Recipe if item["loc"][0] == "recipes" else _Otherwise
        return f"{where} is not a known key; known here: {', '.join(section.model_fields)}."
    said = item["msg"].removeprefix("Value error, ")
    return f"{where}: {item['input']!r} is not right: {said[0].lower()}{said[1:].removesuffix('.')}."


def from_yaml(text, project=None):
    """The recipes that a YAML text holds; raises ConfigError with every problem."""
    try:
        body = yaml_of(text)
    except ConfigError as error:
        raise ConfigError(f"This {error}") from None
    return load_recipes({} if body is None else body, project)


def to_yaml(body):
    """Recipes as YAML, in their usual order."""
    return yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=110)


# -- the project's ----------------------------------------------------------------------------------------------------


def shipped():
    """The recipes of configs/recipes.yaml."""
    path = settings.CONFIG_DIR / SHIPPED
    try:
        return deepcopy(_read_shipped(path, path.stat().st_mtime_ns if path.exists() else 0))
    except ConfigError as error:
        raise ConfigError([f"{SHIPPED}: {message}" for message in error.messages]) from None


@lru_cache(maxsize=4)
def _read_shipped(path, changed_at):
    """Read once as long as it does not change: a page looks at it for every reason that somebody chooses."""
    return load_recipes(read_yaml(path))


def recipes_of(project, *, record=True):
    """The project's current recipes, a Ruleset; the shipped ones become its version 1 at first use.

    Without `record` nothing is written: the shipped ones are then in a Ruleset that is not stored.
    """
    if project.recipe_ruleset:
        return project.recipe_ruleset
    if record:
        return Ruleset.record(project, Ruleset.Kind.RECIPE, shipped(), origin=SHIPPED)
    return Ruleset(project=project, kind=Ruleset.Kind.RECIPE, version=1, body=shipped(), origin=SHIPPED)


def record_recipes(project, body, *, origin="", by=None):
    """Make these recipes the project's current ones, a new version; raises ConfigError for what is wrong in them."""
    return Ruleset.record(project, Ruleset.Kind.RECIPE, load_recipes(body, project), origin=origin, by=by)


def recipe(body, key):
    """The recipe for a reason: {addendum, parameters, ladder}; the general addendum where there is none."""
    found = body.get("recipes", {}).get(key)
    return {"addendum": "", "parameters": {}, "ladder": []} | (body.get("otherwise", {}) if found is None else found)
