"""Projects, runs and releases in the admin: start a stage, cancel a run; and the queue, for superusers."""

from functools import wraps

from django.apps import apps
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied

from curation.access import MANAGER, project_or_404, site_admin
from curation.admin import RecordAdmin
from curation.models import Project, Release, Run
from pipeline import jobs
from pipeline.forms import STAGES
from pipeline.releasing.recipe import known


def start_stage(stage, model_admin, request, queryset):
    """Start `stage` on each chosen project; one that cannot start says why and costs no other."""
    for project in queryset:
        project_or_404(request.user, project.slug, MANAGER)
        try:
            run = jobs.start(project, stage, {}, by=request.user)
        except jobs.CannotStart as error:
            model_admin.message_user(request, f"{project}: {error}", messages.ERROR)
        else:
            model_admin.message_user(
                request, f"{project}: {run} is started on {run.total:,} prompts.", messages.SUCCESS
            )


def make_release(model_admin, request, project, recipe):
    """Start a release of `project` by a recipe (a mapping); where it cannot start it says why."""
    project_or_404(request.user, project.slug, MANAGER)
    try:
        run = jobs.start(project, Run.Stage.PACKAGE, {"recipe": recipe}, by=request.user)
    except jobs.CannotStart as error:
        model_admin.message_user(request, f"{project}: {error}", messages.ERROR)
    else:
        model_admin.message_user(request, f"{project}: {run} is started.", messages.SUCCESS)


@admin.register(Project)
class ProjectAdmin(RecordAdmin):
    project_path = "pk"
    list_display = ("name", "slug", "reviews_required", "teacher", "created_at")
    search_fields = ("name", "slug")
    list_select_related = ("teacher",)
    actions = ("make_release",)

    @admin.action(description="Make a release of what is accepted")
    def make_release(self, request, queryset):
        """By the recipe that a project has unless one is named; the page takes any other."""
        for project in queryset:
            make_release(self, request, project, {})

    def get_actions(self, request):
        stages = {
            f"start_{stage.value}": (
                lambda model_admin, request, queryset, stage=stage.value: start_stage(
                    stage, model_admin, request, queryset
                ),
                f"start_{stage.value}",
                f"Start: {stage.label}",
            )
            for stage in STAGES
        }
        return super().get_actions(request) | stages


@admin.register(Run)
class RunAdmin(RecordAdmin):
    list_display = ("__str__", "project", "state", "done", "total", "cost", "created_by", "created_at")
    list_filter = ("stage", "state")
    list_select_related = ("project", "created_by")
    actions = ("cancel",)

    @admin.action(description="Cancel runs")
    def cancel(self, request, queryset):
        for run in queryset:
            project_or_404(request.user, run.project.slug, MANAGER)
            if jobs.cancel(run, by=request.user):
                self.message_user(request, f"{run} was asked to stop.", messages.SUCCESS)
            else:
                self.message_user(request, f"{run} had ended already.", messages.WARNING)


@admin.register(Release)
class ReleaseAdmin(RecordAdmin):
    list_display = ("__str__", "semver", "state", "content_hash", "created_by", "created_at")
    list_filter = ("state",)
    list_select_related = ("project", "created_by")
    actions = ("make_like_it",)

    @admin.action(description="Make a release like it")
    def make_like_it(self, request, queryset):
        """A new release by the recipe of each chosen one, of what is accepted now."""
        for release in queryset.select_related("project"):
            make_release(self, request, release.project, known(release.recipe))


# Whoever sees the queue sees every project's jobs: its pages are for superusers.
Dashboard = apps.get_model("django_rq", "Dashboard")
_stock = admin.site.get_model_admin(Dashboard)
admin.site.unregister(Dashboard)


@admin.register(Dashboard)
class QueueAdmin(type(_stock)):
    """django-rq's pages; none of them answers anybody but a superuser."""

    def has_module_permission(self, request):
        return site_admin(request.user)

    def get_urls(self):
        urls = super().get_urls()
        for pattern in urls:
            pattern.callback = _for_site_admins(pattern.callback)
        return urls


def _for_site_admins(view):
    @wraps(view)
    def guarded(request, *args, **kwargs):
        if request.user.is_authenticated and not site_admin(request.user):
            raise PermissionDenied("The queue is for site administrators.")
        return view(request, *args, **kwargs)

    return guarded
