"""The gate simulator: other limits tried on what judges and people said, and applied as a new version."""

from dataclasses import dataclass
from urllib.parse import urlencode

import numpy
from django.contrib import messages
from django.db import transaction
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_GET, require_POST

from curation import plots
from curation.access import MANAGER, project_or_404
from curation.models import Project, Ruleset, TeacherResponse
from curation.reviewing import hidden_from
from pipeline import quotes, simulating
from pipeline.forms_gate import GateForm
from pipeline.gate import ACCEPT_FROM, DEFAULTS, THRESHOLDS, load_gate
from pipeline.simulating.judged import ACCEPTED, REFUSED, RUBRICS

SHOWN = 10  # flips each way
BIN = 5  # points of a score
ORIGIN = "gate page"
BANDS = ("refused", "to people", "accept band")
FIELDS = {
    "judge_f_threshold": "factuality, refuse below",
    "judge_r_threshold": "reasoning, refuse below",
    "accept_f_from": "factuality, accept band from",
    "accept_r_from": "reasoning, accept band from",
    "max_spread": "readings further apart go to people",
    "require_both": "asks for both judges",
    "decides": "scores",
    "readings": "what judges are asked",
}


@dataclass(frozen=True)
class Flip:
    """One answer that another band would take."""

    response: TeacherResponse
    scores: list  # (rubric, score)
    before: str
    after: str
    decided: str


@require_GET
def quality_gate(request, slug):
    """The gate in force, its limits to move, and what would change."""
    project = project_or_404(request.user, slug)
    judged = simulating.judged_of(project)
    return _page(request, project, judged, _form(project, judged, request.GET))


@require_GET
def quality_gate_try(request, slug):
    """The recount under the limits given; those left out are as in force. Writes nothing."""
    project = project_or_404(request.user, slug)
    judged = simulating.judged_of(project)
    context = _trial(request, project, judged, _form(project, judged, request.GET))
    response = render(request, "pipeline/_quality_gate_trial.html", context)
    if context["link"]:
        response["HX-Replace-Url"] = context["link"]
    return response


@require_GET
def quality_gate_plots(request, slug):
    """The scores with the limits given drawn on them."""
    project = project_or_404(request.user, slug)
    judged = simulating.judged_of(project)
    context = {"project": project, "plots": _plots(judged, _form(project, judged, request.GET))}
    return render(request, "pipeline/_quality_gate_plots.html", context)


@require_POST
def quality_gate_apply(request, slug):
    """Make the limits shown the gate in force; refused where another one came into force since they were shown."""
    project = project_or_404(request.user, slug, MANAGER)
    member = project.member
    with transaction.atomic():
        project = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        project.member = member
        judged = simulating.judged_of(project)
        form, before = _form(project, judged, request.POST), project.gate_ruleset
        newer = str(before.version if before else 0) != request.POST.get("version", "")
        if form.is_valid() and not newer:
            ruleset = Ruleset.record(project, Ruleset.Kind.GATE, form.gate, origin=ORIGIN, by=request.user)
            _say(request, project, before, ruleset)
            return redirect("quality_gate", slug)
    conflict = _conflict(project, form, request.POST.get("version", "")) if newer else None
    return _page(request, project, judged, form, conflict=conflict, status=409 if newer else 422)


def _form(project, judged, data):
    rubrics = judged.rubrics or [name for name in RUBRICS if name in project.judges]
    return GateForm(_in_force(project), rubrics or list(RUBRICS), data)


def _in_force(project):
    return load_gate(project.gate_ruleset.body if project.gate_ruleset else DEFAULTS)


def _page(request, project, judged, form, *, conflict=None, status=None):
    ruleset = project.gate_ruleset
    context = _trial(request, project, judged, form) | {
        "ruleset": ruleset,
        "version": ruleset.version if ruleset else 0,
        "waiting": quotes.waiting(project, "judge").count() if ruleset else 0,
        "conflict": conflict,
    }
    context["plots"] = _plots(judged, form)
    return render(request, "pipeline/quality_gate.html", context, status=status or (200 if form.is_valid() else 422))


def _trial(request, project, judged, form):
    """What _quality_gate_trial.html shows: the recount under the form's gate, and under the one in force."""
    policy = simulating.policy_of(project)
    context = {"project": project, "form": form, "judged": judged, "policy": policy, "enough": simulating.ENOUGH}
    context |= {"link": "", "changed": {}}
    if not form.is_valid():
        return context
    trial = simulating.simulate(judged, form.gate, policy, form.in_force)
    now = simulating.simulate(judged, form.in_force, policy) if form.changed else trial
    query = urlencode({name: form.data[name] for name in form.data if name in form.changed})
    address = reverse("quality_gate", args=[project.slug])
    return context | {
        "trial": trial,
        "now": now,
        "table": [(BANDS[band], yes, no, yes + no) for band, (no, yes) in trial.table.items()],
        "shares": _shares(trial, now),
        "work": [("Judged so far", trial.everything, now.everything), ("Waiting for people now", trial.waiting, None)],
        "further": (trial.further, now.further),
        "changed": {FIELDS[key]: tuple(map(_said, values)) for key, values in form.changed.items()},
        "stricter": _shown(request.user, project, judged, trial.stricter),
        "looser": _shown(request.user, project, judged, trial.looser),
        "link": f"{address}?{query}" if form.changed else address,
    }


