"""What the log says of a request that was refused."""

import logging

from django.core.exceptions import PermissionDenied


class OneLine(logging.Filter):
    """Somebody who may not is no fault of the program: the reason stands in the line, and no traceback below it."""

    def filter(self, record):
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, PermissionDenied):
            record.exc_info = record.exc_text = None
            said = " ".join(str(error).split())
            record.msg, record.args = "%s: %s", (record.getMessage(), said)
        return True
