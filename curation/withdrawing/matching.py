"""Which lines of a list name something that a project has; all of them are looked for at once."""

import re
from collections import defaultdict
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q

from ..models import Event, Pair, Project, ReleaseRow, Withdrawal
from ..models.prompt import AT_ONCE
from .chosen import BEFORE_A_DOI, LEAST_ROW, WrongWish, groups_of, names, preview_of, same_source
from .listing import Line

Kind = Withdrawal.Kind
WHOLE_ROW = 64  # characters of a row id
PART_OF_ROW = re.compile(f"[0-9a-f]{{{LEAST_ROW},{WHOLE_ROW - 1}}}")
LONGEST = Withdrawal._meta.get_field("value").max_length


@dataclass(frozen=True)
class Match:
    """A line that names something: what a withdrawal of it is kept under, its prompts, and the same one made before."""

    line: Line
    value: str
    prompts: frozenset
    before: Withdrawal | None = None


@dataclass(frozen=True)
class Matched:
    """What a project has of a list: Matches, the Lines that name nothing of it, and how many said the same again."""

    matches: tuple
    unknown: tuple
    again: int

    @property
    def new(self):
        """The Matches that were not withdrawn before."""
        return [match for match in self.matches if match.before is None]

    @property
    def lines(self):
        """How many lines there are."""
        return len(self.matches) + len(self.unknown) + self.again


def match(project, kind, lines):
    """The Matched of these Lines, in their order."""
    first = {}
    for line in lines:
        first.setdefault(_key(kind, line.text), line)
    found = _found(project, kind, {key: line.text for key, line in first.items()})
    before = {_key(*named): row for named, row in names(project.withdrawals.filter(kind=kind)).items()}
    before |= {row.value: row for row in project.withdrawals.filter(kind=Kind.ROW)} if kind == Kind.ROW else {}
    matches, unknown = {}, []
    for key, line in first.items():
        value, prompts = found.get(key, ("", ()))
        if prompts:
            known = before.get(_key(kind, value))
            matches.setdefault(_key(kind, value), Match(line, value, frozenset(prompts), known))
        else:
            unknown.append(line)
    return Matched(tuple(matches.values()), tuple(unknown), len(lines) - len(matches) - len(unknown))


def preview_all(project, matched):
    """The Preview of all that a list newly withdraws."""
    return preview_of(project, {pk for each in matched.new for pk in each.prompts})


@transaction.atomic
def begin_all(project, kind, lines, reason, user=None):
    """The Withdrawals of all that a list names, but for those that are done; `reason` stands with each.

    Raises WrongWish without a reason, or where there is nothing left to withdraw.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)  # as `deeds.begin` does
    matched = match(project, kind, lines)
    if not matched.matches:
        raise WrongWish(f"This project has nothing of what the {len(lines):,} lines name.")
    waiting = set(_waiting(project, {pk for each in matched.matches for pk in each.prompts}))
    left = [each.before for each in matched.matches if each.before and not waiting.isdisjoint(each.prompts)]
    if not matched.new and not left:
        raise WrongWish("All of it that this project has was withdrawn before.")
    if matched.new and not reason.strip():
        raise WrongWish("Say why: the reason stands with every release that held it.")
    said = {"project": project, "kind": kind, "reason": reason.strip(), "created_by": user}
    made = Withdrawal.objects.bulk_create([Withdrawal(value=each.value, **said) for each in matched.new])
    told = ({"withdrawal": row.pk, "what": str(row), "reason": row.reason} for row in made)
    events = (Event(project=project, actor=user, kind="withdrawal", detail=detail) for detail in told)
    Event.objects.bulk_create(events, batch_size=AT_ONCE)
    return [*left, *made]


def planned(withdrawals):
    """[(withdrawal, ids of its prompts that are not withdrawn yet)] of several of one project and kind."""
    project, kind = withdrawals[0].project, withdrawals[0].kind
    found = _found(project, kind, {_key(kind, each.value): each.value for each in withdrawals})
    named = {each.pk: found.get(_key(kind, each.value), ("", ()))[1] for each in withdrawals}
    partners = _partners(project, {pk for ids in named.values() for pk in ids})
    wanted = {pk: {*ids, *(other for each in ids for other in partners.get(each, ()))} for pk, ids in named.items()}
    waiting = set(_waiting(project, {pk for ids in wanted.values() for pk in ids}))
    plan = []
    for each in withdrawals:  # a prompt that two of them name is the first one's
        ids = sorted(waiting & wanted[each.pk])
        waiting.difference_update(ids)
        plan.append((each, ids))
    return plan


def _waiting(project, ids):
    return project.prompts.filter(pk__among=frozenset(ids), withdrawal=None).values_list("pk", flat=True)


def _partners(project, ids):
    """{prompt id: ids of the other halves of its pair}"""
    found, ids = defaultdict(list), frozenset(ids)
    pairs = Pair.objects.filter(project=project) if project.paired else Pair.objects.none()
    for halves in pairs.filter(Q(hypothesis__among=ids) | Q(methodology__among=ids)).values_list(
        "hypothesis", "methodology"
    ):
        for one, other in (halves, halves[::-1]):
            found[one].append(other)
    return found


# -- looking for them ------------------------------------------------------------------------------------------------


def _key(kind, text):
    """What a line is compared by."""
    return same_source(text) if kind == Kind.SOURCE else text.strip().lower()


def _found(project, kind, wanted):
    """{key: (value, ids of its prompts)} of those of `wanted`, {key: as it was written}, that the project has."""
    return (_sources if kind == Kind.SOURCE else _rows)(project, wanted)


def _sources(project, wanted):
    about = {}
    documents = project.documents.exclude(locator="").order_by().values_list("pk", "locator")
    for pk, locator in documents.iterator(AT_ONCE):
        key = same_source(locator)
        if key in wanted and (locator == key or locator.lower().removesuffix(key) in BEFORE_A_DOI):
            about[pk] = key
    found = defaultdict(set)
    prompts = project.prompts.filter(document__among=frozenset(about)).values_list("pk", "document")
    for pk, document in prompts.iterator(AT_ONCE) if about else ():
        found[about[document]].add(pk)
    bare = project.prompts.filter(document=None).exclude(group_key="").values_list("pk", "group_key")
    groups = {group: key for key, text in wanted.items() for group in groups_of(text)} if bare.exists() else {}
    for pk, group in bare.iterator(AT_ONCE) if groups else ():
        if group in groups:
            found[groups[group]].add(pk)
    return {key: (text if len(text := wanted[key]) <= LONGEST else key, ids) for key, ids in found.items()}


def _rows(project, wanted):
    held = ReleaseRow.objects.filter(release__project=project).order_by()
    whole = [key for key in wanted if len(key) == WHOLE_ROW]
    found = defaultdict(set)
    for start in range(0, len(whole), AT_ONCE):
        rows = held.filter(row_id__in=whole[start : start + AT_ONCE])
        for row_id, prompt in rows.values_list("row_id", "prompt").distinct():
            found[row_id].add(prompt)
    named = {key: (key, ids) for key, ids in found.items()}
    for key in wanted:
        if PART_OF_ROW.fullmatch(key):
            rows = set(held.filter(row_id__startswith=key).values_list("row_id", "prompt"))
            if len({row_id for row_id, _ in rows}) == 1:
                named[key] = (next(iter(rows))[0], {prompt for _, prompt in rows})
    return named
