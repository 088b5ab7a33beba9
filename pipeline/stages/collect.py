"""Collect: ask the teacher for what has no answer yet."""

from curation.models import State, Teacher
from pipeline import ledger
from pipeline.prompts import PromptError

from .answering import ask_teacher, next_attempts, save_answers
from .composing import compose, hypotheses_of
from .working import StopRun

STATE = State.TO_COLLECT


def teacher_of(run):
    """The teacher that this run asks: the one it was started with, else the project's."""
    chosen = Teacher.objects.filter(pk=run.parameters.get("teacher") or run.project.teacher_id).first()
    if chosen is None:
        raise StopRun("This project has no teacher: choose one in its settings.")
    return chosen


def room(run):
    """How many prompts may be in hand: as many as the teacher answers at once."""
    return teacher_of(run).concurrency


def prepare(run, prompts):
    """Compose the messages of each prompt; one that cannot be composed is parked with the reason."""
    works = []
    for prompt, work, trouble in asks_of(run, prompts):
        if trouble:
            prompt.park("cannot_compose", trouble, run=run)
            run.count(done=1, parked=1, last_error=trouble)
        else:
            works.append(work)
    return works


def asks_of(run, prompts):
    """What each would be asked: (prompt, its Work, "") or (prompt, None, why it cannot be composed). Asks nobody."""
    teacher, attempts, hypotheses = teacher_of(run), next_attempts(prompts), hypotheses_of(prompts)
    found = []
    for prompt in prompts:
        hypothesis = hypotheses.get(prompt.pk)
        try:
            system, user, templates = compose(prompt, hypothesis)
        except PromptError as error:
            found.append((prompt, None, str(error)))
            continue
        notes = attempts[prompt.pk] | {
            "system": system,
            "user": user,
            "templates": templates,
            "hypothesis": hypothesis.pk if hypothesis else None,
        }
        work = ledger.Work(prompt, {"answer": ask_teacher(teacher, prompt.task_type, notes)}, notes=notes)
        found.append((prompt, work, ""))
    return found


def save(run, works):
    """Store the answers and send the prompts to the filters."""
    return save_answers(run, works, source=STATE, kind="collected")
