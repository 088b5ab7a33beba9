"""All stages in one command: collect, filter, SampleGate; with --regenerate, the second chance too."""

from pipeline import jobs
from pipeline.management import quoting
from pipeline.management.step import StepCommand


class Command(StepCommand):
    help = "Take what waits from collect through SampleGate."
    buys = True

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--regenerate", action="store_true", help="then regenerate what failed, and gate it again")

    def step(self, options):
        config = self.load(options)
        if options["quote"]:
            quoting.tell(self, "pipeline", options, lambda: (self.project(options | {"dry_run": False}, config), {}))
            if options["regenerate"]:
                self.tell("What will fail and be regenerated is not in the quote: nobody knows yet how much that is.")
            return
        project = self.project(options, config)
        if options["dry_run"]:
            self.stdout.write(jobs.quote(project, "pipeline").sentence if project else "There is no such project yet.")
            return
        self._run(project, "pipeline", options)
        if options["regenerate"]:
            self._run(project, "regenerate", options)
            self._run(project, "pipeline", options)
        self.stdout.write(jobs.where_they_are(project))

    def _run(self, project, stage, options):
        try:
            self.run_stage(project, stage, options)
        except jobs.CannotStart as nothing:
            self.tell(str(nothing))
