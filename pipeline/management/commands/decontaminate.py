"""Hold a project against evaluation sets: what would leak is marked, and stays out of releases."""

from pathlib import Path

from django.core.management.base import CommandError

from curation.models import Run
from pipeline.management.step import StepCommand
from pipeline.resemblance import leaks
from pipeline.stages.decontaminate import DEFAULT_N

SHOWN = 20


class Command(StepCommand):
    help = (
        "Mark prompts and answers that share n-grams of words with evaluation texts. The n-grams of a file are kept: "
        "what comes later is held against them too. Without --against, everything new is held against what is known."
    )

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument(
            "--against", nargs="+", type=Path, default=[], metavar="FILE", help="JSONL, JSON, CSV, Parquet, text; .gz"
        )
        parser.add_argument("--n", type=int, default=DEFAULT_N, help=f"words of an n-gram (default: {DEFAULT_N})")
        parser.add_argument("--column", help="the column with the texts (default: every column with text)")

    def step(self, options):
        if options["max_samples"]:
            raise CommandError("--max-samples is of no use here: what is left out could leak.")
        config = None if options["project"] else self.load(options)
        project = self.project(options | {"config": None} if options["project"] else options, config)
        if project is None:
            raise CommandError("There is no such project yet.")
        against = [str(path.absolute()) for path in options["against"]]
        if options["dry_run"]:
            self.stdout.write(
                f"Would hold {project.prompts.count():,} prompts and their answers against {len(against)} files."
            )
            return
        wanted = {"against": against or None, "n": options["n"], "column": options["column"]}
        self.run_stage(project, Run.Stage.DECONTAMINATE, options, **wanted)
        self._tell(project)

    def _tell(self, project):
        leaking = leaks.leaking(project.prompts.all())
        for each in project.evaluation_sets.all():
            self.stdout.write(
                f"{each.name}: {each.texts:,} texts, {each.ngrams:,} n-grams of {each.n} words; "
                f"{each.overlaps.count():,} prompts and answers share some"
            )
        self.stdout.write(f"prompts that would leak: {leaking.count():,}")
        for prompt in leaking.order_by("key")[:SHOWN]:
            overlap = leaks.of_prompt(prompt).first()
            self.stdout.write(f"  {prompt.key[:12]} ({overlap.evaluation_set}): {overlap.words}")
