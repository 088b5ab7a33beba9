"""What every record in the admin has in common: read-only, and of the user's own projects."""

from django.contrib import admin
from django.core.paginator import Paginator
from django.utils.functional import cached_property

from curation.models import Project
from curation.paging import COUNT_CAP, capped_count


class CappedPaginator(Paginator):
    """Counts to 10,000 at most: a list of a million rows opens at once; narrow it to see further."""

    @cached_property
    def count(self):
        return min(capped_count(self.object_list), COUNT_CAP)


class RecordAdmin(admin.ModelAdmin):
    """Rows that nobody adds, changes or deletes here. `project_path` leads from the row to its project."""

    project_path = "project"
    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    view_on_site = False
    actions = None
    ordering = ("-pk",)

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        if request.user.is_superuser:
            return rows
        mine = Project.objects.visible_to(request.user)
        return rows.filter(**{f"{self.project_path}__in": mine.values("pk")})

    def has_module_permission(self, request):
        return request.user.is_active and request.user.is_staff

    def has_view_permission(self, request, obj=None):
        return request.user.is_active and request.user.is_staff

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class RowAdmin(RecordAdmin):
    """A record whose columns are chosen at registration: see `register`."""


def register(model, project_path, columns, *, search=(), narrow=(), joined=()):
    """Put `model` into the admin with these columns, search fields, side filters and joined tables."""
    options = {
        "project_path": project_path,
        "list_display": columns,
        "search_fields": search,
        "list_filter": narrow,
        "list_select_related": joined or False,
    }
    admin.site.register(model, type(f"{model.__name__}Admin", (RowAdmin,), options))
