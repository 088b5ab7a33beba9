"""People and endpoints. Accounts and teachers are the only rows that are edited here, by superusers alone."""

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group

from curation.access import site_admin
from curation.forms_teacher import TeacherForm
from curation.models import Invitation, Membership, Teacher

from .records import register

register(
    Membership,
    "project",
    ("user", "project", "role", "can_resolve", "created_at"),
    search=("user__username", "project__name"),
    narrow=("role",),
    joined=("user", "project"),
)
register(
    Invitation,
    "project",
    ("note", "project", "role", "created_by", "expires_at", "used_by", "used_at"),
    joined=("project", "created_by", "used_by"),
)


class OnlySuperusers:
    """Rows that concern the whole server: whoever may edit accounts or teachers may as well do anything."""

    def _allowed(self, request, obj=None):
        return site_admin(request.user)

    has_module_permission = has_view_permission = has_add_permission = has_change_permission = _allowed
    has_delete_permission = _allowed


@admin.register(Teacher)
class TeacherAdmin(OnlySuperusers, admin.ModelAdmin):
    form = TeacherForm
    list_display = ("name", "kind", "model", "base_url", "api_key_env", "concurrency")
    search_fields = ("name", "model")


admin.site.unregister(get_user_model())
admin.site.unregister(Group)


@admin.register(get_user_model())
class AccountAdmin(OnlySuperusers, UserAdmin):
    pass
