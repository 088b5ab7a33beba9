"""Which rows a release would hold, by its recipe; which stay out, and why. Reads; writes nothing."""

import hashlib
import hmac
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from django.db.models import Exists, OuterRef, Q

from curation.models import Annotation, FilterResult, GateResult, Pair, Prompt, Resolution, State, TeacherResponse
from curation.models.prompt import AT_ONCE
from pipeline.splits import SPLITS

from . import picking
from .picking import LEFT_OUT
from .rows import Rows, gather, ids_of

__all__ = ["LEFT_OUT", "Chosen", "NothingToRelease", "candidates", "changed_since", "choose", "halves", "nothing"]
HALVES = ("hypothesis", "methodology")


class NothingToRelease(Exception):
    """There is no row to package; the message says where the prompts are."""


@dataclass
class Chosen:
    """The rows that go in, and those that stay out with `why`, by row a place in REASONS; all sorted by row id.

    `strata` are, by group, what it counts as when groups are split, None for one without a row; `tied` says which
    groups belong together ({group: name of all}), `partners` by row the place of its methodology, or -1.
    """

    rows: Rows
    strata: list
    tied: dict
    left_out: Rows
    why: np.ndarray
    partners: np.ndarray
    halves: int | None = None  # of a paired project: see `halves`

    def counts(self):
        """{why: rows} for every reason, also where it is none; in a paired project `halves`, which no list names."""
        found = picking.reasons(self.why)
        return found if self.halves is None else found | {"halves": self.halves}

    def groups(self):
        """{group: stratum} of the rows that go in."""
        both = zip(self.rows.groups.to_pylist(), self.strata, strict=True)
        return {group: stratum for group, stratum in both if stratum is not None}

    def splits(self, placed):
        """By row the place in SPLITS that {group: split} gives it."""
        names = self.rows.groups.to_pylist()
        places = np.array([SPLITS.index(placed[name]) if name in placed else -1 for name in names], "i1")
        return places[self.rows.table["group"]]


def candidates(project, include="accepted", recipe=None):
    """The prompts whose current response may be released. A paired project releases both halves or none.

    `filtered` adds what passed the current filters and waits for judges or people: unreviewed. A recipe names task
    types and domains; of a pair, both halves must be of the domains, and those of other task types stay out.
    """
    wanted = Q(state=State.ACCEPTED)
    if include == "filtered":
        # Asked for, not joined: an accepted prompt would come once for each version of the rules that measured it.
        verdicts = FilterResult.objects.filter(response=OuterRef("current_response"), ruleset=project.filter_ruleset)
        waiting = Q(state__in=(State.TO_JUDGE, State.TO_REVIEW, State.TO_RESOLVE))
        wanted |= waiting & Exists(verdicts.filter(passed=True))
    # An answer without a text has nothing to train on, whoever accepted it, unless a person wrote one.
    written = Resolution.objects.filter(response=OuterRef("current_response"), current=True, action="accept")
    # Asked for, not joined: the texts would be carried along.
    empty = TeacherResponse.objects.filter(pk=OuterRef("current_response"), text="")
    has_text = ~Exists(empty) | Exists(written.exclude(text=""))
    prompts = Prompt.objects.filter(wanted, has_text, project=project, withdrawal=None)
    if recipe and recipe.domains:
        prompts = prompts.filter(domain__in=recipe.domains)
    if recipe and recipe.not_domains:
        prompts = prompts.exclude(domain__in=recipe.not_domains)
    if project.paired:
        ready, pairs = prompts.values("pk"), Pair.objects.filter(project=project)
        for one, other in (("hypothesis", "methodology"), ("methodology", "hypothesis")):
            prompts = prompts.exclude(pk__in=pairs.exclude(**{f"{other}__in": ready}).values(one))
    return prompts.filter(task_type__in=recipe.task_types) if recipe and recipe.task_types else prompts


def halves(project, include="accepted"):
    """How many accepted prompts of a paired project wait for the other half of their pair to be ready too."""
    if not project.paired:
        return 0
    accepted = project.prompts.in_state(State.ACCEPTED)
    in_pairs = Pair.objects.filter(project=project)
    both = in_pairs.filter(hypothesis__state=State.ACCEPTED, methodology__state=State.ACCEPTED).count() * 2
    either = Q(pk__in=in_pairs.values("hypothesis")) | Q(pk__in=in_pairs.values("methodology"))
    if include != "accepted":
        return accepted.filter(either).exclude(pk__in=candidates(project, include).values("pk")).count()
    return accepted.filter(either).count() - both


def nothing(project, recipe):
    """Why a recipe finds no row, as a sentence without its end."""
    if candidates(project, recipe.include).exists():
        return f"Nothing that is {recipe.include} has the task types and domains of the recipe"
    return f"Nothing is {recipe.include} yet"


def _all_out(reasons, paired):
    number = sum(reasons.values())
    said = ", ".join(f"{found:,} {why.replace('_', ' ')}" for why, found in reasons.items() if found)
    rows = "The only row stays" if number == 1 else f"All {number:,} rows stay"
    hint = " A pair goes in whole and counts two towards its cap." if paired and reasons["over_cap"] else ""
    return f"{rows} out ({said}), so there is nothing to release.{hint}"


