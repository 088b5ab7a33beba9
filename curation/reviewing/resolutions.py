"""From decisions to what holds: weighing, taking effect, closing a round."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Coalesce
from django.utils import timezone

from ..models import Annotation, Event, Project, Prompt, Resolution, ReviewClaim, State, TeacherResponse
from ..models.prepared import Prepared
from .rule import Decision, consensus
from .units import hold_units, lock_units

MOVES = {"accept": State.ACCEPTED, "reject": State.REJECTED, "regenerate": State.TO_REGENERATE}


def undo_window():
    """How long a decision can be taken back."""
    return timedelta(seconds=settings.REVIEW_UNDO_SECONDS)


def current_decisions(response_id):
    """The current decisions on a response, the oldest first."""
    return Annotation.objects.filter(response=response_id, purpose=Annotation.Purpose.REVIEW, current=True).order_by(
        "created_at", "pk"
    )


def current_resolution(response_id):
    """What holds for a response, or None."""
    return _current_resolution.first(response=response_id)


@Prepared
def _current_resolution(response: int):
    return Resolution.objects.filter(response=response, current=True)[:1]


def pending_resolution(response_id):
    """What will hold for a response once its time to be taken back is over, or None."""
    holds = current_resolution(response_id)
    return holds if holds and holds.applied_at is None else None


def close_applied(response_id):
    """What had taken effect holds no more: its prompt has come back to people, whichever way."""
    Resolution.objects.filter(response=response_id, current=True, applied_at__isnull=False).update(current=False)


def weigh(project, prompt):
    """Weigh the current decisions on a locked prompt's response: a resolution, the resolve queue, or more to come."""
    response = prompt.current_response
    rows = _decisions_on(response=response.pk)
    if prompt.given != len(rows):
        prompt.given = len(rows)
        prompt.save(update_fields=["given"])
    decisions = [
        Decision(row.action, response.text if row.edited_text is None else row.edited_text, row) for row in rows
    ]
    outcome = consensus(decisions, prompt.required or project.reviews_required, project.consensus)
    if prompt.state != State.TO_REVIEW:
        return outcome
    holds = current_resolution(response.pk)
    if holds and holds.applied_at is None:
        return outcome
    _mark_surplus(outcome)
    if outcome.disagreed:
        actions = {row.source.reviewer.get_username(): row.action for row in outcome.deciding}
        prompt.go(State.TO_RESOLVE, "disagreement", source=State.TO_REVIEW, detail={"decisions": actions})
    elif outcome.agreed:
        if holds:
            close_applied(response.pk)
        resolution = _record_consensus(response, outcome)
        if not settings.REVIEW_UNDO_SECONDS:
            take_effect(project, prompt, resolution)
    return outcome


@Prepared
def _decisions_on(response: int):
    return current_decisions(response)


def _mark_surplus(outcome):
    for decisions, surplus in ((outcome.deciding, False), (outcome.surplus, True)):
        wrong = [decision.source.pk for decision in decisions if decision.source.surplus != surplus]
        if wrong:
            Annotation.objects.filter(pk__in=wrong).update(surplus=surplus)
            for decision in decisions:
                decision.source.surplus = surplus


def _record_consensus(response, outcome):
    agreeing = [decision.source for decision in outcome.deciding if decision.action == outcome.action]
    return Resolution.objects.create(
        response=response,
        by=Resolution.By.CONSENSUS,
        action=outcome.action,
        text=outcome.text,
        edited=bool(outcome.text) and outcome.text != response.text,
        reasons=list(dict.fromkeys(code for row in agreeing for code in row.reasons)),
        comment="\n".join(row.comment for row in agreeing if row.comment),
        effective_at=max(decision.source.created_at for decision in outcome.deciding) + undo_window(),
    )


def settle(project=None, *, limit=None):
    """Let due resolutions take effect, of one project or of all, the oldest `limit` of them; returns how many moved."""
    # Few are due at any time: found by their own index first, so that nothing here grows with the project.
    responses = dict(sorted(_due(now=timezone.now())))
    if not responses:
        return 0
    prompts = dict(_prompts_of(responses=responses.values()))
    projects = dict(_projects_of(prompts=prompts.values()))
    places = [(pk, prompts[response], projects[prompts[response]]) for pk, response in responses.items()]
    if project:
        places = [place for place in places if place[2] == project.pk]
    places = places[:limit]
    if connection.in_atomic_block and project and len(places) > 1:  # else each is locked in a transaction of its own
        hold_units(project, [prompt for _, prompt, _ in places])
    known = {project.pk: project} if project else Project.objects.in_bulk({each[2] for each in places})
    return sum(_settle_one(known[project_id], pk, prompt_id) for pk, prompt_id, project_id in places)


@Prepared
def _due(now: datetime):
    due = Resolution.objects.filter(current=True, applied_at=None, effective_at__lte=now)
    return due.order_by().values_list("pk", "response")


@Prepared
def _prompts_of(responses: list):
    return TeacherResponse.objects.filter(pk__among=responses).values_list("pk", "prompt")


@Prepared
def _projects_of(prompts: list):
    return Prompt.objects.filter(pk__among=prompts).values_list("pk", "project")


@Prepared
def _still_due(resolution: int, now: datetime):
    return Resolution.objects.filter(pk=resolution, current=True, applied_at=None, effective_at__lte=now)


