"""Start a run, knowing what it will cost."""

from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from curation.access import MANAGER, project_or_404
from pipeline import jobs
from pipeline.forms import STAGES, RunForm


def why_not():
    """Why no run can start now, in a sentence; "" where one can."""
    trouble = jobs.queue_trouble()
    if not trouble and not jobs.workers_alive():
        trouble = "No worker is alive to take a run up: start them with `python manage.py serve`."
    return trouble


@require_http_methods(["GET", "POST"])
def run_start(request, slug):
    """What each stage would touch, and the button that starts one."""
    project = project_or_404(request.user, slug, MANAGER)
    data = request.POST if request.method == "POST" else request.GET
    asked = request.method == "POST" or "stage" in data
    form = RunForm(data if asked else None, initial={"stage": "pipeline"})
    trouble = why_not()
    if request.method == "POST" and form.is_valid() and not trouble:
        try:
            run = jobs.start(project, form.cleaned_data["stage"], form.parameters, by=request.user)
        except jobs.CannotStart as error:
            form.add_error(None, str(error))
        else:
            return redirect("run_detail", slug, run.pk)
    limit = form.parameters if form.is_bound and form.is_valid() else {}
    stages = [
        {
            "value": stage.value,
            "label": stage.label,
            "does": does,
            "sentence": jobs.quote(project, stage.value, limit).sentence,
        }
        for stage, does in STAGES.items()
    ]
    context = {"project": project, "form": form, "stages": stages, "trouble": trouble}
    refused = request.method == "POST"
    return render(request, "pipeline/run_start.html", context, status=409 if refused else 200)
