"""What a person typed and did not submit: kept here, so that it is there on any device until it is submitted."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from ..models import Annotation, Comment, Draft, Resolution
from ..models.prepared import Prepared
from .units import lock_units

MOST_CHARACTERS = 400_000
MOST_FIELDS = 120  # both halves of a pair, each with a long checklist
REVIEW, RESOLVE, COMMENT = Draft.Form.REVIEW, Draft.Form.RESOLVE, Draft.Form.COMMENT
LISTED = 50


class TooMuch(ValueError):
    """More than a draft holds."""


@dataclass(frozen=True)
class Kept:
    """`draft` is None where nothing was stored: its form is older than this person's last submit.

    `replaced` is the body that another window or device had left, of which this form did not know.
    """

    draft: Draft | None
    replaced: dict | None = None


def checked_body(fields):
    """`fields`, lists of strings by the names of a form's fields, as a draft may hold them. Raises TooMuch."""
    body = {str(name): [str(value) for value in values] for name, values in fields.items()}
    size = sum(len(name) + sum(map(len, values)) for name, values in body.items())
    if len(body) > MOST_FIELDS or size > MOST_CHARACTERS:
        raise TooMuch(f"A draft holds {MOST_CHARACTERS:,} characters in {MOST_FIELDS} fields; this has {size:,}.")
    return body


@transaction.atomic
def keep(project, user, response, form, fields, *, made, seen=None):
    """Store what stands in a form that was made at `made`; the newest wins. Returns Kept.

    Nothing is stored where the person submitted such a form after `made`: what they type there is old. `seen` is the
    time of the draft that the form knows of, or None. Raises TooMuch.
    """
    body = checked_body(fields)
    lock_units(project, [response.prompt_id])  # a submit that is under way is finished first
    last = last_submit(user, response, form)
    if last and last >= min(made, timezone.now()):
        return Kept(None)
    now = timezone.now()
    held, new = Draft.objects.select_for_update(no_key=True).get_or_create(
        response=response, reviewer=user, form=form, defaults={"body": body, "updated_at": now}
    )
    if new:
        return Kept(held)
    replaced = held.body if held.updated_at != seen and held.body != body else None
    held.body, held.updated_at = body, now
    held.save(update_fields=["body", "updated_at"])
    return Kept(held, replaced)


def keep_now(project, user, response, form, fields):
    """Store what was just sent in such a form and could not be taken in; returns the Draft, None if it is too long."""
    try:
        return keep(project, user, response, form, fields, made=timezone.now()).draft
    except TooMuch:
        return None


def last_submit(user, response, form):
    """When this person last submitted such a form about the response, or None."""
    if form == REVIEW:
        rows = Annotation.objects.filter(response=response, reviewer=user)
    elif form == RESOLVE:
        rows = Resolution.objects.filter(response=response, decided_by=user)
    else:
        rows = Comment.objects.filter(prompt=response.prompt_id, author=user)
    return rows.aggregate(last=Max("created_at"))["last"]


def drop(user, responses, form):
    """What was typed about these responses is submitted, or wanted no more."""
    ids = [row.pk for row in _kept(responses=responses, by=user, form=form)]
    return Draft.objects.filter(pk__in=ids).delete()[0] if ids else 0


@Prepared
def _kept(responses: list, by: int, form: str):
    return Draft.objects.filter(response__among=responses, reviewer=by, form=form).order_by("pk")


def drop_comments(user, prompts):
    """What this person began to say about these prompts is said."""
    return Draft.objects.filter(response__prompt__in=prompts, reviewer=user, form=COMMENT).delete()[0]


def drafts_of(user, responses, form=REVIEW):
    """{response id: Draft} of what this person typed about these responses."""
    return {row.response_id: row for row in _kept(responses=responses, by=user, form=form)}


def comment_draft(user, prompts):
    """What this person began to say about one of these prompts, whatever its answer was then; or None."""
    return _begun.first(prompts=prompts, by=user)


@Prepared
def _begun(prompts: list, by: int):
    rows = Draft.objects.filter(response__prompt__among=prompts, reviewer=by, form=COMMENT)
    return rows.order_by("-updated_at", "pk")[:1]


def initial(draft, lists=("reasons",)):
    """What a form begins with to hold this draft; {} without one. `lists` are the fields with several values."""
    body = draft.body if draft else {}
    return {name: values if name in lists else (values or [""])[-1] for name, values in body.items()}


def unsent(project, user, besides=()):
    """At most LISTED drafts of this person in this project, the newest first; not those on the responses `besides`."""
    rows = Draft.objects.filter(reviewer=user, response__prompt__project=project).exclude(response__in=besides)
    return rows.select_related("response__prompt__document").order_by("-updated_at")[:LISTED]


def unsent_number(project, user, besides=()):
    """How many `unsent` gives."""
    return len(_unsent(project=project, by=user, besides=besides))


@Prepared
def _unsent(project: int, by: int, besides: list):
    rows = Draft.objects.filter(reviewer=by, response__prompt__project=project).exclude(response__among=besides)
    return rows.order_by().values_list("pk", flat=True)[:LISTED]


def moment_of(stamp):
    """The time that a page's stamp says; None for what is no stamp."""
    try:
        moment = datetime.fromisoformat(stamp)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
