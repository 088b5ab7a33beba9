"""Which prompts a run would take up, in strata that can be counted and drawn from without loading them."""

import random
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from curation.models import Prompt, Run, Teacher
from pipeline import stages
from pipeline.stages import again
from pipeline.stages.sending import HANDLES

# Stages whose rules have versions: what an older version measured is measured again.
RECALLS = {"filter": stages.filtering, "judge": stages.judge}
RULES = {"filter": "filter_ruleset_id", "judge": "gate_ruleset_id"}
SAMPLE = 200  # prompts that a quote composes
LISTED = 20_000  # up to so many, their ids are listed and drawn from; above, ranges of ids are
NEIGHBOURS = 2


@dataclass(frozen=True)
class Stratum:
    """Prompts that are alike for a quote: how many there are, and where they can be drawn from."""

    prompts: QuerySet
    number: int

    def draw(self, most=SAMPLE):
        """Up to `most` of them, at random but the same ones each time, in order."""
        ids = self._ids(most)
        chosen = Prompt.objects.filter(pk__in=ids).select_related("current_response__teacher", "document")
        return list(chosen.order_by("pk"))

    def _ids(self, most):
        pks = self.prompts.order_by("pk").values_list("pk", flat=True)
        if self.number <= LISTED:
            listed = list(pks[: self.number])
            return listed if len(listed) <= most else random.Random(self.number).sample(listed, most)
        dice, first, last = random.Random(self.number), pks.first(), pks.last()
        found = set()
        for _ in range(most // NEIGHBOURS):
            found.update(pks.filter(pk__gte=dice.randint(first, last))[:NEIGHBOURS])
        return list(found)[:most]


def waiting(project, stage):
    """The prompts that a run of `stage` would take up now."""
    prompts, recalled = _free(project, stage), _recalled(project, stage)
    if recalled is None:
        return prompts
    return Prompt.objects.filter(Q(pk__in=prompts.values("pk")) | Q(pk__in=recalled.values("pk")))


def _free(project, stage):
    return Prompt.objects.filter(project=project).in_state(*HANDLES[stage]).free()


def _recalled(project, stage):
    """Those that newer rules call back, or None; before the first rules are recorded there are none."""
    ready = stage in RECALLS and getattr(project, RULES[stage]) and (stage != "judge" or project.is_gated)
    return RECALLS[stage].undecided(project).free() if ready else None


def wanted(stage, parameters):
    """The prompts of all projects that a run of `stage` with these parameters enlists."""
    prompts = Prompt.objects.in_state(*HANDLES[stage])
    if "again" in parameters:
        return prompts.none()  # the run chooses its prompts when it begins: see stages/again.py
    if parameters.get("limit") and stage in ("collect", "regenerate"):
        prompts = prompts.partner_ready()  # those that must wait would fill the limit, again and again
    only = parameters.get("only")
    if only == "hypotheses_in_the_way":
        return prompts.hold_up_their_partner()
    imported = Q(current_response__teacher__kind=Teacher.Kind.IMPORTED)
    if only == "imported_answers":
        return prompts.filter(imported)
    return prompts.exclude(imported) if only == "own_answers" else prompts


def strata(project, stage, parameters):
    """(the Strata of what a run would work on, how many prompts wait, how many of them for their hypotheses)."""
    if "again" in parameters:
        chosen = again.choosable(Run(project=project, stage=stage, parameters=parameters))
        number = chosen.count()
        return ([Stratum(chosen, number)] if number else []), number, 0
    enlisted = wanted(stage, parameters | {"limit": None}).filter(project=project).free()
    waits = ready = enlisted.count()
    if stage in ("collect", "regenerate") and project.paired:
        enlisted = enlisted.partner_ready()
        ready = enlisted.count()
    held, limit = waits - ready, parameters.get("limit")
    if limit and limit < ready:
        enlisted, ready = _oldest(enlisted, limit), limit
    found = _by_state(enlisted, ready, stage)
    recalled = _recalled(project, stage)
    if recalled is not None and (number := recalled.count()):
        found.append(Stratum(recalled, number))
        waits += number
    return [stratum for stratum in found if stratum.number], waits, held


def _by_state(enlisted, number, stage):
    states = HANDLES[stage]
    if len(states) == 1:
        return [Stratum(enlisted, number)]
    split = [enlisted.in_state(state) for state in states]
    return [Stratum(prompts, prompts.count()) for prompts in split]


def _oldest(enlisted, limit):
    """The first `limit` of them, as a run enlists them."""
    last = enlisted.order_by("pk").values_list("pk", flat=True)[limit - 1]
    return enlisted.filter(pk__lte=last)
