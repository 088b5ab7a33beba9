"""Attach to a run that others work on, and show how far it is."""

import sys
import time

from django.core.management.base import BaseCommand, CommandError

from curation.management.named import project_named
from curation.models import Run
from pipeline.management.progress import Progress, told

EXIT_INTERRUPTED = 130


class Command(BaseCommand):
    help = "Show a run until it ends: without a number, the one that goes on. Ctrl-C leaves it; the run goes on."
    requires_migrations_checks = True

    def add_arguments(self, parser):
        parser.add_argument("run", nargs="?", type=int, metavar="ID", help="number of the run, as its page shows it")
        parser.add_argument("--project", metavar="SLUG", help="look among the runs of this project alone")

    def handle(self, *, run, project, **options):
        run = _chosen(run, project)
        try:
            with Progress(run) as shown:
                while shown.update().is_live:
                    time.sleep(0.5)
        except KeyboardInterrupt:
            self.stderr.write(f"{run} goes on without this command.")
            sys.exit(EXIT_INTERRUPTED)
        said = f"{run}: {run.get_state_display().lower()}; {told(run)}"
        if run.state == Run.State.FAILED:
            raise CommandError(f"{said}\n{run.error}")
        self.stdout.write(said)


def _chosen(pk, slug):
    """The run of this number, or the newest that is live; raises CommandError naming what there is."""
    runs = Run.objects.select_related("project").order_by("-pk")
    if slug:
        runs = runs.filter(project=project_named(slug))
    found = runs.filter(pk=pk).first() if pk else runs.live().first()
    if found:
        return found
    last = ", ".join(f"{run.pk} ({run.get_state_display().lower()})" for run in runs[:5]) or "none yet"
    raise CommandError(f"{f'There is no run {pk}' if pk else 'No run is going on'}; the last ones are: {last}.")
