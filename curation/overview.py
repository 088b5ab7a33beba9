"""What waits, across projects and inside one: the numbers behind the home page and a project's front page."""

from collections import Counter
from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.db.models import Count, OuterRef, Subquery, Sum

from . import tallies
from .models import Pair, Release, Run, State
from .models.review import Action
from .models.state import MACHINE_STATES
from .reviewing import pending_counts
from .reviewing.emptiness import looked_at, why_empty
from .reviewing.queue import COUNT_CAP, LOOKED_AT


def waiting_for(project, user):
    """{"review": n, "resolve": n} of what waits for `user` in `project`; zeros for who may not decide.

    Counted once for each `project.member`, which lives as long as a request: a page and its top bar both ask.
    """
    member = project.member
    if not member.may_review:
        return {"review": 0, "resolve": 0}
    if not hasattr(member, "waiting"):
        member.waiting = pending_counts(project, user)
    return member.waiting


def with_latest(projects):
    """`projects` (a queryset) as a list, each with .last_run and .last_release (or None); three queries in all."""
    runs = Run.objects.filter(project=OuterRef("pk")).order_by("-created_at", "-pk").values("pk")[:1]
    releases = Release.objects.filter(project=OuterRef("pk")).order_by("-version").values("pk")[:1]
    found = list(projects.annotate(last_run_id=Subquery(runs), last_release_id=Subquery(releases)))
    run_of = Run.objects.in_bulk([p.last_run_id for p in found if p.last_run_id])
    release_of = Release.objects.in_bulk([p.last_release_id for p in found if p.last_release_id])
    for project in found:
        project.last_run = run_of.get(project.last_run_id)
        project.last_release = release_of.get(project.last_release_id)
    return found


def cost_so_far(project):
    """{"cost": USD, "unknown": calls without a known price} over all runs of `project`."""
    summed = project.runs.aggregate(cost=Sum("cost"), unknown=Sum("cost_unknown"))
    return {"cost": summed["cost"] or 0, "unknown": summed["unknown"] or 0}


def reviewers_progress(project):
    """Standing decisions per reviewer: name, accept, regenerate, reject, all as `decided`; the busiest first."""
    given = tallies.by_reviewer(project)
    names = dict(get_user_model().objects.filter(pk__in=given).values_list("pk", "username"))
    rows = [
        {"name": names[user], "decided": sum(numbers.values())} | dict.fromkeys(Action.values, 0) | numbers
        for user, numbers in given.items()
    ]
    return sorted(rows, key=lambda row: (-row["decided"], row["name"]))


@dataclass(frozen=True)
class Step:
    """What a member should do now: a sentence, and a button where there is something to press."""

    sentence: str
    label: str = ""
    url_name: str = ""
    anchor: str = ""  # the part of that page


def next_step(project, counts, *, live_runs, waiting, releases):
    """The Step of this member: first what only people can do, then what a manager can set going."""
    member = project.member
    if not sum(counts.values()):
        return _empty(member)
    if member.may_resolve and waiting["resolve"]:
        number = _said(waiting["resolve"], "answer: it waits", "answers: they wait")
        return Step(f"Reviewers disagree on {number} for your word.", "Resolve", "resolve")
    if member.may_review and waiting["review"]:
        more = "or more " if waiting["review"] >= COUNT_CAP else ""
        number = _said(waiting["review"], "answer waits", f"{more}answers wait")
        return Step(f"{number} for your review.", "Review", "review")
    if live_runs:
        return Step("Machines are at work; what passes them comes to review.", "Watch the runs", "run_list")
    return _for_managers(project, counts, releases) if member.is_manager else Step("Nothing waits for you here.")


def _said(number, one, many):
    return f"{number:,} {one if number == 1 else many}"


def _empty(member):
    if member.is_manager:
        return Step("This project is empty. Import scientific text to begin.", "Import a file", "import_upload")
    return Step("This project is empty. A manager imports the first file.")


