"""The only place that decides who may see or do what."""

from functools import partial

from django.core.exceptions import PermissionDenied
from django.http import Http404

from .models import Membership, Project
from .models.prepared import Prepared
from .reviewing.talk import unseen_mentions

VIEWER, REVIEWER, MANAGER = "viewer", "reviewer", "manager"
_RANK = {VIEWER: 0, REVIEWER: 1, MANAGER: 2}


def membership(user, project):
    """The membership of `user`; superusers act as managers everywhere; None for an outsider."""
    member = _membership.first(project=project.pk, user=user.pk) if user.pk else None
    if user.is_superuser and (member is None or not member.is_manager):
        return Membership(project=project, user=user, role=Membership.Role.MANAGER, can_resolve=True)
    return member


@Prepared
def _membership(project: int, user: int):
    return Membership.objects.filter(project=project, user=user)


def memberships(user, projects):
    """{project id: membership} of many projects that `user` may see, as `membership` says it of one; one query."""
    rows = {row.project_id: row for row in Membership.objects.filter(project__in=projects, user_id=user.pk)}
    if user.is_superuser:
        everywhere = {"user": user, "role": Membership.Role.MANAGER, "can_resolve": True}
        rows |= {each.pk: Membership(project=each, **everywhere) for each in projects}
    return rows


def project_or_404(user, slug, role=VIEWER):
    """The project, if `user` has at least `role` in it, with `project.member` set to the membership.

    Raises Http404 for outsiders (they are not told that it exists) and PermissionDenied for too low a role.
    """
    project = _project.first(slug=slug)
    member = membership(user, project) if project and user.is_authenticated else None
    if member is None:
        raise Http404("No such project, or you are not a member of it.")
    if _RANK[member.role] < _RANK[role]:
        raise PermissionDenied(f"This needs the role {role} in {project.name}; yours is {member.role}.")
    project.member = member
    return project


@Prepared
def _project(slug: str):
    return Project.objects.filter(slug=slug)


def resolver_project_or_404(user, slug):
    """The project, if `user` may decide where reviewers disagree."""
    project = project_or_404(user, slug, REVIEWER)
    if not project.member.may_resolve:
        raise PermissionDenied("Resolving needs a manager or a member with the right to resolve.")
    return project


def site_admin(user):
    """Whether `user` may define teachers: their addresses and key variables concern the whole server."""
    return user.is_active and user.is_superuser


def only_site_admins(user):
    """Raise PermissionDenied for anybody else."""
    if not site_admin(user):
        raise PermissionDenied("Teachers are defined by site administrators.")


def project_bar(request):
    """Template context: the projects the user can switch to, what names them. Pages set `project` themselves."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {}
    return {
        "my_projects": Project.objects.visible_to(request.user).only("name", "slug").order_by("name")[:30],
        "unseen_mentions": partial(unseen_mentions, request.user),  # asked by the bar alone
    }
