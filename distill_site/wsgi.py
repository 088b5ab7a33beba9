"""The WSGI entry point, for gunicorn or any other server: `gunicorn distill_site.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "distill_site.settings")
application = get_wsgi_application()
