"""Which rows a release would hold, by its recipe; which stay out, and why. Reads; writes nothing."""

import hashlib
import hmac
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from sys import intern

from django.db.models import Exists, FilteredRelation, OuterRef, Q
from django.db.models.functions import Coalesce

from curation.models import Annotation, FilterResult, GateResult, Pair, Prompt, Resolution, State
from curation.models.prompt import AT_ONCE
from pipeline import formats

from . import picking

# Why rows that were ready stayed out: names of the counts, and of `why` in left_out.jsonl.
LEFT_OUT = {
    "empty": "without a text",
    "below_score": "below the least score",
    "below_agreement": "below the least agreement",
    "leaks": "sharing words with an evaluation set",
    "split_conflicts": "tying two splits together",
    "near_duplicates": "near-duplicates of other rows",
    "over_cap": "over their domain's cap",
}


class NothingToRelease(Exception):
    """There is no row to package; the message says where the prompts are."""


@dataclass(slots=True)
class Row:
    """One row of the release to be."""

    row_id: str
    prompt_id: int
    response_id: int
    prompt_key: str
    group: str
    domain: str
    status: str  # accepted or unreviewed
    empty: bool = False


@dataclass
class Chosen:
    """Sorted rows that go in, {group: stratum} of them, which groups belong together ({group: name of all}), and
    what stays out as (row, why)."""

    rows: list
    strata: dict = field(default_factory=dict)
    tied: dict = field(default_factory=dict)
    left_out: list = field(default_factory=list)
    partners: dict = field(default_factory=dict)  # hypothesis' prompt id -> its methodology's row
    halves: int | None = None  # of a paired project: see `halves`

    def counts(self):
        """{why: rows} for every reason, also where it is none; in a paired project `halves` too, which no list names."""
        counted = Counter(why for _, why in self.left_out)
        found = {why: counted[why] for why in LEFT_OUT}
        return found if self.halves is None else found | {"halves": self.halves}


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
    has_text = ~Q(current_response__text="") | Exists(written.exclude(text=""))
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
    whole = Pair.objects.filter(hypothesis__state=State.ACCEPTED, methodology__state=State.ACCEPTED)
    in_pairs = Pair.objects.filter(project=project)
    both = accepted.filter(pk__in=whole.filter(project=project).values("hypothesis")).count() * 2
    either = Q(pk__in=in_pairs.values("hypothesis")) | Q(pk__in=in_pairs.values("methodology"))
    if include != "accepted":
        return accepted.filter(either).exclude(pk__in=candidates(project, include).values("pk")).count()
    return accepted.filter(either).count() - both


def nothing(project, recipe):
    """Why a recipe finds no row, as a sentence without its end."""
    if candidates(project, recipe.include).exists():
        return f"Nothing that is {recipe.include} has the task types and domains of the recipe"
    return f"Nothing is {recipe.include} yet"


def choose(project, recipe, look=lambda: None):
    """What a release by `recipe` holds, by clusters and leaks as they are stored; raises NothingToRelease.

    `look` is called now and then, and may raise.
    """
    prompts = candidates(project, recipe.include, recipe)
    rows, strata = gather(prompts, look)
    if not rows:
        raise NothingToRelease(f"{nothing(project, recipe)}, so there is nothing to release.")
    units = picking.units_of(project, rows)
    picked = picking.Picked(rows, units)
    picked.leave_out("empty", (row for row in rows if row.empty))
    _leave_out_below(picked, recipe)
    picking.pick(project, picked, prompts, recipe)
    _leave_out_over_caps(picked, recipe, project)
    if not picked.rows:
        counts = Counter(why for _, why in picked.left_out)
        said = ", ".join(f"{number:,} {why.replace('_', ' ')}" for why, number in counts.items())
        raise NothingToRelease(f"All of {len(rows):,} rows stay out ({said}), so there is nothing to release.")
    kept = {row.group for row in picked.rows}
    of_kept = {group: _stratum(strata[group]) for group in kept}
    waiting = halves(project, recipe.include) if project.paired else None
    return Chosen(picked.rows, of_kept, picked.tied, picked.left_out, _partners(project, picked.rows), waiting)


def changed_since(project, recipe, rows):
    """How many of these rows may no longer be released as they were chosen: sent elsewhere, or another answer holds."""
    now = dict(candidates(project, recipe.include, recipe).values_list("pk", "current_response_id").order_by())
    return sum(now.get(row.prompt_id) != row.response_id for row in rows)


