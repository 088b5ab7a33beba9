"""What differs between two releases of a project: rows added, removed and changed, by domain and reason.

A row is found again by its prompt: the same prompt with another text is a changed row.
"""

import json
from collections import Counter
from dataclasses import dataclass, field

import pyarrow.parquet as pq
from django.db.models import Exists, F, OuterRef, Subquery

from curation.models import ReleaseRow, Resolution, State, Tombstone
from curation.models.prompt import AT_ONCE

ADDED, REMOVED, CHANGED = KINDS = ("added", "removed", "changed")
REASONS = {
    "answered": "answered since",
    "accepted": "accepted since",
    "let_in": "no longer left out",
    "attempt": "another answer",
    "edited": "edited",
    "withdrawn": "withdrawn",
    "not_chosen": "not chosen by the recipe",
}


@dataclass(frozen=True)
class Difference:
    """One row that differs; `before` and `after` are its row ids, "" where it is not."""

    kind: str
    domain: str
    reason: str
    prompt_id: int
    before: str = ""
    after: str = ""


@dataclass
class Comparison:
    """The differences from one release to another, sorted; how many rows are the same; what their recipes say apart."""

    differences: list = field(default_factory=list)
    same: int = 0
    recipe: list = field(default_factory=list)  # [(key, before, after)]

    def counted(self, what):
        """[(value, {kind: rows})] by `what` (domain or reason), the most first."""
        found = {}
        for each in self.differences:
            found.setdefault(getattr(each, what), Counter())[each.kind] += 1
        return sorted(found.items(), key=lambda item: (-item[1].total(), item[0]))

    @property
    def totals(self):
        """{kind: rows}"""
        return Counter(each.kind for each in self.differences)

    def narrowed(self, **wanted):
        """The differences whose attributes are as `wanted` says; None wants nothing."""
        asked = {name: value for name, value in wanted.items() if value is not None}
        return [each for each in self.differences if all(getattr(each, name) == asked[name] for name in asked)]


def compare(before, after):
    """The Comparison of two published releases of one project, by the record: no file is read but what was left out."""
    here = _others(after, before, changed=False)
    found = [*_added(before, here), *_removed(before, after), *_changed(before, after)]
    found.sort(key=lambda each: (KINDS.index(each.kind), each.domain, each.reason, each.after or each.before))
    kinds = Counter(each.kind for each in found)
    same = ReleaseRow.objects.filter(release=after).count() - kinds[ADDED] - kinds[CHANGED]
    return Comparison(found, same, recipes_apart(before.recipe, after.recipe))


def is_known(release):
    """Whether the record says which rows a release holds; those made before it did are known by their files alone."""
    return not release.counts.get("rows") or ReleaseRow.objects.filter(release=release).exists()


def recipes_apart(before, after):
    """[(key, value before, value after)] of what two recipes say differently; a key that is missing says None."""
    keys = sorted(before.keys() | after.keys())
    return [(key, before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)]


def _others(release, other, *, changed):
    """Rows of `release` whose prompt `other` does not hold; with `changed`, that it holds with another text."""
    there = ReleaseRow.objects.filter(release=other, prompt=OuterRef("prompt"))
    rows = ReleaseRow.objects.filter(release=release).order_by()
    if changed:
        rows = rows.annotate(before=Subquery(there.values("row_id")), asked=Subquery(there.values("response")))
        return rows.exclude(before=None).exclude(before=F("row_id"))
    return rows.filter(~Exists(there))


def _added(before, rows):
    held = Resolution.objects.filter(response=OuterRef("response"), current=True, applied_at__gt=before.created_at)
    rows = rows.annotate(decided=Exists(held))
    fields = ("prompt", "row_id", "prompt__domain", "response__created_at", "decided")
    for prompt, row_id, domain, created, decided in rows.values_list(*fields).iterator(AT_ONCE):
        reason = "answered" if created > before.created_at else "accepted" if decided else "let_in"
        yield Difference(ADDED, domain, reason, prompt, after=row_id)


def _removed(before, after):
    left_out = left_out_of(after)
    buried = Tombstone.objects.filter(release=before, row_id=OuterRef("row_id"))
    rows = _others(before, after, changed=False).annotate(buried=Exists(buried))
    fields = ("prompt", "row_id", "prompt__domain", "prompt__key", "prompt__state", "prompt__withdrawal", "buried")
    for prompt, row_id, domain, key, state, withdrawal, buried in rows.values_list(*fields).iterator(AT_ONCE):
        reason = "withdrawn" if withdrawal or buried else left_out.get(key)
        reason = reason or ("not_chosen" if state == State.ACCEPTED else state)
        yield Difference(REMOVED, domain, reason, prompt, before=row_id)


def _changed(before, after):
    rows = _others(after, before, changed=True)
    fields = ("prompt", "row_id", "before", "prompt__domain", "response", "asked")
    for prompt, row_id, was, domain, response, asked in rows.values_list(*fields).iterator(AT_ONCE):
        reason = "edited" if response == asked else "attempt"
        yield Difference(CHANGED, domain, reason, prompt, before=was, after=row_id)


def left_out_of(release):
    """{prompt key: why} of what `release` left out, as its own file says; empty where it has none."""
    return {row["prompt_key"]: row["why"] for row in left_out_rows(release)}


def left_out_rows(release):
    """The lines of left_out.jsonl, one after the other."""
    path = release.directory / "left_out.jsonl"
    if not path.is_file():
        return
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def texts_of(release, row_ids):
    """{row id: answer} of some rows as the release's own files have them; a file that is gone gives none."""
    wanted, found = sorted(set(filter(None, row_ids))), {}
    for entry in release.files if wanted else ():
        path = release.directory / entry["path"]
        if not (entry["path"].startswith("data/") and path.suffix == ".parquet" and path.is_file()):
            continue
        table = pq.read_table(path, columns=["id", "messages"], filters=[("id", "in", wanted)])
        for row_id, messages in zip(table["id"].to_pylist(), table["messages"].to_pylist(), strict=True):
            found[row_id] = messages[-1]["content"]
        if len(found) == len(wanted):
            break
    return found
