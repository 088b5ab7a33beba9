"""How fast a backup is written, and restored on both databases, beside what inserting as many rows takes.

Run: python -m tests.bench.bench_backup [--prompts N].
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.installation import installation
from tests.with_postgres import postgres_server


def main():
    """Make an installation, back it up, restore it elsewhere twice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nexa-bench-") as folder, installation():
        _measure(Path(folder), options.prompts)


def _measure(folder, prompts):
    from curation.backups import back_up
    from tests.bench import review_data

    project, users = review_data.project_of("Kept", 5)
    review_data.Maker(project, users).make(prompts)
    started = time.perf_counter()
    said = back_up(folder / "backup")
    rows = sum(table["rows"] for table in said["tables"])
    size = sum(path.stat().st_size for path in (folder / "backup").rglob("*") if path.is_file())
    _tell("backup", rows, time.perf_counter() - started, f"{size / 1e6:,.0f} MB")
    print(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB, with making the rows")
    _restore("restore on SQLite", folder / "backup", f"sqlite:///{folder}/other.sqlite3", rows)
    with postgres_server(durable=True) as url:
        _restore("restore on PostgreSQL", folder / "backup", url, rows)


def _restore(what, backup, url, rows):
    with tempfile.TemporaryDirectory(prefix="nexa-bench-") as data:
        environment = os.environ | {"DATABASE_URL": url, "DATA_DIR": data}
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], env=environment, check=True)
        code = (
            "import django, json, pathlib, resource, sys, time; django.setup()\n"
            "from curation.backups import restore\n"
            "started = time.perf_counter(); restore(pathlib.Path(sys.argv[1]))\n"
            "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
            "print(json.dumps([time.perf_counter() - started, peak]))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(backup)], env=environment, check=True, stdout=subprocess.PIPE, text=True
        )
        seconds, peak = json.loads(done.stdout)
        _tell(what, rows, seconds, f"peak memory {peak / 1024:,.0f} MB")


def _tell(what, rows, seconds, more):
    print(f"  {what}: {rows:,} rows in {seconds:.1f} s, {rows / seconds:,.0f} a second, {more}", flush=True)


if __name__ == "__main__":
    main()
