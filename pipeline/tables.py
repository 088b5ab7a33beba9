"""Columns of the failed ledger. Rows come complete from the view: a table starts no query."""

import django_tables2 as tables
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import mark_safe

from curation.templatetags.pages import moment
from pipeline import failures

SELECT_ALL = mark_safe('<input type="checkbox" data-select-all data-needs-script hidden aria-label="Select this page">')
NUMBER = {"td": {"class": "num"}, "th": {"class": "num"}}


class FailedTable(tables.Table):
    """A page of parked prompts, as rows of `pipeline.views.failures`."""

    select = tables.Column(empty_values=(), verbose_name=SELECT_ALL)
    text = tables.Column(verbose_name="Prompt", empty_values=(), attrs={"td": {"class": "clip"}})
    error_class = tables.Column(verbose_name="What went wrong")
    error_detail = tables.Column(verbose_name="Message", attrs={"td": {"class": "clip grow"}})
    failed_call__teacher__name = tables.Column(verbose_name="Teacher", default="")
    failed_call__sends = tables.Column(verbose_name="Sends", default="", attrs=NUMBER)
    parked_run = tables.Column(verbose_name="Stage and run", empty_values=())
    state_changed_at = tables.Column(verbose_name="When")

    class Meta:
        orderable = False
        attrs = {"class": "as-cards list one-line", "id": "failed-table"}
        empty_text = "No failed call here matches."

    def __init__(self, rows, *, project, selectable):
        super().__init__(rows, exclude=() if selectable else ("select",))
        self.project = project

    def render_select(self, record):
        return format_html(
            '<input type="checkbox" name="key" value="{0}" aria-label="Select {1}">', record["key"], record["key"][:8]
        )

    def render_text(self, record):
        url = reverse("prompt_detail", args=[self.project.slug, record["key"]])
        return format_html('<a href="{}">{}</a>', url, record["excerpt"].strip() or record["key"][:12])

    def render_error_class(self, value):
        return failures.label(value)

    def render_error_detail(self, value):
        return format_html('<span title="{}">{}</span>', value[:600], value[:200])

    def render_parked_run(self, record):
        stage, run = failures.STAGE_OF.get(record["parked_from"], record["parked_from"]), record["parked_run"]
        if run is None:
            return stage
        return format_html(
            '{}, <a href="{}">run {}</a>', stage, reverse("run_detail", args=[self.project.slug, run]), run
        )

    def render_state_changed_at(self, value):
        return moment(value)
