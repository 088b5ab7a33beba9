"""Project and teachers as the configuration file and the OPENAI_* variables name them, made if absent."""

import os
from decimal import Decimal

from django.core.exceptions import ValidationError

from curation.models import Project, PromptTemplate, Ruleset, Teacher
from curation.models.teacher import base_url as check_base_url

from .config import read_text
from .config_errors import ConfigError
from .gate import DEFAULTS, load_gate
from .stages.composing import SYSTEM, SYSTEM_REGEN
from .teachers import default_profile

OPENAI_URL = "https://api.openai.com/v1"
MOST_WORKERS = 1000
OPENROUTER_URL = "https://openrouter.ai/api/v1"


def endpoint_of(model):
    """(base URL, key variable, model name) for a model id as the scripts wrote it: openrouter:…, openai/…, plain."""
    base_url = os.environ.get("OPENAI_BASE_URL", "").rstrip("/") or OPENAI_URL
    try:
        check_base_url(base_url)
    except ValidationError as error:
        # The value may hold a password, so it is not repeated.
        raise ConfigError(f"OPENAI_BASE_URL is no address: {error.message}") from None
    if model.startswith("openrouter:"):
        return OPENROUTER_URL, "OPENROUTER_API_KEY", model.removeprefix("openrouter:")
    if base_url == OPENAI_URL:
        model = model.removeprefix("openai/")
    # A local server often needs no key at all: none is demanded where none is set.
    key_env = "OPENAI_API_KEY" if base_url == OPENAI_URL or os.environ.get("OPENAI_API_KEY") else ""
    return base_url, key_env, model


def teacher_for(model, *, parameters=None, config=None):
    """The teacher of a model id; made with the scripts' defaults if there is none at its address."""
    base_url, key_env, name = endpoint_of(model)
    wanted = {"temperature": 0.2, "top_p": 0.95, "max_tokens": 1024} if default_profile(name)["sampling"] else {}
    if not wanted:
        # Reasoning tokens are counted too: 1,024 would often leave no room for the answer.
        wanted = {"max_tokens": 8192}
    wanted |= parameters or {}
    found = Teacher.objects.filter(base_url=base_url, model=name, parameters=wanted, kind=Teacher.Kind.ENDPOINT).first()
    if found:
        return found
    return Teacher.objects.create(
        name=_free_name(name, base_url),
        base_url=base_url,
        model=name,
        api_key_env=key_env,
        concurrency=_concurrency(config),
        parameters=wanted,
        **_prices(config),
    )


def _free_name(model, base_url):
    host = base_url.split("//")[-1].split("/")[0]
    names = [model, f"{model} at {host}", *(f"{model} at {host} ({n})" for n in range(2, 1000))]
    taken = set(Teacher.objects.filter(name__startswith=model[:100]).values_list("name", flat=True))
    return next(name for name in names if name not in taken)


def _concurrency(config):
    named = config.generation.max_concurrent_requests if config else None
    if named:
        return named
    said = os.environ.get("OPENAI_MAX_WORKERS", "").strip() or "32"
    if not said.isascii() or not said.isdigit() or not 1 <= int(said) <= MOST_WORKERS:
        raise ConfigError(f"OPENAI_MAX_WORKERS is {said!r}: give a whole number from 1 to {MOST_WORKERS:,}.")
    return int(said)


def _prices(config):
    """The batch script's prices a thousand tokens, as prices a million."""
    if not config or config.tracking.cost_per_1k_input is None or config.tracking.cost_per_1k_output is None:
        return {}
    return {
        "input_price": Decimal(str(config.tracking.cost_per_1k_input)) * 1000,
        "output_price": Decimal(str(config.tracking.cost_per_1k_output)) * 1000,
    }


def project_for(config, slug=None):
    """The project that the configuration names, made if absent; its teachers, judges and prompts follow the file."""
    slug = slug or config.project
    if not Project.objects.filter(slug=slug).exists():
        _check_slug(slug)
    project, _ = Project.objects.get_or_create(slug=slug, defaults={"name": slug.replace("-", " ").capitalize()})
    project.teacher = teacher_for(config.teacher_model, parameters=config.parameters, config=config)
    if config.collection.regen_teacher_model:
        project.regen_teacher = teacher_for(config.collection.regen_teacher_model, config=config)
    _adopt_judges(project, config)
    project.save()
    _adopt_prompts(project, config)
    if project.judges:
        _adopt_gate(project, config.judging)
    return project


def _check_slug(slug):
    try:
        Project._meta.get_field("slug").run_validators(slug)
    except ValidationError as error:
        raise ConfigError(f"{slug!r} cannot be a project's slug: {' '.join(error.messages)}") from error


def _adopt_judges(project, config):
    judging = config.judging
    sampling = {"temperature": judging.judge_temperature or 0.0}
    for field, model in (("judge_factuality", judging.judge_f_model), ("judge_reasoning", judging.judge_r_model)):
        if model:
            setattr(project, field, teacher_for(model, parameters=sampling, config=config))
    if judging.more_judge_models:
        further = [teacher_for(model, parameters=sampling, config=config) for model in judging.more_judge_models]
        project.more_judges.set(further)
    project.judge_repeats = judging.judge_repeats or project.judge_repeats


def _adopt_gate(project, judging):
    """Make the thresholds that the file names the project's; what it does not name stays at its default."""
    named = {key: getattr(judging, key) for key in DEFAULTS if getattr(judging, key, None) is not None}
    if project.gate_ruleset is None or named.keys() - {"require_both"}:
        readings = project.gate_ruleset.body.get("readings") if project.gate_ruleset else ""
        body = load_gate({"readings": readings} | named)
        Ruleset.record(project, Ruleset.Kind.GATE, body, origin="distill_config.yaml")


def _adopt_prompts(project, config):
    named = {SYSTEM: config.collection.system_prompt_path, SYSTEM_REGEN: config.collection.regen_system_prompt_path}
    for name, path in named.items():
        if path:
            PromptTemplate.record(project, name, read_text(path), origin=path.name)
