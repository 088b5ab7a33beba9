"""Regenerate: a stricter prompt and a stronger teacher for what was sent back."""

from curation.models import Annotation, Event, FilterResult, GateResult, JudgeScore, Prompt, Resolution, State, Teacher
from pipeline import filters, prompts
from pipeline.asks import Work
from pipeline.prompts import PromptError

from .answering import asks_for, composed, next_attempts, read_answers, save_answers
from .composing import SYSTEM_REGEN, compose, hypotheses_of, template
from .sending import send_on
from .working import StopRun

STATE = State.TO_REGENERATE
LOOKS_AT = ("current_response__teacher", "document")


def teacher_of(run):
    """The teacher for another attempt: the run's, else the project's regeneration teacher, else its teacher."""
    project = run.project
    pk = run.parameters.get("teacher") or project.regen_teacher_id or project.teacher_id
    chosen = Teacher.objects.filter(pk=pk).first()
    if chosen is None:
        raise StopRun("This project has no teacher for regeneration: choose one in its settings.")
    return chosen


def room(run):
    """How many prompts the teacher answers at once."""
    return teacher_of(run).concurrency


def prepare(run, waiting):
    """Compose the stricter messages; prompts whose attempts are used up go where the project says."""
    return composed(run, asks_of(run, _send_exhausted_on(run, waiting)))


def asks_of(run, waiting):
    """What each would be asked, without asking: [(prompt, its Work, "")], or (prompt, None, why it cannot be)."""
    teacher, hypotheses = teacher_of(run), hypotheses_of(waiting)
    attempts = next_attempts(waiting, fresh=bool(run.parameters.get("fresh")))
    found = []
    for prompt in waiting:
        hypothesis = hypotheses.get(prompt.pk)
        try:
            notes = _compose(prompt, hypothesis)
        except PromptError as error:
            found.append((prompt, None, str(error)))
            continue
        notes |= attempts[prompt.pk] | {
            "parent": prompt.current_response_id,
            "hypothesis": hypothesis.pk if hypothesis else None,
        }
        work = Work(prompt, asks_for([teacher], 1, prompt.task_type, notes), notes=notes)
        found.append((prompt, work, ""))
    return found


read = read_answers


def save(run, works):
    """Store the new attempts, send them to the filters, and call back the methodologies of new hypotheses."""
    again = save_answers(run, works, source=STATE, kind="regenerated")
    renewed = [each.prompt.pk for each in works if each.prompt.task_type == "hypothesis"]
    Prompt.objects.filter(pk__in=renewed, state=State.TO_FILTER).hypothesis_changed(run=run)
    return again


def _send_exhausted_on(run, waiting):
    """Leave out prompts that have had all their attempts."""
    exhausted = [prompt for prompt in waiting if is_exhausted(prompt)]
    target = run.project.on_exhausted
    ids = [prompt.pk for prompt in exhausted]
    if target == State.TO_REVIEW:
        # Another round of review: what was decided stays as history.
        Annotation.objects.filter(response__current_for__in=ids, current=True, purpose="review").withdraw()
        Resolution.objects.filter(response__current_for__in=ids, current=True).update(current=False)
    detail = {"attempts": run.project.attempt_limit}
    send_on(run, ids, target, "attempts_used_up", source=STATE, detail=detail)
    return [prompt for prompt in waiting if prompt not in exhausted]


def is_exhausted(prompt):
    """Whether a prompt has had all the attempts that its project allows; one asked anew for its hypothesis has not."""
    return prompt.attempts >= prompt.project.attempt_limit and not _hypothesis_changed(prompt)


def _hypothesis_changed(prompt):
    # A prompt that was parked on the way comes back for the reason it was sent for.
    last = Event.objects.filter(prompt=prompt, to_state=STATE).exclude(kind="unparked").order_by("-at", "-pk").first()
    return bool(last) and last.kind == "hypothesis_changed"


def _compose(prompt, hypothesis):
    system, user, used = compose(prompt, hypothesis)
    if _hypothesis_changed(prompt):
        return {"system": system, "user": user, "templates": used, "counts": 0}
    version = template(prompt.project, SYSTEM_REGEN)
    values = {
        "reasons": "\n".join(f"- {reason}" for reason in reasons(prompt)) or "- It was sent back without a reason.",
        "previous": prompt.current_response.text or "(an empty answer)",
    }
    used[SYSTEM_REGEN] = {"version": version.version, "sha256": version.sha256}
    return {"system": prompts.render(version.body, values), "user": user, "templates": used}


def reasons(prompt):
    """Why the current response was refused, in words: measured failures, judges' words, reviewers' words."""
    response = prompt.current_response_id
    said = []
    result = FilterResult.objects.filter(response=response).order_by("-pk").first()
    for found in result.measurements if result else []:
        if not found["ok"]:
            rule = filters.RULES.get(found["rule"])
            said.append(f"{rule.label if rule else found['rule']}: {found.get('note') or found['value']}")
    gate = GateResult.objects.filter(response=response, passed=False).order_by("-pk").first()
    if gate:
        said += [reason.replace("_", " ") for reason in gate.reasons]
        scores = JudgeScore.objects.filter(response=response, score__isnull=False).exclude(rationale="")
        # Of several readings the worst: the others would say the same in other words, or nothing.
        worst = {score.rubric: score for score in scores.order_by("rubric", "-score", "-pk")}
        said += [f"The {name} judge gave {each.score:g} of 100: {each.rationale}" for name, each in worst.items()]
    decisions = Annotation.objects.filter(response=response, purpose="review", current=True)
    for annotation in decisions.exclude(action="accept"):
        said += [reason.replace("_", " ") for reason in annotation.reasons]
        said += [annotation.comment] if annotation.comment else []
    for held in Resolution.objects.filter(response=response, current=True, by__in=("adjudicator", "manager")):
        said += [reason.replace("_", " ") for reason in held.reasons]
        said += [held.comment] if held.comment else []
    orders = Event.objects.filter(prompt=prompt, kind="regeneration_ordered", detail__response=response)
    said += [reason for order in orders for reason in order.detail.get("reasons", [])]
    return list(dict.fromkeys(said))