def _said(value):
    """A value of the gate in words where it is a switch."""
    return {True: "decide", False: "are only shown"}[value] if isinstance(value, bool) else value


def _shares(trial, now):
    """[(what is asked, Share under the trial, Share under the gate in force)]."""
    return [
        ("Of what is not refused, people accept", trial.precise, now.precise),
        ("Of what people accept, not refused", trial.found, now.found),
        ("Of the accept band, people accept", trial.sure_precise, now.sure_precise),
        ("Of what people accept, in the accept band", trial.sure_found, now.sure_found),
    ]


def _shown(user, project, judged, flips):
    """{flips, rows}: ten of the answers that flip. Those whose judgements the reader does not see yet are left out."""
    ids = [pk for pk, *_ in flips.examples]
    found = TeacherResponse.objects.filter(pk__in=ids).select_related("prompt").in_bulk()
    hidden = set()
    if project.member.may_review:
        hidden = hidden_from(user, project, [response.prompt for response in found.values()])
    place = dict(zip(ids, numpy.searchsorted(judged.responses, ids).tolist(), strict=True))
    rows = []
    for pk, before, after in flips.examples:
        if pk in found and found[pk].prompt_id not in hidden and len(rows) < SHOWN:
            rows.append(_flip(judged, place[pk], found[pk], before, after))
    moves = [(BANDS[before], BANDS[after], number) for before, after, number in flips.moves]
    return {"flips": flips, "rows": rows, "moves": moves}


def _flip(judged, place, response, before, after):
    words = {ACCEPTED: "people accepted it", REFUSED: "people refused it"}
    scores = [(rubric, float(values[place])) for rubric, values in judged.scores.items()]
    return Flip(response, scores, BANDS[before], BANDS[after], words.get(int(judged.decided[place]), ""))


def _plots(judged, form):
    """[{rubric, svg, bins, n, limits}]: scores of what people accepted and refused, with the limits of the form."""
    found = []
    for rubric, values in judged.scores.items():
        bins = _bins(values, judged.decided)
        gate = form.gate if form.is_valid() else form.in_force
        limits = {"refuse below": gate[THRESHOLDS[rubric]]}
        if gate[ACCEPT_FROM[rubric]] is not None:
            limits["accept from"] = gate[ACCEPT_FROM[rubric]]
        rows = [
            (low, high, count, name)
            for low, high, *counts in bins
            for name, count in zip(("accepted", "refused"), counts, strict=True)
        ]
        n = sum(count for *_, count, _ in rows)
        title = f"How do people decide on answers by their {rubric} score?"
        svg = plots.histogram(rows, title=title, x="score", y="Answers", limits=limits) if n else ""
        found.append({"rubric": rubric, "svg": svg, "bins": bins, "n": n, "limits": limits})
    return found


def _bins(values, decided):
    """[(from, to, accepted, refused)] of scores; the last bin holds 100 as well."""
    edges = numpy.arange(0, 101, BIN)
    counts = [numpy.histogram(values[decided == said], edges)[0] for said in (ACCEPTED, REFUSED)]
    return [(int(low), int(low) + BIN, int(yes), int(no)) for low, yes, no in zip(edges[:-1], *counts, strict=True)]


def _say(request, project, before, ruleset):
    if before and before.pk == ruleset.pk:
        messages.info(request, f"Unchanged: version {ruleset.version} says the same and stays in force.")
        return
    waiting = quotes.waiting(project, "judge").count()
    start = f"{reverse('run_start', args=[project.slug])}?stage=judge"
    link = format_html(' <a href="{}">See the quote and start the run</a>', start) if waiting else ""
    said = "Version {} is in force. Nothing has moved yet: {} answers nobody has decided would be gated again.{}"
    messages.success(request, format_html(said, ruleset.version, f"{waiting:,}", link))


def _conflict(project, form, typed):
    """Both sides: what came into force since, and what was typed, which is shown on top of it."""
    theirs = Ruleset.objects.filter(
        project=project, kind=Ruleset.Kind.GATE, version=int(typed) if typed.isdecimal() and len(typed) < 10 else -1
    ).first()
    before = load_gate(theirs.body) if theirs else load_gate(DEFAULTS)
    since = [(FIELDS[key], _said(before[key]), _said(now)) for key, now in form.in_force.items() if before[key] != now]
    yours = [(FIELDS[key], *map(_said, values)) for key, values in form.changed.items()] if form.is_valid() else []
    return {"version": typed, "since": since, "yours": yours}
