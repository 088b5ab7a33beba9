"""What a release is made by: which rows, in which formats, how they are split. Checked by name; stored complete."""

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
)

from pipeline import formats, splits

INCLUDES = ("accepted", "filtered")
BY_DEFAULT = ("messages", "prompt_completion", "pairs", "preference")
OF_THE_PROJECT = ("near_duplicate_percent", "paired")  # in the stored copy; settings of the project, not of a recipe
SHARD_BYTES = 500_000_000

EXPECTED = {
    "tuple_type": "a list is expected, such as [a, b]",
    "dict_type": "a mapping is expected, such as {name: value}",
}


def _as_text(value):
    """YAML reads `seed: 42` as a number."""
    return str(value) if type(value) is int else value


Name = Annotated[str, StringConstraints(max_length=200)]
Seed = Annotated[str, BeforeValidator(_as_text), StringConstraints(min_length=1, max_length=64)]
Rows = Annotated[int, Field(ge=1)]


class WrongRecipe(ValueError):
    """A recipe that cannot be followed; `messages` say for each key what is wrong and what is right."""

    def __init__(self, messages):
        super().__init__(" ".join(messages))
        self.messages = messages


class Recipe(BaseModel):
    """Every choice of a release. What is left out is the project's own, or nothing is asked of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    include: Literal["accepted", "filtered"] = "accepted"
    include_leaks: bool = False
    formats: tuple[str, ...] = ()
    system: bool = False
    shares: dict[Literal["train", "validation", "test"], Annotated[float, Field(ge=0, le=1)]] | None = None
    seed: Seed | None = None
    min_score: Annotated[float, Field(ge=0, le=100)] | None = None
    min_agreement: Annotated[float, Field(ge=0, le=1)] | None = None
    task_types: tuple[Name, ...] = ()
    domains: tuple[Name, ...] = ()
    not_domains: tuple[Name, ...] = ()
    domain_caps: dict[Name, Annotated[int, Field(ge=0)]] = {}
    cap_per_domain: Rows | None = None
    targets: dict[Name, Rows] = {}
    shard_bytes: Annotated[int, Field(ge=1_000_000)] = SHARD_BYTES

    @field_validator("formats")
    @classmethod
    def _known_formats(cls, names):
        unknown = sorted(set(names) - formats.FORMATS.keys())
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: unknown; formats are {', '.join(formats.FORMATS)}")
        # The others are views of the same rows beside it; readers take it where none is named.
        return tuple(name for name in formats.FORMATS if name in names or name == "messages") if names else ()

    @field_validator("task_types", "domains", "not_domains")
    @classmethod
    def _in_one_order(cls, names):
        return tuple(sorted(set(names)))

    @field_validator("shares")
    @classmethod
    def _whole(cls, shares):
        if shares is not None and abs(sum(shares.values()) - 1) > 1e-6:
            said = ", ".join(f"{name} {share:g}" for name, share in shares.items())
            raise ValueError(f"the shares ({said}) sum to {sum(shares.values()):g}; they must sum to 1")
        return shares and {name: shares.get(name, 0.0) for name in splits.SPLITS}

    def stored(self, project):
        """The complete copy that a release keeps: nothing in it is left to what the project says later."""
        wanted = self.formats or default_formats(project)
        chosen = {
            "formats": [name for name in wanted if name != "pairs" or project.paired],
            "shares": self.shares or {name: project.split_shares.get(name, 0) for name in splits.SPLITS},
            "seed": self.seed or project.split_seed,
        }
        return self.model_dump(mode="json") | chosen | {name: getattr(project, name) for name in OF_THE_PROJECT}


def default_formats(project):
    """Names of the formats that a release has unless its recipe names others."""
    return tuple(name for name in BY_DEFAULT if name in formats.FORMATS and (name != "pairs" or project.paired))


def read(body):
    """The Recipe of a mapping: a saved one, a stored copy, or what a run was started with. Raises WrongRecipe."""
    if not isinstance(body, dict):
        raise WrongRecipe([f"A recipe is a mapping such as {{include: accepted}}, not {type(body).__name__}."])
    body = {name: value for name, value in body.items() if name not in OF_THE_PROJECT}
    try:
        return Recipe.model_validate(body)
    except ValidationError as error:
        raise WrongRecipe([_said(each) for each in error.errors()]) from None


def known(body):
    """What a stored copy, of whatever age, says by keys that recipes have."""
    return {name: value for name, value in body.items() if name in Recipe.model_fields}


def of_parameters(parameters):
    """The Recipe that a run was started with: `recipe`, a mapping, and single keys of one beside it."""
    beside = {name: parameters[name] for name in Recipe.model_fields if name in parameters}
    return read(parameters.get("recipe", {}) | beside)


def from_yaml(path):
    """The mapping in a YAML file, still to be `read`. Raises WrongRecipe."""
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise WrongRecipe([f"{path} is no YAML: {error}"]) from None


def _said(error):
    name = ".".join(str(part) for part in error["loc"] if part != "[key]") or "recipe"
    if error["type"] == "extra_forbidden":
        return f"{name} is no key of a recipe; keys are {', '.join(Recipe.model_fields)}."
    wrong = EXPECTED.get(error["type"]) or error["msg"].removeprefix("Value error, ")
    return f"{name}: {wrong}."
