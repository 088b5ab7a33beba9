"""The resolve queue: which disagreement comes next to whom, who has it open, and how it came there."""

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Subquery
from django.utils import timezone

from ..models import Annotation, Event, Project, Resolution, ReviewClaim, State
from ..models.review import Action, Purpose
from .adjudication import why_not_adjudicate
from .claims import hold, holders
from .queue import to_resolve

SKIPPED, DIFFERENT_TEXTS, DIFFERENT_DECISIONS = "skipped", "texts", "decisions"
MOST_OWN = 50  # of one's own disagreements that are looked at for one that nobody else can decide


@transaction.atomic
def take_next(project, user, *, after=None):
    """Hold the next disagreement for `user` for REVIEW_CLAIM_SECONDS, the oldest first; None if there is none for them.

    What others have open is left out, and what others are to decide because this person is among those who disagree.
    Behind the prompt `after` first, then from the start; never `after` itself.
    """
    found = _next(_locked(project), user, after)
    if found:
        hold([found.pk], user)
    return found


def _locked(project):
    # Only one is given at a time, as in the review queue: else two would be given the same.
    return Project.objects.select_for_update(no_key=True).get(pk=project.pk)


def _next(project, user, after):
    others = ReviewClaim.objects.filter(prompt=OuterRef("pk"), until__gt=timezone.now()).exclude(reviewer=user)
    own = Annotation.objects.filter(
        response=OuterRef("current_response"), reviewer=user, purpose=Purpose.REVIEW, current=True
    )
    free = to_resolve(project).exclude(Exists(others)).order_by("state_changed_at", "pk")
    parts = [free]
    if after:
        since = after.state_changed_at
        behind = Q(state_changed_at__gt=since) | Q(state_changed_at=since, pk__gt=after.pk)
        parts = [free.filter(behind), free.exclude(pk=after.pk)]
    for rows in parts:
        found = rows.exclude(Exists(own)).first()
        if found:
            return found
    mine = parts[-1].filter(Exists(own))[:MOST_OWN]
    return next((each for each in mine if not why_not_adjudicate(project, user, each.current_response_id)), None)


@transaction.atomic
def keep(project, user, prompt):
    """Go on holding a disagreement that is open on a page; returns until when, or None while another one holds it."""
    locked = _locked(project)
    if holders([prompt], user) or not to_resolve(locked).filter(pk=prompt.pk).exists():
        return None
    return hold([prompt.pk], user)


def let_go(prompt, user):
    """This person decided the disagreement, or put it off: others may have it."""
    ReviewClaim.objects.filter(prompt=prompt, reviewer=user).delete()


def with_origin(prompts):
    """`prompts` with `sent_by`: the kind of the event that brought each to be resolved."""
    came = Event.objects.filter(prompt=OuterRef("pk"), to_state=State.TO_RESOLVE).order_by("-at", "-pk")
    return prompts.annotate(sent_by=Subquery(came.values("kind")[:1]))


def why_here(sent_by, decisions):
    """How a prompt came to be resolved: SKIPPED, DIFFERENT_DECISIONS or DIFFERENT_TEXTS.

    `sent_by` is the kind of the event that sent it, `decisions` are its current ones.
    """
    if sent_by == "skipped_by_all" or not decisions:
        return SKIPPED
    actions = {row.action for row in decisions if not row.surplus}
    return DIFFERENT_TEXTS if actions == {Action.ACCEPT} else DIFFERENT_DECISIONS


def skipped_by(prompt):
    """Names of those who skipped a prompt that came to be resolved for that."""
    event = prompt.events.filter(kind="skipped_by_all").order_by("-at", "-pk").first()
    return list(event.detail.get("skipped_by", ())) if event else []


def last_adjudication(project, user):
    """What `user` decided last and can still take back, or None."""
    pending = Resolution.objects.filter(
        response__prompt__project=project,
        decided_by=user,
        by=Resolution.By.ADJUDICATOR,
        current=True,
        applied_at=None,
        effective_at__gt=timezone.now(),
    )
    return pending.select_related("response__prompt__document").order_by("-created_at", "-pk").first()
