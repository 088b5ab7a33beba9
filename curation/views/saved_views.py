"""Saved views: the filters of the prompt list under a name."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from curation.access import project_or_404
from curation.models import SavedView

MOST = 100  # views of one person in a project
MOST_CHARACTERS = 2000


def views_of(project, user):
    """The saved views that `user` may open: their own, then the shared ones of others."""
    found = SavedView.objects.filter(Q(owner=user) | Q(shared=True), project=project).select_related("owner")
    return sorted(found, key=lambda view: (view.owner_id != user.pk, view.name.casefold(), view.pk))


def clean_query(query):
    """The query string without pages and empty values, as it is kept."""
    data = QueryDict(query, mutable=True)
    for name in [name for name in data if name == "after" or not data[name]]:
        del data[name]
    return data.urlencode()


@require_POST
def view_save(request, slug):
    """Keep the filters of the list under a name; the same name again replaces what it stood for."""
    project = project_or_404(request.user, slug)
    query = clean_query(request.POST.get("query", ""))
    name = " ".join(request.POST.get("name", "").split())
    back = redirect("prompt_list", slug)
    back["Location"] += f"?{query}" if query else ""
    if not name or len(name) > 80:
        messages.error(request, "Give the view a name of 1 to 80 characters.")
        return back
    if len(query) > MOST_CHARACTERS:
        messages.error(request, f"These filters are longer than {MOST_CHARACTERS:,} characters: use fewer words.")
        return back
    own = SavedView.objects.filter(project=project, owner=request.user)
    if own.count() >= MOST and not own.filter(name=name).exists():
        messages.error(request, f"You have {MOST} views here already: remove one first.")
        return back
    try:
        with transaction.atomic():
            values = {"query": query, "shared": bool(request.POST.get("shared"))}
            _, new = own.update_or_create(project=project, owner=request.user, name=name, defaults=values)
    except IntegrityError:
        new = False  # saved twice at the same moment: the same
    messages.success(request, f"“{name}” is saved." if new else f"“{name}” stands for these filters now.")
    return back


@require_POST
def view_remove(request, slug, pk):
    """Remove one's own view; a manager may remove a shared one."""
    project = project_or_404(request.user, slug)
    view = get_object_or_404(SavedView, Q(owner=request.user) | Q(shared=True), project=project, pk=pk)
    if view.owner_id != request.user.pk and not project.member.is_manager:
        raise PermissionDenied("A view that is shared is removed by who made it, or by a manager.")
    view.delete()
    messages.success(request, f"The view “{view.name}” is removed; the prompts stay as they are.")
    return redirect("prompt_list", slug)