@transaction.atomic
def _settle_one(project, resolution_id, prompt_id):
    prompt = lock_units(project, [prompt_id])[prompt_id]
    resolution = _still_due.first(resolution=resolution_id, now=timezone.now())
    if resolution is None:
        return 0  # taken back, or settled by somebody else
    return int(take_effect(project, prompt, resolution))


def take_effect(project, prompt, resolution):
    """Send a locked prompt where its resolution says. Returns whether it moved."""
    detail = {"action": resolution.action, "by": resolution.by, "reasons": resolution.reasons}
    if resolution.edited:
        detail["edited"] = True
    if prompt.current_response_id != resolution.response_id or prompt.state not in (State.TO_REVIEW, State.TO_RESOLVE):
        # Overtaken, for example by a new hypothesis: what people said stays, but moves nothing.
        Resolution.objects.filter(pk=resolution.pk).update(current=False)
        Event.objects.create(project=project, prompt=prompt, kind="resolution_overtaken", detail=detail)
        return False
    Resolution.objects.filter(pk=resolution.pk).update(applied_at=timezone.now())
    # Nobody holds, or has put off, what is decided.
    claims = _claims_on(prompt=prompt)
    if claims:
        ReviewClaim.objects.filter(pk__in=claims).in_order().delete()
    if resolution.action == "regenerate" and not prompt.attempts_left:
        return _attempts_used_up(project, prompt, resolution, detail)
    return prompt.go(MOVES[resolution.action], "resolved", actor=resolution.decided_by, detail=detail)


@Prepared
def _claims_on(prompt: int):
    return ReviewClaim.objects.filter(prompt=prompt, purpose=Annotation.Purpose.REVIEW).values_list("pk", flat=True)


def _attempts_used_up(project, prompt, resolution, detail):
    """No further attempt is allowed: rejected, or asked of people again, as the project says; the event tells."""
    detail |= {"attempts": prompt.attempts, "attempt_limit": project.attempt_limit, "then": project.on_exhausted}
    if project.on_exhausted == State.REJECTED:
        return prompt.go(State.REJECTED, "attempts_used_up", actor=resolution.decided_by, detail=detail)
    close_round(prompt)
    if prompt.state == State.TO_RESOLVE:
        return prompt.go(State.TO_REVIEW, "attempts_used_up", actor=resolution.decided_by, detail=detail)
    Event.objects.create(
        project=project, prompt=prompt, kind="attempts_used_up", from_state=prompt.state, to_state=prompt.state,
        detail=detail,
    )  # fmt: skip
    return False


def close_round(prompt):
    """What people decided on the current response so far stays on record, but counts no more."""
    current_decisions(prompt.current_response_id).withdraw()
    Resolution.objects.filter(response=prompt.current_response_id, current=True).update(current=False)
    Prompt.objects.filter(pk=prompt.pk).count_decisions()


def recount(project, prompt_ids=None):
    """Weigh what a changed number of reviews or way to agree has left undecided; returns how many were decided.

    `prompt_ids` are the prompts to look at, all of the project without them.
    """
    pending = Resolution.objects.filter(response=OuterRef("current_response"), current=True, applied_at=None)
    enough = project.prompts.in_state(State.TO_REVIEW).filter(
        given__gte=Coalesce("required", project.reviews_required), given__gt=0
    )
    if prompt_ids is not None:
        enough = enough.filter(pk__in=prompt_ids)
    decided = 0
    for prompt_id in list(enough.exclude(Exists(pending)).values_list("pk", flat=True)):
        with transaction.atomic():
            prompt = lock_units(project, [prompt_id])[prompt_id]
            decided += not weigh(project, prompt).missing
    return decided


@transaction.atomic
def reopen(prompt, user, reason):
    """Ask people again about an accepted or rejected prompt; earlier decisions stay on record but count no more.

    A methodology that fell with its hypothesis comes back with it. Returns whether it was reopened. Raises
    ValueError without a reason, where there is no answer to review, or where it was withdrawn.
    """
    if not reason.strip():
        raise ValueError("Say why it is reopened: the reason stays in the history.")
    locked = lock_units(prompt.project, [prompt.pk])
    prompt = locked.pop(prompt.pk)
    if prompt.state not in (State.ACCEPTED, State.REJECTED):
        return False
    if prompt.withdrawal_id:
        raise ValueError(f"It stays rejected: {prompt.withdrawal} was withdrawn ({prompt.withdrawal.reason}).")
    if not prompt.current_response_id:
        raise ValueError("There is no answer to review yet.")
    _reopen_one(prompt, user, reason)
    for partner in locked.values():
        if fell_with_hypothesis(partner):
            _reopen_one(partner, user, reason)
    return True


def _reopen_one(prompt, user, reason):
    close_round(prompt)
    prompt.go(State.TO_REVIEW, "reopened", source=prompt.state, actor=user, detail={"reason": reason})


def fell_with_hypothesis(prompt):
    """Whether a methodology is rejected because its hypothesis was."""
    if prompt.state != State.REJECTED or prompt.withdrawal_id or not prompt.current_response_id:
        return False
    last = Event.objects.filter(prompt=prompt, to_state=State.REJECTED).order_by("-at", "-pk").first()
    return bool(last and last.kind == "hypothesis_rejected")
