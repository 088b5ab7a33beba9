"""Step 5 of the guide: package what was accepted. `export_sft` knows every choice of a release."""

import shutil
from pathlib import Path

from django.core.management.base import CommandError

from pipeline.formats import replacing
from pipeline.management import released
from pipeline.management.step import StepCommand
from pipeline.releasing import writing
from pipeline.releasing.recipe import INCLUDES


class Command(StepCommand):
    help = "Write the SFT dataset of what was accepted (step 5)."
    idle_flags = (
        "--src",
        "--regen",
        "--prompt-column",
        "--context-column",
        "--task-type-column",
        "--output-column",
    )

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--dst-jsonl", type=Path, help="train rows as JSONL (default: storage.sft_jsonl)")
        parser.add_argument("--dst-parquet", type=Path, help="train rows as Parquet (default: storage.sft_parquet)")
        parser.add_argument(
            "--include", choices=INCLUDES, default="accepted", help="filtered: also what nobody reviewed"
        )

        parser.add_argument(
            "--include-leaks", action="store_true", help="also what shares words with an evaluation set"
        )

    def step(self, options):
        config = self.load(options)
        files = not options["project"] or options["config"]
        targets = {
            "jsonl": options["dst_jsonl"] or (config.path("sft_jsonl") if files else None),
            "parquet": options["dst_parquet"] or (config.path("sft_parquet") if files else None),
        }
        project = self.project(options, config)
        if project is None:
            raise CommandError(f"There is no project {config.project!r} yet: collect first.")
        wanted = {"include": options["include"], "include_leaks": options["include_leaks"]}
        rows = released.refuse_nothing(project, released.read(wanted))
        if options["dry_run"]:
            self.stdout.write(f"Would package {rows:,} rows.")
            return
        release = released.make(self, project, wanted, options)
        for kind, target in targets.items():
            if target:
                self._copy(release, kind, target)

    def _copy(self, release, kind, target):
        """The train rows to the named file, the other splits beside it."""
        for split in release.counts["splits"]:
            beside = target if split == "train" else target.with_name(f"{target.stem}.{split}{target.suffix}")
            self.make_way(beside)
            with replacing(beside) as part:
                if kind == "jsonl":
                    shutil.copyfile(release.directory / "jsonl" / "messages" / f"{split}.jsonl", part)
                else:
                    writing.copy_table(release, split, part)
            self.stdout.write(f"  {beside}")
