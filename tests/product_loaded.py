"""All that a process of the product loads at its start, whatever it is to do: imported by what forks (forking.py)."""

import django

django.setup()

from django.core.management import get_commands, load_command_class  # noqa: E402
from django.urls import get_resolver  # noqa: E402

import pipeline.jobs  # noqa: E402
import pipeline.workers  # noqa: E402, F401

get_resolver().url_patterns  # noqa: B018 - the views, and what they need
for name, app in get_commands().items():
    if app in ("curation", "pipeline") or name == "rqworker":
        load_command_class(app, name)
