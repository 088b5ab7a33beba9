"""Two releases beside each other: what was added, removed and changed."""

from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from curation.access import project_or_404
from curation.models import Release, State
from curation.reviewing import word_diff
from pipeline.forms_releases import CompareForm
from pipeline.releasing import choosing, comparing

SHOWN = 25  # rows of a page: their texts are read from the files
SIGNS = {"added": "+", "removed": "−", "changed": "≠"}


@require_GET
def release_compare(request, slug):
    """Any two releases of the project; without a choice the two newest."""
    project = project_or_404(request.user, slug)
    releases = project.releases.filter(state=Release.State.PUBLISHED).defer("files", "manifest", "report")
    newest = list(releases.values_list("version", flat=True)[:2])
    named = {name: request.GET.get(name) or "" for name in "ab"}
    asked = {"a": named["a"] or newest[-1], "b": named["b"] or newest[0]} if newest else any(named.values()) and named
    form = CompareForm(asked or None, releases=releases)
    context = {"project": project, "form": form, "enough": len(newest) > 1}
    valid = form.is_valid()
    if valid:
        both = [get_object_or_404(project.releases, pk=form.cleaned_data[name].pk) for name in "ab"]
        context |= _compared(project, *both, request.GET)
    return render(request, "pipeline/release_compare.html", context, status=200 if valid or not asked else 422)


def _compared(project, before, after, said):
    before.project = after.project = project
    unknown = [release for release in (before, after) if not comparing.is_known(release)]
    if unknown:
        return {"before": before, "after": after, "unknown": unknown}
    comparison = comparing.compare(before, after)
    wanted = {name: said.get(name) for name in ("kind", "domain", "reason")}
    rows = comparison.narrowed(**wanted)
    page = Paginator(rows, SHOWN).get_page(said.get("page"))
    return {
        "before": before,
        "after": after,
        "comparison": comparison,
        "totals": [(kind, comparison.totals[kind], SIGNS[kind]) for kind in comparing.KINDS],
        "tables": [_table(comparison, what) for what in ("domain", "reason")],
        "wanted": wanted,
        "narrowed": any(value is not None for value in wanted.values()),
        "reason": reason_words(wanted["reason"] or ""),
        "query": _query(before, after, wanted),
        "page": page,
        "rows": _rows(project, before, after, list(page)),
    }


def _query(before, after, wanted):
    """The address of this comparison without its page."""
    said = {"a": before.version, "b": after.version} | {
        name: value for name, value in wanted.items() if value is not None
    }
    return urlencode(said)


def _table(comparison, what):
    """(heading, name of the parameter, [(value, its words, [(kind, rows)])])"""
    lines = [
        (value, reason_words(value) if what == "reason" else value, [(kind, counts[kind]) for kind in comparing.KINDS])
        for value, counts in comparison.counted(what)
    ]
    return what.capitalize(), what, lines


def reason_words(reason):
    """Why a row differs, in words."""
    states = {state: f"now: {label.lower()}" for state, label in State.choices}
    return {**states, **choosing.LEFT_OUT, **comparing.REASONS}.get(reason) or reason.replace("_", " ")


def _rows(project, before, after, differences):
    """What the page shows of each difference: the prompt, why, and the text or what changed in it."""
    prompts = project.prompts.select_related("document").in_bulk([each.prompt_id for each in differences])
    # Withdrawn after both releases: the reason is another, and the texts are as little for everybody.
    gone = {pk for pk, prompt in prompts.items() if prompt.withdrawal_id}
    gone |= {each.prompt_id for each in differences if each.reason == "withdrawn"}
    shown = [each for each in differences if each.prompt_id not in gone]
    old = comparing.texts_of(before, [each.before for each in shown])
    new = comparing.texts_of(after, [each.after for each in shown])
    return [
        {
            "kind": each.kind,
            "sign": SIGNS[each.kind],
            "prompt": prompts.get(each.prompt_id),
            "domain": each.domain,
            "reason": reason_words(each.reason),
            "diff": _diff(each, old, new),
            "is_withdrawn": each.prompt_id in gone,
            "text": new.get(each.after) or old.get(each.before, ""),
        }
        for each in differences
    ]


def _diff(each, old, new):
    if each.kind != comparing.CHANGED or each.before not in old or each.after not in new:
        return None
    return word_diff(old[each.before], new[each.after])
