"""Withdrawing a source, a licence or a row: what it would take, the run, and what became of it."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from curation import withdrawing
from curation.access import MANAGER, project_or_404
from curation.models import Run
from curation.reviewing import settle
from curation.withdrawing import blanking
from pipeline import jobs
from pipeline.forms_withdrawing import PurgeForm, ReasonForm, WithdrawalForm
from pipeline.releasing import copies, patching, purging
from pipeline.views.run_start import why_not

SHOWN = 50  # files that a page lists


@require_http_methods(["GET", "POST"])
def release_withdraw(request, slug):
    """Say what is to be withdrawn, see what that takes, confirm with a reason; and what was withdrawn before."""
    project = project_or_404(request.user, slug, MANAGER)
    posted = request.method == "POST"
    said = request.POST if posted else request.GET
    form = WithdrawalForm(said if "value" in said else None, project)
    reason = ReasonForm(request.POST if posted else None)
    trouble = why_not()
    if posted and form.is_valid() and reason.is_valid() and not trouble:
        try:
            return redirect("run_detail", slug, _begin(project, form.cleaned_data, reason, request.user).pk)
        except (jobs.CannotStart, withdrawing.WrongWish) as error:
            form.add_error(None, str(error))
    rows = project.withdrawals.select_related("created_by", "run").annotate(number=Count("prompts")).order_by("-pk")
    context = {"project": project, "form": form, "reason": reason, "trouble": trouble}
    context["page"] = Paginator(rows, 50).get_page(request.GET.get("page"))
    context |= {
        "unknown": withdrawing.without_licence(project).filter(withdrawal=None).count(),
        "unknown_word": withdrawing.UNKNOWN,
    }
    if form.is_bound and form.is_valid():
        context["preview"] = form.preview()
        context["before"] = _before(project, form.cleaned_data)
    return render(request, "pipeline/release_withdraw.html", context, status=409 if posted else 200)


def _before(project, wanted):
    """The same withdrawal, made before, or None."""
    return withdrawing.made_before(project, wanted["kind"], wanted["value"])


def _begin(project, wanted, reason, user):
    settle(project)  # each due decision in a transaction of its own; the start of a run would take them all into one
    with transaction.atomic():
        withdrawal = withdrawing.begin(project, wanted["kind"], wanted["value"], reason.cleaned_data["reason"], user)
        return jobs.start(project, Run.Stage.WITHDRAW, {"withdrawal": withdrawal.pk}, by=user)


def _withdrawal_or_404(project, pk):
    withdrawal = get_object_or_404(project.withdrawals.select_related("created_by", "purged_by", "run"), pk=pk)
    withdrawal.project = project
    return withdrawal


@require_GET
def release_withdrawal(request, slug, pk):
    """One withdrawal: how many prompts, which releases held them, and what takes their place."""
    project = project_or_404(request.user, slug, MANAGER)
    withdrawal = _withdrawal_or_404(project, pk)
    held = project.releases.filter(tombstones__withdrawal=withdrawal).annotate(number=Count("tombstones"))
    held = held.defer("manifest", "report").prefetch_related("patches").order_by("-version")
    context = {
        "project": project,
        "withdrawal": withdrawal,
        "prompts": withdrawal.prompts.count(),
        "left": withdrawing.waiting(withdrawal).count(),
        "formers": withdrawing.formers(withdrawal),
        "purged": purging.purged_so_far(withdrawal),
        "releases": [(release, *patch_wanted(release)) for release in held],
        "is_withdrawing": is_withdrawing(project),
        "trouble": why_not(),
    }
    return render(request, "pipeline/release_withdrawal.html", context)


def patch_wanted(release):
    """(whether withdrawn rows of a release are in no patch of it yet, why none can be made or "")."""
    wanted = patching.left_to_bury(release)
    return wanted, patching.why_none(release) if wanted else ""


def is_withdrawing(project):
    """Whether a run is under way that withdraws, and makes patches."""
    return Run.objects.live().filter(project=project, stage=Run.Stage.WITHDRAW).exists()


@require_POST
def release_withdrawal_again(request, slug, pk):
    """Go on with a withdrawal that was cancelled, or make a patch of one release that it concerns."""
    project = project_or_404(request.user, slug, MANAGER)
    withdrawal = _withdrawal_or_404(project, pk)
    wanted = {"withdrawal": withdrawal.pk}
    version = request.POST.get("release", "")
    if version:
        held = project.releases.filter(tombstones__withdrawal=withdrawal).distinct()
        number = int(version) if version.isdecimal() and len(version) < 9 else 0
        wanted["release"] = get_object_or_404(held, version=number).version
    try:
        trouble = why_not()
        if trouble:
            raise jobs.CannotStart(trouble)
        run = jobs.start(project, Run.Stage.WITHDRAW, wanted, by=request.user)
    except jobs.CannotStart as error:
        messages.error(request, str(error))
        return redirect("release_withdrawal", slug, pk)
    return redirect("run_detail", slug, run.pk)


@require_http_methods(["GET", "POST"])
def release_purge(request, slug, pk):
    """What blanking the texts of a withdrawal takes, and what stays; confirmed, the run that does it."""
    project = project_or_404(request.user, slug, MANAGER)
    withdrawal = _withdrawal_or_404(project, pk)
    form = PurgeForm(request.POST or None)
    why_not_now = blanking.why_not_blank(withdrawal)
    trouble = why_not_now or why_not()
    if request.method == "POST" and form.is_valid() and not trouble:
        try:
            run = jobs.start(project, Run.Stage.PURGE, {"withdrawal": withdrawal.pk}, by=request.user)
            return redirect("run_detail", slug, run.pk)
        except jobs.CannotStart as error:
            form.add_error(None, str(error))
    context = {
        "project": project,
        "withdrawal": withdrawal,
        "form": form,
        "trouble": trouble,
        "prompts": blanking.taken(withdrawal).count(),
        "holding": purging.holding(withdrawal),
        "copies": [path.relative_to(project.data_dir).as_posix() for path in copies.listed(project)][:SHOWN],
        "shared": blanking.shared_calls(withdrawal).count(),
    }
    return render(request, "pipeline/release_purge.html", context, status=409 if request.method == "POST" else 200)
