"""What became of second chances: fix rates by reason, recipes and teacher, and what an accepted answer cost."""

from dataclasses import dataclass

from django.shortcuts import render
from django.views.decorators.http import require_GET

from curation import plots
from curation.access import project_or_404
from curation.models import ComplaintCheck
from curation.reviewing.complaints import label_of
from pipeline import inspecting
from pipeline.regenerating.outcomes import Tally, outcomes_of

MOST_BARS = 15
SOURCES = {"filter": "filters", "gate": "SampleGate", "reviewer": "reviewers"}


@dataclass(frozen=True)
class Reason:
    """What became of the complaints of one reason."""

    label: str
    source: str
    code: str
    tally: Tally


@require_GET
def quality_regeneration(request, slug):
    """The report; `teacher` and `recipes` narrow it to the attempts of one teacher, or by one version."""
    project = project_or_404(request.user, slug)
    ticked = ComplaintCheck.objects.order_by("-pk").values_list("pk", flat=True).first()
    kept = inspecting.kept(project, "regeneration", lambda: outcomes_of(project), ticked)
    outcomes = kept.value
    teacher, version = request.GET.get("teacher", ""), request.GET.get("recipes", "")
    chosen = {"teacher": teacher, "version": int(version) if version.isdecimal() and len(version) < 10 else None}
    reasons = [_reason(project, key, tally) for key, tally in outcomes.by_reason(**chosen).items()]
    context = {
        "project": project,
        "at": kept.at,
        "reasons": reasons,
        "teachers": outcomes.by(0, **chosen),
        "versions": outcomes.by(1, **chosen),
        "later": outcomes.all_attempts(**chosen),
        "first": outcomes.first,
        "plot": _plot(reasons),
        "most": MOST_BARS,
        "of_teacher": teacher,
        "of_version": chosen["version"],
    }
    return render(request, "pipeline/quality_regeneration.html", context)


def _reason(project, key, tally):
    source, _, code = key.partition(":")
    return Reason(label_of(source, code, project), SOURCES.get(source, source), code, tally)


def _plot(reasons):
    rows = [(each.label, *each.tally.met_share, each.tally.known) for each in reasons if each.tally.known][:MOST_BARS]
    return plots.shares(rows, title="Which complaints does another attempt meet?", x="met, % of complaints")
