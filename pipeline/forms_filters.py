"""The rules of filters.yaml as fields of a page: one for each key, and for each task type where that may differ."""

import sys
from dataclasses import dataclass, field

from pipeline import filters
from pipeline.config_errors import ConfigError
from pipeline.filters.ruleset import USUAL_TASK_TYPES

ON, OFF = "on", "off"
MOST_NAMED = 20  # task types that an address or a file may bring along


@dataclass
class Field:
    """One value: of a key of filters.yaml for one task type, or for every other one where `task` is empty.

    `now` is the value in force and `text` what the page shows, both as text; `kind` is switch, number or lines.
    """

    name: str
    setting: filters.Setting
    task: str
    kind: str
    now: str
    text: str
    errors: list = field(default_factory=list)
    fixed: bool = False

    @property
    def title(self):
        """The key, with its task type."""
        return f"{self.task}: {self.setting.key}" if self.task else self.setting.key

    @property
    def changed(self):
        """Whether the page shows another value than the one in force."""
        return self.text != self.now


class RulesForm:
    """The rules of a page: those in force, with what `data` says otherwise; a key that `data` lacks stays in force.

    After `read()`, `rules` are the Rules, or None with `errors` by field and in `other_errors`.
    """

    def __init__(self, in_force, tasks, data=None, *, may_write_patterns=True):
        self.in_force = in_force
        named = {tuple(name.split(".", 1)) for name in data or () if "." in name}
        named = sorted({(key, task) for key, task in named if task and key in filters.registry.known_settings()})
        others = list(dict.fromkeys(task for _, task in named))[:MOST_NAMED]
        self.tasks = sorted({*(tasks or USUAL_TASK_TYPES), *in_force.by_task, *others})
        self.fields = {each.name: each for each in self._fields(set(named))}
        self.rules, self.other_errors = None, []
        for name, each in self.fields.items():
            # A regular expression can keep a server busy for ever: it takes somebody who may also apply it.
            each.fixed = each.setting.kind is filters.registry.kinds.regexes and not may_write_patterns
            if data is not None and name in data and not each.fixed:
                each.text = _as_shown(each.kind, data[name])

    def _fields(self, named):
        for setting in filters.registry.known_settings().values():
            for task in ["", *self.tasks]:
                value = self.in_force.settings(task)[setting.key]
                kind = kind_of(setting)
                own = value != self.in_force.general[setting.key] or (setting.key, task) in named
                if kind == "lines" and task and not own:
                    continue  # lists are the same for all task types unless a file said otherwise
                text = as_text(kind, value)
                yield Field(f"{setting.key}.{task}" if task else setting.key, setting, task, kind, text, text)

    def of(self, setting, task=""):
        """The field of a setting for a task type, or None where that task type has none of its own."""
        return self.fields.get(f"{setting.key}.{task}" if task else setting.key)

    @property
    def changed(self):
        """{name: text} of what differs from the rules in force: the short way to say what the page shows."""
        return {name: each.text for name, each in self.fields.items() if each.changed}

    def read(self, also=lambda rules: None):
        """The Rules that the page shows, or None; then the errors are at their fields.

        `also` is shown the rules and may raise a ConfigError of its own.
        """
        try:
            rules = filters.load_rules(self.mapping())
            also(rules)
            self.rules = rules
        except ConfigError as error:
            for problem in error.messages:
                self._place(problem)
        return self.rules

    def mapping(self):
        """What the page shows as a filters.yaml mapping; a text that is no value stays text, to be refused by key."""
        mapping = filters.rules_to_mapping(self.in_force)
        for each in self.fields.values():
            place = mapping["task_types"].setdefault(each.task, {}) if each.task else mapping
            now = self.in_force.settings(each.task)[each.setting.key]
            # What is as it was is taken as it is: a text area cannot show every list.
            place[each.setting.key] = from_text(each.kind, each.text) if each.changed else now
        return mapping

    def _place(self, problem):
        where, _, message = problem.partition(": ")
        message = message.replace("or null to switch", "or nothing to switch")  # as a form says null
        for each in self.fields.values():
            if where == (f"task_types.{each.task}.{each.setting.key}" if each.task else each.setting.key):
                each.errors.append(message)
                return
        self.other_errors.append(problem)


def texts_of(rules, tasks):
    """{name of a field: text} of whole rules, such as those of an uploaded file, for these and its own task types."""
    texts = {}
    for setting in filters.registry.known_settings().values():
        kind = kind_of(setting)
        for task in ["", *sorted({*tasks, *rules.by_task})]:
            value = rules.settings(task)[setting.key]
            if not task or kind != "lines" or value != rules.general[setting.key]:
                texts[f"{setting.key}.{task}" if task else setting.key] = as_text(kind, value)
    return texts


def kind_of(setting):
    """How a setting is shown: switch, number or lines."""
    values = [setting.default, *setting.by_task.values()]
    if any(isinstance(value, bool) for value in values) or setting.kind is filters.registry.kinds.switch:
        return "switch"
    return "lines" if any(isinstance(value, tuple | list) for value in values) else "number"


def as_text(kind, value):
    """A value as a form shows it."""
    if kind == "switch":
        return ON if value else OFF
    if kind == "lines":
        return "\n".join(value or ())
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def from_text(kind, text):
    """What a form's text says: true or false, a list, a number or null; other text is left as it is."""
    if kind == "switch":
        return text == ON
    if kind == "lines":
        return [line for line in text.split("\n") if line.strip()]
    text = text.strip()
    if not text:
        return None
    for read in (int, float):
        try:
            number = read(text)
        except ValueError:
            continue
        return number if abs(number) <= sys.float_info.max else text
    return text


def as_sent(text):
    """Text of a text area as it was before a browser sent it: with plain line ends."""
    return text.replace("\r\n", "\n")


def _as_shown(kind, text):
    """Text of a browser in the one shape that compares: no carriage returns, no empty lines, numbers written alike."""
    if kind == "lines":
        return "\n".join(line for line in as_sent(text).split("\n") if line.strip())
    text = text.strip()
    value = from_text(kind, text)
    return as_text(kind, value) if kind != "number" or isinstance(value, int | float) else text
