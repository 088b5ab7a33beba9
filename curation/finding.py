"""Finding prompts: what the list of a project shows for a query string, page by page, and as one queryset.

A page costs the same wherever it stands and however large the project is. Where the filters leave few prompts, all of
them are looked at and counted; otherwise the list walks along the index of its order, a bounded piece a page.
"""

from dataclasses import dataclass
from itertools import islice

from django.core.cache import cache
from django.db.models.functions import Length
from django.http import QueryDict
from django.utils.dateparse import parse_datetime

from . import searching
from .filtersets import PromptFilterSet, newest_score, teachers_among
from .models import FilterResult, Prompt, State
from .reviewing import hidden_from

PAGE = 50
FEW = 10_000  # prompts that are all looked at for one page; of more, so many at most
PIECES = (400, 3_600, FEW - 4_000)  # how many are looked at at once, until the page is full
SAMPLE = 2_000  # rows that the offered rules, task types, domains and teachers are taken from
SAMPLE_SECONDS = 60
_BEYOND = {True: "lt", False: "gt"}


@dataclass(frozen=True)
class Sort:
    """An order of the list. `keys` are (field, descending), the last one is the id; `state` is the only one it has."""

    label: str
    keys: tuple
    value: object = None  # of what no index holds: only few prompts are brought into this order
    state: str = ""

    @property
    def names(self):
        return [name for name, _ in self.keys]

    @property
    def order(self):
        return [f"-{name}" if down else name for name, down in self.keys]


SORTS = {
    "": Sort("as they came in", (("pk", False),)),
    "changed": Sort("newest change first", (("state_changed_at", True), ("pk", True))),
    "unchanged": Sort("longest unchanged first", (("state_changed_at", False), ("pk", False))),
    "rank": Sort(
        "as reviewers get them", (("pinned", True), ("rank", True), ("pk", False)), state=State.TO_REVIEW.value
    ),
    "score": Sort("highest score first", (("sorted_by", True), ("pk", False)), newest_score()),
    "score_up": Sort("lowest score first", (("sorted_by", False), ("pk", False)), newest_score()),
    "long": Sort("longest answer first", (("sorted_by", True), ("pk", False)), Length("current_response__text")),
    "short": Sort("shortest answer first", (("sorted_by", False), ("pk", False)), Length("current_response__text")),
}


@dataclass(frozen=True)
class Found:
    """Ids of one page in order. `after` begins the next one, "" where there is none.

    `count` is how many match, None where nobody counted; `looked_through` how many a page was picked from in vain.
    """

    ids: list
    after: str
    count: int | None
    looked_through: int
    sort: Sort
    sorted_as_asked: bool = True


def filterset_of(project, user, data, known=None):
    """The filters of the prompt list over `data`, with the choices that `known` (see `known_values`) offers."""
    known = known or {}
    asked = data.get("failed", "")
    rules = set(known.get("rules", ())) | ({asked} if asked.isidentifier() else set())
    teachers = set(known.get("teachers", ()))
    if data.get("teacher", "").isdecimal() and len(data["teacher"]) < 19:
        teachers.add(int(data["teacher"]))
    return PromptFilterSet(data, project, user, rules=rules, teachers=teachers_among(teachers))


def known_values(project):
    """What the filters offer, as far as a sample shows it; any other task type and domain can be typed.

    A full sample holds for a minute.
    """
    key = f"known-values:{project.pk}:{project.created_at.timestamp()}"
    if (known := cache.get(key)) is None:
        known, is_full = _sampled(project)
        if is_full:
            cache.set(key, known, SAMPLE_SECONDS)
    return known


def _sampled(project):
    """(known_values by what a sample says, whether there are as many prompts as it takes)."""
    sample = project.prompts.order_by("pk").values_list("task_type", "domain", "current_response__teacher")
    sample = list(sample[:SAMPLE])
    newest = FilterResult.objects.filter(ruleset__in=list(project.rulesets.values_list("pk", flat=True)))
    known = {
        "task_type": sorted({task for task, *_ in sample})[:50],
        "domain": sorted({domain for _, domain, _ in sample if domain})[:50],
        "teachers": {teacher for *_, teacher in sample if teacher},
        "rules": {
            rule for failed in newest.order_by("-pk").values_list("failed", flat=True)[:SAMPLE] for rule in failed
        },
    }
    return known, len(sample) == SAMPLE


def narrowed(project, user, query):
    """The prompts that the list shows `user` under this query string, on all its pages; in no order, and all of them.

    A filter that makes no sense narrows nothing. What a blind share hides from the user is left out where the filters
    tell scores.
    """
    data = QueryDict(query)
    filterset = filterset_of(project, user, data)
    prompts = _of_sort(project.prompts.all(), sort_of(data))
    prompts = filterset.narrow(filterset.narrow(prompts, indexed=True), indexed=False)
    if filterset.tells_scores and _may_be_blind(filterset):
        prompts = prompts.exclude(pk__among=_hidden(filterset, prompts))
    return prompts


def sort_of(data):
    """The order that the query names, as a Sort; the first one where it names none."""
    return SORTS.get(data.get("sort", ""), SORTS[""])


def _of_sort(prompts, sort):
    return prompts.in_state(State(sort.state)) if sort.state else prompts


def find(filterset, sort, after="", size=PAGE):
    """One page of what the filters leave, as `Found`."""
    base = _of_sort(filterset.narrow(filterset.project.prompts.all(), indexed=True), sort)
    ids, complete = filterset.few(FEW)
    rest = set(filterset.values) - set(filterset.INDEXED)
    if ids is None and not rest and not sort.value:
        return _page(_walk(base, sort, _read(after, sort), size + 1), size, sort)
    if ids is not None:
        base = base.filter(pk__among=ids)
    if ids is not None or base.order_by()[: FEW + 1].count() <= FEW:
        prompts = filterset.narrow(base, indexed=False, without=("q",))
        return _of_few(filterset, prompts, sort, after, size, search="q" in rest and "q" not in complete)
    if sort.value:
        return _of_many(filterset, base, SORTS[""], after, size, sorted_as_asked=False)
    return _of_many(filterset, base, sort, after, size)


