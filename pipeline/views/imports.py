"""Import: upload a file, say which column is what, start the run."""

import re
import secrets

from django.conf import settings
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from curation.access import MANAGER, project_or_404
from curation.importing import sniff
from pipeline import jobs, uploads
from pipeline.forms import MappingForm, UploadForm, too_large
from pipeline.views.run_start import why_not

FORM_ROOM = 1024 * 1024  # what the rest of a multipart body may weigh


@csrf_exempt
@require_http_methods(["GET", "POST"])
def import_upload(request, slug):
    """Take a file. One that says it is too large is refused before it is read, hence before the CSRF check reads it."""
    project_or_404(request.user, slug, MANAGER)
    if request.method == "POST" and is_too_large(request):
        form = UploadForm()
        form.too_large = too_large()
        return _page(request, slug, form, status=413)
    return _receive(request, slug)


def is_too_large(request):
    """Whether a request says that it is larger than any upload may be."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length if length.isdecimal() else 0) > settings.MAX_UPLOAD_BYTES + FORM_ROOM


@csrf_protect
def _receive(request, slug):
    form = UploadForm(request.POST or None, request.FILES or None) if request.method == "POST" else UploadForm()
    if request.method == "GET":
        return _page(request, slug, form)
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, slug, form, status=422)
    project = project_or_404(request.user, slug, MANAGER)
    return redirect("import_map", slug, keep_upload(project, form.cleaned_data["file"]).parent.name)


def _page(request, slug, form, status=200):
    context = {"project": project_or_404(request.user, slug, MANAGER), "form": form, "most": settings.MAX_UPLOAD_BYTES}
    return render(request, "pipeline/import_upload.html", context, status=status)


def _folder(project, upload):
    return project.data_dir / "uploads" / upload


def keep_upload(project, file):
    """Write an upload in pieces into a folder of its own; a half-written file never carries the final name."""
    folder = _folder(project, secrets.token_hex(8))
    folder.mkdir(parents=True)
    part = folder / ".part"
    with open(part, "wb") as out:
        for chunk in file.chunks():
            out.write(chunk)
    return part.rename(folder / file.safe_name)


def _uploaded_or_404(project, upload):
    """The one file of an upload; its folder's name is ours, not the person's."""
    folder = _folder(project, upload)
    if re.fullmatch(r"[0-9a-f]{16}", upload) and folder.is_dir():
        for path in folder.iterdir():
            if not path.name.startswith("."):
                uploads.looked_at(folder)
                return path
    raise Http404("There is no such upload: upload the file again.")


@require_http_methods(["GET", "POST"])
def import_map(request, slug, upload):
    """The first rows and which column is what; GET previews a choice, POST starts the import."""
    project = project_or_404(request.user, slug, MANAGER)
    path = _uploaded_or_404(project, upload)
    first = sniff(path)
    data = request.POST if request.method == "POST" else request.GET
    form = MappingForm(data if "task_types" in data else None, columns=first.columns, initial=first.mapping)
    preview = first
    if form.is_bound and form.is_valid():
        preview = sniff(path, mapping=form.mapping, task_types=form.cleaned_data["task_types"])
    trouble = why_not()
    if request.method == "POST" and form.is_bound and form.is_valid() and not preview.problems and not trouble:
        try:
            return redirect("run_detail", slug, _start(project, path, form, request.user).pk)
        except jobs.CannotStart as error:
            form.add_error(None, str(error))
    context = {
        "project": project,
        "form": form,
        "preview": preview,
        "rows": [[row.get(column) for column in preview.columns] for row in preview.rows],
        "used": dict.fromkeys(preview.of_the_answer, "of the answer")
        | {column: field for field, column in preview.mapping.items()},
        "trouble": trouble,
    }
    return render(request, "pipeline/import_map.html", context, status=422 if request.method == "POST" else 200)


def _start(project, path, form, user):
    parameters = {
        "path": str(path),
        "file_name": path.name,
        "mapping": form.mapping,
        "task_types": form.cleaned_data["task_types"],
        "limit": form.cleaned_data["limit"],
    }
    return jobs.start(project, "import", parameters, by=user)
