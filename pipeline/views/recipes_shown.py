"""Recipes as the pages show them: in groups, beside the shipped ones, and what differs between two versions."""

from dataclasses import dataclass

from curation.models import Complaint
from pipeline import filters
from pipeline.regenerating import recipes, shipped

from .quality_filters import family_of

REVIEWERS, GATE = "Reviewers’ reasons", "SampleGate"
GENERAL = {
    "ladder": "ladder for every reason",
    "stop_after_same_reason": "stop after the same reason",
    "otherwise": "a reason without a recipe",
}


@dataclass(frozen=True)
class Row:
    """One reason with what is done about it. `shipped` is None where nothing is shipped for it."""

    reason: recipes.Reason
    recipe: dict
    shipped: dict | None
    has_own: bool  # False: what is said about any reason without a recipe

    @property
    def is_as_shipped(self):
        return (self.recipe if self.has_own else None) == self.shipped

    @property
    def more(self):
        """Parameters and ladder in a few words; "" where both are the teacher's."""
        parameters = [f"{name.replace('_', ' ')} {value}" for name, value in self.recipe["parameters"].items()]
        ladder = [" → ".join(self.recipe["ladder"])] if self.recipe["ladder"] else []
        return ", ".join(parameters + ladder)


@dataclass(frozen=True)
class Group:
    """Reasons of one kind, folded on the page unless `is_open`."""

    name: str
    rows: list
    is_open: bool

    @property
    def own(self):
        """How many are not as shipped."""
        return sum(not row.is_as_shipped for row in self.rows)


def row_of(reason, body, as_shipped):
    """The Row of a reason under the recipes of `body`."""
    own = body["recipes"].get(reason.key)
    return Row(reason, recipes.recipe(body, reason.key), as_shipped["recipes"].get(reason.key), own is not None)


def groups(project, body, query="", *, own=False):
    """The Groups of all reasons of a project that hold every word of `query`; with `own`, those not as shipped."""
    as_shipped, found = shipped(), {}
    for reason in sorted(recipes.reasons(project).values(), key=lambda each: each.source != recipes.REVIEWER):
        row = row_of(reason, body, as_shipped)
        if _holds(row, query) and not (own and row.is_as_shipped):
            found.setdefault(_group_of(reason), []).append(row)
    return [Group(name, rows, bool(query or own) or name == REVIEWERS) for name, rows in found.items()]


def _group_of(reason):
    if reason.source == Complaint.Source.FILTER:
        return f"Filters: {family_of(filters.RULES[reason.code]).lower()}"
    return GATE if reason.source == Complaint.Source.GATE else REVIEWERS


def _holds(row, query):
    text = " ".join([row.reason.key, row.reason.label, row.reason.help, row.recipe["addendum"], row.more]).lower()
    return all(word in text for word in query.lower().split())


def differences(before, after):
    """[(key of a reason or name of what holds for all, in words before, in words after)] between two bodies."""
    found = [
        (name, _said(before.get(key)), _said(after.get(key)))
        for key, name in GENERAL.items()
        if before.get(key) != after.get(key)
    ]
    one, other = before.get("recipes", {}), after.get("recipes", {})
    keys = [key for key in {**other, **one} if one.get(key) != other.get(key)]
    return found + [(key, _said(one.get(key)), _said(other.get(key))) for key in keys]


def _said(value):
    """A recipe, a ladder or a number in words."""
    if isinstance(value, dict):
        parts = [value.get("addendum", ""), *(f"{name} {each}" for name, each in value.get("parameters", {}).items())]
        return "; ".join(filter(None, [*parts, _said(value.get("ladder"))]))
    if isinstance(value, list):
        return " → ".join(value)
    return "" if value is None else str(value)
