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
        parser.add_argument(
            "value",
            help="the locator; the licence, or “(not stated)” for prompts of which none is known; or the row id (its "
            "first 12 characters will do)",
        )
        parser.add_argument("--reason", default="", help="stands with every release that held it")

    def step(self, options):
        project = self.project(options, None if options["project"] else self.load(options))
        if project is None:
            raise CommandError("There is no such project yet.")
        try:
            value = withdrawing.spelled(project, options["kind"], options["value"])
            if options["dry_run"]:
                self._preview(withdrawing.preview(project, options["kind"], value))
                self._tell_unknown(project, options["kind"])
                return
            withdrawal = withdrawing.begin(project, options["kind"], value, options["reason"])
        except withdrawing.WrongWish as wrong:
            raise CommandError(str(wrong)) from None
        self.run_stage(project, Run.Stage.WITHDRAW, options | {"max_samples": None}, withdrawal=withdrawal.pk)
        withdrawal.refresh_from_db()
        self._tell(withdrawal)
        self._tell_unknown(project, withdrawal.kind)

    def _preview(self, preview):
        states = ", ".join(f"{number:,} {label.lower()}" for label, number in preview.states)
        self.stdout.write(f"Would withdraw {preview.prompts - preview.withdrawn:,} prompts ({states}).")
        if preview.partners:
            self.stdout.write(f"{preview.partners:,} of them go with the other half of their pair.")
        if preview.some:
            more = f", and {preview.prompts - len(preview.some):,} more" if preview.prompts > len(preview.some) else ""
            self.stdout.write(f"They are {', '.join(key[:12] for key in preview.some)}{more}.")
        for release, rows in preview.releases:
            self.stdout.write(f"Release {release.version} holds {rows:,} rows of them.")

    def _tell_unknown(self, project, kind):
        """What a licence cannot take, where one was asked for."""
        left = withdrawing.without_licence(project).filter(withdrawal=None).count() if kind == "licence" else 0
        if left:
            word = withdrawing.UNKNOWN
            self.stdout.write(
                f"Of {left:,} prompts no licence is known, so no licence takes them. See which: withdraw licence "
                f"'{word}' --dry-run; withdraw them all so, or by source or row."
            )

    def _tell(self, withdrawal):
        self.stdout.write(f"{withdrawal}: {withdrawal.prompts.count():,} prompts are withdrawn.")
        held = withdrawal.project.releases.filter(tombstones__withdrawal=withdrawal).distinct()
        for release in held.order_by("-version"):
            rows = release.tombstones.filter(withdrawal=withdrawal).count()
            self.stdout.write(f"  release {release.version} held {rows:,} rows: its files are behind the notice now")
        for patch in withdrawal.run.releases.filter(state="published") if withdrawal.run else ():
            self.stdout.write(f"  patch release {patch.version} ({patch.semver}): {patch.directory}")
