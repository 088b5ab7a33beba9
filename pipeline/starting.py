"""What comes before a run: what stands in its way, its cap and its quote, and its row with what it enlists."""

from django.db import transaction

from curation import tallies
from curation.importing import ImportRefused
from curation.models import Event, Project, Run, State, Teacher
from curation.models.locking import in_order
from curation.reviewing import settle

from . import inline, quotes
from .regenerating import has_ladder
from .releasing import recipe
from .stages import again, decontaminate, reparse
from .stages.sending import HANDLES


class CannotStart(Exception):
    """A run that would be refused or could do nothing; the message says what to do instead."""


class CapRefused(CannotStart):
    """A run whose cap nothing could keep to, or that could ask nothing under it."""


def prepare(project, stage, parameters=None, by=None):
    """The run of `start`, not in the queue: for commands that work in their own process."""
    parameters = {key: value for key, value in (parameters or {}).items() if value is not None}
    if stage not in Run.Stage.values:
        raise CannotStart(f"{stage!r} is no stage; stages are {', '.join(Run.Stage.values)}.")
    _refuse_impossible(project, stage, parameters)
    left = inline.end_those_of_the_dead(project)
    settle(project)
    for run in left:
        if run.stage == stage and parameters.get("mode") == "batch":
            return inline.take_over(run, parameters.get("command"), parameters)
    # Composing takes its time, so it is done before anything is locked.
    return _prepare(project, stage, parameters, by, _capped_and_quoted(project, stage, parameters))


def _capped_and_quoted(project, stage, parameters):
    """The fields of a run that say what it may cost and what it is expected to."""
    try:
        cap_usd, cap_tokens = quotes.read_caps(parameters)
        said = quotes.quote(project, stage, parameters)
        quotes.refuse_wrong(said, cap_usd, cap_tokens)
    except quotes.WrongCap as wrong:
        raise CapRefused(str(wrong)) from None
    return {"cap_usd": cap_usd, "cap_tokens": cap_tokens, "quote": said.as_json() if said.calls.high else {}}


@transaction.atomic
def _prepare(project, stage, parameters, by, fields):
    if stage in HANDLES:
        _lock(project, stage)
    run = Run.objects.create(project=project, stage=stage, parameters=parameters, created_by=by, **fields)
    measured = quotes.RECALLS[stage].call_back(project, run) if stage in quotes.RECALLS else 0
    wanted = quotes.wanted(stage, parameters) if stage in HANDLES else None
    enlisted = run.enlist(wanted, parameters.get("limit")) if stage in HANDLES else 0
    if stage in HANDLES and not (enlisted or measured or "again" in parameters):
        # Leaving the transaction by an exception takes the empty run back.
        held = quotes.waiting(project, stage).count() if parameters.get("limit") else 0
        why = f"; {held:,} of them wait for their hypotheses" if held else ""
        other = Run.objects.live().filter(project=project, stage__in=HANDLES).exclude(pk=run.pk).first()
        why += f"; {other} has what it works on" if other else ""
        raise CannotStart(f"No prompt waits for this: {where_they_are(project)}{why}.")
    Event.objects.create(project=project, run=run, actor=by, kind="run_started", detail={"stage": stage})
    return run


def _lock(project, stage):
    """The project before its prompts, as imports do; and all that may be called back at once, in the order of ids."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    if stage in quotes.RECALLS and quotes.RECALLS[stage].undecided(project).exists():
        in_order(project.prompts.free()).count()


def where_they_are(project):
    """How many prompts are in which state, in one line."""
    counts = tallies.states(project)
    named = [f"{number:,} {State(state).label.lower()}" for state, number in counts.items() if number]
    return ", ".join(named) or "the project has no prompts yet"


def _refuse_impossible(project, stage, parameters):
    _refuse_wrong_choices(project, stage, parameters)
    teacher = parameters.get("teacher") or parameters.get("teachers") or project.teacher_id
    if stage in ("collect", "pipeline") and not teacher:
        raise CannotStart("This project has no teacher: choose one in its settings.")
    if stage == "regenerate" and not (teacher or project.regen_teacher_id or has_ladder(project)):
        raise CannotStart("This project has no teacher for regeneration: choose one in its settings.")
    if stage == "judge" and not project.is_gated:
        raise CannotStart("This project has no judges: choose them in its settings.")
    if "again" in parameters:
        _refuse_wrong_again(stage, parameters["again"])
    if stage == "reparse" and not reparse.is_needed(project, everything=parameters.get("all", False)):
        raise CannotStart("Nothing to parse again: today's parser and renderer have read every stored reply.")
    _refuse_wrong_look(project, stage, parameters)
    if stage == "package":
        _refuse_wrong_recipe(parameters)
    limit = parameters.get("limit")
    if limit is not None and limit < 1:
        raise CannotStart("A limit of 0 prompts is nothing to do: give 1 or more, or leave it out for all.")


def _refuse_wrong_choices(project, stage, parameters):
    """Where a start names teachers or a mode, they must be there and the stage must know them."""
    named = {*parameters.get("teachers", ()), *filter(None, [parameters.get("teacher")])}
    if named and Teacher.objects.filter(pk__in=named).exclude(kind=Teacher.Kind.IMPORTED).count() < len(named):
        raise CannotStart("There is no such teacher: choose one of those that are listed.")
    mode = parameters.get("mode", "online")
    if mode not in ("online", "batch"):
        raise CannotStart(f"{mode!r} is no mode: say online or batch.")
    if mode == "batch" and stage not in ("collect", "judge", "regenerate"):
        raise CannotStart("Batches are for collect, judge and regenerate: each waits up to a day for its answers.")


def _refuse_wrong_again(stage, wanted):
    if stage != "collect":
        raise CannotStart(f"Asking again is collecting: a {stage} run does not do it.")
    try:
        again.AgainFilter.from_json(wanted)
    except again.WrongFilter as wrong:
        raise CannotStart(str(wrong)) from None


def _refuse_wrong_look(project, stage, parameters):
    if stage == "deduplicate" and not project.near_duplicate_percent:
        raise CannotStart("This project looks for no near-duplicates: say in its settings from how many per cent.")
    if stage == "decontaminate":
        if not parameters.get("against") and not project.evaluation_sets.exists():
            raise CannotStart("This project knows no evaluation set: name files to hold it against.")
        try:
            decontaminate.refuse_wrong(parameters)
        except (decontaminate.WrongWish, ImportRefused) as wrong:
            raise CannotStart(str(wrong)) from None


def _refuse_wrong_recipe(parameters):
    try:
        recipe.of_parameters(parameters)
    except recipe.WrongRecipe as wrong:
        raise CannotStart(str(wrong)) from None
