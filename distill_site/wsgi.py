"""The WSGI entry point, for gunicorn or any other server: `gunicorn distill_site.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "distill_site.settings")
application = get_wsgi_application()

# A thread of a web server keeps its connection for the next page: making one takes longer than many a statement. Other
# processes open theirs as before.
from django.db import connections  # noqa: E402  it needs the settings

connections.settings["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