def gather(prompts, look=lambda: None):
    """(sorted rows, {group: {(domain, task type)}}) of all `prompts`; no text stays in memory."""
    ids = list(prompts.order_by("pk").values_list("pk", flat=True))
    rows, strata = [], defaultdict(set)
    held = Q(current_response__resolutions__current=True, current_response__resolutions__action="accept")
    texts = Prompt.objects.annotate(held=FilteredRelation("current_response__resolutions", condition=held))
    texts = texts.annotate(authoritative=Coalesce("held__text", "current_response__text"))
    names = ("pk", "key", "current_response_id", "group_key", "state", "domain", "task_type", "authoritative")
    for start in range(0, len(ids), AT_ONCE):
        look()
        found = texts.filter(pk__among=ids[start : start + AT_ONCE]).values_list(*names)
        for pk, key, response, group, state, domain, task_type, text in found:
            group, status = intern(group), "accepted" if state == State.ACCEPTED else "unreviewed"
            row_id = formats.row_id(key, text)
            rows.append(Row(row_id, pk, response, key, group, intern(domain), status, not text.strip()))
            strata[group].add((domain, task_type))
    rows.sort(key=lambda row: row.row_id)
    return rows, strata


def _stratum(kinds):
    domains = sorted({domain for domain, _ in kinds})
    return f"{'+'.join(domains)}|{'+'.join(sorted({task for _, task in kinds}))}"


def _partners(project, rows):
    """{prompt id of a hypothesis: row of its methodology}, of pairs that are in whole."""
    of_prompt = {row.prompt_id: row for row in rows}
    pairs = Pair.objects.filter(project=project).values_list("hypothesis", "methodology") if project.paired else ()
    return {one: of_prompt[other] for one, other in pairs if one in of_prompt and other in of_prompt}


# -- score, agreement, caps -----------------------------------------------------------------------------------------


def _leave_out_below(picked, recipe):
    """Rows whose newest gate score, or whose share of deciding people who accepted, is too low or not known."""
    for why, least, found_of in (
        ("below_score", recipe.min_score, scores),
        ("below_agreement", recipe.min_agreement, agreements),
    ):
        if least is not None:
            found = found_of([row.response_id for row in picked.rows])
            picked.leave_out(why, [row for row in picked.rows if found.get(row.response_id, -1) < least])


def scores(responses):
    """{response id: score by its newest gate result}, of those that have one."""
    found = {}
    for start in range(0, len(responses), AT_ONCE):
        results = GateResult.objects.filter(response__among=responses[start : start + AT_ONCE]).order_by("pk")
        found.update(results.values_list("response", "score"))
    return {response: score for response, score in found.items() if score is not None}


def agreements(responses):
    """{response id: share of the people whose decision counted who named accept}, of those that people decided.

    Where an adjudicator decided alone, theirs is the only one.
    """
    named, found = defaultdict(Counter), {}
    for start in range(0, len(responses), AT_ONCE):
        ids = responses[start : start + AT_ONCE]
        deciding = Annotation.objects.filter(response__among=ids, current=True, purpose="review", surplus=False)
        for response, action in deciding.order_by().values_list("response", "action"):
            named[response][action] += 1
        alone = Resolution.objects.filter(response__among=ids, current=True, by__in=picking.PEOPLE, action="accept")
        found.update(dict.fromkeys(alone.order_by().values_list("response", flat=True), 1.0))
    return found | {response: actions["accept"] / actions.total() for response, actions in named.items()}


def _leave_out_over_caps(picked, recipe, project):
    """Units beyond their domain's cap, in the order of a keyed hash of their prompts: whole pairs stay or go."""
    if not recipe.domain_caps and recipe.cap_per_domain is None:
        return
    key = (recipe.seed or project.split_seed).encode()
    members, taken, over = defaultdict(list), Counter(), []
    for row in picked.rows:
        members[picked.units[row.prompt_id]].append(row)

    def place(rows):
        names = "\n".join(sorted(row.prompt_key for row in rows))
        return hmac.new(key, f"cap\n{names}".encode(), hashlib.sha256).digest()

    for rows in sorted(members.values(), key=place):
        wanted = Counter(row.domain for row in rows)
        caps = {domain: recipe.domain_caps.get(domain, recipe.cap_per_domain) for domain in wanted}
        if all(cap is None or taken[domain] + wanted[domain] <= cap for domain, cap in caps.items()):
            taken += wanted
        else:
            over += rows
    picked.leave_out("over_cap", over)
