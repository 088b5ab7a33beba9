"""distill_config.yaml -> validated settings. Unknown keys and wrong values are refused by name, all at once."""

from pathlib import Path
from typing import Annotated

import yaml
from django.conf import settings
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError

from .config_errors import ConfigError

DEFAULT_CONFIG = "distill_config.yaml"
# The 99th of a month is no date, and a thousand brackets are too deep: PyYAML has no error of its own for these.
NO_YAML = (yaml.YAMLError, ValueError, RecursionError)


def _none(value):
    """The scripts' ways to say nothing: "", null and "null"."""
    return None if isinstance(value, str) and value.strip() in ("", "null") else value


Text = Annotated[str | None, BeforeValidator(_none)]
FilePath = Annotated[Path | None, BeforeValidator(_none), AfterValidator(lambda p: p and p.expanduser())]
Share = Annotated[float | None, BeforeValidator(_none), Field(ge=0, le=100)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class Defaults(Section):
    prompt_column: Text = None
    context_column: Text = None
    task_type_column: Text = None
    output_column: Text = "teacher_output"


class Collection(Section):
    teacher_model: Text = "gpt-4o-mini"
    batch_size: int = Field(8, ge=1, le=10_000)
    system_prompt_path: FilePath = None
    regen_teacher_model: Text = "o3-mini"
    regen_system_prompt_path: FilePath = None
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    max_tokens: int | None = Field(None, ge=1)


class Storage(Section):
    raw_dataset: FilePath = None
    collected_dataset: FilePath = None
    filtered_dataset: FilePath = None
    regen_dataset: FilePath = None
    sft_jsonl: FilePath = None
    sft_parquet: FilePath = None


class Judging(Section):
    judge_f_model: Text = None
    judge_r_model: Text = None
    judge_temperature: float | None = Field(None, ge=0, le=2)
    more_judge_models: list[str] = Field(default_factory=list)
    judge_repeats: int | None = Field(None, ge=1, le=9)
    judge_f_threshold: Share = None
    judge_r_threshold: Share = None
    accept_f_from: Share = None
    accept_r_from: Share = None
    max_spread: Share = None
    require_both: bool = True


class Generation(Section):
    """The batch script's keys; where given they take the place of those in `collection`."""

    teacher_model: Text = None
    temperature: float | None = Field(None, ge=0, le=2)
    max_tokens: int | None = Field(None, ge=1)
    full_batch_size: int | None = Field(None, ge=1)
    max_concurrent_requests: int | None = Field(None, ge=1, le=1000)


class Data(Section):
    prompt_column: Text = None
    context_column: Text = None
    source_dataset: FilePath = None
    output_dir: FilePath = None
    manifest_path: FilePath = None


class Tracking(Section):
    cost_per_1k_input: float | None = Field(None, ge=0)
    cost_per_1k_output: float | None = Field(None, ge=0)


class DistillConfig(Section):
    """The whole file. `notices` holds what the reader should be told: keys without effect, paths found elsewhere."""

    project: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60)] = "distill"
    defaults: Defaults = Field(default_factory=Defaults)
    collection: Collection = Field(default_factory=Collection)
    storage: Storage = Field(default_factory=Storage)
    judging: Judging = Field(default_factory=Judging)
    generation: Generation = Field(default_factory=Generation)
    data: Data = Field(default_factory=Data)
    tracking: Tracking = Field(default_factory=Tracking)
    chunking: object = None
    _notices: list[str] = PrivateAttr(default_factory=list)

    @property
    def notices(self):
        return self._notices

    @property
    def teacher_model(self):
        return self.generation.teacher_model or self.collection.teacher_model

    @property
    def parameters(self):
        """Sampling parameters of the teacher that the file names."""
        named = {
            "temperature": _first(self.generation.temperature, self.collection.temperature),
            "top_p": self.collection.top_p,
            "max_tokens": _first(self.generation.max_tokens, self.collection.max_tokens),
        }
        return {name: value for name, value in named.items() if value is not None}

    @property
    def batch_size(self):
        return self.generation.full_batch_size or self.collection.batch_size

    @property
    def columns(self):
        """{field of a prompt: column of the input file} for the columns that the file names."""
        named = {
            "prompt": self.data.prompt_column or self.defaults.prompt_column,
            "context": self.data.context_column or self.defaults.context_column,
            "task_type": self.defaults.task_type_column,
        }
        return {field: column for field, column in named.items() if column}

    @property
    def raw_dataset(self):
        return self.data.source_dataset or self.storage.raw_dataset

    def path(self, name):
        """`storage.<name>`, or ConfigError that names the key."""
        found = self.raw_dataset if name == "raw_dataset" else getattr(self.storage, name)
        if found is None:
            raise ConfigError(f"storage.{name} is not set: name the file there, or give it on the command line.")
        return found


