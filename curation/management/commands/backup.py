"""Everything that was imported, bought and decided, in a folder that either database can be restored from."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from curation.backups import BadBackup, back_up, told_of_links


class Command(BaseCommand):
    help = (
        "Write every row of the database and every file of its projects into a new folder, as they are at one moment; "
        "work goes on meanwhile. `restore` reads it into SQLite or PostgreSQL. Not in it: log-ins, the queue, logs, "
        "SECRET_KEY and API keys. It holds password hashes and everything that is private: keep it as such."
    )

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder outside of DATA_DIR")

    def handle(self, *, folder, verbosity, **options):
        tell = self.stdout.write if verbosity > 1 else lambda line: None
        try:
            said = back_up(folder, tell)
        except BadBackup as wrong:
            raise CommandError(str(wrong)) from None
        rows = sum(table["rows"] for table in said["tables"])
        self.stdout.write(f"{rows:,} rows and {len(said['files']):,} files in {folder}")
        if said["links"]:
            self.stderr.write(told_of_links(said["links"]))
