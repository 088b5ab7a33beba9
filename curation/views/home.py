"""My projects: what waits for me in each."""

from django.core.paginator import Paginator
from django.shortcuts import render
from django.views.decorators.http import require_GET

from curation import overview
from curation.models import Project


@require_GET
def home(request):
    """The projects this user is a member of, fifty a page."""
    page = Paginator(Project.objects.visible_to(request.user).order_by("name", "pk"), 50).get_page(
        request.GET.get("page")
    )
    projects = overview.with_latest(page.object_list)
    waiting = overview.waiting_by_project(request.user, projects)
    for project in projects:
        project.waiting = waiting[project.pk]
    return render(request, "curation/home.html", {"page": page, "projects": projects})
