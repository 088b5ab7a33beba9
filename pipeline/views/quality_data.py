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
MOST_LINES = 20  # domains in the grid; the table has all
MEASURES = (
    ("words", "Words", "How many words have answers?", lambda row: row.words),
    ("tokens", "Tokens", "How many tokens have answers?", lambda row: row.tokens),
    ("latency", "Seconds", "How long did answers take?", lambda row: row.latency_ms and row.latency_ms / 1000),
)


@dataclass(frozen=True)
class Cell:
    """Answers and prompts of one task type in one domain, and where they are listed."""

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
    checks = validate(_counts(census, answers or prompts))
    context = {
        "project": project,
        "census": census,
        "at": counted.at,
        "chosen": chosen,
        "narrowed": any(chosen.values()),
        "domains": sorted({domain for domain, _ in prompts if domain}),
        "tasks": sorted({task for _, task in prompts}),
        "prompts": sum(group[-2] for group in groups),
        "answers": sum(group[-1] for group in groups),
        "looked_at": len(rows),
        "checks": checks,
        "passes": passes(checks),
        "table": _table(project, groups),
        "grid": _grid(groups),
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
    return tally.counts(prompts=census.prompts, answered=census.answers, cells=+cells)


def _summed(groups, place):
    found = Counter()
    for group in groups:
        found[group[0], group[1]] += group[place]
    return found


def _most(counter):
    """The names that occur most often, in that order."""
    return [name for name, _ in counter.most_common()]


def _table(project, groups):
    """[(domain, [Cell of each task type], its answers, its prompts)], the fullest domain first."""
    prompts, answers = _summed(groups, -2), _summed(groups, -1)
    tasks = sorted({task for _, task in prompts})
    of_domain = Counter()
    for (domain, _), number in prompts.items():
        of_domain[domain] += number
    address = reverse("prompt_list", args=[project.slug])
    lines = []
    for domain, number in of_domain.most_common():
        cells = [
            Cell(answers[domain, task], prompts[domain, task], _link(address, domain, task, prompts[domain, task]))
            for task in tasks
        ]
        lines.append((domain, cells, sum(cell.answers for cell in cells), number))
    return {"tasks": tasks, "lines": lines}


def _link(address, domain, task, prompts):
    """The list of the prompts of a cell; prompts without a domain cannot be asked for."""
    return f"{address}?{urlencode({'domain': domain, 'task_type': task})}" if domain and prompts else ""


def _grid(groups):
    answers = _summed(groups, -1)
    tasks = sorted({task for _, task in answers})
    domains = _most(Counter({domain: sum(answers[domain, task] for task in tasks) for domain, _ in answers}))
    cells = [(task, domain or "no domain", answers[domain, task]) for domain in domains[:MOST_LINES] for task in tasks]
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
    told = _most(Counter(names))
    told = told if len(told) <= MOST_SERIES else told[: MOST_SERIES - 1]
    found = {name: [] for name in told}
    for name, value in zip(names, values, strict=True):
        found.setdefault(name if name in told else "others", []).append(value)
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
