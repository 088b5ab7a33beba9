"""What is reviewed at once: one prompt, or both prompts of a pair in a paired project."""

from dataclasses import dataclass

from django.db import connection
from django.db.models import Q

from ..models import Pair, Prompt
from ..models.prepared import Prepared


@dataclass(frozen=True)
class Unit:
    """Prompts that are looked at together, the hypothesis first. `pair` is None for a single prompt."""

    prompts: tuple[Prompt, ...]
    pair: Pair | None = None

    @property
    def ids(self):
        return [prompt.pk for prompt in self.prompts]


def unit_of(project, prompt_id):
    """The review unit that this prompt of `project` belongs to."""
    pair = pairs_of(project, [prompt_id]).first()
    ids = [pair.hypothesis_id, pair.methodology_id] if pair else [prompt_id]
    rows = {prompt.pk: prompt for prompt in _with_answers(project=project.pk, ids=ids)}
    for prompt in rows.values():
        prompt.project = project
    return Unit(tuple(rows[pk] for pk in ids if pk in rows), pair)


@Prepared
def _with_answers(project: int, ids: list):
    rows = Prompt.objects.filter(project=project, pk__among=ids)
    return rows.select_related("current_response__teacher", "document").order_by("pk")


def lock_units(project, prompt_ids):
    """Lock these prompts and their partners until the transaction ends; returns {id: prompt} as they are now.

    The partners too, because rejecting a hypothesis moves its methodology; always in order of their ids, so that
    two reviewers never wait for each other.
    """
    ids = set(prompt_ids)
    for pair in pairs_of(project, prompt_ids):
        ids |= {pair.hypothesis_id, pair.methodology_id}
    rows = _locked(project=project.pk, ids=ids)
    for prompt in rows:
        prompt.project = project
    return {prompt.pk: prompt for prompt in rows}


def hold_units(project, prompt_ids):
    """`lock_units` where the rows are not needed: of any number of prompts, for whoever moves several sets of them."""
    ids = set(prompt_ids)
    if not ids or not connection.features.has_select_for_update:  # SQLite has one writer at a time
        return
    for pair in pairs_of(project, list(ids)).values_list("hypothesis", "methodology"):
        ids.update(pair)
    Prompt.objects.filter(project=project, pk__among=list(ids)).lock()


@Prepared
def _locked(project: int, ids: list):
    rows = Prompt.objects.filter(project=project, pk__among=ids)
    return rows.select_for_update(no_key=True).order_by("pk")


def pairs_of(project, prompt_ids):
    """The pairs that these prompts belong to; none in a project without pairs."""
    if not project.paired:
        return Pair.objects.none()
    return Pair.objects.filter(Q(hypothesis__in=prompt_ids) | Q(methodology__in=prompt_ids), project=project)
