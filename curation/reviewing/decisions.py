"""A person's decisions: taken in once, and weighed."""

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from ..models import Annotation, Event, Resolution, ReviewClaim, State, TeacherResponse
from ..models.prepared import Prepared
from ..models.review import Action, Purpose
from . import drafts
from .blind import decides_blind, hidden_in_check
from .checks import purpose_of
from .choices import checked
from .combining import said_of
from .complaints import checks_of, record_checks
from .conflicts import Conflict, Problem, refuse_outdated
from .resolutions import pending_resolution, weigh
from .rule import same_text
from .units import lock_units


@dataclass(frozen=True)
class Submission:
    """What a submit came to. `repeated`: it had been sent before; `differs`: but with something else in it."""

    annotations: tuple[Annotation, ...]
    repeated: bool = False
    differs: bool = False


@transaction.atomic
def submit(project, user, choices, *, idempotency_key, seconds=0, change=None, at=None, origin=""):
    """Take in one person's decisions on the one or two responses of a review unit, all or none.

    The same key again returns the first result. `seconds` is the active time spent on all of them; `change` is what
    they are part of; imported ones say `at` what time they were made and the file of their `origin`. Raises ValueError
    for a wrong choice, TeacherResponse.DoesNotExist for a response that is not of `project`, Conflict where the form
    is out of date. A decision that comes after the deciding ones, or after its claim lapsed, is kept; one on a gold or
    repeated item is kept as such and changes nothing.
    """
    choices = [checked(choice, project) for choice in choices]
    if not idempotency_key or len(idempotency_key) > 64:
        raise ValueError("A submit needs an idempotency key of 1 to 64 characters.")
    responses = _responses(project, choices)
    if any(c.action == Action.ACCEPT and not (c.edited_text or responses[c.response_id].text).strip() for c in choices):
        raise ValueError("There is no text to accept: write one, or reject the response.")
    prompts = _in_hand(project, responses)
    first = _sent_before(reviewer=user.pk, key=idempotency_key, project=project.pk)
    if first:
        return _first_result(first, choices, responses, prompts)
    # A gold or repeated item is decided on its page: what comes from a file is a decision like any other.
    purposes = {
        pk: Purpose.REVIEW if origin else purpose_of(user, prompts[response.prompt_id])
        for pk, response in responses.items()
    }
    own = _own_decisions(user, responses)
    refuse_outdated(choices, responses, prompts, own, purposes)
    share = max(1, min(int(seconds), 86_400) // len(choices)) if seconds else 0  # 0 is unknown
    said = {"idempotency_key": idempotency_key, "seconds": share, "change": change, "origin": origin}
    said |= {"created_at": at} if at else {}
    rows = [
        _record(choice, response, prompts[response.prompt_id], user, purposes[response.pk], own[response.pk], said)
        for choice in choices
        for response in (responses[choice.response_id],)
    ]
    ReviewClaim.objects.filter(prompt__in=prompts, reviewer=user).in_order().delete()
    if not origin:  # an imported decision may be older than what is typed now
        drafts.drop(user, responses, drafts.REVIEW)
    _weigh(project, rows, prompts)
    return Submission(tuple(rows))


def _in_hand(project, responses):
    """{id: prompt} of the locked units of `responses`, with project and response at hand: none is read again."""
    prompts = lock_units(project, [response.prompt_id for response in responses.values()])
    for prompt in prompts.values():
        prompt.project = project
        if prompt.current_response_id in responses:
            prompt.current_response = responses[prompt.current_response_id]
    return prompts


def _weigh(project, rows, prompts):
    for row in rows:
        if row.purpose == Purpose.REVIEW:
            outcome = weigh(project, prompts[row.response.prompt_id])
            if not _is_as_weighed(row, outcome):
                row.refresh_from_db()


def _is_as_weighed(row, outcome):
    """Whether weighing it and others left a decision as it was stored."""
    weighed = {each.source.pk: each.source for each in (*outcome.deciding, *outcome.surplus)}.get(row.pk)
    # With no time to take anything back, it has taken effect, which may have ended the round.
    return weighed is not None and weighed.surplus == row.surplus and bool(settings.REVIEW_UNDO_SECONDS)


def _responses(project, choices):
    ids = [choice.response_id for choice in choices]
    if not 1 <= len(set(ids)) == len(ids) <= 2:
        raise ValueError("A submit is about one response, or about the two of a pair.")
    found = {response.pk: response for response in _responses_among(project=project.pk, ids=ids)}
    if len(found) < len(ids):
        raise TeacherResponse.DoesNotExist(f"Not all of the responses {ids} are of {project}.")
    if len({response.prompt_id for response in found.values()}) < len(ids):
        raise ValueError("Two decisions on one prompt: only its current response can be decided.")
    return found


@Prepared
def _responses_among(project: int, ids: list):
    return TeacherResponse.objects.filter(prompt__project=project, pk__among=ids)


@Prepared
def _sent_before(reviewer: int, key: str, project: int):
    rows = Annotation.objects.filter(reviewer=reviewer, idempotency_key=key, response__prompt__project=project)
    return rows.select_related("response")


def _own_decisions(user, responses):
    """{response id: this person's decisions on it, the newest first}."""
    own = {pk: [] for pk in responses}
    for row in _own_on(reviewer=user.pk, responses=responses):
        own[row.response_id].append(row)
    return own


@Prepared
def _own_on(reviewer: int, responses: list):
    return Annotation.objects.filter(reviewer=reviewer, response__among=responses).order_by("-version")


def _first_result(first, choices, responses, prompts):
    by_response = {row.response_id: row for row in first}
    taken_back = [row for row in first if not row.current]
    if taken_back:
        raise Conflict(
            Problem(
                next((c for c in choices if c.response_id == row.response_id), choices[0]),
                "own_newer",
                row.response,
                prompts[row.response.prompt_id].current_response if row.response.prompt_id in prompts else row.response,
                row,
            )
            for row in taken_back
        )
    differs = any(
        choice.response_id not in by_response or not _same(choice, by_response[choice.response_id])
        for choice in choices
    )
    return Submission(tuple(first), repeated=True, differs=differs)


def _same(choice, row):
    edit = _edit(choice, row.response)
    said = (choice.action, sorted(choice.reasons), choice.comment.strip(), edit)
    before = (row.action, sorted(row.reasons), row.comment, row.edited_text)
    return said == before and choice.met == checks_of([row.pk]).get(row.pk, {})


def _edit(choice, response):
    """The edited text to store: None where it is the teacher's, white space at line ends aside."""
    if choice.edited_text is None or not choice.edited_text.strip():
        return None
    text = choice.edited_text.replace("\r\n", "\n").replace("\r", "\n").rstrip()
    return None if same_text(text) == same_text(response.text) else text


def _record(choice, response, prompt, user, purpose, own, said):
    for_review = purpose == Purpose.REVIEW
    # Whether it is blind is found before anything is stored: who has decided sees everything.
    blind = decides_blind(user, prompt.project, prompt, response) if for_review else hidden_in_check(prompt)
    replaced = [row for row in own if row.purpose == purpose and row.current]
    if replaced:
        if for_review and not all(row.surplus for row in replaced):
            drop_pending(response)
        Annotation.objects.filter(pk__in=[row.pk for row in replaced]).withdraw()
    row = Annotation.objects.decide(
        prompt.project,
        response=response,
        reviewer=user,
        purpose=purpose,
        version=max((row.version for row in own), default=0) + 1,
        action=choice.action,
        reasons=list(choice.reasons),
        edited_text=_edit(choice, response),
        comment=choice.comment.strip(),
        blind=blind,
        # Decided already, by others or by a policy: kept and counted, without effect.
        surplus=for_review and (prompt.state != State.TO_REVIEW or pending_resolution(response.pk) is not None),
        **said,
    )
    record_checks(row, choice.met)
    if for_review:  # a check leaves no trace in the history that reviewers read: it would tell which one it was
        tell(prompt, user, "decided", row)
    return row


def drop_pending(response):
    """A resolution that has no effect yet no longer stands on the decisions it came from."""
    Resolution.objects.filter(response=response, current=True, applied_at=None).update(current=False)


def tell(prompt, user, kind, row):
    """Write what a person did with a decision into the history."""
    detail = {"action": row.action, "attempt": row.response.attempt, "version": row.version}
    if row.reasons:
        detail["reasons"] = row.reasons
    if row.surplus:
        detail["surplus"] = True
    if row.edited_text is not None:
        detail |= said_of(row.response, row.edited_text)
    Event.objects.create(project_id=prompt.project_id, prompt=prompt, actor=user, kind=kind, detail=detail)
