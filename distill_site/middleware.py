"""Response headers that Django 5.2 does not set itself."""

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
