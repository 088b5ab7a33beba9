"""Regenerate: a stricter prompt and a stronger teacher for what was sent back."""

from django.db import transaction

from curation.models import Annotation, Complaint, Prompt, Resolution, State, Teacher, TeacherResponse
from curation.models.writing import insert_rows
from curation.reviewing.units import hold_units
from pipeline.asks import Work
from pipeline.prompts import PromptError
from pipeline.regenerating import chances, recipes_of, wording
from pipeline.regenerating.recipes import ladders_of

from .answering import asks_for, composed, next_attempts, read_answers, save_answers
from .composing import SYSTEM_REGEN, compose, hypotheses_of, is_recording, template
from .sending import send_on
from .working import StopRun

STATE = State.TO_REGENERATE
LOOKS_AT = ("current_response__teacher", "document")


class Desk:
    """The recipes and teachers of one run; raises StopRun where a teacher is missing."""

    def __init__(self, run, *, record=False):
        self.project, named = run.project, run.parameters.get("teacher")
        self.recipes = recipes_of(self.project, record=record and is_recording())
        self.only = named and Teacher.objects.filter(pk=named).first()
        self.usual = self.only or self.project.regen_teacher or self.project.teacher
        self.named = {} if self.only else self._ladders()

    @property
    def body(self):
        return self.recipes.body

    @property
    def teachers(self):
        """All that may be asked, the usual one first; where it stands on no rung it may still be needed."""
        everybody = [*filter(None, [self.usual]), *self.named.values()]
        if not everybody:
            raise StopRun("This project has no teacher for regeneration: choose one in its settings.")
        return list({teacher.pk: teacher for teacher in everybody}.values())

    def teacher(self, name):
        """The teacher of a rung, the usual one where no ladder holds or the run names one."""
        chosen = self.named.get(name) or self.usual
        if chosen is None:
            raise StopRun("This project has no teacher for regeneration: choose one in its settings.")
        return chosen

    def _ladders(self):
        names = {name for _, rungs in ladders_of(self.body) for name in rungs}
        found = {each.name: each for each in Teacher.objects.filter(name__in=names)}
        if names - found.keys():
            missing = ", ".join(sorted(names - found.keys()))
            raise StopRun(
                f"The recipes name teachers that do not exist: {missing}. Mend their ladders in the settings."
            )
        return found


def teachers_of(run):
    """The teachers that a run may ask; raises StopRun where there is none."""
    return Desk(run).teachers


def room(run):
    """How many prompts its teachers answer at once, all together."""
    return sum(teacher.concurrency for teacher in teachers_of(run))


def prepare(run, waiting):
    """Compose the stricter messages; prompts whose chances are used up go where the project says."""
    desk = Desk(run, record=True)
    given = chances(waiting, desk.body)
    left = _send_exhausted_on(run, waiting, given)
    return composed(run, _asks(run, left, desk, given))


def asks_of(run, waiting, said=None, *, spent=False):
    """What each would be asked, without asking: [(prompt, its Work, "")], or (prompt, None, why it cannot be).

    Those whose chances are used up are left out, unless `spent` ones are wanted too. `said` are the complaints,
    {prompt id: [Said]}, instead of those that are stored.
    """
    desk = Desk(run, record=True)
    given = chances(waiting, desk.body, said)
    return _asks(run, [prompt for prompt in waiting if spent or not _is_over(prompt, given)], desk, given)


def _asks(run, waiting, desk, given):
    hypotheses = hypotheses_of(waiting)
    attempts = next_attempts(waiting, fresh=bool(run.parameters.get("fresh")))
    known, found = {}, []
    for prompt in waiting:
        hypothesis, chance = hypotheses.get(prompt.pk), given[prompt.pk]
        try:
            notes = _compose(prompt, hypothesis, chance, known)
        except PromptError as error:
            found.append((prompt, None, str(error)))
            continue
        notes |= attempts[prompt.pk] | {
            "parent": prompt.current_response_id,
            "hypothesis": hypothesis.pk if hypothesis else None,
            "parameters": chance.parameters,
            "recipes": desk.recipes.pk,
            "complaints": [[mend.source, mend.code, mend.words, mend.addendum] for mend in chance.mends],
        }
        asks = asks_for([desk.teacher(chance.teacher)], 1, prompt.task_type, notes)
        found.append((prompt, Work(prompt, asks, notes=notes), ""))
    return found


