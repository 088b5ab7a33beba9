"""Releases: the list, one with all that was checked, and what it left out."""

from django.core.cache import cache
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import Http404
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from curation import plots, withdrawing
from curation.access import project_or_404
from curation.models import Release, State
from pipeline.releasing import auditing, card, choosing, comparing, telling
from pipeline.views.release_notices import before_files, instead_of
from pipeline.views.run_start import why_not
from pipeline.views.withdrawals import is_withdrawing, patch_wanted

COUNTED = (
    *(("Task", "task_types"), ("Domain", "domains"), ("Model", "teachers")),
    *(("Decided by", "statuses"), ("Decided by", "review")),
)
LEFT_OUT_SHOWN = 100  # a page
DOMAINS_DRAWN = 20


@require_GET
def release_list(request, slug):
    """Every release, the newest first."""
    project = project_or_404(request.user, slug)
    releases = project.releases.select_related("base").defer("files", "manifest", "report", "recipe")
    page = Paginator(releases, 50).get_page(request.GET.get("page"))
    context = {"project": project, "page": page, "accepted": project.prompts.in_state(State.ACCEPTED).count()}
    context["notices"] = withdrawing.notices(page.object_list)
    context["audit"] = project.audits.first() if project.audit_sample else None
    return render(request, "pipeline/release_list.html", context)


def release_or_404(project, version):
    """The release of this number; what is no draft of one's own project is for everybody in it."""
    found = project.releases.select_related("created_by", "audit", "base", "run")
    release = get_object_or_404(found, version=version)
    release.project = project
    return release


@require_GET
def release_detail(request, slug, version):
    """What was checked and found, counts, splits, files with their sha256."""
    project = project_or_404(request.user, slug)
    release = release_or_404(project, version)
    notice = withdrawing.notice_of(release)
    counted = [(heading, _counted(release, name)) for heading, name in COUNTED]
    others = project.releases.filter(state=Release.State.PUBLISHED, version__lt=version).defer("files", "manifest")
    context = {
        "project": project,
        "release": release,
        "tables": [(heading, rows) for heading, rows in counted if rows],
        "versions": card.made_with(release.manifest),
        "recipe": telling.recipe_words(release.recipe),
        "formats": telling.format_labels(release.recipe),
        "left_out": [
            (words, release.counts[why]) for why, words in choosing.LEFT_OUT.items() if release.counts.get(why)
        ],
        "files": _by_format(release.files),
        "may_download": may_download(project, release) and (notice is None or project.member.is_manager),
        "has_card": any(entry["path"] == "README.md" for entry in release.files),
        "bytes": sum(entry["bytes"] for entry in release.files),
        "former": others.order_by("-version").first(),
        "notice": notice,
        "patches": instead_of(release) if notice else (),
        "audit": auditing.result_of(release.audit) if release.audit else None,
        "lengths": _lengths(release),
        "by_domain": _by_domain(release),
        "checked": telling.checks_in_words(release),
        "by_format": telling.rows_by_format(release),
        "splits": telling.rows_by_split(release),
    }
    return render(request, "pipeline/release_detail.html", context | (_patch(project, release) if notice else {}))


def _patch(project, release):
    """What the notice says of a patch: whether one is wanted, and why there can be none or who is about to make it."""
    wanted, no_patch = patch_wanted(release)
    under_way = wanted and is_withdrawing(project)
    patched = release.patches.filter(state=Release.State.PUBLISHED).exists()
    said = {"patch_wanted": wanted, "no_patch": no_patch, "is_withdrawing": under_way, "patched": patched}
    return said | {"trouble": wanted and why_not()}


def _counted(release, name):
    return sorted(release.counts.get(name, {}).items(), key=lambda item: (-item[1], item[0]))


def may_download(project, release):
    """Whether this member may have the files: those of a draft are for managers."""
    if release.state == Release.State.DRAFT:
        return project.member.is_manager
    return release.state == Release.State.PUBLISHED


