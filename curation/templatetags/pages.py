"""What pages need to say numbers, times and states in the house style."""

import json

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import mark_safe

from curation import labels as known_labels
from curation.markdown import to_html
from curation.models import Run, State
from curation.overview import waiting_for
from curation.reviewing import labels
from curation.reviewing.queue import COUNT_CAP

register = template.Library()

GOOD = {State.ACCEPTED, Run.State.FINISHED, "published", "passed", "accept"}
WAIT = {State.TO_REVIEW, State.TO_RESOLVE, Run.State.QUEUED, Run.State.CANCELLING, "regenerate"}
WAIT |= {"building", "draft", "open", "overridden"}
BAD = {State.REJECTED, State.PARKED, Run.State.FAILED, Run.State.CANCELLED, "failed", "reject"}


@register.filter
def tone(value):
    """good, wait or bad for a state or an action; "" for machine work, which needs nobody's attention."""
    return next((name for name, states in (("good", GOOD), ("wait", WAIT), ("bad", BAD)) if value in states), "")


@register.simple_tag
def state(value, label=None):
    """A state as a sign and a word."""
    words = label or dict(State.choices).get(value) or str(value).replace("_", " ").capitalize()
    return format_html('<span class="state {}">{}</span>', tone(value), words)


@register.filter
def state_label(value):
    """The words of a prompt state."""
    return dict(State.choices).get(value, value)


@register.simple_tag(takes_context=True)
def place(context, label, name, belongs, count=None):
    """One entry of the top bar; marked as current on every page whose URL name begins with one of `belongs`."""
    project = context["project"]
    try:
        url = reverse(name, args=[project.slug])
    except NoReverseMatch:
        return ""
    match = getattr(context.get("request"), "resolver_match", None)
    here = bool(match and match.url_name and match.url_name.startswith(tuple(belongs.split())))
    more = "+" if count and count >= COUNT_CAP else ""
    number = format_html(' <span class="count">{}{}</span>', number_format(count), more) if count else ""
    current = mark_safe(' aria-current="page"') if here else ""
    return format_html('<li><a href="{}"{}>{}{}</a></li>', url, current, label, number)


@register.simple_tag(takes_context=True)
def waiting_for_me(context):
    """{"review": n, "resolve": n} for the top bar: asked once a page."""
    project, user = context.get("project"), context["request"].user
    if not project or not getattr(project, "member", None) or not project.member.may_review:
        return {"review": 0, "resolve": 0}
    return waiting_for(project, user)


@register.filter
def markdown(text):
    """Markdown as safe HTML."""
    return mark_safe(to_html(text or ""))  # noqa: S308 - sanitised by nh3


@register.filter
def moment(value):
    """A time to the minute; its seconds and zone on hover."""
    if value is None:
        return "never"
    local = timezone.localtime(value)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        local.isoformat(),
        local.strftime("%Y-%m-%d %H:%M:%S %Z"),
        local.strftime("%Y-%m-%d %H:%M"),
    )


@register.filter
def duration(seconds):
    """Seconds in the words of a clock: 42 s, 3 min 5 s, 2 h 10 min."""
    if seconds is None:
        return "unknown"
    seconds = round(float(seconds))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600:,} h {seconds % 3600 // 60} min"


@register.filter
def seconds(milliseconds):
    """Milliseconds as a number of seconds: 0.05, 2, 120."""
    return f"{milliseconds / 1000:g}"


@register.filter
def usd(value):
    """An amount with its currency; small amounts keep what makes them differ from 0."""
    if value is None:
        return "unknown"
    places = 2 if value == 0 or abs(value) >= 1 else 4 if abs(value) >= 0.01 else 6
    return f"USD {value:,.{places}f}"


@register.filter
def signed(value):
    """Points with their sign: +3.2, −1.0."""
    return f"{value:+.1f}".replace("-", "−")


@register.filter
def price(value):
    """A price or share as it was given, without the zeros that a database adds: 0.15, 10."""
    return "unknown" if value is None else f"{value.normalize():f}"


@register.filter
def percent(share):
    """A share from 0 to 1 in per cent, with one digit behind the point."""
    return "unknown" if share is None else f"{share * 100:,.1f} %"


@register.filter
def clock(value):
    """The time of day to the second, for what is over in a minute."""
    return timezone.localtime(value).strftime("%H:%M:%S")


@register.filter
def size(value):
    """Bytes in kB, MB or GB (powers of 1,000)."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if value >= factor:
            return f"{value / factor:,.1f} {unit}"
    return f"{value:,} bytes"


@register.filter
def rate(value):
    """Prompts a second, or a minute where it is slow."""
    if value is None:
        return "unknown"
    return f"{value:,.1f} a second" if value >= 1 else f"{value * 60:,.1f} a minute"


@register.filter
def pretty(value):
    """A JSON value, indented; plain words stay plain."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)


@register.filter
def words(code):
    """A code such as no_control as words."""
    return known_labels.words(code)


@register.filter
def rule(code):
    """What a quality rule is called."""
    return known_labels.rule(code)


@register.filter
def gate_reason(code):
    """Why SampleGate held an answer, or would have, in words."""
    return known_labels.gate_reason(code)


@register.filter
def reasons(codes, project=None):
    """Reviewers' reason codes by their labels, as `project` calls them."""
    return ", ".join(labels(codes or [], project or None))


@register.filter
def get(mapping, key):
    """mapping[key], or empty."""
    return mapping.get(key, "") if mapping else ""
