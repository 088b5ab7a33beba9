"""Reviewers against what is known: gold items, and their own earlier decisions on repeated ones."""

from collections import Counter
from dataclasses import dataclass

from django.db.models import OuterRef, Subquery

from ..models import Annotation, Gold
from ..models.review import Purpose
from .decisions import ENOUGH, MOST, answers_of
from .statistics import wilson


@dataclass(frozen=True)
class Share:
    """`hits` of `n` decisions are as they should be; fewer than ENOUGH say little."""

    hits: int = 0
    n: int = 0

    @property
    def percent(self):
        return 100 * self.hits / self.n if self.n else None

    @property
    def interval(self):
        """(low, high) of `percent` by Wilson, 95 %; None without a case."""
        found = wilson(self.hits, self.n)
        return found and tuple(100 * each for each in found)

    @property
    def enough(self):
        return self.n >= ENOUGH


def share_of(told):
    """The Share of a list of booleans."""
    told = list(told)
    return Share(sum(told), len(told))


def gold_decisions(project):
    """[(reviewer's name, response id, decision, right decision)] on gold items, the newest MOST."""
    known = list(Gold.objects.filter(answers_of(project)).values_list("response", flat=True))
    rows = Annotation.objects.filter(response__among=known, purpose=Purpose.GOLD, current=True)
    return list(
        rows.order_by("-pk").values_list("reviewer__username", "response", "action", "response__gold__action")[:MOST]
    )


def repeated_decisions(project):
    """[(reviewer's name, decision, their decision the first time)] on repeated items, the newest MOST."""
    # Few, in an index of their own.
    rows = Annotation.objects.filter(answers_of(project), purpose__literally=Purpose.REPEAT.value, current=True)
    rows = Annotation.objects.filter(pk__among=list(rows.order_by("-pk").values_list("pk", flat=True)[:MOST]))
    before = Annotation.objects.filter(
        response=OuterRef("response"), reviewer=OuterRef("reviewer"), purpose=Purpose.REVIEW, pk__lt=OuterRef("pk")
    )
    rows = rows.annotate(first=Subquery(before.order_by("-version").values("action")[:1])).exclude(first=None)
    return list(rows.order_by("-pk").values_list("reviewer__username", "action", "first"))


def by_reviewer(rows):
    """{reviewer's name: Share} of (name, decision, what it should be) rows."""
    found = {}
    for name, action, right in rows:
        found.setdefault(name, []).append(action == right)
    return {name: share_of(told) for name, told in found.items()}


def gold_items(project):
    """The gold rows of `project` with .decided and .missed: decisions of people on them, and those that were wrong."""
    decided, missed = Counter(), Counter()
    for _, response, action, right in gold_decisions(project):
        decided[response] += 1
        missed[response] += action != right
    rows = Gold.objects.filter(response__prompt__project=project)
    found = list(rows.select_related("response__prompt__document", "created_by").order_by("-pk")[:MOST])
    for gold in found:
        gold.decided, gold.missed = decided[gold.response_id], missed[gold.response_id]
        gold.is_current = gold.response.prompt.current_response_id == gold.response_id
    return found
