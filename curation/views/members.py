"""The people of a project and the one-time links that invite them."""

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from curation.access import MANAGER, project_or_404
from curation.forms import InvitationForm, MemberForm, SignUpForm
from curation.models import Invitation, LastManager

ROLES = (
    ("Viewer", "reads everything, decides nothing"),
    ("Reviewer", "decides on answers; with the extra right also where reviewers disagree"),
    ("Manager", "everything: imports, runs, releases, settings, people; may always resolve"),
)


def _page(request, project, *, form=None, link="", status=200):
    members = list(project.memberships.select_related("user"))
    for member in members:
        member.form = MemberForm(
            initial={"role": member.role, "can_resolve": member.can_resolve}, auto_id=f"member_{member.pk}_%s"
        )
    context = {
        "project": project,
        "members": members,
        "invitations": project.invitations.open().select_related("created_by"),
        "form": form or InvitationForm(),
        "link": link,
        "roles": ROLES,
    }
    response = render(request, "curation/member_list.html", context, status=status)
    if link:
        response["Cache-Control"] = "no-store"
    return response


@require_GET
def member_list(request, slug):
    """Who is in the project, with what role, and which links are open."""
    return _page(request, project_or_404(request.user, slug, MANAGER))


@require_POST
def member_edit(request, slug, pk):
    """Give a member another role."""
    project = project_or_404(request.user, slug, MANAGER)
    member = get_object_or_404(project.memberships.select_related("user"), pk=pk)
    form = MemberForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose one of the roles: viewer, reviewer or manager.")
        return redirect("member_list", slug)
    try:
        project.change_member(member.user, **form.cleaned_data, by=request.user)
    except LastManager as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{member.user} is now {form.cleaned_data['role']}.")
    return redirect("member_list" if member.user_id != request.user.pk else "project_detail", slug)


@require_http_methods(["GET", "POST"])
def member_remove(request, slug, pk):
    """Ask, then end a membership."""
    project = project_or_404(request.user, slug, MANAGER)
    member = get_object_or_404(project.memberships.select_related("user"), pk=pk)
    if request.method == "GET":
        return render(request, "curation/member_remove.html", {"project": project, "member": member})
    try:
        project.remove_member(member.user, by=request.user)
    except LastManager as error:
        messages.error(request, str(error))
        return redirect("member_list", slug)
    messages.success(request, f"{member.user} is no longer a member.")
    return redirect("member_list", slug) if member.user_id != request.user.pk else redirect("home")


@require_POST
def invitation_create(request, slug):
    """Make a one-time link. It is shown on this answer alone: only its hash is kept."""
    project = project_or_404(request.user, slug, MANAGER)
    form = InvitationForm(request.POST)
    if not form.is_valid():
        return _page(request, project, form=form, status=422)
    wanted = form.cleaned_data
    _, token = Invitation.issue(project, wanted.pop("role"), by=request.user, **wanted)
    return _page(request, project, link=request.build_absolute_uri(reverse("invitation_take", args=[token])))


@require_POST
def invitation_withdraw(request, slug, pk):
    """Let an open link expire now."""
    project = project_or_404(request.user, slug, MANAGER)
    invitation = get_object_or_404(project.invitations, pk=pk)
    if invitation.withdraw(by=request.user):
        messages.success(request, "The link no longer opens anything.")
    else:
        messages.warning(request, "The link had been used or had expired already.")
    return redirect("member_list", slug)


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def invitation_take(request, token):
    """The landing page of a link: join with the account you have, or make one."""
    invitation = Invitation.find(token)
    if invitation is None:
        return render(request, "curation/invitation_gone.html", status=410)
    if request.user.is_authenticated:
        if request.method == "POST":
            return _join(request, invitation)
        return render(request, "curation/invitation_take.html", {"invitation": invitation})
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        # One transaction: a link that somebody else took first leaves no account behind.
        with transaction.atomic():
            user = form.save()
            taken = invitation.take(user)
            transaction.set_rollback(not taken)
        if not taken:
            return render(request, "curation/invitation_gone.html", status=410)
        login(request, user)
        messages.success(request, f"Welcome to {invitation.project.name}.")
        return redirect("project_detail", invitation.project.slug)
    status = 422 if form.is_bound else 200
    return render(request, "curation/invitation_take.html", {"invitation": invitation, "form": form}, status=status)


def _join(request, invitation):
    if not invitation.take(request.user):
        return render(request, "curation/invitation_gone.html", status=410)
    messages.success(request, f"Welcome to {invitation.project.name}.")
    return redirect("project_detail", invitation.project.slug)