read = read_answers


def save(run, works):
    """Store the new attempts with what they were to mend, send them to the filters, call methods of hypotheses back."""
    again = save_answers(run, works, source=STATE, kind="regenerated")
    _store_complaints(works)
    renewed = [each.prompt.pk for each in works if each.prompt.task_type == "hypothesis"]
    Prompt.objects.filter(pk__in=renewed, state=State.TO_FILTER).hypothesis_changed(run=run)
    return again


def _store_complaints(works):
    """What each new answer was asked to mend; a second save adds nothing."""
    told = {(each.prompt.pk, each.notes["attempt"]): each.notes for each in works if each.notes.get("complaints")}
    if not told:
        return
    stored = TeacherResponse.objects.filter(prompt__in={pk for pk, _ in told})
    rows = []
    for response, *attempt in stored.order_by("pk").values_list("pk", "prompt", "attempt"):
        notes = told.get(tuple(attempt))
        for source, code, words, addendum in notes["complaints"] if notes else ():
            row = Complaint(response_id=response, source=source, code=code, words=words, addendum=addendum)
            row.recipes_id = notes["recipes"]
            rows.append(row)
    insert_rows(rows)


# -- no further chance ------------------------------------------------------------------------------------------------


def is_exhausted(prompt, chance):
    """Whether a prompt has had all the attempts that its project allows; one asked anew for its hypothesis has not."""
    return prompt.attempts >= prompt.project.attempt_limit and not chance.for_hypothesis


def _is_over(prompt, given):
    return is_exhausted(prompt, given[prompt.pk]) or bool(given[prompt.pk].came_back)


def _send_exhausted_on(run, waiting, given):
    """Send on what has had all its attempts, and what shows the same reason again; returns the others."""
    exhausted = [prompt.pk for prompt in waiting if is_exhausted(prompt, given[prompt.pk])]
    again = {
        prompt.pk: {"attempts": prompt.attempts, "reasons": [said.key for said in given[prompt.pk].came_back]}
        for prompt in waiting
        if given[prompt.pk].came_back and prompt.pk not in exhausted
    }
    _end(run, exhausted, "attempts_used_up", {"attempts": run.project.attempt_limit})
    _end(run, list(again), "same_reason_again", again)
    return [prompt for prompt in waiting if prompt.pk not in exhausted and prompt.pk not in again]


@transaction.atomic
def _end(run, ids, kind, detail):
    hold_units(run.project, ids)
    ids = list(Prompt.objects.filter(pk__in=ids, state=STATE).values_list("pk", flat=True))  # people may have been here
    if ids and run.project.on_exhausted == State.TO_REVIEW:
        # Another round of review: what was decided stays as history.
        Annotation.objects.filter(response__current_for__in=ids, current=True, purpose="review").withdraw()
        Resolution.objects.filter(response__current_for__in=ids, current=True).update(current=False)
    send_on(run, ids, run.project.on_exhausted, kind, source=STATE, detail=detail)


# -- the prompt -------------------------------------------------------------------------------------------------------


def _compose(prompt, hypothesis, chance, known):
    system, user, used = compose(prompt, hypothesis, known)
    if chance.for_hypothesis:
        return {"system": system, "user": user, "templates": used, "counts": 0}
    if SYSTEM_REGEN not in known:
        known[SYSTEM_REGEN] = template(prompt.project, SYSTEM_REGEN)
    version, answer = known[SYSTEM_REGEN], prompt.current_response
    about = {
        "context": prompt.context,
        "domain": prompt.domain,
        "task_type": prompt.task_type,
        "title": prompt.document.title if prompt.document else "",
        "hypothesis": hypothesis.authoritative if hypothesis else "",
        "prompt": user,
    }
    used[SYSTEM_REGEN] = {"version": version.version, "sha256": version.sha256}
    strict = wording.stricter(version.body, chance.mends, answer.text or answer.refusal, about)
    return {"system": strict, "user": user, "templates": used}
