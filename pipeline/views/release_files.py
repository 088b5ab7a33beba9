"""The files of a release: one of them, or all in one archive."""

from django.http import FileResponse, Http404, StreamingHttpResponse
from django.views.decorators.http import require_GET

from curation.access import project_or_404
from pipeline.releasing import zipping
from pipeline.views.release_notices import before_files
from pipeline.views.releases import may_download, release_or_404


@require_GET
def release_file(request, slug, version, path):
    """One file of a release; no other name reaches the disk."""
    release, instead = _release_to_download(request, slug, version)
    if instead:
        return instead
    if path not in {entry["path"] for entry in release.files}:
        raise Http404("There is no such file in this release.")
    file = _inside(release, path)
    if not file.is_file():
        raise Http404("The file is no longer in the data directory.")
    name = f"{slug}-v{version}-{file.name}"
    return FileResponse(open(file, "rb"), as_attachment=True, filename=name)


@require_GET
def release_archive(request, slug, version):
    """Every file of a release as one .zip, made while it is sent: nothing of it is kept in memory or on the disk."""
    release, instead = _release_to_download(request, slug, version)
    if instead:
        return instead
    name = f"{slug}-v{version}"
    files = [(f"{name}/{entry['path']}", _inside(release, entry["path"])) for entry in release.files]
    missing = [path.name for _, path in files if not path.is_file()]
    if missing or not files:
        raise Http404(f"Files are no longer in the data directory: {', '.join(missing) or 'all of them'}.")
    answer = StreamingHttpResponse(zipping.stream(files), content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="{name}.zip"'
    return answer


def _release_to_download(request, slug, version):
    """(the release, what to answer in place of its files or None)"""
    project = project_or_404(request.user, slug)
    release = release_or_404(project, version)
    if not may_download(project, release):
        raise Http404("There are no files of this release for you.")
    return release, before_files(request, project, release)


def _inside(release, path):
    """The path of a file in the release's folder; a name that leads out of it is refused."""
    folder = release.directory.resolve()
    file = (folder / path).resolve()
    if not file.is_relative_to(folder):
        raise Http404("There is no such file in this release.")
    return file
