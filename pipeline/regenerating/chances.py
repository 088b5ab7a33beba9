"""A prompt's second chance: what the next attempt is to mend, who is asked, and whether it is given one at all."""

from dataclasses import dataclass, field

from curation.models import Complaint, TeacherResponse

from . import ladder, wording
from .complaints import Said, asked_for_their_hypothesis, complaints_for
from .recipes import GATE, REVIEWER, label, reasons, recipe

# What SampleGate holds an answer for without having anything against it.
OF_THE_JUDGING = ("judge_unreadable", "judges_disagree", "missing_", "invalid_")


@dataclass(frozen=True)
class Mend:
    """One complaint as the next prompt says it: its label, what was measured or said, and what to do about it."""

    source: str
    code: str
    label: str
    words: str
    addendum: str


@dataclass(frozen=True)
class Chance:
    """What the next attempt at a prompt is asked with; `teacher` is a name, "" for the project's own.

    `came_back` are the complaints that stop it. One that is asked for its new hypothesis mends nothing.
    """

    mends: tuple = ()
    teacher: str = ""
    parameters: dict = field(default_factory=dict)
    for_hypothesis: bool = False
    came_back: tuple = ()


def chances(prompts, body, said=None):
    """{prompt id: Chance} by the recipes in `body`; `said` is {prompt id: [Said]}, else what is stored."""
    said = complaints_for(prompts) if said is None else said
    changed = asked_for_their_hypothesis(prompts)
    known = {project.pk: reasons(project) for project in {prompt.project for prompt in prompts}}
    back = _came_back([prompt for prompt in prompts if prompt.pk not in changed], said, body)
    return {
        prompt.pk: Chance(for_hypothesis=True)
        if prompt.pk in changed
        else _chance(prompt, said[prompt.pk], body, known[prompt.project_id], back.get(prompt.pk, ()))
        for prompt in prompts
    }


def _chance(prompt, said, body, known, came_back):
    return Chance(
        mends=tuple(_mend(each, body, known) for each in said),
        teacher=ladder.rung(ladder.ladder_of(body, said), prompt.attempts),
        parameters=ladder.parameters_of(body, said),
        came_back=came_back,
    )


def _mend(said, body, known):
    addendum = wording.addendum(recipe(body, said.key)["addendum"], said.limit)
    return Mend(said.source, said.code, label(said.source, said.code, known), said.words, addendum)


# -- the same reason again --------------------------------------------------------------------------------------------


def _came_back(prompts, said, body):
    """{prompt id: [Said]} of those whose answers showed the same reason as often in a row as the recipes allow."""
    most = body.get("stop_after_same_reason")
    if not most or not prompts:
        return {}
    asked = _asked_to_mend(prompts)
    found = {}
    for prompt in prompts:
        wanted = [each for each in _counted(said[prompt.pk]) if each.is_named]
        if not ladder.is_last(ladder.ladder_of(body, said[prompt.pk]), prompt.attempts):
            continue
        chain = asked[prompt.pk][: most - 1]
        again = [each for each in wanted if len(chain) == most - 1 and all(each.identity in told for told in chain)]
        if again:
            found[prompt.pk] = tuple(again)
    return found


def _counted(said):
    """What speaks against the answer: people's words where people sent it back, else what was measured."""
    of_people = [each for each in said if each.source == REVIEWER]
    return of_people or [each for each in said if each.source != GATE or not each.code.startswith(OF_THE_JUDGING)]


def _asked_to_mend(prompts):
    """{prompt id: [{identity of what each of its attempts was asked to mend}]}, the current answer first."""
    ids = [prompt.pk for prompt in prompts]
    told = {}
    rows = Complaint.objects.filter(response__prompt__in=ids).values_list("response", "source", "code", "words")
    for response, *complaint in rows:
        told.setdefault(response, set()).add(Said(*complaint).identity)
    parents = dict(TeacherResponse.objects.filter(prompt__in=ids).values_list("pk", "parent"))
    return {prompt.pk: _back(prompt.current_response_id, parents, told) for prompt in prompts}


def _back(response, parents, told):
    chain = []
    while response in told:
        chain.append(told[response])
        response = parents.get(response)
    return chain
