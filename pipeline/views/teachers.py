"""The endpoints, for site administrators: what goes on at each, and one tiny call as a test."""

import os
from dataclasses import dataclass

from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_POST

from curation.access import only_site_admins
from curation.lessons import in_words, lessons
from curation.models import Teacher
from curation.profiles import KEYS
from pipeline import limits
from pipeline.teachers import profile_of
from pipeline.teachers.trial import ANSWER_SECONDS, try_out
from pipeline.watching import Speed

SAMPLING = {"True": "temperature and top_p", "temperature": "temperature alone", "False": "neither of the two"}


@dataclass(frozen=True)
class Row:
    """A teacher in the list: whether its key is set, and what goes on there now."""

    teacher: Teacher
    key: str
    speed: Speed


@dataclass(frozen=True)
class Trait:
    """One key of a profile in force, and where its value comes from."""

    name: str
    value: object
    origin: str
    help: str

    @property
    def shown(self):
        return in_words(self.value) if self.name != "sampling" else SAMPLING.get(str(self.value), in_words(self.value))


def key_set(teacher):
    """yes, no, or not needed: whether the key's variable has a value here. The value is never shown."""
    if not teacher.api_key_env:
        return "not needed"
    return "yes" if os.environ.get(teacher.api_key_env, "").strip() else "no"


@require_GET
def teacher_list(request):
    """Every endpoint: its key, its price, and its limits at this moment."""
    only_site_admins(request.user)
    return render(request, "pipeline/teacher_list.html", {"rows": list(_rows(Teacher.objects.all()))})


def _rows(teachers):
    away = False  # a Valkey that does not answer is asked once, not once for each teacher
    for teacher in teachers:
        watch = limits.Watch() if away or _is_imported(teacher) else limits.watch(teacher)
        away = away or not (watch.known or _is_imported(teacher))
        yield Row(teacher, key_set(teacher), Speed(teacher, watch))


@require_GET
def teacher_detail(request, pk):
    """One endpoint: how it is asked, what was learned, what goes on there now, and its test."""
    only_site_admins(request.user)
    return _page(request, get_object_or_404(Teacher, pk=pk))


@require_POST
def teacher_test(request, pk):
    """One tiny call, which costs a little: the part of the page that tells of it, or without scripts the whole page."""
    only_site_admins(request.user)
    teacher = get_object_or_404(Teacher, pk=pk)
    if _is_imported(teacher):
        return _page(request, teacher, status=409)
    trial = try_out(teacher)
    if request.htmx:
        return render(request, "pipeline/_teacher_trial.html", {"teacher": teacher, "trial": trial})
    return _page(request, teacher, trial)


def _page(request, teacher, trial=None, status=200):
    imported = _is_imported(teacher)
    context = {
        "teacher": teacher,
        "key": key_set(teacher),
        "imported": imported,
        "speed": None if imported else Speed(teacher, limits.watch(teacher)),
        "traits": _traits(teacher),
        "lessons": lessons(teacher),
        "trial": trial,
        "most_seconds": min(ANSWER_SECONDS, teacher.timeout_seconds),
    }
    return render(request, "pipeline/teacher_detail.html", context, status=status)


def _is_imported(teacher):
    return teacher.kind == Teacher.Kind.IMPORTED


def _traits(teacher):
    """[Trait]: the whole profile as requests are made by it."""
    learned = {name for lesson in lessons(teacher) for name in lesson.changed}
    return [
        Trait(name, value, _origin(teacher, name, learned), KEYS[name].help)
        for name, value in profile_of(teacher).items()
        if name in KEYS and name != "learned"
    ]


def _origin(teacher, name, learned):
    if name not in teacher.profile:
        return "guessed by the model's name"
    return "learned" if name in learned else "set by hand"
