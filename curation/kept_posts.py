"""A form that came without a session, or with the token of an older one: what was typed goes through the log-in.

It goes sealed, in the log-in's own form, and becomes drafts of the same person when they are logged in; so nothing is
stored for people who are not.
"""

from django.conf import settings
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import reverse

from .access import REVIEWER, project_or_404
from .models import Draft, TeacherResponse
from .reviewing import drafts

SALT = "curation.kept_posts"
OLDEST = 24 * 3600  # seconds
# The addresses whose forms are kept, and the forms that they are.
FORMS = {
    **{"review_submit": drafts.REVIEW, "resolve_submit": drafts.RESOLVE, "talk_say": drafts.COMMENT},
    # Without a script these carry the whole review form too.
    **{"review_take": drafts.REVIEW, "regeneration_order": drafts.REVIEW},
}
NOT_TYPED = {"csrfmiddlewaretoken", "key", "seconds", "typed_by", "response", "version", "place", "take", "order"}


def is_kept(request):
    """Whether this is a form that keeps what is typed, filled in by somebody who was logged in."""
    return _typed_at(request, FORMS)


def of_another(request):
    """Whether the form, or the draft of it, was typed under another account than the one it comes with now."""
    typed = _typed_at(request, {*FORMS, "draft_save"})
    return typed and request.user.is_authenticated and request.POST["typed_by"] != str(request.user.pk)


def _typed_at(request, names):
    match = request.resolver_match
    posted = request.method == "POST" and match and match.url_name in names
    return posted and request.POST.get("typed_by", "").isdecimal()


def same_origin(request):
    """Whether a browser says that the form stood on a page of ours."""
    origin = request.headers.get("Origin")
    return origin in {f"{request.scheme}://{request.get_host()}", *settings.CSRF_TRUSTED_ORIGINS}


def sealed(request):
    """What was typed, as text that only this server can read back; "" where it is too long to be carried."""
    match = request.resolver_match
    fields = {name: request.POST.getlist(name) for name in request.POST if name != "csrfmiddlewaretoken"}
    try:
        drafts.checked_body(fields)
    except drafts.TooMuch:
        return ""
    said = {"by": request.POST["typed_by"], "view": match.url_name, "where": match.kwargs, "fields": fields}
    return signing.dumps(said, salt=SALT, compress=True)


def take_in(seal, user):
    """Make drafts of `user` of what a seal carries; returns the address of its form.

    "" where the seal is broken, too old, of another person, or of a project that they no longer review.
    """
    try:
        said = signing.loads(seal, salt=SALT, max_age=OLDEST)
    except signing.BadSignature:
        return ""
    if said["by"] != str(user.pk):
        return ""
    return keep_fields(user, said["view"], said["where"], said["fields"])


def keep_fields(user, view, where, fields):
    """Make drafts of `user` of the fields that came to the address `view`; returns the address of their form, or ""."""
    try:
        project = project_or_404(user, where["slug"], REVIEWER)
    except (Http404, PermissionDenied):
        return ""
    form = FORMS[view]
    about = _about(project, form, where, fields)
    for response, typed in about:
        drafts.keep_now(project, user, response, form, typed)
    if not about:
        return ""
    return place_of(about[0][0], form) or reverse("draft_list", args=[project.slug])


def _about(project, form, where, fields):
    """(response, what was typed about it) for each response that the fields speak of."""
    if form == Draft.Form.COMMENT:
        prompt = project.prompts.filter(key=where["key"]).select_related("current_response").first()
        ids = [str(prompt.current_response_id)] if prompt else []
    else:
        ids = fields.get("response", [])[:2]
    ids = [int(pk) for pk in ids if pk.isdecimal() and len(pk) < 19]
    found = TeacherResponse.objects.filter(prompt__project=project).select_related("prompt__project").in_bulk(ids)
    return [(found[pk], typed_fields(fields, f"r{pk}-")) for pk in ids if pk in found]


def typed_fields(fields, prefix=""):
    """What somebody typed, by the plain names of the fields, of the fields of a posted form."""
    typed = {}
    for name, values in fields.items():
        plain = name.removeprefix(prefix)
        ours = name.startswith(prefix) or "-" not in name
        if ours and plain not in NOT_TYPED and not name.startswith("draft_"):
            typed[plain] = values
    return typed


def place_of(response, form):
    """The address where such a form about the response stands, or "" where there is none any more."""
    prompt = response.prompt
    where = [prompt.project.slug, prompt.key]
    if form == Draft.Form.COMMENT:
        return reverse("prompt_detail", args=where) + "#talk"
    name, state = ("review_prompt", "to_review") if form == Draft.Form.REVIEW else ("resolve_prompt", "to_resolve")
    here = prompt.state == state and prompt.current_response_id == response.pk
    return reverse(name, args=where) if here else ""
