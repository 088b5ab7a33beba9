"""Quality at a glance: what each of its places has to say, what filters catch, what judges score, how people agree."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Case, Count, FloatField, IntegerField, Q, Value, When
from django.db.models.functions import Cast, Floor, Least
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from curation import plots, tallies
from curation.access import project_or_404
from curation.agreement import agreement_report
from curation.models import Complaint, FilterResult, GateResult, JudgeScore, Rubric, State
from pipeline import calibrating, filters, gate, inspecting

RUBRICS = (("factuality", "judge_f_threshold"), ("reasoning", "judge_r_threshold"))
MOST_BARS = 12


@dataclass(frozen=True)
class Card:
    """A place of quality with the one number and sentence to know before going there."""

    title: str
    url_name: str
    number: str
    sentence: str


@require_GET
def quality(request, slug):
    """One page that leads to the others; every plot's numbers stand in a table below it."""
    project = project_or_404(request.user, slug)
    limits = gate.load_gate(project.gate_ruleset.body if project.gate_ruleset else {})
    kept = inspecting.kept(project, "overview", lambda: _counted(project, limits), limits)
    at, counted = kept.at, kept.value
    failed, (against, cut) = failures(project, counted["failed"]), counted["against_people"]
    context = {
        "project": project,
        "at": at,
        "cards": [
            _filters_card(project, failed),
            _gate_card(project, limits, counted["gated"]),
            _judges_card(against),
            _rubrics_card(project),
            _duplicates_card(counted["clusters"]),
            _regeneration_card(counted.get("mended")),
            _data_card(project),
        ],
        "failures": failed,
        "gate": limits,
        "histograms": [_histogram(rubric, counted["scores"][rubric], limits[key]) for rubric, key in RUBRICS],
        "against_people": against,
        "newest": calibrating.MOST if cut else None,
        "agreement": counted["agreement"],
    }
    return render(request, "pipeline/quality.html", context)


def _counted(project, limits):
    """What a look at every verdict and score tells; of a million answers that takes seconds, so it is kept."""
    return {
        "failed": failed_lists(project),
        "mended": _mended(project),
        "gated": _gated(project),
        "scores": scores_by_ten(project),
        "against_people": calibrating.confusions_of(project),
        "agreement": agreement_report(project),
        "clusters": inspecting.clusters_of(project, ["response"]).get("response", (0, 0)),
    }


def _gated(project):
    """{"n": verdicts of the gate in force on current answers, "passed": those that passed}."""
    results = GateResult.objects.filter(ruleset=project.gate_ruleset_id, response__current_for__project=project)
    return results.aggregate(n=Count("pk"), passed=Count("pk", filter=Q(passed=True)))


def _percent(part, whole):
    return f"{100 * part / whole:.0f} %"


def _filters_card(project, failed):
    version = f"Version {project.filter_ruleset.version}" if project.filter_ruleset else "The shipped rules"
    if not failed["n"]:
        return Card("Filters", "quality_filters", "", f"{version}: no answer measured yet.")
    passed = failed["n"] - failed["failed"]
    return Card(
        "Filters", "quality_filters", _percent(passed, failed["n"]), f"of {failed['n']:,} answers pass. {version}."
    )


def _gate_card(project, limits, counted):
    both = f"{limits['judge_f_threshold']:g} and {limits['judge_r_threshold']:g}"
    if not project.judges:
        return Card("Gate", "quality_gate", "", "No judges: what passes the filters goes to people.")
    if not counted["n"]:
        return Card("Gate", "quality_gate", "", f"Thresholds {both}: no answer gated yet.")
    if not limits["decides"]:
        sentence = f"answers gated: scores are shown and decide nothing. Thresholds {both}."
        return Card("Gate", "quality_gate", f"{counted['n']:,}", sentence)
    share = _percent(counted["passed"], counted["n"])
    return Card("Gate", "quality_gate", share, f"of {counted['n']:,} answers pass. Thresholds {both}.")


def _judges_card(against):
    same, n = sum(found.same for *_, found in against), sum(found.n for *_, found in against)
    if not n:
        return Card("Judges against people", "quality_judges", "", "No answer has a score and a decision yet.")
    return Card("Judges against people", "quality_judges", _percent(same, n), f"of {n:,} verdicts as people decided.")


