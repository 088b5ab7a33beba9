"""Step 4 of the guide: ask again, by a stricter prompt and a stronger teacher, for what was refused."""

from pathlib import Path

from django.core.management.base import CommandError

from curation.annotations import Refused
from pipeline import datasets, jobs, orders
from pipeline.management import quoting
from pipeline.management.step import StepCommand
from pipeline.setup import teacher_for


class Command(StepCommand):
    help = "Regenerate what was sent back (step 4)."
    buys = True
    takes_batches = True
    idle_flags = ("--dataset", "--prompt-column", "--context-column", "--task-type-column", "--output-column")

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--annotations", type=Path, help="JSONL of decisions: each that is not accept is an order")
        parser.add_argument("--dst", type=Path, help="dataset of the new attempts (default: storage.regen_dataset)")
        parser.add_argument("--teacher", help="model id, in place of collection.regen_teacher_model")

    def step(self, options):
        config = self.load(options)
        if options["quote"]:
            self._quote(config, options)
            return
        files = not options["project"] or options["config"]
        dst = options["dst"] or (config.path("regen_dataset") if files else None)
        project = self.project(options, config)
        if project is None:
            raise CommandError(f"There is no project {config.project!r} yet: collect first.")
        if options["annotations"]:
            self._order(project, options)
        if options["dry_run"]:
            self.stdout.write(jobs.quote(project, "regenerate", {"limit": options["max_samples"]}).sentence)
            return
        teacher = teacher_for(options["teacher"]).pk if options["teacher"] else None
        try:
            self.run_stage(project, "regenerate", options, teacher=teacher)
        except jobs.CannotStart as nothing:
            self.tell(str(nothing))
        if dst:
            self.make_way(dst)
            rows = datasets.write_regenerated(project, dst, datasets.columns_of(config))
            self.stdout.write(f"{rows:,} regenerated answers in {dst}; filter and review them again.")

    def _quote(self, config, options):
        def set_up():
            project = self.project(options | {"dry_run": False}, config)
            if options["annotations"]:
                self._order(project, options)
            return project, {"teacher": teacher_for(options["teacher"]).pk if options["teacher"] else None}

        quoting.tell(self, "regenerate", options, set_up)

    def _order(self, project, options):
        try:
            report = orders.order_regeneration(project, options["annotations"], dry_run=options["dry_run"])
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        for problem in report.problems:
            self.tell(problem)
        self.tell(str(report))