def _by_format(files):
    """[(heading, files)]: what describes and proves the release first, then each format's own."""
    found = {}
    for entry in files:
        # Files of a release from before formats had names are messages.
        of_split = entry["path"].startswith(("data/", "jsonl/"))
        found.setdefault(entry.get("format") or ("messages" if of_split else ""), []).append(entry)
    known = telling.formats.FORMATS
    headings = {"": "About the release"} | {name: each.label for name, each in known.items()}
    return [
        (headings.get(name, name), found[name]) for name in dict.fromkeys(["", *known, *sorted(found)]) if name in found
    ]


def _by_domain(release):
    """The plot of rows by domain and split, of a release that counted them; None for others."""
    splits = list(release.counts.get("splits", ()))
    table = _rows_by_domain(release) if splits and release.state == Release.State.PUBLISHED else {}
    if not table:
        return None
    shown = sorted(table.items(), key=lambda item: (-sum(item[1].values()), item[0]))[:DOMAINS_DRAWN]
    cells = [(split, name or "none given", counts.get(split, 0)) for name, counts in shown for split in splits]
    title = f"Is every domain in every split? (n = {release.counts['rows']:,})"
    more = f"; the {DOMAINS_DRAWN} largest of {len(table):,} domains" if len(table) > DOMAINS_DRAWN else ""
    caption = f"Rows by domain and split, n = {release.counts['rows']:,} rows{more}."
    return {"svg": plots.grid(cells, title=title, x="Split", y="Domain"), "caption": caption}


def _rows_by_domain(release):
    """{domain: {split: rows}} as the record has it; it does not change, so it is counted once a day."""
    key = f"release-domains:{release.pk}:{release.content_hash}"
    table = cache.get(key)
    if table is None:
        table = {}
        for split, domain, rows in (
            release.rows.order_by().values_list("split", "prompt__domain").annotate(n=Count("pk"))
        ):
            table.setdefault(domain, {})[split] = rows
        cache.set(key, table, plots.KEPT_SECONDS)
    return table


def _lengths(release):
    """The lengths of the report and their plot; None for a release that was made before they were counted."""
    figures = release.report.get("lengths") or {}
    bins = [(each["from"], each["to"], each["rows"]) for each in figures.get("histogram", ())]
    if not bins:
        return None
    last = bins[-1][1]
    limits = {each["name"]: each["limit"] for each in figures["over"] if each["limit"] <= last * 1.5}
    title = f"How long are the rows? (n = {figures['rows']:,})"
    caption = f"Tokens of a row, n = {figures['rows']:,} rows; the table has the limits."
    svg = plots.histogram(bins, title=title, x="Tokens of a row", y="Rows", limits=limits)
    return figures | {"svg": svg, "caption": caption}


@require_GET
def release_left_out(request, slug, version):
    """The rows that were ready and stayed out, with why."""
    project = project_or_404(request.user, slug)
    release = release_or_404(project, version)
    if not may_download(project, release):
        raise Http404("This release was not published.")
    refusal = before_files(request, project, release)
    if refusal:
        return refusal
    why = request.GET.get("why") or None
    rows = [row for row in comparing.left_out_rows(release) if why in (None, row["why"])]
    page = Paginator(rows, LEFT_OUT_SHOWN).get_page(request.GET.get("page"))
    prompts = project.prompts.filter(key__in=[row["prompt_key"] for row in page]).select_related("document")
    known = {prompt.key: prompt for prompt in prompts}
    context = {
        "project": project,
        "release": release,
        "page": page,
        "rows": [(row, choosing.LEFT_OUT.get(row["why"], row["why"]), known.get(row["prompt_key"])) for row in page],
        "why": why,
        "reasons": [(each, words, release.counts.get(each, 0)) for each, words in choosing.LEFT_OUT.items()],
    }
    return render(request, "pipeline/release_left_out.html", context)
