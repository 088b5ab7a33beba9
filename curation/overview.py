"""What waits, across projects and inside one: the numbers behind the home page and a project's front page."""

from django.db.models import Count, OuterRef, Q, Subquery, Sum

from .models import Annotation, Prompt, Release, Run, State
from .models.prompt import MACHINE_STATES
from .reviewing import pending_counts


def waiting_for(project, user):
    """{"review": n, "resolve": n} of what waits for `user` in `project`; zeros for who may not decide."""
    return pending_counts(project, user) if project.member.may_review else {"review": 0, "resolve": 0}


def waiting_by_project(user, projects):
    """{project id: {"review": n, "resolve": n}}: what waits for people, minus what `user` has decided already."""
    states = (State.TO_REVIEW, State.TO_RESOLVE)
    counted = (
        Prompt.objects.filter(project__in=projects, state__in=states)
        .order_by()
        .values_list("project", "state")
        .annotate(n=Count("pk"))
    )
    mine = (
        Annotation.objects.filter(
            reviewer=user,
            current=True,
            purpose=Annotation.Purpose.REVIEW,
            response__current_for__state=State.TO_REVIEW,
            response__current_for__project__in=projects,
        )
        .order_by()
        .values_list("response__current_for__project")
        .annotate(n=Count("pk"))
    )
    waiting = {project.pk: {"review": 0, "resolve": 0} for project in projects}
    for project, state, n in counted:
        waiting[project]["review" if state == State.TO_REVIEW else "resolve"] = n
    for project, n in mine:
        waiting[project]["review"] = max(0, waiting[project]["review"] - n)
    return waiting


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
    """Standing decisions per reviewer: user name, accept, regenerate, reject, all; the busiest first."""
    by_action = {action: Count("pk", filter=Q(action=action)) for action in ("accept", "regenerate", "reject")}
    return list(
        Annotation.objects.filter(response__prompt__project=project, current=True, purpose="review")
        .order_by()
        .values("reviewer__username")
        .annotate(decided=Count("pk"), **by_action)
        .order_by("-decided", "reviewer__username")
    )


def next_step(project, counts, *, live_runs, waiting, releases):
    """(sentence, button label, URL name) of what this member should do now; the label is "" where nothing is to do."""
    member = project.member
    machine = sum(counts[state] for state in MACHINE_STATES)
    if not sum(counts.values()):
        if member.is_manager:
            return (
                "This project is empty. Import scientific text or prompts to begin.",
                "Import a file",
                "import_upload",
            )
        return "This project is empty. A manager imports the first file.", "", ""
    if member.may_resolve and waiting["resolve"]:
        return f"{waiting['resolve']:,} where reviewers disagree wait for your word.", "Resolve", "resolve"
    if member.may_review and waiting["review"]:
        return f"{waiting['review']:,} wait for your review.", "Review", "review"
    if live_runs:
        return "Machines are at work; what passes them comes to review.", "Watch the runs", "run_list"
    if member.is_manager and counts[State.TO_COLLECT] and not project.teacher_id:
        return "No teacher is chosen yet, so nothing can be collected.", "Choose a teacher", "project_settings"
    if member.is_manager and machine:
        return f"{machine:,} prompts wait for a machine stage.", "Start a run", "run_start"
    if member.is_manager and counts[State.ACCEPTED] and not releases:
        return (
            f"{counts[State.ACCEPTED]:,} answers are accepted. Make the first release.",
            "Make a release",
            "release_list",
        )
    if counts[State.PARKED] and member.is_manager:
        return f"{counts[State.PARKED]:,} prompts are parked after an error.", "Look at them", "prompt_list"
    return "Nothing waits for you here.", "", ""
