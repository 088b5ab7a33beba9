"""The data page: what a project holds, how long its answers are and took, what is doubled or empty, and the checks."""

from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlencode

import numpy
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from curation import plots
from curation.access import project_or_404
from pipeline import inspecting, trying
from pipeline.validating import passes, validate

MOST_SERIES = 6  # task types or teachers that are told apart; the rarer ones are "others"
MOST_LINES, MOST_ROWS, MOST_CHOICES = 20, 200, 500  # domains in the grid, in its table, and to choose from
OTHERS = "others"
MEASURES = (
    ("words", "Words", "How many words have answers?", lambda row: row.words),
    ("tokens", "Tokens", "How many tokens have answers?", lambda row: row.tokens),
    ("latency", "Seconds", "How long did answers take?", lambda row: row.latency_ms and row.latency_ms / 1000),
)


@dataclass(frozen=True)
class Cell:
    """Answers and prompts of one task type in one domain, and where they are listed ("" where they cannot be)."""

    answers: int
    prompts: int
    link: str


@dataclass(frozen=True)
class Measure:
    """A histogram with its numbers: `by_task` and `by_teacher` are [(name, Spread)], `above` what lies beyond it."""

    name: str
    unit: str
    n: int
    unknown: int
    plot: str
    bins: list
    above: int
    by_task: list
    by_teacher: list


@require_GET
def quality_data(request, slug):
    """The page, narrowed to a domain and a task type where the address names them; the checks speak of everything."""
    project = project_or_404(request.user, slug)
    ruleset, rules = trying.in_force(project)
    counted = inspecting.census_of(project, inspecting.Look(rules, ruleset and ruleset.body))
    census = counted.value
    prompts, answers = census.cells(-2), census.cells(-1)
    chosen = {name: request.GET.get(name, "") for name in ("domain", "task_type")}
    groups, rows = _narrowed(census, chosen)
    table = _table(project, groups)
    checks = validate(_counts(census, +answers or +prompts))
    context = {
        "project": project,
        "census": census,
        "at": counted.at,
        "chosen": chosen,
        "narrowed": any(chosen.values()),
        "domains": sorted({domain for domain, _ in prompts if domain})[:MOST_CHOICES],
        "tasks": sorted({task for _, task in prompts})[:MOST_CHOICES],
        "prompts": sum(group[-2] for group in groups),
        "answers": sum(group[-1] for group in groups),
        "looked_at": len(rows),
        "ruled": sum(bool(row.looked) for row in census.rows),
        "checks": checks,
        "passes": passes(checks),
        "table": table,
        "grid": _grid(table),
        "measures": [_measure(rows, *each) for each in MEASURES],
        "finish_reasons": _finish_reasons(groups),
        "empty": sum(row.empty for row in rows),
        "repeated": _repeated(rows),
        "clusters": inspecting.clusters_of(project),
    }
    return render(request, "pipeline/quality_data.html", context)


def _narrowed(census, chosen):
    domain, task = chosen["domain"], chosen["task_type"]
    groups = [group for group in census.groups if domain in ("", group[0]) and task in ("", group[1])]
    rows = [row for row in census.rows if domain in ("", row.domain) and task in ("", row.task_type)]
    return groups, rows


def _counts(census, cells):
    tally = inspecting.Tally()
    for row in census.rows:
        tally.add(row)
    return tally.counts(prompts=census.prompts, answered=census.answers, cells=cells)


def _summed(groups, place):
    found = Counter()
    for group in groups:
        found[group[0], group[1]] += group[place]
    return found


def _most(counter):
    """The names that occur most often, in that order."""
    return [name for name, _ in counter.most_common()]


def _told(counter):
    """The names that occur most often; what is rarer goes by the name of "others"."""
    names = _most(counter)
    return names if len(names) <= MOST_SERIES else names[: MOST_SERIES - 1]


def _table(project, groups):
    """Columns of task types, and [(domain, [Cell of each], its answers, its prompts)], the fullest domain first."""
    of_task, of_domain = Counter(), Counter()
    for domain, task, *_, number, _ in groups:
        of_task[task] += number
        of_domain[domain] += number
    told = _told(of_task)
    groups = [(group[0], group[1] if group[1] in told else OTHERS, *group[2:]) for group in groups]
    prompts, answers = _summed(groups, -2), _summed(groups, -1)
    tasks = sorted(told) + ([OTHERS] if len(of_task) > len(told) else [])
    address = reverse("prompt_list", args=[project.slug])
    lines = []
    for domain, number in of_domain.most_common(MOST_ROWS):
        cells = []
        for task in tasks:
            listed = domain and task in told and prompts[domain, task]
            query = urlencode({"domain": domain, "task_type": task})
            cells.append(Cell(answers[domain, task], prompts[domain, task], f"{address}?{query}" if listed else ""))
        lines.append((domain, cells, sum(cell.answers for cell in cells), number))
    return {"tasks": tasks, "lines": lines, "more": len(of_domain) - len(lines)}


def _grid(table):
    """The table as a plot, its first lines; prompts without a domain go by that name."""
    cells = [
        (task, domain or "no domain", cell.answers)
        for domain, line, *_ in table["lines"][:MOST_LINES]
        for task, cell in zip(table["tasks"], line, strict=True)
    ]
    return plots.grid(cells, title="How many answers are there of what?", x="Task type", y="Domain")


def _measure(rows, name, unit, title, value_of):
    values = [value_of(row) for row in rows]
    by_task = _by([row.task_type for row in rows], values)
    known = numpy.array([value for value in values if value is not None], float)
    bins, above = trying.bins(known, whole=name != "latency")
    return Measure(
        name=name,
        unit=unit,
        n=len(known),
        unknown=len(values) - len(known),
        plot=plots.histogram(_in_series(bins, by_task), title=title, x=unit, y="Answers"),
        bins=bins,
        above=above,
        by_task=[(task, inspecting.spread(found)) for task, found in by_task.items()],
        by_teacher=[(who, inspecting.spread(v)) for who, v in _by([row.teacher for row in rows], values).items()],
    )


def _by(names, values):
    """{name: its values} of the names that occur most often, the others together."""
    told = _told(Counter(names))
    found = {name: [] for name in told}
    for name, value in zip(names, values, strict=True):
        found.setdefault(name if name in told else OTHERS, []).append(value)
    return found


def _in_series(bins, by_name):
    """The bins once for each name, with the numbers of its own."""
    if not bins:
        return []
    edges = [low for low, *_ in bins] + [bins[-1][1]]
    series = []
    for name, values in by_name.items():
        counts, _ = numpy.histogram([value for value in values if value is not None], edges)
        series += [(low, high, int(n), name) for (low, high, _), n in zip(bins, counts, strict=True)]
    return series


def _finish_reasons(groups):
    found = Counter()
    for _, _, teacher, reason, _, answers in groups:
        if teacher is not None:
            found[reason or "not said"] += answers
    return found.most_common()


def _repeated(rows):
    """(answers with the very text of another, different texts that occur more than once)."""
    texts = Counter(row.digest for row in rows if not row.empty)
    several = [number for number in texts.values() if number > 1]
    return {"answers": sum(several), "texts": len(several)}
