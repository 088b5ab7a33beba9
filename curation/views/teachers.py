"""Endpoints, for site administrators: their addresses and key variables concern the whole server."""

import os

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from curation.access import site_admin
from curation.forms import TeacherForm
from curation.models import Teacher


def _only_site_admins(request):
    if not site_admin(request.user):
        raise PermissionDenied("Teachers are defined by site administrators.")


def key_set(teacher):
    """yes, no, or not needed: whether the key's variable has a value here. The value is never shown."""
    if not teacher.api_key_env:
        return "not needed"
    return "yes" if os.environ.get(teacher.api_key_env) else "no"


@require_GET
def teacher_list(request):
    """Every endpoint, and whether its key is set."""
    _only_site_admins(request)
    teachers = list(Teacher.objects.all())
    for teacher in teachers:
        teacher.key_set = key_set(teacher)
    return render(request, "curation/teacher_list.html", {"teachers": teachers})


@require_http_methods(["GET", "POST"])
def teacher_create(request):
    """A new endpoint."""
    _only_site_admins(request)
    return _edit(request, None)


@require_http_methods(["GET", "POST"])
def teacher_edit(request, pk):
    """Change an endpoint; answers it gave keep the model id they came with."""
    _only_site_admins(request)
    return _edit(request, get_object_or_404(Teacher, pk=pk))


def _edit(request, teacher):
    form = TeacherForm(request.POST or None, instance=teacher)
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        messages.success(request, f"{saved.name} is saved.")
        return redirect("teacher_list")
    context = {"form": form, "teacher": teacher, "key_set": key_set(teacher) if teacher else ""}
    return render(request, "curation/teacher_edit.html", context, status=422 if form.is_bound else 200)
