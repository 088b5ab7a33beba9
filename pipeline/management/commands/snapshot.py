"""Any stage of a project as a file with the columns of the earlier scripts."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from curation.management.named import project_named
from curation.reviewing import settle
from pipeline import datasets
from pipeline.config import load_config
from pipeline.config_errors import ConfigError
from pipeline.datasets.aside import set_aside

ENDINGS = (".parquet", ".jsonl")


class Command(BaseCommand):
    help = (
        "Write what a project holds at this moment as the earlier scripts' file of that stage: same columns, plus "
        "prompt_key, which names a row for ever. The file appears whole or not at all, and is never read back as state."
    )

    def add_arguments(self, parser):
        parser.add_argument("stage", choices=datasets.STAGES, metavar="STAGE", help=", ".join(datasets.STAGES))
        parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="ends in .parquet or .jsonl")
        parser.add_argument("--project", metavar="SLUG", help="default: the one that the configuration names")
        parser.add_argument("--config", type=Path, metavar="FILE", help="whose names of columns are used")

    def handle(self, *, stage, out, project, config, **options):
        if out.suffix not in ENDINGS:
            raise CommandError(f"{out.name}: write to a file that ends in {' or '.join(ENDINGS)}.")
        try:
            config = load_config(config)
        except ConfigError as error:
            raise CommandError(str(error)) from None
        found = project_named(project or config.project)
        settle(found)
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            aside = set_aside(out)
            if aside:
                self.stdout.write(f"{out} was written by the earlier scripts: it is {aside.name} from now on.")
            rows = datasets.STAGES[stage](found, out, datasets.columns_of(config))
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}.") from None
        self.stdout.write(f"{rows:,} rows of {found.slug}, stage {stage}: {out}")
