"""One prompt's whole life as a text to read and as JSON to keep."""

from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from curation.access import project_or_404
from curation.life import as_text, life_of


def _life(request, slug, key):
    project = project_or_404(request.user, slug)
    prompt = get_object_or_404(project.prompts.select_related("document", "current_response"), key=key)
    prompt.project = project
    return life_of(project, prompt, project.member)


@require_GET
def prompt_text(request, slug, key):
    """The life as plain text."""
    return HttpResponse(as_text(_life(request, slug, key)), content_type="text/plain; charset=utf-8")


@require_GET
def prompt_json(request, slug, key):
    """The life as a JSON file."""
    response = JsonResponse(_life(request, slug, key), json_dumps_params={"indent": 2, "ensure_ascii": False})
    response["Content-Disposition"] = f'attachment; filename="{key[:12]}.json"'
    return response
