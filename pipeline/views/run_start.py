"""Start a run, knowing what it will cost."""

from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from curation import families
from curation.access import MANAGER, project_or_404
from pipeline import jobs, quotes
from pipeline.forms import STAGES, RunForm
from pipeline.quotes import words

FIRST = {"stage": "pipeline", "mode": "online"}


def why_not():
    """Why no run can start now, in a sentence; "" where one can."""
    trouble = jobs.queue_trouble()
    if not trouble and not jobs.workers_alive():
        trouble = "No worker is alive to take a run up: start them with `python manage.py serve`."
    return trouble


@require_http_methods(["GET", "POST"])
def run_start(request, slug):
    """Choose a stage, see what it would take, and start it."""
    project = project_or_404(request.user, slug, MANAGER)
    posted = request.method == "POST"
    data = request.POST if posted else request.GET
    form = RunForm(data if posted or "stage" in data else FIRST | data.dict())
    trouble = why_not()
    if posted and form.is_valid() and not trouble:
        try:
            run = jobs.start(project, form.cleaned_data["stage"], form.parameters, by=request.user)
        except jobs.CannotStart as error:
            form.add_error(None, str(error))
        else:
            return redirect("run_detail", slug, run.pk)
    stages = [
        {"value": stage.value, "label": stage.label, "does": does, "waiting": _waiting(project, stage)}
        for stage, does in STAGES.items()
    ]
    context = {"project": project, "form": form, "stages": stages, "trouble": trouble}
    context["warnings"] = families.warnings(project)
    context |= _expected(project, form)
    return render(request, "pipeline/run_start.html", context, status=409 if posted else 200)


@require_GET
def run_quote(request, slug):
    """The quote of what the form says now, beside it."""
    project = project_or_404(request.user, slug, MANAGER)
    form = RunForm(FIRST | request.GET.dict())
    context = {"project": project, "form": form, "alone": True}
    return render(request, "pipeline/_run_quote.html", context | _expected(project, form))


def _waiting(project, stage):
    return quotes.waiting(project, stage.value).count()


def _expected(project, form):
    """{quote, rows, refusal, under_caps}: what the run would take; no quote where a field is wrong."""
    form.is_valid()
    if form.errors.keys() - {"__all__"}:
        return {"quote": None}
    parameters = form.parameters
    quote = jobs.quote(project, form.cleaned_data["stage"], parameters)
    try:
        caps = quotes.read_caps(parameters)
        quotes.refuse_wrong(quote, *caps)
    except quotes.WrongCap as wrong:
        return {"quote": quote, "rows": words.rows(quote), "refusal": str(wrong)}
    return {"quote": quote, "rows": words.rows(quote), "under_caps": words.under_caps(quote, *caps)}
