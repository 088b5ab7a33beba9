"""Quality: the rules in force, what they catch, what the judges say, and how far people agree."""

from django.conf import settings
from django.db.models import Case, Count, FloatField, IntegerField, Q, Value, When
from django.db.models.functions import Cast, Floor, Least
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from curation import charts
from curation.access import project_or_404
from curation.agreement import agreement_report
from curation.models import FilterResult, JudgeScore, Resolution
from pipeline import filters, gate
from pipeline.config import read_yaml

RUBRICS = (("factuality", "judge_f_threshold"), ("reasoning", "judge_r_threshold"))


@require_GET
def quality(request, slug):
    """One page, four questions; every chart's numbers stand in a table below it."""
    project = project_or_404(request.user, slug)
    limits = gate.load_gate(project.gate_ruleset.body if project.gate_ruleset else {})
    context = {
        "project": project,
        "rules": rules_in_force(project),
        "failures": failures(project),
        "gate": limits,
        "histograms": histograms(project, limits),
        "against_people": against_people(project, limits),
        "agreement": agreement_report(project),
    }
    return render(request, "pipeline/quality.html", context)


def rules_in_force(project):
    """The current rules with label, help and limits by task type; the shipped ones before the first filter run."""
    ruleset = project.filter_ruleset
    rules = filters.load_rules(ruleset.body if ruleset else read_yaml(settings.CONFIG_DIR / "filters.yaml"))
    tasks = sorted(rules.by_task)
    active = {task: dict((rule.id, limits) for rule, limits in rules.active(task)) for task in ["", *tasks]}
    rows = [
        {"rule": rule, "limits": [_limit(active[task].get(rule.id)) for task in ["", *tasks]]}
        for rule in filters.RULES.values()
    ]
    return {"ruleset": ruleset, "tasks": tasks, "rows": rows, "yaml": filters.rules_to_yaml(rules)}


def _limit(thresholds):
    """A rule's limits in a word or two; "off" where it is switched off."""
    if thresholds is None:
        return "off"
    said = [
        f"{len(value)} listed" if isinstance(value, list | tuple) else value
        for value in thresholds.values()
        if value not in ((), [], None)
    ]
    return said[0] if len(said) == 1 else ", ".join(str(value) for value in said) or "on"


def failures(project):
    """How many answers failed which rule under the current rules; an answer that failed two counts in both."""
    results = FilterResult.objects.filter(ruleset=project.filter_ruleset) if project.filter_ruleset_id else None
    if results is None:
        return {"n": 0, "failed": 0, "chart": None}
    # Grouped by the whole list of failed rules: a few hundred groups at most, however many answers.
    groups = results.order_by().values_list("failed", "passed").annotate(n=Count("pk"))
    by_rule, n, failed = {}, 0, 0
    for names, passed, number in groups:
        n += number
        failed += 0 if passed else number
        for name in names:
            by_rule[name] = by_rule.get(name, 0) + number
    address = reverse("prompt_list", args=[project.slug])
    labels = {rule.id: rule.label for rule in filters.RULES.values()}
    rows = sorted(by_rule.items(), key=lambda item: (-item[1], item[0]))
    chart = charts.bars([(labels.get(name, name), number, f"{address}?failed={name}") for name, number in rows])
    return {"n": n, "failed": failed, "chart": chart if rows else None}


def _scores(project):
    return JudgeScore.objects.filter(response__prompt__project=project).order_by()


def histograms(project, limits):
    """For each rubric how many scores fall into which ten points, and how many replies could not be read."""
    tens = Least(Cast(Floor(Cast("score", FloatField()) / 10), IntegerField()), 9)
    # PostgreSQL's LEAST passes over a NULL, SQLite's does not: an unreadable reply must not become a top score.
    tens = Case(When(score=None, then=Value(None)), default=tens, output_field=IntegerField())
    found = {rubric: {} for rubric, _ in RUBRICS}
    for rubric, ten, n in _scores(project).annotate(ten=tens).values_list("rubric", "ten").annotate(n=Count("pk")):
        found.setdefault(rubric, {})[ten] = n
    return [
        {
            "rubric": rubric,
            "unreadable": found[rubric].pop(None, 0),
            "chart": charts.histogram(found[rubric], limits[key]),
        }
        for rubric, key in RUBRICS
    ]


def against_people(project, limits):
    """For each rubric: judge passed or held × people accepted or not, over answers that both have seen."""
    settled = {
        "response__resolutions__current": True,
        "response__resolutions__by__in": (Resolution.By.CONSENSUS, Resolution.By.ADJUDICATOR),
    }
    accept = Q(response__resolutions__action="accept")
    above = Q()
    for rubric, key in RUBRICS:
        above |= Q(rubric=rubric, score__gte=limits[key])
    cells = {
        "pass_accept": Count("pk", filter=above & accept),
        "pass_refuse": Count("pk", filter=above & ~accept),
        "hold_accept": Count("pk", filter=~above & accept),
        "hold_refuse": Count("pk", filter=~above & ~accept),
    }
    rows = _scores(project).filter(**settled, score__isnull=False).values("rubric").annotate(**cells)
    found = {row["rubric"]: row for row in rows}
    return [_agreed(found.get(rubric) or {"rubric": rubric} | dict.fromkeys(cells, 0)) for rubric, _ in RUBRICS]


def _agreed(row):
    n = sum(number for name, number in row.items() if name != "rubric")
    same = row["pass_accept"] + row["hold_refuse"]
    return row | {"n": n, "percent": 100 * same / n if n else None}
