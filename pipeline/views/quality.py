"""Quality: the rules in force, what they catch, what the judges say, and how far people agree."""

from django.conf import settings
from django.db.models import Count, FloatField, IntegerField, Q
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
        "histograms": [_histogram(project, rubric, limits[key]) for rubric, key in RUBRICS],
        "against_people": [_against_people(project, rubric, limits[key]) for rubric, key in RUBRICS],
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


def _scores(project, rubric):
    return JudgeScore.objects.filter(response__prompt__project=project, rubric=rubric).order_by()


def _histogram(project, rubric, limit):
    bins = (
        _scores(project, rubric)
        .filter(score__isnull=False)
        .annotate(bin=Least(Cast(Floor(Cast("score", FloatField()) / 10), IntegerField()), 9))
        .values_list("bin")
        .annotate(n=Count("pk"))
    )
    unreadable = _scores(project, rubric).filter(score=None).count()
    return {"rubric": rubric, "unreadable": unreadable, "chart": charts.histogram(dict(bins), limit)}


def _against_people(project, rubric, limit):
    """Judge passed or held × people accepted or not, over answers that both have seen."""
    held_by_people = Q(
        response__resolutions__current=True,
        response__resolutions__by__in=(Resolution.By.CONSENSUS, Resolution.By.ADJUDICATOR),
    )
    accept = Q(response__resolutions__action="accept")
    above = Q(score__gte=limit)
    cells = (
        _scores(project, rubric)
        .filter(held_by_people, score__isnull=False)
        .aggregate(
            pass_accept=Count("pk", filter=above & accept),
            pass_refuse=Count("pk", filter=above & ~accept),
            hold_accept=Count("pk", filter=~above & accept),
            hold_refuse=Count("pk", filter=~above & ~accept),
        )
    )
    n = sum(cells.values())
    agreed = cells["pass_accept"] + cells["hold_refuse"]
    return cells | {"rubric": rubric, "n": n, "percent": 100 * agreed / n if n else None}
