"""The list of rules: what each is called, what it means, and which keys of filters.yaml steer it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pipeline.filters import kinds

RULES: dict[str, "Rule"] = {}


@dataclass(frozen=True)
class Setting:
    """One key of filters.yaml. `kind` reads its value and refuses a wrong one.

    The value goes to the rule as the keyword `keyword`; a switch has none. `default` holds for every task type
    that `by_task` does not name.
    """

    key: str
    kind: Callable
    keyword: str = ""
    default: object = None
    by_task: Mapping[str, object] = field(default_factory=dict)

    @property
    def off(self):
        """The value that switches a rule off by this setting."""
        return self.kind(None)


@dataclass(frozen=True)
class Rule:
    """A rule: `measure(answer, **thresholds) -> Measurement`. Its first setting switches it on and off.

    `bound` says how the measured value, counted in `unit`, is held to the limit: "at least", "at most", or "" where
    it is no number. The value never depends on the limit. `whole`: values and limits are whole numbers.
    """

    id: str
    label: str
    help: str
    measure: Callable
    settings: tuple[Setting, ...]
    bound: str = "at most"
    unit: str = "findings"
    whole: bool = True

    @property
    def limit(self):
        """The setting whose value is the limit, or None for a switch, whose limit is fixed (0 findings, say)."""
        first = self.settings[0]
        return first if first.keyword == "limit" and first.kind is not kinds.switch else None

    @property
    def task_types(self):
        """The task types it is on for unless filters.yaml says otherwise; empty means all of them."""
        switch = self.settings[0]
        return () if switch.default else tuple(name for name, value in switch.by_task.items() if value)

    def thresholds(self, values):
        """Keyword arguments of the rule under these setting values, or None when it is switched off."""
        switch = values[self.settings[0].key]
        if switch is None or switch is False or switch == ():
            return None
        return {setting.keyword: values[setting.key] for setting in self.settings if setting.keyword}


def rule(id, *, label, help, settings, bound="at most", unit="findings", whole=True):
    """Register the decorated function as a rule."""

    def register(function):
        RULES[id] = Rule(id, label, help, function, tuple(settings), bound, unit, whole)
        return function

    return register


def known_settings():
    """Every key of filters.yaml, in the order of the rules."""
    return {setting.key: setting for rule in RULES.values() for setting in rule.settings}