def _for_managers(project, counts, releases):
    machine = sum(counts[state] for state in MACHINE_STATES)
    accepted, parked = counts[State.ACCEPTED], counts[State.PARKED]
    if counts[State.TO_COLLECT] and not project.teacher_id:
        return Step(
            "No teacher is chosen yet, so nothing can be collected.",
            "Choose a teacher",
            "project_settings",
            "#teachers",
        )
    if machine:
        number = _said(machine, "prompt waits", "prompts wait")
        return Step(f"{number} for a run: collecting, filters, judges or regeneration.", "Start a run", "run_start")
    if accepted and not releases:
        number = _said(accepted, "answer is", "answers are")
        return Step(f"{number} accepted: make the first release.", "Make a release", "release_create")
    if parked:
        number = _said(parked, "prompt is", "prompts are")
        return Step(f"{number} parked after an error.", "Look at them", "failed_list")
    return Step("Nothing waits for you here.")


@dataclass(frozen=True)
class Held:
    """Why some prompts in To review are not offered to a person: how many, in words, and whether a run frees them."""

    number: int
    words: str
    stage: str = ""  # the run that it takes

    @property
    def is_capped(self):
        """Whether there may be more than this."""
        return self.number >= COUNT_CAP


def not_offered(project, user, counts, waiting):
    """What stands between the prompts in To review and those that `user` can take now; [] where they are the same."""
    to_review = counts[State.TO_REVIEW]
    if not project.member.may_review or waiting["review"] >= min(to_review, COUNT_CAP):
        return []
    why = why_empty(project, user)
    partners = _partners_in_machines(project) if project.paired else {}
    rows = [
        Held(why.held, f"held by {', '.join(why.holders)}"),
        Held(why.waiting_for_others, "decided by you; others must decide too, or it takes effect in a moment"),
        *(Held(partners.pop(state, 0), words, state.removeprefix("to_")) for state, words in _PARTNER_WORDS.items()),
        Held(why.held_by_cluster, "held back behind a better near-duplicate, or one that people accepted"),
    ]
    if to_review <= LOOKED_AT:  # what is counted to an end leaves a rest that means something
        rest = to_review - waiting["review"] - sum(row.number for row in rows)
        rows.append(Held(rest, "about to go on, or waiting for the decision on their hypothesis"))
    return [row for row in rows if row.number > 0]


_PARTNER_WORDS = {
    State.TO_REGENERATE: "whose pair’s other half was refused and is to be asked again",
    State.TO_COLLECT: "whose pair’s other half is not answered yet",
    State.TO_FILTER: "whose pair’s other half is to be filtered",
    State.TO_JUDGE: "whose pair’s other half is to be judged",
}


def _partners_in_machines(project):
    """{state of the other half: prompts in To review that wait for it}; of a long queue, of those looked at."""
    near, found = looked_at(project), Counter()
    for half, other in (("hypothesis", "methodology"), ("methodology", "hypothesis")):
        waiting = Pair.objects.filter(**{f"{half}__among": near, f"{other}__state__in": MACHINE_STATES}).order_by()
        found.update(dict(waiting.values_list(f"{other}__state").annotate(n=Count("pk"))))
    return found


def policies(project):
    """How the project decides, in sentences."""
    percent = project.auto_accept_percent
    gate = project.gate_ruleset.body if project.gate_ruleset else {}
    if not project.judges:
        judging = "No judge is configured: what passes the filters goes to people."
    elif gate.get("decides", True):
        judging = f"Judges score every answer; below the thresholds: {project.get_on_gate_fail_display().lower()}."
    else:
        judging = "Judges score every answer; the scores are shown and decide nothing."
    limit = f"{project.attempt_limit} attempt{'s' if project.attempt_limit > 1 else ''}"
    people = f"{project.reviews_required} decision{'s' if project.reviews_required > 1 else ''} per answer"
    return [
        f"{people}; {project.get_consensus_display().lower()}.",
        f"A filter fails: {project.get_on_filter_fail_display().lower()}.",
        judging,
        f"{percent} % of the accept band is accepted without a person; people audit the rest of it."
        if percent
        else "Nothing is accepted without a person.",
        f"At most {limit} a prompt, then: {project.get_on_exhausted_display().lower()}.",
    ]
