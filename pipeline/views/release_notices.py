"""What stands before the files of a release from which something was withdrawn."""

from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from curation import withdrawing
from curation.access import MANAGER, project_or_404
from pipeline.releasing import patching

SEEN = "notices_seen"  # in the session: release → withdrawn rows, as they were when the notice was confirmed


def before_files(request, project, release):
    """What a view of a release's files answers in place of them, or None: they are open to whoever asks.

    Where rows were withdrawn they are for managers, and only behind the notice. Raises PermissionDenied for others.
    """
    notice = withdrawing.notice_of(release)
    if notice is None or request.session.get(SEEN, {}).get(str(release.pk)) == notice.rows and _may(project):
        return None
    if not _may(project):
        raise PermissionDenied(
            f"{notice.rows:,} rows of this release were withdrawn: its files are for managers. "
            "Take the newest release instead."
        )
    query = urlencode({"next": request.get_full_path()})
    return redirect(f"{reverse('release_notice', args=[project.slug, release.version])}?{query}")


def _may(project):
    return project.member.is_manager


@require_http_methods(["GET", "POST"])
def release_notice(request, slug, version):
    """The notice of a release; confirmed, its files are open to this manager in this session."""
    project = project_or_404(request.user, slug, MANAGER)
    release = get_object_or_404(project.releases, version=version)
    notice = withdrawing.notice_of(release)
    next_ = request.POST.get("next") or request.GET.get("next", "")
    # `redirect` takes a word without a slash for the name of a page.
    if not (next_.startswith("/") and url_has_allowed_host_and_scheme(next_, allowed_hosts=None)):
        next_ = reverse("release_detail", args=[slug, version])
    if notice is None:
        return redirect(next_)
    if request.method == "POST":
        request.session[SEEN] = request.session.get(SEEN, {}) | {str(release.pk): notice.rows}
        return redirect(next_)
    context = {"project": project, "release": release, "notice": notice, "next": next_, "patches": instead_of(release)}
    return render(request, "pipeline/release_notice.html", context)


def instead_of(release):
    """What is to be taken in its place: patches of it, or of those, that hold nothing withdrawn; the newest first."""
    found = []
    for patch in patching.patches_of(release):
        found += instead_of(patch) if patch.tombstones.exists() else [patch]
    return sorted(found, key=lambda patch: -patch.version)
