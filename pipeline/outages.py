"""The database restarts, or its connections are cut: work waits for it and goes on, since all it knows stands there."""

import time

from django.db import InterfaceError, OperationalError, connection

LOST = (OperationalError, InterfaceError)
PATIENCE_SECONDS = 600.0  # after an outage this long the work fails, with the database's own words
PAUSES_SECONDS = (0.5, 30.0)  # between two tries: the first, doubled up to the last


def outlast(work, should_stop=lambda: False):
    """Return what `work()` returns; while the database is away, call it again after a pause.

    Raises the database's error when the outage outlasts PATIENCE_SECONDS, or when `should_stop` says so.
    """
    pause, away_since = PAUSES_SECONDS[0], None
    while True:
        began = time.monotonic()
        try:
            return work()
        except LOST:
            connection.close()  # the next try opens one anew
            if away_since is None or time.monotonic() - began > PAUSES_SECONDS[1]:  # it was there in between
                pause, away_since = PAUSES_SECONDS[0], time.monotonic()
            if should_stop() or time.monotonic() - away_since > PATIENCE_SECONDS:
                raise
        time.sleep(pause)
        pause = min(2 * pause, PAUSES_SECONDS[1])
