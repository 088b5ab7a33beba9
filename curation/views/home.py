"""My projects: what waits for me in each; and the sign of the site."""

from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.views.decorators.http import require_GET

from curation import access, overview
from curation.models import Project
from curation.reviewing import pending_by_project


@require_GET
def home(request):
    """The projects this user is a member of, fifty a page."""
    page = Paginator(Project.objects.visible_to(request.user).order_by("name", "pk"), 50).get_page(
        request.GET.get("page")
    )
    projects = overview.with_latest(page.object_list)
    waiting, members = pending_by_project(request.user, projects), access.memberships(request.user, projects)
    for project in projects:
        member, pending = members[project.pk], waiting[project.pk]
        project.waiting = {
            "review": pending["review"] if member.may_review else 0,
            "resolve": pending["resolve"] if member.may_resolve else 0,
        }
    return render(request, "curation/home.html", {"page": page, "projects": projects})


@require_GET
@login_not_required
def favicon(request):
    """Where a browser looks for a sign by itself, beside the admin or a plain text; our pages name theirs."""
    return redirect(static("curation/icon.svg"))
