"""Collect: ask the teacher for what has no answer yet."""

from curation.models import Prompt, State, Teacher
from pipeline.asks import Work
from pipeline.prompts import PromptError

from .answering import asks_for, composed, next_attempts, read_answers, save_answers
from .composing import compose, hypotheses_of
from .working import StopRun

STATE = State.TO_COLLECT
LOOKS_AT = ("document",)


def teachers_of(run):
    """The teachers that this run asks, in the order of the candidates: those it was started with, else the project's.

    Started with one teacher, it asks that one alone.
    """
    wanted, project = run.parameters, run.project
    ids = wanted.get("teachers") or ([wanted["teacher"]] if wanted.get("teacher") else [])
    if not ids and project.teacher_id:
        ids = [project.teacher_id, *project.more_teachers.order_by("pk").values_list("pk", flat=True)]
    known = Teacher.objects.in_bulk(ids)
    found = [known[pk] for pk in dict.fromkeys(ids) if pk in known]
    if not found:
        raise StopRun("This project has no teacher: choose one in its settings.")
    return found


def samples_of(run):
    """How many answers each teacher is asked for."""
    return run.parameters.get("samples") or run.project.samples


def room(run):
    """How many prompts the teachers answer at once."""
    return max(1, min(teacher.concurrency for teacher in teachers_of(run)) // samples_of(run))


def prepare(run, prompts):
    """Compose the messages of each prompt; one that cannot be composed is parked with the reason."""
    return composed(run, asks_of(run, prompts))


def asks_of(run, prompts):
    """What each would be asked: (prompt, its Work, "") or (prompt, None, why it cannot be composed). Asks nobody."""
    wanted, samples = teachers_of(run), samples_of(run)
    attempts = next_attempts(prompts, fresh=bool(run.parameters.get("fresh")))
    hypotheses = hypotheses_of(prompts)
    found, known = [], {}
    for prompt in prompts:
        hypothesis = hypotheses.get(prompt.pk)
        try:
            system, user, templates = compose(prompt, hypothesis, known)
        except PromptError as error:
            found.append((prompt, None, str(error)))
            continue
        notes = attempts[prompt.pk] | {
            "system": system,
            "user": user,
            "templates": templates,
            "parent": prompt.current_response_id,
            "hypothesis": hypothesis.pk if hypothesis else None,
        }
        work = Work(prompt, asks_for(wanted, samples, prompt.task_type, notes), notes=notes)
        found.append((prompt, work, ""))
    return found


read = read_answers


def save(run, works):
    """Store the answers and send the prompts to the filters; methods of hypotheses asked again are called back."""
    again = save_answers(run, works, source=STATE, kind="collected")
    renewed = [each.prompt.pk for each in works if each.notes["parent"] and each.prompt.task_type == "hypothesis"]
    if renewed:
        Prompt.objects.filter(pk__in=renewed, state=State.TO_FILTER).hypothesis_changed(run=run)
    return again