def choose(project, recipe, look=lambda: None):
    """What a release by `recipe` holds, by clusters and leaks as they are stored; raises NothingToRelease.

    `look` is called now and then, and may raise.
    """
    prompts = candidates(project, recipe.include, recipe)
    rows = gather(prompts, look)
    if not rows:
        raise NothingToRelease(f"{nothing(project, recipe)}, so there is nothing to release.")
    pairs = ids_of(Pair.objects.filter(project=project) if project.paired else Pair.objects.none(), *HALVES)
    picked = picking.Picked(rows, picking.units_of(rows, pairs))
    picked.leave_out("empty", rows.table["empty"])
    unasked = TeacherResponse.objects.filter(prompt__project=project, sent_user="")  # an import without one
    picked.leave_out("empty", np.isin(rows.table["response_id"], ids_of(unasked, "pk")))
    _leave_out_below(picked, recipe)
    picking.pick(project, picked, prompts, recipe)
    _leave_out_over_caps(picked, recipe, project)
    inside = picked.inside
    if not inside.any():
        raise NothingToRelease(_all_out(picking.reasons(picked.why), project.paired))
    return Chosen(
        rows=rows[inside],
        strata=_strata(rows, inside),
        tied=picked.tied,
        left_out=rows[~inside],
        why=picked.why[~inside],
        partners=_partners(rows[inside], pairs),
        halves=halves(project, recipe.include) if project.paired else None,
    )


def changed_since(project, recipe, rows):
    """How many of these rows may no longer be released as they were chosen: sent elsewhere, or another answer holds."""
    now = ids_of(candidates(project, recipe.include, recipe).order_by(), "current_response_id")
    return len(rows) - int(np.isin(rows.table["response_id"], now).sum())


def _strata(rows, inside):
    """By group its stratum, of which those that stay out are part too; None where all stay out."""
    has_row = np.zeros(len(rows.groups), bool)
    has_row[rows.table["group"][inside]] = True
    return [stratum if kept else None for stratum, kept in zip(rows.strata(), has_row.tolist(), strict=True)]


def _partners(rows, pairs):
    """By row the place of its methodology, of pairs that are in whole; else -1."""
    one, other = (rows.places_of(pairs[half]) for half in HALVES)
    partners = np.full(len(rows), -1)
    whole = (one >= 0) & (other >= 0)
    partners[one[whole]] = other[whole]
    return partners


# -- score, agreement, caps -----------------------------------------------------------------------------------------


def _leave_out_below(picked, recipe):
    """Rows whose newest gate score, or whose share of deciding people who accepted, is too low or not known."""
    for why, least, found_of in (
        ("below_score", recipe.min_score, scores),
        ("below_agreement", recipe.min_agreement, agreements),
    ):
        if least is not None:
            picked.leave_out(why, _is_below(picked.rows.table["response_id"], least, found_of))


def _is_below(responses, least, found_of):
    low = []
    for start in range(0, len(responses), AT_ONCE):
        ids = responses[start : start + AT_ONCE].tolist()
        found = found_of(ids)
        low += [found.get(response, -1) < least for response in ids]
    return np.array(low)


def scores(responses):
    """{response id: score by its newest gate result}, of those that have one."""
    results = GateResult.objects.filter(response__among=responses).order_by("pk")
    newest = dict(results.values_list("response", "score"))
    return {response: score for response, score in newest.items() if score is not None}


def agreements(responses):
    """{response id: share of the people whose decision counted who named accept}, of those that people decided.

    Where an adjudicator decided alone, theirs is the only one.
    """
    named = defaultdict(Counter)
    deciding = Annotation.objects.filter(response__among=responses, current=True, purpose="review", surplus=False)
    for response, action in deciding.order_by().values_list("response", "action"):
        named[response][action] += 1
    alone = Resolution.objects.filter(response__among=responses, current=True, by__in=picking.PEOPLE, action="accept")
    found = dict.fromkeys(alone.order_by().values_list("response", flat=True), 1.0)
    return found | {response: actions["accept"] / actions.total() for response, actions in named.items()}


def _leave_out_over_caps(picked, recipe, project):
    """Units beyond their domain's cap, in the order of a keyed hash of their prompts: whole pairs stay or go."""
    if not recipe.domain_caps and recipe.cap_per_domain is None:
        return
    taken, over = Counter(), []
    for _, unit, domains in sorted(_in_order_of_caps(picked, recipe.seed or project.split_seed)):
        wanted = Counter(domains)
        caps = {domain: recipe.domain_caps.get(domain, recipe.cap_per_domain) for domain in wanted}
        if all(cap is None or taken[domain] + wanted[domain] <= cap for domain, cap in caps.items()):
            taken += wanted
        else:
            over.append(unit)
    picked.leave_out_units("over_cap", over)


def _in_order_of_caps(picked, seed):
    """(place, unit, the domain of each of its rows) of all units that go in."""
    places = np.flatnonzero(picked.inside)
    places = places[np.argsort(picked.units[places], kind="stable")]
    rows = zip(picked.units[places].tolist(), picked.rows[places].keys(), strict=True)
    for unit, members in groupby(rows, key=lambda each: each[0]):
        members = [member for _, member in members]
        names = "\n".join(["cap", *sorted(key for _, key in members)])
        place = hmac.new(seed.encode(), names.encode(), hashlib.sha256).digest()
        yield place, unit, [row.domain for row, _ in members]
