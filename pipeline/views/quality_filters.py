"""The filter page: every rule with its histogram, other limits tried without writing, and what would flip."""

from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode

from django.http import HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from curation import plots
from curation.access import project_or_404
from curation.labels import words
from pipeline import filters, trying
from pipeline.forms_filters import RulesForm

MOST_TASKS = 6  # task types with fields of their own; rarer ones follow "any other"
LONGEST_QUERY = 3_000  # web servers refuse longer lines
# Families of rules, by the files of pipeline/filters that they are written in.
FAMILIES = {
    "Length and completeness": ("length", "structure"),
    "Claims and methods": ("verbs", "claims", "methods", "pairs"),
    "Faith to the source": ("citations", "copying", "numbers", "entities"),
    "Wording": ("refusals", "markdown", "leftovers", "filler", "repetition", "language"),
    "Safety": ("unsafe", "personal"),
    "Your own patterns": ("patterns",),
}


@dataclass
class Row:
    """One rule on the page. `limits` are its limits in words, `effect` what the trial says of it, or None if off."""

    rule: filters.Rule
    tasks: list
    lists: list
    limits: str
    effect: object
    is_open: bool

    @property
    def errors(self):
        """Whether a field of the rule is wrong."""
        return any(each.errors for _, fields in self.tasks for each, _ in fields) or any(f.errors for f in self.lists)


def rules_form(project, sample, data=None):
    """The RulesForm of a project's page, for the task types that it has answers of."""
    seen = [int((sample.task == place).sum()) for place in range(len(sample.tasks))]
    often = sorted(zip(seen, sample.tasks, strict=True), reverse=True)[:MOST_TASKS]
    manager = project.member.is_manager
    return RulesForm(sample.rules, [name for _, name in often], data, may_write_patterns=manager)


@require_http_methods(["GET", "POST"])
def quality_filters(request, slug):
    """The page. What the address says otherwise than the rules in force is tried; a POST leads to such an address."""
    project = project_or_404(request.user, slug)
    sample = trying.sample_of(project)
    form = rules_form(project, sample, request.GET if request.method == "GET" else request.POST)
    if request.method == "POST":
        query = _query(form)
        if len(query) <= LONGEST_QUERY:
            return redirect(f"{reverse('quality_filters', args=[slug])}{'?' if query else ''}{query}#filters-trial")
    return page(request, project, sample, form, asked=request.GET.get("rule", ""))


def page(request, project, sample, form, *, asked="", status=None, **more):
    """The page with what `form` shows; `more` is context of what led to it, such as a conflict."""
    context = trial_context(project, sample, form)
    ruleset = project.filter_ruleset
    context |= {
        "families": _families(sample, form, context["trial"], asked),
        "ruleset": ruleset,
        "version": ruleset.version if ruleset else 0,
        "behind": sample.behind if ruleset else None,
    }
    if asked in filters.RULES:
        context["asked"], context["plots"] = asked, rule_plots(sample, form, filters.RULES[asked])
    wrong = form.rules is None
    return render(request, "pipeline/quality_filters.html", context | more, status=status or (422 if wrong else 200))


@require_http_methods(["GET", "POST"])
def quality_filters_try(request, slug):
    """What would flip under the values given; those left out are as in force. Writes nothing."""
    project = project_or_404(request.user, slug)
    sample = trying.sample_of(project)
    form = rules_form(project, sample, request.GET if request.method == "GET" else request.POST)
    context = trial_context(project, sample, form)
    response = render(request, "pipeline/_quality_filters_trial.html", context | {"alone": True})
    if context["link"]:
        response["HX-Replace-Url"] = context["link"]
    return response


@require_GET
def quality_filters_rule(request, slug):
    """The histograms of one `rule`, with the limits given."""
    project = project_or_404(request.user, slug)
    rule = request.GET.get("rule", "")
    if rule not in filters.RULES:
        return HttpResponseBadRequest(f"Name a rule: one of {', '.join(filters.RULES)}.", content_type="text/plain")
    sample = trying.sample_of(project)
    form = rules_form(project, sample, request.GET)
    form.read()
    found = {"project": project, "rule": filters.RULES[rule], "plots": rule_plots(sample, form, filters.RULES[rule])}
    return render(request, "pipeline/_quality_filters_rule.html", found)


def trial_context(project, sample, form):
    """What _quality_filters_trial.html shows: the trial of the form's rules, of those in force where it is wrong."""
    rules = form.read(partial(trying.refuse_slow_patterns, sample)) or sample.rules
    trial = trying.would(sample, rules)
    changed = {each.setting.key for each in form.fields.values() if each.changed}
    touched = {rule.id for rule in filters.RULES.values() if changed & {each.key for each in rule.settings}}
    query = _query(form)
    return {
        "project": project,
        "form": form,
        "wrong": [(_label(each), each.errors) for each in form.fields.values() if each.errors],
        "trial": trial,
        "effects": [each for each in trial.effects if each.rule.id in touched],
        "changed": len(form.changed),
        "link": f"{reverse('quality_filters', args=[project.slug])}?{query}" if len(query) <= LONGEST_QUERY else "",
    }


