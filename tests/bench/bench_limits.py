"""Whether two workers together keep to a teacher's requests a minute. Run: python -m tests.bench.bench_limits.

Two real workers, one run, one teacher with a limit. The stand-in teacher notes when each request arrives; what counts
is the largest number in any 60 seconds. Ends with status 1 where it is above the limit.
"""

import argparse
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from tests.bench.bench_flow import made_file
from tests.bench.installation import installation
from tests.limits import most_in
from tests.teacher_replies import Reply
from tests.teacher_server import TeacherServer

WORKER = ["manage.py", "rqworker", "default", "--worker-class", "pipeline.workers.ResumableWorker"]


def main():
    """Measure, print, compare with the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5, help="how long the workers work (default 5)")
    parser.add_argument("--limit", type=int, default=600, help="requests a minute (default 600)")
    parser.add_argument("--delay-ms", type=float, default=500, help="how long each answer takes (default 500)")
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    arrivals = []
    with installation() as directory, queue(directory), TeacherServer(delay=options.delay_ms / 1000) as server:
        server.script(Reply(), when=lambda body: arrivals.append(time.monotonic()), always=True)
        with workers(directory, options.workers):
            start_run(directory, server.url, options)
            until = time.monotonic() + 60 * options.minutes
            while time.monotonic() < until:
                time.sleep(1)
    sys.exit(report(arrivals, options))


@contextmanager
def queue(directory):
    """The embedded Valkey of the installation."""
    from django.conf import settings

    from pipeline.embedded import valkey

    process = valkey.start(Path(directory, "valkey"), settings.VALKEY_SOCKET)
    yield
    process.terminate()
    process.wait()


@contextmanager
def workers(directory, number):
    """RQ workers as the product starts them."""
    processes = []
    with Path(directory, "workers.log").open("wb") as log:
        for _ in range(number):
            processes.append(subprocess.Popen([sys.executable, *WORKER], env=os.environ, stdout=log, stderr=log))
        yield
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
    told = Path(directory, "workers.log").read_text().splitlines()
    print("\n".join(line for line in told if "Error" in line or "Traceback" in line))


def start_run(directory, url, options):
    """Start a run with more prompts than the limit lets through in the time, once the workers are there."""
    from curation.importing import import_file
    from curation.models import Project, Teacher
    from pipeline import jobs

    teacher = Teacher.objects.create(
        name="stand-in",
        base_url=url,
        model="stand-in",
        concurrency=options.concurrency,
        requests_per_minute=options.limit,
    )
    project = Project.objects.create(name="Bench", slug="bench", teacher=teacher)
    rows = int(options.limit * (options.minutes + 2))
    import_file(project, made_file(directory, rows), limit=rows)
    while jobs.workers_alive() < options.workers:
        time.sleep(0.2)
    jobs.start(project, "collect")


def report(arrivals, options):
    """Print the figures; 1 where some minute held more than the limit, or none came near it."""
    if not arrivals:
        print("no request arrived")
        return 1
    share = len(arrivals) / options.minutes / options.limit
    most = most_in(60, [(at, 1) for at in arrivals])
    in_a_second = most_in(1, [(at, 1) for at in arrivals])
    print(f"  {options.workers} workers, {options.limit:,} requests a minute allowed, {options.minutes:g} minutes")
    print(f"  requests: {len(arrivals):,}, {share:.1%} of what the limit allows")
    print(f"  most in any 60 s: {most:,}; most in any second: {in_a_second:,}", flush=True)
    return int(most > options.limit)


if __name__ == "__main__":
    main()
