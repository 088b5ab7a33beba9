"""What tells the browser that a part of a form keeps drafts, and which."""

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import mark_safe

register = template.Library()


@register.simple_tag(takes_context=True)
def draft_attributes(context, name, response, form=None):
    """Attributes of the element whose fields are kept as a draft of the form `name` about `response`.

    `form` knows its `draft` on the server, if there is one, and whether it is `as_typed`: shown once more with what was
    just sent, than which no draft is newer.
    """
    if not response:
        return ""
    draft = getattr(form, "draft", None)
    return format_html(
        ' data-draft="{}" data-draft-response="{}" data-draft-user="{}" data-draft-url="{}" data-draft-made="{}"'
        ' data-draft-seen="{}"{}',
        name,
        str(response.pk),
        str(context["user"].pk),
        reverse("draft_save", args=[context["project"].slug]),
        timezone.now().isoformat(),
        draft.updated_at.isoformat() if draft else "",
        mark_safe(" data-draft-typed") if getattr(form, "as_typed", False) else "",
    )


@register.simple_tag(takes_context=True)
def typed_by(context):
    """The field that says who filled in a form: sent under another account, it is refused."""
    return format_html('<input type="hidden" name="typed_by" value="{}">', str(context["user"].pk))