def _of_few(filterset, prompts, sort, after, size, *, search):
    """All that match are looked at: counted, and brought into any order."""
    if sort.value:
        prompts = prompts.annotate(sorted_by=sort.value)
    if sort.value or filterset.tells_scores:
        prompts = _without_hidden(filterset, prompts, sort)
    rows = list(prompts.order_by().values_list(*sort.names))
    if search:
        ids = searching.found_among(filterset.project, [row[-1] for row in rows], filterset.values["q"])
        rows = [row for row in rows if row[-1] in ids]
    rows.sort(key=lambda row: _place(row, sort))
    count, start = len(rows), _read(after, sort)
    if start:
        beginning = _place(start, sort)
        rows = [row for row in rows if _place(row, sort) > beginning]
    return _page(rows, size, sort, count=count)


def _place(row, sort):
    """What puts a row where it belongs; what has no value comes last."""
    place = []
    for value, (_, down) in zip(row, sort.keys, strict=True):
        number = value.timestamp() if hasattr(value, "timestamp") else value
        place += [number is None, 0 if number is None else -number if down else number]
    return place


def _of_many(filterset, base, sort, after, size, *, sorted_as_asked=True):
    """The next ones along the index of the order, narrowed piece by piece until the page is full or enough was seen."""
    walked = _walk(base, sort, _read(after, sort), FEW + 1)
    seen, found = 0, []
    rows = iter(walked[:FEW])
    for piece in PIECES:
        part = list(islice(rows, piece))
        if not part or len(found) > size:
            break
        seen += len(part)
        ids = _matching(filterset, [row[-1] for row in part])
        found += [row for row in part if row[-1] in ids]
    if len(found) > size:
        return _page(found, size, sort, sorted_as_asked=sorted_as_asked)
    more = seen < len(walked)
    after = _written(walked[seen - 1]) if more else ""
    looked = seen if more or seen == len(walked) > size else 0
    return Found([row[-1] for row in found], after, None, looked, sort, sorted_as_asked)


def _matching(filterset, ids):
    """Those of `ids` that the filters leave."""
    prompts = filterset.narrow(Prompt.objects.filter(pk__among=ids), indexed=False, without=("q",))
    ids = set(prompts.order_by().values_list("pk", flat=True))
    if "q" in filterset.values and ids:
        ids = searching.found_among(filterset.project, ids, filterset.values["q"])
    if filterset.tells_scores and _may_be_blind(filterset):
        ids -= _hidden(filterset, Prompt.objects.filter(pk__among=ids))
    return ids


def _walk(base, sort, start, most):
    """Up to `most` rows of the sort's keys after `start`, in order, read along its index."""
    if not start:
        return list(base.order_by(*sort.order).values_list(*sort.names)[:most])
    rows = []
    # Rows after (a, b, c): with the same a and b beyond c, then with the same a beyond b, then beyond a.
    for depth in reversed(range(len(sort.keys))):
        if len(rows) < most:
            name, down = sort.keys[depth]
            same = dict(zip(sort.names[:depth], start, strict=False))
            part = base.filter(**same, **{f"{name}__{_BEYOND[down]}": start[depth]})
            rows += part.order_by(*sort.order[depth:]).values_list(*sort.names)[: most - len(rows)]
    return rows


def _page(rows, size, sort, *, count=None, sorted_as_asked=True):
    after = _written(rows[size - 1]) if len(rows) > size else ""
    return Found([row[-1] for row in rows[:size]], after, count, 0, sort, sorted_as_asked)


def _written(row):
    """Where a row stands, as the address of the next page says it."""
    return "~".join("" if v is None else v.isoformat() if hasattr(v, "isoformat") else str(v) for v in row)


def _read(after, sort):
    """The values of `_written`; None where they are not of this order."""
    said = after.split("~")
    if not after or len(said) != len(sort.keys):
        return None
    try:
        return tuple(_value(name, text) for name, text in zip(sort.names, said, strict=True))
    except ValueError:
        return None


def _value(name, text):
    if name == "pk":
        if not text.isdecimal() or len(text) > 18:
            raise ValueError(text)
        return int(text)
    if name == "pinned":
        return text == "True"
    if name == "state_changed_at":
        moment = parse_datetime(text)
        if moment is None or moment.tzinfo is None:
            raise ValueError(text)
        return moment
    number = float(text) if text else None
    if number is not None and abs(number) > 1e300 or number != number:
        raise ValueError(text)
    return number


def _may_be_blind(filterset):
    return bool(filterset.member and filterset.member.may_review and filterset.project.blind_percent)


def _without_hidden(filterset, prompts, sort):
    by_score = filterset.tells_scores or "score" in sort.label
    if not by_score or not _may_be_blind(filterset):
        return prompts
    return prompts.exclude(pk__among=_hidden(filterset, prompts))


def _hidden(filterset, prompts):
    """Ids of those of `prompts` whose scores the blind share hides from the user."""
    open_ones = prompts.exclude(state__in=(State.ACCEPTED, State.REJECTED, State.TO_RESOLVE)).order_by()
    rows = open_ones.only("key", "state", "current_response").iterator(chunk_size=2000)
    hidden = set()
    while part := list(islice(rows, 2000)):
        hidden |= hidden_from(filterset.user, filterset.project, part)
    return hidden