def _first(*values):
    return next((value for value in values if value is not None), None)


def load_config(path=None):
    """Read `path` (default: configs/distill_config.yaml) into a DistillConfig; raises ConfigError with all errors."""
    path = Path(path).expanduser() if path else settings.CONFIG_DIR / DEFAULT_CONFIG
    body = read_yaml(path)
    # A section of which every key is commented out.
    body = {key: value for key, value in body.items() if value is not None or not _is_section(key)}
    try:
        config = DistillConfig.model_validate(body)
    except ValidationError as error:
        raise ConfigError([f"{path}: {_say(item)}" for item in error.errors()]) from None
    if config.chunking is not None:
        config.notices.append("chunking does nothing: prompts are taken one by one (batch_size sets a transaction).")
    for name in ("system_prompt_path", "regen_system_prompt_path"):
        setattr(config.collection, name, _find_prompt(getattr(config.collection, name), name, config.notices))
    return config


def _is_section(key):
    field = DistillConfig.model_fields.get(key)
    return isinstance(field and field.annotation, type) and issubclass(field.annotation, Section)


def read_text(path):
    """The text of a file; raises ConfigError that says why it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text: {error}") from None


def yaml_of(text):
    """What a YAML text holds that somebody sent; raises ConfigError that says what is wrong with it."""
    try:
        # An alias stands for what may be long; a few of them in a row unfold to more than any memory.
        aliases = any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader))
        body = None if aliases else yaml.safe_load(text)
    except NO_YAML as error:
        raise ConfigError(f"is not YAML: {' '.join(str(error).split())}") from None
    if aliases:
        raise ConfigError("uses aliases (*name), which are not read: write values out.")
    return body


def read_yaml(path):
    """The mapping in a YAML file; raises ConfigError that says what is wrong with the file."""
    text = read_text(path)
    try:
        body = yaml.safe_load(text)
    except NO_YAML as error:
        raise ConfigError(f"{path}: is not YAML: {' '.join(str(error).split())}") from None
    if body is None:
        body = {}
    if not isinstance(body, dict):
        raise ConfigError(f"{path}: holds a {type(body).__name__}; it should be a mapping of keys to values.")
    return body


def _find_prompt(path, key, notices):
    """A prompt path that is not there is looked for under prompts/ by its name, as the scripts' guide wrote it."""
    if path is None or path.exists():
        return path
    shipped = settings.PROMPT_DIR / path.name
    if not shipped.exists():
        raise ConfigError(f"collection.{key}: {path} does not exist, and prompts/{path.name} does not either.")
    notices.append(f"collection.{key}: {path} does not exist; using prompts/{path.name}.")
    return shipped


def _say(item):
    """One pydantic error in words, with the key's full name."""
    where = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        section = DistillConfig
        for part in item["loc"][:-1]:
            section = section.model_fields[part].annotation
        known = sorted(section.model_fields)
        return f"{where} is not a known key; known here: {', '.join(known)}."
    if item["type"] == "model_type":
        return f"{where}: {item['input']!r} is not right: keys with values below it are expected."
    return f"{where}: {item['input']!r} is not right: {item['msg'][0].lower()}{item['msg'][1:]}."
