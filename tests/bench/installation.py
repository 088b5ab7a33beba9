"""A new installation for a benchmark: its own data directory and database, the product's own settings."""

import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path


@contextmanager
def installation(kept=None):
    """Set Django up on an empty SQLite database, or on the empty one that DATABASE_URL names.

    `kept` is a folder for the installation that stays there, and is used again as it is.
    """
    with nullcontext(kept) if kept else tempfile.TemporaryDirectory(prefix="nexa-bench-") as directory:
        Path(directory, "static").mkdir(parents=True, exist_ok=True)  # WhiteNoise warns where there is none
        os.environ |= {"DATA_DIR": directory, "DJANGO_SETTINGS_MODULE": "distill_site.settings"}
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        from django.db import connection

        print(f"{connection.vendor}, Python {sys.version.split()[0]}, {os.cpu_count()} cores", flush=True)
        yield directory
        connection.close()


@contextmanager
def stand_in_teacher(delay_ms):
    """The stand-in teacher in a process of its own; gives its base URL."""
    command = [sys.executable, "-m", "tests.teacher_server", "--port", "0", "--delay-ms", str(delay_ms)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def timed(what, work):
    """Call `work`, which returns how many things it did, and print how long it took."""
    started = time.perf_counter()
    number = work()
    seconds = time.perf_counter() - started
    print(f"  {what}: {number:,} in {seconds:.1f} s, {number / seconds:,.0f} a second", flush=True)


def percentiles(what, seconds):
    """Print the median and the 95th percentile of measured `seconds`, in milliseconds."""
    ordered = sorted(seconds)
    median, high = (1000 * ordered[int(len(ordered) * share)] for share in (0.5, 0.95))
    print(f"  {what}: median {median:.1f} ms, p95 {high:.1f} ms, n = {len(ordered)}", flush=True)
