"""What is true of a project whenever nothing is under way, whatever was done to it and in whatever order."""

from itertools import groupby

from django.db.models import F, Q, Sum
from django.utils import timezone

from curation import tallies
from curation.models import Annotation, Call, Event, Prompt, Resolution, Run, State
from pipeline.releasing import verifying

ANSWERED = [each for each in State if each not in (State.TO_COLLECT, State.REJECTED, State.PARKED)]
MAY_END_A_DECISION = (
    *("taken_back", "reopened", "attempts_used_up", "same_reason_again", "change_taken_back", "regeneration_ordered"),
)


def broken(project):
    """What is not as it must be, in sentences; [] where all is."""
    found = [
        *_states(project), *_history(project), *_decisions(project), *_runs(project), *_withdrawn(project),
        *_releases(project),
    ]  # fmt: skip
    if (tallies.states(project), tallies.decisions(project)) != tallies.counted(project):
        found.append("the kept counts are not what is counted")
    return found


def _states(project):
    """Each prompt is in one state, with the rows that this state demands."""
    prompts = project.prompts.all()
    wrong = {
        "no answer": prompts.filter(state__in=ANSWERED, current_response=None),
        "an answer of another": prompts.exclude(current_response=None).exclude(current_response__prompt=F("pk")),
        "parked without a reason": prompts.filter(state=State.PARKED).filter(Q(parked_from="") | Q(error_class="")),
        "a reason without being parked": prompts.exclude(state=State.PARKED).exclude(parked_from=""),
        "held by a run that ended": prompts.filter(run__state__in=("finished", "failed", "cancelled")),
        "in hand of nobody": prompts.filter(run=None, lease_until__gt=timezone.now()).exclude(
            batch_items__batch__state__in=("prepared", "submitted")
        ),
        "accepted by nobody": prompts.filter(state=State.ACCEPTED).exclude(
            current_response__in=Resolution.objects.filter(
                current=True, action="accept", applied_at__isnull=False
            ).values("response")
        ),
        "something pending elsewhere": Prompt.objects.filter(
            project=project, current_response__in=_pending().values("response")
        ).exclude(state__in=(State.TO_REVIEW, State.TO_RESOLVE)),
        "fewer attempts than answers of people's asking": prompts.filter(state__in=ANSWERED, attempts=0),
    }
    found = [f"{what}: {prompt} ({prompt.state})" for what, rows in wrong.items() for prompt in rows]
    for prompt in prompts.filter(state=State.TO_REVIEW):
        number = Annotation.objects.filter(response=prompt.current_response_id, purpose="review", current=True).count()
        enough = number >= (prompt.required or project.reviews_required)
        if prompt.given != number:
            found.append(f"{prompt} says {prompt.given} decisions and has {number}")
        if enough and not _pending().filter(response=prompt.current_response_id).exists():
            found.append(f"{prompt} has its {number} decisions and waits")
    return found


def _pending():
    return Resolution.objects.filter(current=True, applied_at=None)


def _history(project):
    """Every step of a prompt begins where the one before it ended, and the last one ends where it is."""
    found, now = [], dict(project.prompts.values_list("pk", "state"))
    steps = Event.objects.filter(project=project, prompt__isnull=False).exclude(to_state="").order_by("prompt", "pk")
    for prompt, rows in groupby(steps.values_list("prompt", "from_state", "to_state", "kind"), lambda row: row[0]):
        rows = list(rows)
        for before, after in zip(rows, rows[1:], strict=False):
            if before[2] != after[1]:
                found.append(f"prompt {prompt}: {before} and then {after}")
        if rows[-1][2] != now[prompt]:
            found.append(f"prompt {prompt} is {now[prompt]}, and came last by {rows[-1]}")
    return found


def _decisions(project):
    """A decision counts no more only where something says why."""
    found = []
    for row in Annotation.objects.filter(response__prompt__project=project, current=False, purpose="review"):
        same = Annotation.objects.filter(response=row.response_id, reviewer=row.reviewer_id, purpose="review")
        events = Event.objects.filter(prompt__responses=row.response_id, at__gte=row.created_at)
        if not (same.filter(version__gt=row.version).exists() or events.filter(kind__in=MAY_END_A_DECISION).exists()):
            found.append(f"decision {row.pk} counts no more, and nothing says why")
    return found


def _runs(project):
    """What was answered is paid once, by the run that asked, and nothing stays held for what is over."""
    found = []
    for run in Run.objects.filter(project=project):
        paid = Call.objects.filter(run=run, state="answered").aggregate(usd=Sum("cost", default=0))["usd"]
        if run.cost > (run.cap_usd or run.cost):
            found.append(f"{run} spent {run.cost} of {run.cap_usd}")
        if run.cost < paid:
            found.append(f"{run} says {run.cost} and its calls {paid}")
    cost = Run.objects.filter(project=project).aggregate(usd=Sum("cost", default=0))["usd"]
    paid = Call.objects.filter(project=project, state="answered").aggregate(usd=Sum("cost", default=0))["usd"]
    if cost != paid:
        found.append(f"runs say {cost} and calls {paid}")
    return found


def _withdrawn(project):
    """What was withdrawn is rejected, nobody's, and said of every release that holds it."""
    gone = project.prompts.exclude(withdrawal=None)
    wrong = gone.exclude(state=State.REJECTED) | gone.exclude(run=None) | gone.filter(claims__isnull=False)
    return [f"{prompt} was withdrawn and is {prompt.state}" for prompt in wrong]


def _releases(project):
    """A published release is whole and verifies; what is none has no folder."""
    found, folder = [], project.data_dir / "releases"
    there = {path.name for path in folder.iterdir()} if folder.exists() else set()
    for release in project.releases.all():
        if release.state == "published" and release.directory.name not in there:
            found.append(f"{release} has no files")
        elif release.state == "published" and (wrong := verifying.verify(release.directory)):
            found.append(f"{release}: {wrong}")
        if release.state == "building":
            found.append(f"{release} is still being built")
    holding = {release.directory.name for release in project.releases.filter(state__in=("published", "draft"))}
    return found + [f"{name} lies there for no release" for name in there - holding]
