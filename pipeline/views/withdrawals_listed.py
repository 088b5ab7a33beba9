"""Withdrawing all that a list names: which of its lines the project has, what that takes, and the run."""

from django.db import transaction
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from curation import withdrawing
from curation.access import MANAGER, project_or_404
from curation.models import Run
from curation.reviewing import settle
from pipeline import jobs
from pipeline.forms_withdrawing import ListForm, ReasonForm
from pipeline.views.run_start import why_not

SHOWN = 200  # lines that the page names


@require_http_methods(["GET", "POST"])
def release_withdraw_list(request, slug):
    """Give a list, see which of its lines are found; confirmed with a reason, what was found is withdrawn."""
    project = project_or_404(request.user, slug, MANAGER)
    confirmed = "reason" in request.POST
    form = ListForm(request.POST if request.method == "POST" else None, request.FILES or None)
    reason = ReasonForm(request.POST if confirmed else None)
    trouble = why_not()
    if confirmed and form.is_valid() and reason.is_valid() and not trouble:
        try:
            return redirect("run_detail", slug, _begin(project, form.cleaned_data, reason, request.user).pk)
        except (jobs.CannotStart, withdrawing.WrongWish) as error:
            form.add_error(None, str(error))
    context = {"project": project, "form": form, "reason": reason, "trouble": trouble}
    if request.method == "POST" and form.is_valid():
        context |= _matched(project, form.cleaned_data)
    refused = confirmed or (request.method == "POST" and bool(form.errors))
    return render(request, "pipeline/release_withdraw_list.html", context, status=409 if refused else 200)


def _begin(project, wanted, reason, user):
    settle(project)  # each due decision in a transaction of its own, as for a single withdrawal
    with transaction.atomic():
        begun = withdrawing.begin_all(project, wanted["kind"], wanted["lines"], reason.cleaned_data["reason"], user)
        return jobs.start(project, Run.Stage.WITHDRAW, {"withdrawals": [each.pk for each in begun]}, by=user)


def _matched(project, wanted):
    """What the page shows of a list: the first of its lines, and all values that are found, to send them again."""
    matched = withdrawing.match(project, wanted["kind"], wanted["lines"])
    new = matched.new
    before = [each for each in matched.matches if each.before]
    return {
        "matched": matched,
        "new": [(each, len(each.prompts)) for each in new[:SHOWN]],
        "new_number": len(new),
        "before": before[:SHOWN],
        "before_number": len(before),
        "unknown": matched.unknown[:SHOWN],
        "values": "\n".join(each.value for each in new),
        "preview": withdrawing.preview_all(project, matched) if new else None,
    }
