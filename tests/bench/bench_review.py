"""How fast review, lists, search and dashboards are beside 1,000,000 prompts: real HTTP, the server of `serve`.

Run: python -m tests.bench.bench_review [--prompts N] [--times N]. `--data DIR` keeps what was made for another run.
On PostgreSQL: `python -m tests.with_postgres --durable python -m tests.bench.bench_review`.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import time

import psutil

from tests.bench.installation import installation, percentiles, timed

NAME = "Bench"  # of the large project
CORES = os.cpu_count()


def main():
    """Make the projects, start the server, send the reviewers."""
    options = _options()
    with installation(options.data):
        from django.conf import settings

        from pipeline import all_in_one
        from pipeline.embedded.supervisor import Supervisor

        project, users = large_project(options)
        with Supervisor(settings.DATA_DIR) as supervisor:
            all_in_one.start_queue(supervisor)
            bind = f"127.0.0.1:{free_port()}"
            all_in_one.start_web(supervisor, bind)
            bench = Bench(f"http://{bind}", project, users, options, supervisor)
            for part in options.only:
                getattr(bench, part)()


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=500, help="requests of each kind (default 500)")
    parser.add_argument("--race", type=int, default=10_000, help="prompts for eight reviewers without pause")
    parser.add_argument("--office", type=int, default=180, help="seconds of fifty reviewers who act every 2–4 s")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--data", help="a folder in which an installation is made, or used again")
    return parser.parse_args()


def large_project(options):
    """The project with that many prompts, made now unless it is there: (project, [manager, *reviewers])."""
    from curation.models import Project
    from tests.bench import review_data

    project = Project.objects.filter(name=NAME).first()
    if project is None:
        project, users = review_data.project_of(NAME, 50, reviews_required=2)
        timed("prompts made", lambda: review_data.Maker(project, users).make(options.prompts))
        _learn_sizes()
    return project, [member.user for member in project.memberships.select_related("user").order_by("user")]


def _learn_sizes():
    """What PostgreSQL does by itself some minutes after so many rows came, and SQLite behind a run."""
    from django.db import connection

    from curation import upkeep

    upkeep.learn_sizes()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Bench:
    """The parts of the benchmark, against one running server."""

    def __init__(self, address, project, users, options, supervisor):
        self.address, self.project, self.users, self.options = address, project, users, options
        self.path, self.supervisor = f"/p/{project.slug}/", supervisor
        self.cookies = {user.pk: self._cookie(user) for user in users}

    def _cookie(self, user):
        from tests import factories

        return factories.client(user).cookies["sessionid"].value

    def _drive(self, visitors, **plan):
        """Send these visitors; prints what they took and the driver's share, returns {what: [seconds]} and the time."""
        plan = plan | {"address": self.address, "visitors": visitors}
        command = [sys.executable, "-m", "tests.bench.review_driver"]
        before = self._server_seconds()
        done = subprocess.run(command, input=json.dumps(plan), stdout=subprocess.PIPE, text=True, check=True)
        found = json.loads(done.stdout)
        for what, seconds in found["took"].items():
            percentiles(what, seconds)
        each = 1000 * (self._server_seconds() - before) / sum(map(len, found["took"].values()))
        share = found["cpu"] / found["wall"] / CORES
        print(f"  ({found['wall']:.0f} s; the driver used {100 * share:.0f} % of the {CORES} cores, the web server")
        print(f"   {each:.0f} ms of CPU time a request, the database's own processes aside)", flush=True)
        return found["took"], found["wall"]

    def _server_seconds(self):
        """CPU time of the web server's processes so far."""
        parents = [psutil.Process(pid) for pid in self.supervisor.pids()]
        processes = [each for parent in parents for each in (parent, *parent.children(recursive=True))]
        return sum(sum(each.cpu_times()[:2]) for each in processes)

    def _visitor(self, user, does, **wanted):
        return {"cookie": self.cookies[user.pk], "does": does, "path": self.path + "review/"} | wanted

    def _pages(self):
        listed = self.path + "prompts/"
        filtered = ("state=to_review", "state=accepted&domain=physics", "task_type=methodology&state=rejected")
        words = ("specimen", "lowers+film", f"Specimen+{self.options.prompts // 2}", "beralcor", "nothingofthekind")
        return {
            "prompt list, first page": [listed],
            "prompt list, filtered": [f"{listed}?{query}" for query in filtered],
            "search": [f"{listed}?q={word}" for word in words],
            "project": [self.path],
            "reviewers": [self.path + "quality/reviewers/"],
            "home": ["/"],
        }

    def one(self):
        """One manager and one reviewer, one request at a time."""
        print("one reviewer", flush=True)
        lead, first = self.users[:2]
        self._drive([self._visitor(first, "review_plainly", times=self.options.times)])
        self._drive([self._visitor(first, "review", times=self.options.times)])
        self._drive([self._visitor(lead, "read", pages=self._pages(), times=self.options.times)])

    def paging(self):
        """The thousandth page of the list, by its links, and those before it."""
        print("the list, page by page", flush=True)
        wanted = {"path": self.path + "prompts/", "what": "prompt list, up to the 1,000th page"}
        last = min(1000, self.project.prompts.count() // 60)
        self._drive([self._visitor(self.users[0], "page_on", last=last, count=min(last, self.options.times)) | wanted])

    def office(self):
        """Fifty reviewers who act every 2–4 s, and a manager who looks at pages meanwhile."""
        print("50 reviewers, each acting every 2–4 s, and a manager", flush=True)
        reviewers = [
            self._visitor(user, "review" if place % 2 else "review_plainly", pause=(2, 4))
            for place, user in enumerate(self.users[1:])
        ]
        self._drive(
            [*reviewers, self._visitor(self.users[0], "read", pages=self._pages(), pause=(0.5, 1))],
            seconds=self.options.office,
        )

    def race(self):
        """Eight reviewers without any pause, until the queue is empty."""
        for does in ("review", "review_plainly"):
            project = self._fresh()
            print(f"8 reviewers without pause, {self.options.race:,} prompts, {does}", flush=True)
            path = f"/p/{project.slug}/review/"
            took, wall = self._drive([self._visitor(user, does, path=path) for user in self.users[1:9]])
            sent = len(took.get("submit and next", ())) + len(took.get("submit", ()))
            print(f"  {sent:,} submits, {sent / wall:.1f} a second", flush=True)
            self._check(project)

    def _fresh(self):
        from curation.models import State
        from tests.bench import review_data

        project, users = review_data.project_of(f"Race {time.time():.0f}", 50, reviews_required=1)
        review_data.Maker(project, users).make(self.options.race, states=[State.TO_REVIEW])
        return project

    def _check(self, project):
        """Everything was decided, by one person each."""
        from django.db.models import Count

        from curation import tallies
        from curation.models import Annotation

        rows = Annotation.objects.filter(response__prompt__project=project)
        numbers = rows.order_by().values_list("response").annotate(n=Count("pk")).values_list("n", flat=True)
        beyond = sum(number > 1 for number in numbers)
        print(f"  decided: {len(numbers):,}; beyond what is required: {beyond}", flush=True)
        if len(numbers) != self.options.race or beyond:
            raise SystemExit("The queue lost a prompt, or gave one to two people.")
        if tallies.counted(project) != (tallies.states(project), tallies.decisions(project)):
            raise SystemExit("The kept counts are not what a recount says.")


PARTS = ("one", "paging", "office", "race")

if __name__ == "__main__":
    main()
