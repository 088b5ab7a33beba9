"""Ask prompts again, knowing how many would be asked something new; and read stored replies again."""

from django.contrib import messages
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from curation.access import MANAGER, project_or_404
from pipeline import answers, jobs, quotes
from pipeline.forms_again import AgainForm
from pipeline.quotes import words
from pipeline.stages import reparse
from pipeline.stages.again import quote_again
from pipeline.views.run_start import why_not


@require_http_methods(["GET", "POST"])
def run_again(request, slug):
    """Choose prompts, see how many would be asked, and start; the prompt list leads here with its own filters."""
    project = project_or_404(request.user, slug, MANAGER)
    posted = request.method == "POST"
    data = (request.POST if posted else request.GET).copy()
    if "failed" in data and "rule" not in data:
        data["rule"] = data["failed"]
    data.setdefault("mode", "online")
    form = AgainForm(data, project)
    trouble = why_not()
    context = {"project": project, "form": form, "trouble": trouble, "reparse": _reparse(project)}
    if form.is_valid():
        context |= _expected(project, form)
    if posted and form.is_valid() and not trouble and not context.get("refusal"):
        try:
            return redirect("run_detail", slug, _start(project, form, context["quote"], request.user).pk)
        except jobs.CannotStart as error:
            form.add_error(None, str(error))
    return render(request, "pipeline/run_again.html", context, status=409 if posted else 200)


def _start(project, form, quote, user):
    if not (quote.asked or quote.sampled):
        raise jobs.CannotStart("Nothing would be asked: see the quote.")
    return jobs.start(project, "collect", form.parameters | {"again": form.wanted.as_json()}, by=user)


def _expected(project, form):
    """{quote, cost, rows, refusal, under_caps}: how many would be asked, and what that takes."""
    parameters = form.parameters
    found = {"quote": quote_again(project, form.wanted, parameters)}
    if not found["quote"].asked:
        return found
    cost = jobs.quote(project, "collect", parameters | {"again": form.wanted.as_json()})
    found |= {"cost": cost, "rows": words.rows(cost)}
    try:
        caps = quotes.read_caps(parameters)
        quotes.refuse_wrong(cost, *caps)
    except quotes.WrongCap as wrong:
        return found | {"refusal": str(wrong)}
    return found | {"under_caps": words.under_caps(cost, *caps)}


def _reparse(project):
    """What parsing again would read: {older, replies, all, parser, renderer}."""
    return {
        "older": reparse.chosen(project).count(),
        "replies": len(reparse.readable_now(project)),
        "all": reparse.chosen(project, everything=True).count(),
        "parser": answers.PARSER_VERSION,
        "renderer": answers.RENDERER_VERSION,
    }


@require_POST
def run_reparse(request, slug):
    """Read stored replies again, without any call."""
    project = project_or_404(request.user, slug, MANAGER)
    parameters = {"all": True} if request.POST.get("all") else {}
    try:
        trouble = why_not()
        if trouble:
            raise jobs.CannotStart(trouble)
        run = jobs.start(project, "reparse", parameters, by=request.user)
    except jobs.CannotStart as error:
        messages.error(request, str(error))
        return redirect("run_again", slug)
    return redirect("run_detail", slug, run.pk)
