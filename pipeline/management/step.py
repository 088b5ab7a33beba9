"""What the pipeline commands share: which project, with or without the queue, and how a run is followed."""

import errno
import signal
import sys
import time
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from curation.management.named import project_named
from curation.models import Project, Run
from pipeline import inline, jobs
from pipeline.config import DEFAULT_CONFIG, load_config
from pipeline.config_errors import ConfigError
from pipeline.datasets.aside import set_aside
from pipeline.embedded import ServiceError
from pipeline.embedded.valkey_here import ensure_server
from pipeline.management import quoting
from pipeline.management.progress import Progress, told
from pipeline.setup import project_for
from pipeline.stages import batching
from pipeline.workers import stop_on_signal

EXIT_INTERRUPTED = 130
FULL = (errno.ENOSPC, errno.EDQUOT)  # which name no file


def positive(text):
    """A whole number of at least 1: --max-samples 0 once meant every row, hence a full paid run."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


positive.__name__ = "number of 1 or more"


class StepCommand(BaseCommand):
    """A step of the user's guide. Subclasses say what they work on and which files they leave behind."""

    requires_migrations_checks = True
    # What the scripts took and the database makes needless: told, not refused, so that old command lines go on working.
    idle_flags = ()
    buys = False  # whether it asks teachers or judges, which may cost money
    takes_batches = False  # whether its calls can be handed over in batches

    def add_arguments(self, parser):
        parser.add_argument("--project", help="slug of a project; without it, the one that the configuration names")
        parser.add_argument("--config", type=Path, help=f"configuration file (default: configs/{DEFAULT_CONFIG})")
        parser.add_argument("--inline", action="store_true", help="work in this process, without queue and workers")
        parser.add_argument("--max-samples", type=positive, metavar="N", help="at most N prompts")
        parser.add_argument("--batch-size", type=positive, metavar="N", help="prompts a transaction")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done; write and ask nothing")

        if self.buys:
            quoting.add_arguments(parser)
        if self.takes_batches:
            modes = "online, or batch: half the price at many endpoints, answered within 24 hours"
            parser.add_argument("--mode", choices=("online", "batch"), default="online", help=modes)
        for flag in self.idle_flags:
            parser.add_argument(flag, nargs="?", const=True, help="accepted, without effect: the database knows")

    def handle(self, *args, **options):
        for flag in self.idle_flags:
            if options[flag.lstrip("-").replace("-", "_")] is not None:
                self.tell(f"{flag} has no effect: the database knows the rows, their columns and their answers.")
        try:
            return self.step(options)
        except (ConfigError, ServiceError, jobs.CannotStart) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            if not error.filename and error.errno not in FULL:
                raise
            raise CommandError(f"{error.filename or 'Writing a file'}: {error.strerror}.") from error

    def make_way(self, *paths):
        """Keep what the earlier scripts wrote under these names, and say where it lies from now on."""
        for path in filter(None, paths):
            aside = set_aside(path)
            if aside:
                self.tell(f"{path} was written by the earlier scripts: it is {aside.name} from now on.")

    # -- project and configuration ------------------------------------------------------------------------------

    def load(self, options, path=None):
        """The configuration, with its notices told; the working directory's configs/ comes before the shipped one."""
        path = path or options["config"] or _default_config()
        config = load_config(path)
        for notice in config.notices:
            self.tell(notice)
        return config

    def project(self, options, config):
        """The project to work on: --project names an existing one, the configuration's is made if absent."""
        if options["project"]:
            found = project_named(options["project"])
            if options["config"] is None:
                return found
        if options["dry_run"]:
            return Project.objects.filter(slug=options["project"] or config.project).first()
        return project_for(config, options["project"])

    def tell(self, message):
        """A line on standard error, so that standard output stays for results."""
        self.stderr.write(message, self.style.NOTICE)

    # -- runs ---------------------------------------------------------------------------------------------------

    def run_stage(self, project, stage, options, **parameters):
        """Run one stage to its end, in this process or by the workers; raises CommandError where it failed."""
        parameters = {"limit": options.get("max_samples"), "batch_size": options.get("batch_size"), **parameters}
        parameters |= {"mode": "batch"} if options.get("mode") == "batch" and stage in batching.STAGES else {}
        parameters |= quoting.spending(options)
        try:
            run = self._carry_out(project, stage, parameters, options)
        except jobs.CapRefused as refusal:
            if options.get("spent"):  # an earlier run of this command left too little: a good end
                raise
            raise CommandError(str(refusal)) from None
        run.refresh_from_db()
        quoting.spent(options, run)
        if run.state != Run.State.FINISHED:
            raise CommandError(f"{run} {run.get_state_display().lower()}: {run.error or 'see its page'}")
        self.tell(f"{run}: {told(run)}")
        return run

    def _carry_out(self, project, stage, parameters, options):
        if options["inline"]:
            run = jobs.prepare(project, stage, parameters | {"command": inline.this_process()})
            self._inline(run)
        else:
            if not jobs.workers_alive():
                trouble = jobs.queue_trouble() or "No worker is alive: start them with `python manage.py serve`"
                raise CommandError(f"{trouble.rstrip('.')}, or work in this process with --inline.")
            run = jobs.start(project, stage, parameters)
            self._follow(run)
        return run

    def _inline(self, run):
        with ensure_server(), Progress(run) as bar, stop_on_signal(signal.SIGINT, signal.SIGTERM) as stop:

            def should_stop():
                bar.update()
                return stop.is_set()

            outcome = jobs.carry_out(run, should_stop)
            left = outcome == "stopped" and inline.under_way(run)
            if outcome == "stopped" and not left:
                run.end(Run.State.CANCELLED)
        if left:
            self.tell(f"{run} was interrupted; its batches go on at the endpoint. The same command goes on with them.")
            sys.exit(EXIT_INTERRUPTED)
        if outcome == "stopped":
            self.tell(f"{run} was interrupted; what was answered is stored, the rest keeps waiting.")
            sys.exit(EXIT_INTERRUPTED)

    def _follow(self, run):
        try:
            with Progress(run) as bar:
                silent_since = time.monotonic()
                while bar.update().is_live:
                    if jobs.workers_alive():
                        silent_since = time.monotonic()
                    elif time.monotonic() - silent_since > 60:
                        raise CommandError(f"{run} waits: every worker has gone. It goes on when one is started.")
                    time.sleep(0.5)
        except KeyboardInterrupt:
            self.tell(f"{run} goes on without this command; its page shows it, and can cancel it.")
            sys.exit(EXIT_INTERRUPTED)


def _default_config():
    here = Path("configs") / DEFAULT_CONFIG
    return here if here.exists() else None
