"""The failed ledger: which prompts an error set aside, putting them back, and taking the list along."""

from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Value
from django.db.models.functions import Coalesce, Left, NullIf
from django.http import QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_GET, require_POST

from curation.access import MANAGER, project_or_404
from curation.paging import COUNT_CAP, capped_count, keyset_page
from pipeline import failures
from pipeline.filtersets import FailedFilterSet
from pipeline.tables import FailedTable

# Answers that came but are of no use are stored; the rules that catch them find them again.
STORED_ALL_THE_SAME = (
    *(("failed=refusal", "refusals"), ("failed=truncated", "cut off"), ("failed=empty", "empty")),
    ("answer=unread", "not in the structure that was asked for"),
)

AT_ONCE = 5000  # prompts one press puts back at most, so that it ends within a request


@require_GET
def failed_list(request, slug):
    """Parked prompts by class, teacher, stage and run; fifty a page."""
    project = project_or_404(request.user, slug)
    filterset = FailedFilterSet(request.GET, failures.parked(project))
    query, chosen = filterset.query, filterset.chosen
    after = request.GET.get("after", "")
    after = int(after) if after.isdecimal() and len(after) < 19 else 0
    page = keyset_page(_as_rows(filterset.narrow()), after=after)
    classes = failures.by_class(filterset.narrow(without=("error_class",)))
    for each in classes:
        each.query = urlencode(query | {"error_class": each.error_class})
    context = {
        "project": project,
        "filterset": filterset,
        "classes": classes,
        "table": FailedTable(page.rows, project=project, selectable=project.member.is_manager),
        "page": page,
        "is_first": not after,
        "next_query": urlencode(query | {"after": page.after}),
        "query": urlencode(query),
        "chosen": [
            {"label": label, "value": value, "without": urlencode({k: v for k, v in query.items() if k != name})}
            for name, label, value in chosen
        ],
        "count": capped_count(filterset.narrow()) if chosen else None,
        "total": capped_count(project.prompts.in_state("parked")),
        "cap": COUNT_CAP,
        "most": AT_ONCE,
        "stored": STORED_ALL_THE_SAME,
    }
    return render(request, "pipeline/failed_list.html", context)


def _as_rows(prompts):
    excerpt = Left(Coalesce(NullIf("user_prompt", Value("")), NullIf("document__title", Value("")), "context"), 160)
    return prompts.annotate(excerpt=excerpt).values(
        *("pk", "key", "excerpt", "parked_from", "parked_run", "error_class", "error_detail", "state_changed_at"),
        *("failed_call__teacher__name", "failed_call__sends"),
    )


@require_POST
def failed_retry(request, slug):
    """Put the ticked ones, or all under the given filters, back where each was; offers the run that takes them up."""
    project = project_or_404(request.user, slug, MANAGER)
    filterset = FailedFilterSet(QueryDict(request.POST.get("query", "")), failures.parked(project))
    prompts = filterset.narrow()
    if request.POST.get("scope") != "all":
        prompts = prompts.filter(key__in=request.POST.getlist("key")[:1000])
    back = failures.put_back(prompts, actor=request.user, most=AT_ONCE)
    if back:
        messages.success(request, _said(project, back))
    else:
        messages.warning(request, "Nothing was put back: tick the prompts first, or retry a whole class.")
    left = {name: value for name, value in filterset.query.items() if name != "error_class"}
    return redirect(f"{reverse('failed_list', args=[slug])}?{urlencode(left)}".rstrip("?"))


def _said(project, back):
    """What waits again, with a link to the quote of each run that would take it up."""
    number = sum(back.values())
    start = reverse("run_start", args=[project.slug])
    links = format_html_join(
        ", ",
        '<a href="{}?stage={}">start {} for {}</a>',
        ((start, stage, "regeneration" if stage == "regenerate" else stage, n) for stage, n in back.items()),
    )
    some = "1 prompt waits" if number == 1 else f"{number:,} prompts wait"
    return format_html("{} again. Nothing is asked before a run takes them up: {}.", some, links)


@require_GET
def failed_export(request, slug):
    """The list under its filters as a file: CSV for spreadsheets, or JSON Lines with request and reply."""
    project = project_or_404(request.user, slug)
    name = request.GET.get("format", "jsonl")
    content_type, lines = failures.FORMATS.get(name) or failures.FORMATS[name := "jsonl"]
    prompts = FailedFilterSet(request.GET, failures.parked(project)).narrow()
    response = StreamingHttpResponse(lines(prompts), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{slug}-failed.{name}"'
    return response
