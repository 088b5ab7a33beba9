"""Prompts, with the verbs that send one back by hand."""

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm

from curation.access import MANAGER, project_or_404
from curation.models import Project, Prompt
from curation.reviewing import reopen

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
        prompts = self._managed(request, queryset)
        self._say(request, "Retried", prompts.unpark(actor=request.user, reason=request.POST.get("reason", "")))

    @admin.action(description="Reopen accepted or rejected prompts (give a reason)")
    def reopen(self, request, queryset):
        reason = request.POST.get("reason", "").strip()
        if not reason:
            self.message_user(request, "Give a reason beside the action: it stays in the history.", messages.ERROR)
            return
        prompts = self._managed(request, queryset).exclude(current_response=None).select_related("project")
        self._say(request, "Reopened", sum(reopen(prompt, request.user, reason) for prompt in prompts))

    def _managed(self, request, queryset):
        """The chosen prompts, all of projects that this person manages."""
        for project in Project.objects.filter(pk__in=queryset.order_by().values("project").distinct()):
            project_or_404(request.user, project.slug, MANAGER)
        return Prompt.objects.filter(pk__in=list(queryset.values_list("pk", flat=True)))

    def _say(self, request, done, number):
        self.message_user(request, f"{done}: {number:,} prompts changed.", messages.SUCCESS)
