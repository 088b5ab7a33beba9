"""Take a source, a licence or a row out of the project, and out of its next releases, for good."""

from django.core.management.base import CommandError

from curation import withdrawing
from curation.models import Run, Withdrawal
from pipeline.management.step import StepCommand


class Command(StepCommand):
    help = (
        "Withdraw a source (its locator, such as a DOI), a licence or a row of a release: its prompts are rejected for "
        "good, every release that holds them says so, and the newest of them gets a patch release without them."
    )

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("kind", choices=Withdrawal.Kind.values, help="what is withdrawn")
        parser.add_argument("value", help="the locator, the licence, or the row id (its first 12 characters will do)")
        parser.add_argument("--reason", default="", help="stands with every release that held it")

    def step(self, options):
        project = self.project(options, None if options["project"] else self.load(options))
        if project is None:
            raise CommandError("There is no such project yet.")
        try:
            value = withdrawing.spelled(project, options["kind"], options["value"])
            if options["dry_run"]:
                self._preview(withdrawing.preview(project, options["kind"], value))
                return
            withdrawal = withdrawing.begin(project, options["kind"], value, options["reason"])
        except withdrawing.WrongWish as wrong:
            raise CommandError(str(wrong)) from None
        self.run_stage(project, Run.Stage.WITHDRAW, options | {"max_samples": None}, withdrawal=withdrawal.pk)
        withdrawal.refresh_from_db()
        self._tell(withdrawal)

    def _preview(self, preview):
        states = ", ".join(f"{number:,} {label.lower()}" for label, number in preview.states)
        self.stdout.write(f"Would withdraw {preview.prompts - preview.withdrawn:,} prompts ({states}).")
        if preview.partners:
            self.stdout.write(f"{preview.partners:,} of them go with the other half of their pair.")
        for release, rows in preview.releases:
            self.stdout.write(f"Release {release.version} holds {rows:,} rows of them.")

    def _tell(self, withdrawal):
        self.stdout.write(f"{withdrawal}: {withdrawal.prompts.count():,} prompts are withdrawn.")
        held = withdrawal.project.releases.filter(tombstones__withdrawal=withdrawal).distinct()
        for release in held.order_by("-version"):
            rows = release.tombstones.filter(withdrawal=withdrawal).count()
            self.stdout.write(f"  release {release.version} held {rows:,} rows: its files are behind the notice now")
        for patch in withdrawal.run.releases.filter(state="published") if withdrawal.run else ():
            self.stdout.write(f"  patch release {patch.version} ({patch.semver}): {patch.directory}")
