"""The order of a second chance before it is given: the exact prompt, who is asked, and what it will cost."""

from dataclasses import dataclass, field

from curation.models import Run, Teacher
from pipeline.prompts import PromptError
from pipeline.regenerating import SOURCES, chances, complaints_of, recipes_of
from pipeline.stages import regenerate
from pipeline.stages.composing import only_looking
from pipeline.stages.working import StopRun

from .foreseeing import of_works
from .quoted import Quote
from .quoting import quote_of

OF_THE_PROGRAM = ("model", "messages", "response_format", "tools", "tool_choice")


@dataclass(frozen=True)
class Order:
    """What a teacher would be sent now for another attempt at a prompt.

    `complaints` are Mends (source, code, label, words, addendum), `parameters` as they are sent. Where no attempt would
    be bought, `trouble` says why in a sentence; what could be composed all the same is still there.
    """

    system: str = ""
    user: str = ""
    teacher: Teacher | None = None
    parameters: dict = field(default_factory=dict)
    complaints: tuple = ()
    quote: Quote | None = None
    trouble: str = ""


def preview(prompt, also=(), *, sources=SOURCES):
    """The Order that sending `prompt` back now would give, with the reasons in `also` (Said); writes nothing.

    Of what is stored only the `sources` named are shown: who may not read judges or other reviewers leaves them out.
    """
    run = Run(project=prompt.project, stage="regenerate", parameters={})
    said = {prompt.pk: complaints_of(prompt, also, sources=sources)}
    with only_looking():
        chance = chances([prompt], recipes_of(prompt.project, record=False).body, said)[prompt.pk]
        trouble = _why_none(prompt, chance)
        if prompt.current_response is None:
            return Order(complaints=chance.mends, trouble=trouble)
        try:
            ((_, work, why),) = regenerate.asks_of(run, [prompt], said, spent=True)
        except (StopRun, PromptError) as stop:
            return Order(complaints=chance.mends, trouble=trouble or str(stop))
    if work is None:
        return Order(complaints=chance.mends, trouble=trouble or why)
    (ask,) = work.asks.values()
    return Order(
        work.notes["system"],
        work.notes["user"],
        ask.teacher,
        {name: value for name, value in ask.body.items() if name not in OF_THE_PROGRAM},
        chance.mends,
        None if trouble else quote_of(prompt.project, "regenerate", of_works([work], "regeneration")),
        trouble,
    )


def _why_none(prompt, chance):
    if prompt.current_response is None:
        return "There is no answer yet that could be sent back."
    then = prompt.project.get_on_exhausted_display().lower()
    if regenerate.is_exhausted(prompt, chance):
        return f"No attempt is left of {prompt.project.attempt_limit}: {then}."
    if chance.came_back:
        labels = {(mend.source, mend.code): mend.label for mend in chance.mends}
        named = ", ".join(labels[(said.source, said.code)] for said in chance.came_back)
        return f"The same reason came back ({named}): {then}."
    return ""
