"""Blank the texts of what was withdrawn, for deletion by law."""

import sys

from django.core.management.base import CommandError

from curation import withdrawing
from curation.models import Run, Withdrawal
from curation.withdrawing import blanking
from pipeline.management.step import StepCommand
from pipeline.releasing import purging


class Command(StepCommand):
    help = (
        "Blank every text of a withdrawn source (or licence, or row): in the database, in files of releases, in "
        "uploads and exports. Keys, hashes, decisions and manifests stay. It cannot be taken back. What was not "
        "withdrawn yet is withdrawn first."
    )

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("value", help="the locator, such as a DOI; the licence, or the row id")
        parser.add_argument("--kind", choices=Withdrawal.Kind.values, default="source", help="what is purged")
        parser.add_argument("--reason", default="", help="for the withdrawal, where it was not made before")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def step(self, options):
        project = self.project(options, None if options["project"] else self.load(options))
        if project is None:
            raise CommandError("There is no such project yet.")
        try:
            value = withdrawing.spelled(project, options["kind"], options["value"])
            preview = withdrawing.preview(project, options["kind"], value)
            if options["dry_run"]:
                self.stdout.write(f"Would blank the texts of {preview.prompts:,} prompts.")
                return
            self._make_sure(preview, options)
            withdrawal = withdrawing.begin(project, options["kind"], value, options["reason"])
        except withdrawing.WrongWish as wrong:
            raise CommandError(str(wrong)) from None
        options = options | {"max_samples": None}
        if withdrawing.waiting(withdrawal).exists():
            self.run_stage(project, Run.Stage.WITHDRAW, options, withdrawal=withdrawal.pk)
        why_not = blanking.why_not_blank(withdrawal)
        if why_not:
            raise CommandError(why_not)
        self.run_stage(project, Run.Stage.PURGE, options, withdrawal=withdrawal.pk)
        self._tell(withdrawal)

    def _make_sure(self, preview, options):
        if options["yes"]:
            return
        if not sys.stdin.isatty():
            raise CommandError("Nobody is there to ask: say --yes to blank the texts for good.")
        self.stdout.write(f"The texts of {preview.prompts:,} prompts go, and nothing brings them back.")
        if input("Type yes to blank them: ").strip() != "yes":
            raise CommandError("Nothing was blanked.")

    def _tell(self, withdrawal):
        said = purging.purged_so_far(withdrawal)
        self.stdout.write(f"{withdrawal}: the texts of {withdrawal.prompts.count():,} prompts are blank.")
        for each in said["releases"]:
            self.stdout.write(f"  release {each['version']} no longer verifies: {', '.join(each['files'])} are gone")
        for path in said["copies"]:
            self.stdout.write(f"  removed {path}, which had sha256 {said['sha256'].get(path, 'unknown')}")
        for path in said["stay"]:
            self.stdout.write(f"  still holds it, see to it by hand: {path}")
        for path in said["unread"]:
            self.stdout.write(f"  could not be looked into, see to it by hand: {path}")
        if said["untold"]:
            number = said["left_number"]
            self.stdout.write(
                f"{said['untold']:,} texts are too short, or worded like others, to be known again in files. These may "
                f"hold them still: {', '.join(said['left']) or 'none'}{', …' if number > len(said['left']) else ''}"
            )
        self.stdout.write(
            "Backups, downloads, pushed datasets and other projects are yours to see to, and files that hold answers "
            "without their sources."
        )
