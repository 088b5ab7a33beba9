"""Things that happen at the same moment, each in a thread with a database connection of its own."""

import threading
from concurrent.futures import ThreadPoolExecutor

from django.db import connection


def together(*functions):
    """Call all `functions` at once and return what each gave, in order; the first exception is raised."""
    start = threading.Barrier(len(functions))

    def call(function):
        try:
            connection.ensure_connection()
            start.wait(120)
            return function()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(functions)) as pool:
        return [each.result() for each in [pool.submit(call, function) for function in functions]]
