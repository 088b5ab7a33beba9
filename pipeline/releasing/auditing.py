"""The lock before a release: rows drawn by chance from what it would hold are looked at once more.

A row's place in the draw is a keyed hash of its id, so the same rows give the same sample on every database. Once bad
rows were found, the next sample is drawn in a new order: taking out only the bad rows that were found and counting the
good ones again would make any dataset pass. A row that is drawn again keeps its verdict.
"""

import hashlib
import hmac
import json
import math
from dataclasses import dataclass

from django.db import transaction

from curation.agreement import upper_bound
from curation.models import Audit, AuditItem, Event, Project
from curation.models.prompt import AT_ONCE


def lock(project, recipe, rows, by=None):
    """(audit or None, "" or a sentence why nothing may be released yet).

    `rows` are those the release would hold, each with row_id, prompt_id and response_id; `recipe` is the stored copy.
    Where rows were drawn from nothing like it, the sample is drawn here. Without a lock in the settings it is
    (None, "").
    """
    if not project.audit_sample or not rows:
        return None, ""
    with transaction.atomic():
        project = Project.objects.select_for_update(no_key=True).get(pk=project.pk)  # two builds draw one sample
        population = sha256_of(rows)
        audit = _of_these_rows(project, population, len(rows)) or _draw(project, recipe, rows, population, by)
    return audit, "" if audit.holds else why_locked(audit)


def why_locked(audit):
    """What an audit that does not hold waits for, in a sentence."""
    found, allowed = audit.found(), f"{audit.allowed:,} {'is' if audit.allowed == 1 else 'are'} allowed"
    if audit.state == Audit.State.FAILED:
        return (
            f"Audit {audit.pk} found {found['bad']:,} bad among {found['looked']:,} rows looked at; {allowed}. Mend or "
            "leave out what is bad and build again, or a manager overrides the audit with a written reason."
        )
    left = audit.size - found["looked"]
    return (
        f"Audit {audit.pk} comes first: {left:,} of the {audit.size:,} rows drawn from {audit.rows:,} are still to be "
        f"looked at; {allowed} to be bad. Build again when it has passed."
    )


def locked_since(audit):
    """Why a release that passed by this audit may not be published after all, "" where it may: verdicts change.

    Until the caller's transaction ends, no further verdict comes in.
    """
    now = Audit.objects.select_for_update(no_key=True).get(pk=audit.pk)
    return "" if now.holds else why_locked(now)


def sha256_of(rows):
    """The fingerprint of what is drawn from: sha256 over the sorted row ids."""
    digest = hashlib.sha256()
    for row_id in sorted(row.row_id for row in rows):
        digest.update(row_id.encode() + b"\n")
    return digest.hexdigest()


def drawn(rows, size, seed, order=0):
    """`size` of `rows` by the keyed hash of their ids; another `order` shuffles anew."""

    def place(row):
        return hmac.new(seed.encode(), f"audit {order}\n{row.row_id}".encode(), hashlib.sha256).digest()

    return sorted(rows, key=place)[:size]


def _of_these_rows(project, population, count):
    """The newest audit of the same rows that asked for at least as much as the settings do now."""
    same = Audit.objects.filter(project=project, rows_sha256=population)
    overridden = same.filter(state=Audit.State.OVERRIDDEN).first()
    wanted = same.filter(size__gte=min(project.audit_sample, count), allowed__lte=project.audit_allowed)
    return overridden or wanted.first()


def _draw(project, recipe, rows, population, by):
    """A new audit with the verdicts that its rows had before."""
    order = Audit.objects.filter(project=project, items__bad=True).distinct().count()
    chosen = drawn(rows, project.audit_sample, project.split_seed, order)
    audit = Audit.objects.create(
        project=project,
        recipe=json.loads(json.dumps(recipe)),
        rows_sha256=population,
        rows=len(rows),
        size=len(chosen),
        allowed=project.audit_allowed,
        created_by=by,
    )
    known = _verdicts(project, [row.row_id for row in chosen])
    AuditItem.objects.bulk_create(
        (
            AuditItem(
                audit=audit,
                prompt_id=row.prompt_id,
                response_id=row.response_id,
                row_id=row.row_id,
                **known.get(row.row_id, {}),
            )
            for row in chosen
        ),
        batch_size=AT_ONCE,
    )
    detail = {"audit": audit.pk, "rows": audit.rows, "size": audit.size, "known": len(known)}
    Event.objects.create(project=project, actor=by, kind="audit_drawn", detail=detail)
    audit.settle()
    return audit


def _verdicts(project, row_ids):
    """{row id: what was last found of it} by earlier audits of the project."""
    fields = ("bad", "note", "decided_by_id", "decided_at")
    found = {}
    for start in range(0, len(row_ids), AT_ONCE):
        items = AuditItem.objects.filter(audit__project=project, row_id__in=row_ids[start : start + AT_ONCE])
        for row_id, *values in items.exclude(bad=None).order_by("decided_at", "pk").values_list("row_id", *fields):
            found[row_id] = dict(zip(fields, values, strict=True))
    return found


@dataclass(frozen=True)
class Result:
    """What an audit says of all rows it was drawn from: shares from 0 to 1, None before a row was looked at."""

    looked: int
    bad: int
    size: int
    rows: int

    @property
    def left(self):
        """Rows still to be looked at."""
        return self.size - self.looked

    @property
    def share(self):
        """The share of bad ones among those looked at."""
        return self.bad / self.looked if self.looked else None

    @property
    def bound(self):
        """With 95 % certainty at most this share of all rows is bad; exact where every row was looked at.

        Clopper and Pearson's one-sided bound. It takes no notice of how few rows there are to draw from, so it says
        rather too much than too little.
        """
        if not self.looked:
            return None
        return self.share if self.looked == self.rows else upper_bound(self.bad, self.looked)

    @property
    def most_bad(self):
        """The same bound as a number of rows."""
        return None if self.bound is None else max(self.bad, math.floor(self.bound * self.rows))


def result_of(audit):
    """The Result of an audit."""
    return Result(**audit.found(), size=audit.size, rows=audit.rows)


def bound_at_best(size, allowed, rows):
    """The bound of an audit that just passes: `allowed` bad among `size` of `rows`; None where nothing is drawn."""
    size = min(size, rows)
    return Result(size, min(allowed, size), size, rows).bound
