"""Prompts, with the verbs that send one back by hand."""

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm

from curation.access import MANAGER, project_or_404
from curation.models import Project, Prompt
from curation.prompt_bulk import ACTIONS

from .records import RecordAdmin


class ReasonForm(ActionForm):
    """A reason beside the choice of the action; it stays in the history."""

    reason = forms.CharField(required=False, label="Reason")


@admin.register(Prompt)
class PromptAdmin(RecordAdmin):
    list_display = ("__str__", "project", "state", "attempts", "domain", "state_changed_at")
    list_filter = ("state", "task_type")
    search_fields = ("key",)
    list_select_related = ("project",)
    action_form = ReasonForm
    actions = ("retry", "reopen")

    @admin.action(description="Retry parked prompts")
    def retry(self, request, queryset):
        self._carry_out("retry", request, queryset)

    @admin.action(description="Reopen accepted or rejected prompts (give a reason)")
    def reopen(self, request, queryset):
        self._carry_out("reopen", request, queryset)

    def _carry_out(self, name, request, queryset):
        action, reason = ACTIONS[name], request.POST.get("reason", "").strip()
        if action.needs_reason and not reason:
            self.message_user(request, "Give a reason beside the action: it stays in the history.", messages.ERROR)
            return
        for project in Project.objects.filter(pk__in=queryset.order_by().values("project").distinct()):
            project_or_404(request.user, project.slug, MANAGER)
        done = action.carry_out(Prompt.objects.filter(pk__in=queryset.values("pk")), request.user, reason)
        self.message_user(request, f"{action.label}: {done:,} prompts changed.", messages.SUCCESS)