def _query(form):
    return urlencode(form.changed)


def _label(field):
    rule = next(rule for rule in filters.RULES.values() if field.setting in rule.settings)
    return f"{rule.label} ({words(field.task)})" if field.task else rule.label


def _families(sample, form, trial, asked):
    """[(name, rows that are on, rows that are off)] in the order of the rules."""
    effects = {each.rule.id: each for each in trial.effects}
    found = {name: ([], []) for name in (*FAMILIES, "Other")}
    for rule in filters.RULES.values():
        on, off = found[family_of(rule)]
        row = _row(sample, form, rule, effects.get(rule.id), asked)
        (on if _is_on(sample.rules, form, rule) else off).append(row)
    return [(name, on, off) for name, (on, off) in found.items() if on or off]


def family_of(rule):
    """The name of the family that a rule belongs to."""
    file = rule.measure.__module__.rpartition(".")[2]
    return next((name for name, files in FAMILIES.items() if file in files), "Other")


def _is_on(rules, form, rule):
    return any(rule.thresholds(rules.settings(task)) is not None for task in ["", *form.tasks])


def _row(sample, form, rule, effect, asked):
    tasks = []
    for task in [*form.tasks, ""]:
        fields = [form.of(each, task) for each in rule.settings]
        shown = [(each, _slider(sample, rule, each)) for each in fields if each and each.kind != "lines"]
        if shown:
            tasks.append((task, shown))
    lists = [each for each in form.fields.values() if each.kind == "lines" and each.setting in rule.settings]
    changed = [each for each in form.fields.values() if each.changed and each.setting in rule.settings]
    row = Row(rule, tasks, lists, _limits(form, rule), effect, bool(changed) or rule.id == asked)
    row.is_open = row.is_open or row.errors
    return row


def _slider(sample, rule, field):
    """{min, max, step} of a limit's slider: over what was measured; None for what has none."""
    if field.setting is not rule.limit:
        return None
    stored = sample.column(rule.id).values
    if field.task:
        stored = stored[sample.of_task(field.task, sample.everything)]
    values = stored[stored == stored]
    limits = [field.setting.default, *field.setting.by_task.values()]
    known = max((limit for limit in limits if limit is not None), default=5 if rule.whole else 1)
    now = sample.rules.settings(field.task)[field.setting.key]
    low, high = trying.span(values, whole=rule.whole, limit=known if now is None else now)
    low = min(low, 0.0)
    return {"min": f"{low:g}", "max": f"{max(high, known * 1.5):.10g}", "step": 1 if rule.whole else "0.01"}


def _limits(form, rule):
    """The limits in force in a few words: the same for all, or by the task types that it is on for."""
    said = {task: _said(form.in_force, rule, task) for task in [*form.tasks, ""]}
    if len(set(said.values())) == 1:
        return said[""]
    on = [
        f"on for {words(task) or 'others'}" if text == "on" else f"{words(task) or 'others'} {text}"
        for task, text in said.items()
        if text != "off"
    ]
    return " · ".join(on)


def _said(rules, rule, task):
    thresholds = rule.thresholds(rules.settings(task))
    if thresholds is None:
        return "off"
    if rule.limit is None:
        return "on"
    return f"{rule.bound} {thresholds['limit']:,}{' %' if rule.unit == '%' else ''}".strip()


def rule_plots(sample, form, rule):
    """[{task, svg, caption, bins, …}] of the values that a rule measures, by task type, with the limit to be tried."""
    rules = form.rules or sample.rules
    found = []
    for task in sample.tasks:
        settings = rules.settings(task)
        values, afresh = trying.values_of(sample, rules, rule, task)
        limit = settings[rule.limit.key] if rule.limit else None
        shown = limit if limit is not None else 0 if rule.limit is None and rule.bound else None
        bins, above = trying.bins(values, whole=rule.whole, limit=shown)
        off = rule.thresholds(settings) is None
        found.append(
            {
                "task": task,
                "n": len(values),
                "afresh": afresh,
                "bins": bins,
                "above": above,
                "limit": None if off else limit,
                "off": off,
                "svg": plots.histogram(
                    bins,
                    title=words(task).capitalize(),
                    x=rule.unit or "value",
                    y="Answers",
                    limit=None if off or rule.limit is None else limit,
                ),
            }
        )
    return found
