"""Columns of the lists. Rows come complete from the view: a table starts no query."""

import django_tables2 as tables
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import mark_safe

from .labels import rule, words
from .templatetags.pages import moment, state

SELECT_ALL = mark_safe('<input type="checkbox" data-select-all data-needs-script hidden aria-label="Select this page">')
NUMBER = {"td": {"class": "num"}, "th": {"class": "num"}}


class PromptTable(tables.Table):
    """A page of prompts, as rows of `prompt_rows`."""

    select = tables.Column(empty_values=(), verbose_name=SELECT_ALL)
    text = tables.Column(verbose_name="Prompt", empty_values=(), attrs={"td": {"class": "clip grow"}})
    task_type = tables.Column(verbose_name="Task")
    domain = tables.Column(default="")
    state = tables.Column()
    attempts = tables.Column(attrs=NUMBER)
    failed = tables.Column(verbose_name="Failed", empty_values=(), attrs={"td": {"class": "clip"}})
    state_changed_at = tables.Column(verbose_name="Since")

    class Meta:
        orderable = False
        attrs = {"class": "as-cards list one-line", "id": "prompt-table"}
        empty_text = "No prompt here matches."

    def __init__(self, rows, *, project, selectable):
        super().__init__(rows, exclude=() if selectable else ("select",))
        self.project = project

    def render_select(self, record):
        return format_html(
            '<input type="checkbox" name="key" value="{0}" aria-label="Select {1}">', record["key"], record["key"][:8]
        )

    def render_text(self, record):
        url = reverse("prompt_detail", args=[self.project.slug, record["key"]])
        if record.get("place"):
            pieces = ((mark_safe("<mark>{}</mark>") if found else "{}", piece) for piece, found in record["place"])
            return format_html('<a href="{}">{}</a>', url, mark_safe("".join(format_html(*each) for each in pieces)))
        return format_html('<a href="{}">{}</a>', url, record["excerpt"].strip() or record["key"][:12])

    def render_state(self, value):
        return state(value)

    def render_state_changed_at(self, value):
        return moment(value)

    def render_failed(self, record):
        if record["state"] == "parked":
            return words(record["error_class"])
        return ", ".join(rule(failed) for failed in record["failed_rules"] or [])
