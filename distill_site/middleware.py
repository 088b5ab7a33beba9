"""What Django 5.2 does not do itself: a content security policy, and a log-in that leads back with what was typed."""

from urllib.parse import urlsplit

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
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
