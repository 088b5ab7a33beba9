"""A backup back into an empty installation, whichever database it has."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from curation import searching, upkeep
from curation.backups import BadBackup, restore
from curation.models import Batch


class Command(BaseCommand):
    help = (
        "Read a folder that `backup` wrote into this database and DATA_DIR; both must be empty, after `migrate`. "
        "Whole or not at all. Runs that were under way are ended: start them again to go on."
    )

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path, metavar="DIR")

    def handle(self, *, folder, verbosity, **options):
        tell = self.stdout.write if verbosity > 1 else lambda line: None
        try:
            said = restore(folder, tell)
        except BadBackup as wrong:
            raise CommandError(str(wrong)) from None
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise CommandError(f"{where}{error.strerror}. Nothing was restored.") from error
        while searching.catch_up():
            pass
        upkeep.learn_sizes()
        rows = sum(table["rows"] for table in said["tables"])
        self.stdout.write(f"{rows:,} rows and {len(said['files']):,} files, as they were on {said['made_at'][:16]} UTC")
        for model, number in said["changed"].items():
            self.stdout.write(
                f"{number:,} rows of {model} held NUL or half a surrogate pair, which PostgreSQL cannot hold: U+FFFD "
                "stands in place of each. Hashes stay as they were."
            )
        waiting = Batch.objects.filter(state__in=Batch.OPEN).count()
        if waiting:
            self.stdout.write(f"{waiting:,} batches are at their endpoints: workers fetch their answers once they run.")
