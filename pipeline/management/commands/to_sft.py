"""Step 5 of the guide: package what was accepted."""

import shutil
from pathlib import Path

from django.core.management.base import CommandError

from curation.models import Release
from pipeline import jobs
from pipeline.formats import replacing
from pipeline.management.step import StepCommand
from pipeline.stages.package import INCLUDES, LEFT_OUT, candidates


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
        jobs.settle(project)
        rows = candidates(project, options["include"]).count()
        if not rows:
            raise CommandError(
                f"Nothing is {options['include']} yet: {jobs.where_they_are(project)}. Review it on the pages, "
                "or package what passed the filters without a person by --include filtered."
            )
        if options["dry_run"]:
            self.stdout.write(f"Would package {rows:,} rows.")
            return
        wanted = {"include": options["include"], "include_leaks": options["include_leaks"] or None}
        run = self.run_stage(project, "package", options | {"max_samples": None}, **wanted)
        release = Release.objects.get(project=project, version=run.versions["release"])
        if run.versions.get("unchanged"):
            self.tell("Nothing changed since the last release: it stands.")
        self.stdout.write(f"Release {release.version}: {release.counts['rows']:,} rows in {release.directory}")
        for split, number in release.counts["splits"].items():
            self.stdout.write(f"  {split}: {number:,}")
        for why in LEFT_OUT:
            if release.counts.get(why):
                self.stdout.write(f"  left out, {why.replace('_', ' ')}: {release.counts[why]:,}")
        for kind, target in targets.items():
            if target:
                self._copy(release, kind, target)

    def _copy(self, release, kind, target):
        """The train rows to the named file, the other splits beside it."""
        for split in release.counts["splits"]:
            beside = target if split == "train" else target.with_name(f"{target.stem}.{split}{target.suffix}")
            name = f"jsonl/messages/{split}.jsonl" if kind == "jsonl" else f"data/{split}-00000-of-00001.parquet"
            with replacing(beside) as part:
                shutil.copyfile(release.directory / name, part)
            self.stdout.write(f"  {beside}")
