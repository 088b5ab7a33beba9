"""What pages show of clusters and evaluation sets: sizes, members with their places, what is shared."""

from dataclasses import dataclass

from django.db.models import Count, F, Q
from django.db.models.expressions import Value
from django.db.models.functions import Coalesce, Left, NullIf

from curation.models import EvaluationSet, Fingerprint, Overlap, State
from curation.reviewing import held_prompts

from .fingerprints import PROMPT, RESPONSE

MOST_MEMBERS = 12  # of a cluster; the page says how many more there are
EXCERPT = 140  # characters


@dataclass(frozen=True)
class Member:
    """One text of a cluster. `place` is held, offered, accepted, resolving, or "" where its state says enough.

    `hidden`: the reader is to decide on it without the judges' word, and has no score here.
    """

    key: str
    state: str
    excerpt: str
    task_type: str
    score: float | None
    length: int
    place: str
    hidden: bool = False


@dataclass(frozen=True)
class Shown:
    """A cluster: how many texts, and the first of them."""

    texts: int
    members: list

    @property
    def more(self):
        """How many texts are not shown."""
        return self.texts - len(self.members)


def clusters(project, kind):
    """(cluster, units, texts) of every cluster of several units, the largest first."""
    rows = _current(project, kind).order_by().values("cluster")
    rows = rows.annotate(units=Count("unit", distinct=True), texts=Count("pk")).filter(units__gt=1)
    return rows.order_by("-units", "cluster").values_list("cluster", "units", "texts")


def _current(project, kind):
    rows = Fingerprint.objects.filter(project=project, kind=kind, cluster__isnull=False)
    return rows.filter(prompt__current_response=F("response")) if kind == RESPONSE else rows


def shown(project, kind, some):
    """Each of `some` clusters as pages show it, the members in the order in which the queue takes them."""
    return [Shown(texts, _members(project, kind, cluster)) for cluster, _, texts in some]


def _members(project, kind, cluster):
    text = Coalesce(NullIf("prompt__context", Value("")), "prompt__user_prompt")
    text = F("prompt__current_response__text") if kind == RESPONSE else text
    rows = _current(project, kind).filter(cluster=cluster).annotate(excerpt=Left(text, EXCERPT))
    fields = ("prompt", "prompt__key", "prompt__state", "excerpt", "prompt__task_type", "score", "length")
    rows = list(rows.order_by("-score", "-length", "unit", "pk").values_list(*fields)[: MOST_MEMBERS * 4])
    held = set()
    if kind == RESPONSE:
        held = set(held_prompts(project).filter(pk__in=[row[0] for row in rows]).values_list("pk", flat=True))
    members = [
        Member(key, state, excerpt, task, score if score >= 0 else None, length, _place(kind, state, pk in held))
        for pk, key, state, excerpt, task, score, length in rows
    ]
    first = ("accepted", "resolving", "offered", "held", "")
    return sorted(members, key=lambda member: first.index(member.place))[:MOST_MEMBERS]


def _place(kind, state, is_held):
    if kind == PROMPT:
        return ""
    places = {State.ACCEPTED: "accepted", State.TO_RESOLVE: "resolving", State.TO_REVIEW: "offered"}
    return "held" if is_held else places.get(state, "")


def evaluation_sets(project):
    """The sets of a project, each with how many `prompts` and current `answers` share something with it."""
    current = Q(overlaps__response=F("overlaps__prompt__current_response"))
    return EvaluationSet.objects.filter(project=project).annotate(
        prompts=Count("overlaps", filter=Q(overlaps__response=None)), answers=Count("overlaps", filter=current)
    )


def overlaps(project):
    """What prompts and current responses share with evaluation sets, the most first."""
    rows = Overlap.objects.filter(evaluation_set__project=project)
    rows = rows.filter(Q(response=None) | Q(response=F("prompt__current_response")))
    return rows.select_related("prompt", "evaluation_set").order_by("-shared", "pk")
