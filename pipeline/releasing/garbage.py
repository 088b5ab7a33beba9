"""Python's looks for garbage in circles, where there is nearly none: of millions of small rows they took a sixth."""

import gc
from contextlib import contextmanager


@contextmanager
def few_looks():
    """No look until the block ends, but those that are asked for by `gc.collect()`."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
