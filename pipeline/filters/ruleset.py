"""filters.yaml, already parsed to a mapping, -> rules that are known to be right; and back again."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml

from pipeline.config_errors import ConfigError
from pipeline.filters.registry import RULES, known_settings

USUAL_TASK_TYPES = ("hypothesis", "methodology")


@dataclass(frozen=True)
class Rules:
    """Settings for every task type (`general`, every key present) and, by task type, where they differ."""

    general: Mapping[str, object]
    by_task: Mapping[str, Mapping[str, object]]
    _active: dict = field(default_factory=dict, compare=False, repr=False)

    def settings(self, task_type):
        """{key of filters.yaml: value} as it holds for this task type."""
        return {**self.general, **self.by_task.get(task_type, {})}

    def active(self, task_type):
        """[(rule, thresholds)] that are switched on for this task type, in the order of the registry."""
        if task_type not in self._active:
            values = self.settings(task_type)
            bound = ((rule, rule.thresholds(values)) for rule in RULES.values())
            self._active[task_type] = [(rule, thresholds) for rule, thresholds in bound if thresholds is not None]
        return self._active[task_type]


def load_rules(mapping):
    """Read a filters.yaml mapping. Raises ConfigError with everything that is wrong.

    A key on top holds for every task type, one under `task_types` for that task type alone; a key left out has
    the shipped default. An empty file (None) means the shipped defaults.
    """
    mapping = {} if mapping is None else mapping
    if not isinstance(mapping, Mapping):
        raise ConfigError(f"filters: {mapping!r} is not a mapping; write one 'key: value' a line")
    problems = []
    tasks = mapping.get("task_types") or {}
    if not isinstance(tasks, Mapping):
        problems.append(f"task_types: {tasks!r} takes a mapping such as {{methodology: {{min_token_length: 80}}}}")
        tasks = {}
    top = _read({key: value for key, value in mapping.items() if key != "task_types"}, "", problems)
    own = {name: _read_task(name, values, problems) for name, values in tasks.items()}
    rules = _resolved(top, own)
    problems += _contradictions(rules)
    if problems:
        raise ConfigError(problems)
    return rules


def stored_rules(mapping):
    """The rules of a version recorded earlier: a rule that did not exist then, and so is not in it, is off."""
    missing = [rule.settings[0] for rule in RULES.values() if rule.settings[0].key not in mapping]
    return load_rules({**mapping, **{setting.key: setting.off for setting in missing}})


def rules_to_mapping(rules):
    """The rules as a filters.yaml mapping with every key written out: the same rules always give the same mapping."""
    mapping = _plain(rules.general)
    mapping["task_types"] = {name: _plain(rules.by_task[name]) for name in sorted(rules.by_task)}
    return mapping


def rules_to_yaml(rules):
    """The rules as the text of a filters.yaml."""
    return yaml.safe_dump(rules_to_mapping(rules), sort_keys=False, allow_unicode=True, default_flow_style=False)


def _read(mapping, where, problems):
    settings, values = known_settings(), {}
    for key, value in mapping.items():
        if key not in settings:
            problems.append(_unknown(key, where, settings))
            continue
        try:
            values[key] = settings[key].kind(value)
        except ValueError as error:
            problems.append(f"{where}{key}: {value!r} is wrong; it {error}")
    return values


def _read_task(name, values, problems):
    if not isinstance(name, str) or not name.strip():
        problems.append(f"task_types: {name!r} is not the name of a task type")
        return {}
    meant = difflib.get_close_matches(name.lower(), USUAL_TASK_TYPES, n=1, cutoff=0.88)
    if meant and name != meant[0]:
        problems.append(f"task_types.{name}: unknown task type; {meant[0]} is meant?")
    if values is not None and not isinstance(values, Mapping):
        problems.append(f"task_types.{name}: {values!r} takes a mapping such as {{min_char_length: 120}}")
        return {}
    return _read(values or {}, f"task_types.{name}.", problems)


def _unknown(key, where, settings):
    near = difflib.get_close_matches(str(key), settings, n=1)
    hint = f"; {near[0]} is meant?" if near else ""
    return f"{where}{key}: unknown key{hint}; known keys are {', '.join(settings)}" + ("" if where else ", task_types")


def _resolved(top, own):
    """What holds: a task type's own value, else the value on top, else the default of the task type."""
    settings = known_settings()
    general = {key: top.get(key, setting.default) for key, setting in settings.items()}
    names = dict.fromkeys([*own, *(name for setting in settings.values() for name in setting.by_task)])
    by_task = {}
    for name in names:
        values = {
            key: own.get(name, {}).get(key, general[key] if key in top else setting.by_task.get(name, setting.default))
            for key, setting in settings.items()
        }
        by_task[name] = {key: value for key, value in values.items() if value != general[key]}
    return Rules(general, {name: values for name, values in by_task.items() if values})


def _contradictions(rules):
    """Limits that no answer could pass at once: a min_ above its max_, more steps than lines."""
    problems = []
    for name in ("", *rules.by_task):
        values = rules.settings(name)
        where = f"task_types.{name}" if name else "filters"
        problems += [
            f"{where}: {low} {values[low]} is above {high} {values[high]}; no answer could pass"
            for low, high in _opposites()
            if values[low] is not None and values[high] is not None and values[low] > values[high]
        ]
    return list(dict.fromkeys(problems))


def _opposites():
    """[(min key, max key)] that bound the same value; a step is at least a line."""
    known = known_settings()
    pairs = [(key, "max_" + key.removeprefix("min_")) for key in known if key.startswith("min_")]
    return [(low, high) for low, high in [*pairs, ("min_steps", "max_lines")] if high in known]


def _plain(values):
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}
