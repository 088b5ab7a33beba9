"""Recompute a release from its folder, without the database."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from pipeline.formats import file_sha256
from pipeline.releasing import manifest
from pipeline.releasing.verifying import Different, verify


class Command(BaseCommand):
    help = (
        "Recompute what a release says of itself: sha256 and numbers of every file, row ids from the texts, splits "
        "without shared groups, JSON Lines against Parquet. Reads the folder alone, wherever it was copied to; names "
        "the first difference and exits with 1."
    )
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("directory", type=Path, metavar="DIR", help="the release's folder")
        parser.add_argument(
            "--manifest-sha256", metavar="HEX", help="what manifest.json must have: as the release's page says it"
        )

    def handle(self, *, directory, manifest_sha256, **options):
        try:
            if manifest_sha256:
                _is_the_one(directory / manifest.NAME, manifest_sha256)
            verify(directory, told=lambda said: self.stdout.write(f"ok  {said}"))
        except Different as different:
            raise CommandError(f"DIFFERENT: {different}") from None
        self.stdout.write(f"{directory} is what its manifest says.")


def _is_the_one(path, wanted):
    found = file_sha256(path) if path.is_file() else "nothing: it is missing"
    if found != wanted.lower():
        raise Different(f"{manifest.NAME} has sha256 {found}, asked for was {wanted}.")
