"""The quality of reviewing, for managers: throughput, time, agreement, gold, and the items that drive disagreement."""

from collections import Counter

from django.shortcuts import render
from django.views.decorators.http import require_GET

from curation import plots
from curation.access import MANAGER, project_or_404
from curation.agreement import ENOUGH, MOST, dashboard_of
from curation.agreement.dashboard import DAYS, MANY_FAST
from curation.reviewing import labels

NAMED = 5  # people with a colour and a column of their own; the others are together
REST = "the others"
BINS = 20  # of the plot of seconds


@require_GET
def quality_reviewers(request, slug):
    """How people review, with the numbers of each plot in a table."""
    project = project_or_404(request.user, slug, MANAGER)
    found = dashboard_of(project)
    names, days = _by_day(found)
    n = sum(number for *_, number in days)
    context = {
        "project": project,
        "found": found,
        "names": names,
        "days": [row for row in reversed(days) if row[2]],
        "days_caption": f"Decisions that stand, by the day they were made (n = {n:,} in {DAYS} days).",
        "days_plot": _days_plot(names, days),
        "reasons": [(labels([row.code], project)[0], row) for row in found.reasons],
        "seconds_plot": _seconds_plot(found.seconds, project.too_fast_seconds),
        "enough": ENOUGH,
        "most": MOST,
        "lately": DAYS,
        "many_fast": MANY_FAST,
    }
    return render(request, "curation/quality_reviewers.html", context)


def _by_day(found):
    """(names of columns, [(day, [number by name], all)]): who decided most lately, and the others together."""
    lately = sum((numbers for _, numbers in found.days), Counter())
    ordered = sorted((name for name in lately if lately[name] > 0), key=lambda name: (-lately[name], name))
    named, rest = ordered[:NAMED], ordered[NAMED:]
    if len(rest) == 1:
        named, rest = ordered, []
    rows = []
    for day, numbers in found.days:
        cells = [numbers[name] for name in named] + ([sum(numbers[name] for name in rest)] if rest else [])
        rows.append((day, cells, sum(cells)))
    return named + ([REST] if rest else []), rows


def _days_plot(names, days):
    rows = [(day, cells[place], name) for day, cells, _ in days for place, name in enumerate(names)]
    if not any(number for _, number, _ in rows):
        return ""
    return plots.days(rows, title="How many decisions a day?", y="Decisions")


def _seconds_plot(seconds, too_fast):
    """Active time of decisions; the slowest twentieth is in the last bar."""
    if len(seconds) < ENOUGH:
        return ""
    longest = max(sorted(seconds)[len(seconds) * 19 // 20 - 1], 2 * too_fast, BINS)
    width = -(-longest // BINS)
    counts = Counter(min(each // width, BINS - 1) for each in seconds)
    bins = [(place * width, (place + 1) * width, counts[place]) for place in range(BINS)]
    limits = {"too fast below": too_fast} if too_fast else None
    words = {"x": "Active time, seconds", "y": "Decisions", "title": "How long does a decision take?"}
    return plots.histogram(bins, limits=limits, **words)
