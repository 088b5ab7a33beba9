"""Defining endpoints, for site administrators: their addresses and key variables concern the whole server."""

from django.contrib import messages
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from curation.access import only_site_admins
from curation.forms_teacher import TeacherForm
from curation.lessons import forget
from curation.models import Teacher


@require_http_methods(["GET", "POST"])
def teacher_create(request):
    """A new endpoint."""
    only_site_admins(request.user)
    return _edit(request, None)


@require_http_methods(["GET", "POST"])
@transaction.atomic
def teacher_edit(request, pk):
    """Change an endpoint; answers it gave keep the model id they came with."""
    only_site_admins(request.user)
    rows = Teacher.objects.all()
    if request.method == "POST":
        rows = rows.select_for_update(no_key=True)  # workers write what they learn into the same row
    return _edit(request, get_object_or_404(rows, pk=pk))


def _edit(request, teacher):
    form = TeacherForm(request.POST if request.method == "POST" else None, instance=teacher)
    if form.is_bound and form.is_valid():
        saved = form.save()
        messages.success(request, " ".join([f"{saved.name} is saved.", *form.told]))
        return redirect("teacher_detail", saved.pk)
    # A refused form has put its values into the row it was given: the name above it is the stored one.
    name = form.initial.get("name", "") if teacher else ""
    context = {"form": form, "teacher": teacher, "name": name}
    return render(request, "curation/teacher_edit.html", context, status=422 if form.is_bound else 200)


@require_POST
def teacher_forget(request, pk):
    """Take one learned thing back, so that it may be learned again."""
    only_site_admins(request.user)
    get_object_or_404(Teacher, pk=pk)
    part = request.POST.get("part", "")
    if forget(pk, part):
        messages.success(request, f"Forgotten: {part}. It is sent again, and learned again if it is refused again.")
    else:
        messages.info(request, "There is nothing of this kind left to forget.")
    return redirect("teacher_detail", pk)
