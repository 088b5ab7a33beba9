"""Judges against people: how far each judge's scores agree with decisions, by rubric and dimension."""

from django.shortcuts import render
from django.views.decorators.http import require_GET

from curation import plots
from curation.access import project_or_404
from pipeline import calibrating


@require_GET
def quality_judges(request, slug):
    """The calibration of every judge, with the numbers of each plot in a table."""
    project = project_or_404(request.user, slug)
    found = calibrating.calibration_of(project)
    context = {
        "project": project,
        "calibration": found,
        "judges": [(judge, _plot(judge)) for judge in found.judges],
        "enough": calibrating.ENOUGH,
        "most": calibrating.MOST,
    }
    return render(request, "pipeline/quality_judges.html", context)


def _plot(judge):
    """The reliability of one judge as SVG; "" where there are too few answers for one."""
    if not judge.whole.enough:
        return ""
    rows = [(each.mean, each.percent, each.n, *each.interval) for each in judge.reliability]
    title = f"Do people accept more of what {judge.name} scores higher?"
    return plots.points(rows, title=title, x=f"{judge.rubric} score", y="accepted, %", diagonal=True)
