"""What Django 5.2 does not do itself: a content security policy, a log-in that keeps what was typed, and no NUL."""

from urllib.parse import urlsplit

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, UnreadablePostError
from django.utils.http import url_has_allowed_host_and_scheme

from curation import kept_posts
from curation.views.accounts import ask_to_log_in

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)


def content_security_policy(get_response):
    """Model output is untrusted: even if it slipped through escaping, no script of its own would run.

    Django's admin needs nothing else; the queue pages of django-rq carry inline scripts and are left out.
    """

    def middleware(request):
        response = get_response(request)
        if not request.path.startswith("/admin/django_rq/"):
            response.headers.setdefault("Content-Security-Policy", POLICY)
        return response

    return middleware


class WithoutNul:
    """Leaves NUL out of what forms and addresses say: nobody types it, and PostgreSQL takes it in no column.

    Before the check of the token, which keeps what was typed. A view without that check reads its upload itself.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view_func, view_args, view_kwargs):
        if any(isinstance(value, str) and "\0" in value for value in view_kwargs.values()):
            raise Http404("No name has a NUL in it.")
        if "%00" in request.META.get("QUERY_STRING", ""):
            request.GET = _without_nul(request.GET)
        if request.method == "POST" and not getattr(view_func, "csrf_exempt", False):
            try:
                posted = request.POST
            except UnreadablePostError:
                return  # the client is gone; the check of the token, which reads it next, says so
            if any("\0" in value for _, values in posted.lists() for value in values):
                request.POST = _without_nul(posted)


def _without_nul(data):
    clean = data.copy()
    for name, values in data.lists():
        clean.setlist(name, [value.replace("\0", "") for value in values])
    clean._mutable = False
    return clean


class LogInLeadsToAPage(LoginRequiredMiddleware):
    """After a form that was sent without a session, the log-in leads back to the form's page, with what was typed.

    Django leads to the form's own address, which takes no GET.
    """

    def process_view(self, request, view_func, view_args, view_kwargs):
        if kept_posts.of_another(request):
            raise PermissionDenied(
                "This form was filled in under another account than the one you are logged in with now. Go back, log "
                "in with the other one in a second window, and send it again: what was typed is still there."
            )
        return super().process_view(request, view_func, view_args, view_kwargs)

    def handle_no_permission(self, request, view_func):
        if request.method in ("GET", "HEAD"):
            return super().handle_no_permission(request, view_func)
        page = request.headers.get("Referer", "")
        ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure())
        back = urlsplit(page).path if ours else "/"
        if kept_posts.is_kept(request) and not request.headers.get("HX-Request"):
            return ask_to_log_in(request, back)
        return redirect_to_login(back, self.get_login_url(view_func), self.get_redirect_field_name(view_func))
