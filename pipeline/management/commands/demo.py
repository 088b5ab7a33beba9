"""`make demo`: a project to try, with real answers of a real model, and a first release."""

import time

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from curation import tallies
from curation.models import Release, Run
from pipeline import all_in_one, demo, jobs
from pipeline.embedded import ServiceError
from pipeline.embedded.supervisor import Supervisor
from pipeline.management.step import StepCommand

WORKERS = 2
BEGUN_AT_ONCE = 16  # prompts, two of a pair, that the model answers in one start


class Command(StepCommand):
    help = "Make the demo project, let the model answer for some minutes, write a release, and serve it."
    requires_migrations_checks = False

    def add_arguments(self, parser):
        parser.add_argument("--no-serve", action="store_true", help="stop after the summary")
        parser.add_argument("--bind", default="127.0.0.1:8000", metavar="HOST:PORT")
        parser.add_argument("--seconds", type=int, default=140, help="how long the model answers (default 140)")
        parser.add_argument("--at-least", type=int, default=12, help="prompts to finish, if that takes longer")
        parser.add_argument("--at-most-seconds", type=int, default=360, help="the end, however few are finished")

    def handle(self, *args, **options):
        began = time.monotonic()
        call_command("migrate", verbosity=0)
        try:
            with Supervisor(settings.DATA_DIR) as supervisor:
                project, logins = self._set_up(supervisor)
                self._run(project, options)
                self._release(project)
                address = None if options["no_serve"] else all_in_one.start_web(supervisor, options["bind"])
                self._summarise(project, logins, address, time.monotonic() - began)
                if address:
                    supervisor.wait()
        except ServiceError as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")

    def _set_up(self, supervisor):
        own = demo.uses_own_endpoint()
        all_in_one.start_queue(supervisor)
        if not own:
            self.tell("Starting the embedded model, SmolLM2-135M: small and weak, there to try the product.")
            all_in_one.start_model(supervisor, always=True)
        all_in_one.start_workers(supervisor, WORKERS)
        project = demo.make_project()
        logins = demo.make_people(project)
        report, answered = demo.import_samples(project)
        self.tell(f"Passages: {report}. Sample answers: {answered.imported} new.")
        return project, logins

    def _run(self, project, options):
        """Go on with a run that an earlier start left behind; else the model's own answers, then some of the samples.

        The sample answers need only filters and judges; they would take the model's time from its own answers.
        """
        run = Run.objects.live().filter(project=project).first()
        if run:
            self._follow_to_the_end(run)
        limits = {name: options[name] for name in ("seconds", "at_least", "at_most_seconds")}
        # Started again, it owes nobody a minimum: a second start is to be shorter.
        limits["at_least"] = max(0, limits["at_least"] - demo.finished_by_the_model(project))
        # A pair is accepted whole, and a method waits for its hypothesis: few are begun, so that pairs get finished.
        limits["limit"] = BEGUN_AT_ONCE
        self._start(project, limits | {"only": "own_answers"})
        self._start(project, {"seconds": max(1, options["seconds"] // 4), "only": "imported_answers"})

    def _start(self, project, parameters):
        try:
            self._follow_to_the_end(jobs.start(project, "pipeline", parameters))
        except jobs.CannotStart as nothing:
            self.tell(str(nothing))

    def _follow_to_the_end(self, run):
        self._follow(run)
        run.refresh_from_db()
        if run.error:
            self.tell(f"{run} failed: {run.error}")

    def _release(self, project):
        try:
            run = jobs.start(project, "package", {"include": "accepted"})
        except jobs.CannotStart as nothing:
            self.tell(str(nothing))
            return
        self._follow(run)
        run.refresh_from_db()
        if run.error:
            self.tell(f"No release: {run.error}")

    def _summarise(self, project, logins, address, seconds):
        say = self.stdout.write
        say(f"\nDemo project, after {seconds:.0f} s\n")
        for state, number in tallies.states(project).items():
            say(f"  {state:<14} {number:>4}")
        release = project.releases.filter(state=Release.State.PUBLISHED).first()
        if release:
            self._tell_release(release)
        else:
            say("\nNo release yet: nothing was accepted. The review queue and the run page say what waits.")
        if not demo.uses_own_endpoint():
            say("\nThe embedded model is small and weak: it is there to try the product, not to make a dataset.")
        say(f"\nData, logs and releases: {settings.DATA_DIR}")
        say("Log in as:")
        for name, password, role in logins:
            say(f"  {name:<10} {password:<14} {role}")
        if address:
            say(f"\nServing at {address} until Ctrl-C.")
        self.stdout.flush()

    def _tell_release(self, release):
        say = self.stdout.write
        local = release.counts.get("teachers", {})
        say(f"\nRelease {release.version}: {release.counts['rows']} rows in {release.directory}")
        for split, number in release.counts["splits"].items():
            say(f"  {split:<14} {number:>4}")
        for teacher, number in local.items():
            say(f"  by {teacher}: {number}")
        live = sum(number for teacher, number in local.items() if teacher != "sample answers")
        if live < 3:
            say(
                f"  Only {live} answers of the model are in it: the others failed the filters, wait for their partner, "
                "or wait for a person. A run from the page goes on with the rest."
            )
