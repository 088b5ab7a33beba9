"""The embedded Valkey for a command that works on its own: started where none answers, ended with the command."""

import threading
from concurrent.futures import Future
from contextlib import contextmanager, suppress

from django.conf import settings

from . import ServiceError, valkey

LOOK_SECONDS = 1.0


@contextmanager
def ensure_server():
    """Have the embedded Valkey answer as long as this lasts, whoever started it; nothing where REDIS_URL names one.

    Another command's server ends with that command: then one is started here. Raises ServiceError where it cannot
    be started at the beginning.
    """
    if not settings.EMBEDDED_VALKEY:
        yield
        return
    end, ready = threading.Event(), Future()
    # A server ends with the thread that started it, so that one thread sees to it all the time.
    thread = threading.Thread(target=_keep, args=(ready, end), name="valkey", daemon=True)
    thread.start()
    try:
        ready.result()
        yield
    finally:
        end.set()
        thread.join()


def _keep(ready, end):
    own = None
    try:
        own = _started()
        ready.set_result(None)
        while not end.wait(LOOK_SECONDS):
            if own is not None and own.poll() is None:
                continue
            with suppress(ServiceError):  # the next look tries again; meanwhile the run says that Valkey is away
                own = _started()
    except Exception as error:
        if ready.done():
            raise
        ready.set_exception(error)
    finally:
        if own is not None:
            own.terminate()
            own.wait()


def _started():
    """The server, if it was started here."""
    if valkey.serving_pid(settings.VALKEY_SOCKET):
        return None
    return valkey.start(settings.DATA_DIR / "valkey", settings.VALKEY_SOCKET)