def _rubrics_card(project):
    newest = {}
    for name, version in Rubric.objects.filter(project=project).order_by("version").values_list("name", "version"):
        newest[name] = version
    said = ", ".join(f"{name} version {version}" for name, version in sorted(newest.items()))
    number = len(newest) or len(RUBRICS)
    return Card(
        "Rubrics", "rubric_list", str(number), f"in use: {said}." if said else "shipped, in use with the first judge."
    )


def _duplicates_card(found):
    clusters, members = found
    word = "cluster" if clusters == 1 else "clusters"
    sentence = f"{word}, with {members:,} answers that resemble another." if clusters else f"{word} of answers known."
    return Card("Near-duplicates", "quality_duplicates", f"{clusters:,}", sentence)


def _mended(project):
    """{"n": complaints that machines measured again in another attempt, "met": those that were met}."""
    measured = Complaint.objects.filter(response__prompt__project=project, met__isnull=False)
    return measured.aggregate(n=Count("pk"), met=Count("pk", filter=Q(met=True)))


def _regeneration_card(counted):
    if not counted or not counted["n"]:
        return Card("Regeneration", "quality_regeneration", "", "No second chance was measured yet.")
    share = _percent(counted["met"], counted["n"])
    return Card("Regeneration", "quality_regeneration", share, f"of {counted['n']:,} measured complaints were met.")


def _data_card(project):
    counts = tallies.states(project)
    total, accepted = sum(counts.values()), counts[State.ACCEPTED]
    return Card(
        "Data", "quality_data", f"{total:,}", f"{'prompt' if total == 1 else 'prompts'}, {accepted:,} of them accepted."
    )


def failed_lists(project):
    """[(ids of the rules that failed, passed, current answers)] under the rules in force: some hundred groups at most.

    What an earlier answer failed is no longer what the project has; the filter page counts the same ones.
    """
    current = {"response__current_for__project": project}
    results = FilterResult.objects.filter(ruleset=project.filter_ruleset_id, **current).order_by()
    return list(results.values_list("failed", "passed").annotate(n=Count("pk")))


def failures(project, groups):
    """How many answers failed which rule; an answer that failed two counts in both."""
    by_rule, n, failed = {}, 0, 0
    for names, passed, number in groups:
        n += number
        failed += 0 if passed else number
        for name in names:
            by_rule[name] = by_rule.get(name, 0) + number
    address = reverse("prompt_list", args=[project.slug])
    labels = {rule.id: rule.label for rule in filters.RULES.values()}
    ordered = sorted(by_rule.items(), key=lambda item: (-item[1], item[0]))
    rows = [(labels.get(name, name), number, f"{address}?{urlencode({'failed': name})}") for name, number in ordered]
    shown = [(label, number) for label, number, _ in rows[:MOST_BARS]]
    plot = plots.bars(shown, title="Which rules do answers fail?", x="Answers")
    return {"n": n, "failed": failed, "rows": rows, "plot": plot, "more": max(0, len(rows) - MOST_BARS)}


def _scores(project):
    """The scores of current answers by the judges that are asked today, and those that came with an import."""
    scores = JudgeScore.objects.filter(response__current_for__project=project).order_by()
    judges = {judge.pk for _, judge, _ in project.readers}
    return scores.filter(Q(judge__in=judges) | Q(rubric_version=JudgeScore.IMPORTED)) if judges else scores


def scores_by_ten(project):
    """{rubric: {number of ten points, None for replies that could not be read: scores}}."""
    tens = Least(Cast(Floor(Cast("score", FloatField()) / 10), IntegerField()), 9)
    # PostgreSQL's LEAST passes over a NULL, SQLite's does not: an unreadable reply must not become a top score.
    tens = Case(When(score=None, then=Value(None)), default=tens, output_field=IntegerField())
    found = {rubric: {} for rubric, _ in RUBRICS}
    for rubric, ten, n in _scores(project).annotate(ten=tens).values_list("rubric", "ten").annotate(n=Count("pk")):
        found.setdefault(rubric, {})[ten] = n
    return found


def _histogram(rubric, found, limit):
    unreadable = found.get(None, 0)
    bins = [(10 * ten, 10 * ten + 10, found.get(ten, 0)) for ten in range(10)]
    n = sum(number for *_, number in bins)
    found = {"rubric": rubric, "unreadable": unreadable, "n": n, "bins": bins, "limit": limit}
    axes = {"x": "Score, points of 100", "y": "Scores"}
    title = f"How do answers score on {rubric}?"
    return found | {"plot": n and plots.histogram(bins, title=title, limits={"threshold": limit}, **axes)}
