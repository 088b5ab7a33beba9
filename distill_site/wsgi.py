"""The WSGI entry point, for gunicorn or any other server: `gunicorn distill_site.wsgi`."""

import os
import threading

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "distill_site.settings")


def warmed(serve, warm):
    """The application `serve`, which begins `warm()` in a thread at its first request.

    Not when it is loaded: a server may load it once and fork then, and what has drawn plots must not be forked. Who
    answers requests is forked no more.
    """
    first = threading.Lock()

    def application(environ, start_response):
        if first.acquire(blocking=False):  # for good
            threading.Thread(target=warm, name="warming plots").start()
        return serve(environ, start_response)

    return application


serve = get_wsgi_application()

from curation.plots import warm  # noqa: E402  it needs the settings

application = warmed(serve, warm)

# A thread of a web server keeps its connection for the next page: making one takes longer than many a statement. Other
# processes open theirs as before.
from django.db import connections  # noqa: E402  it needs the settings

connections.settings["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
