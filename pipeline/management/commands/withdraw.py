"""Take a source, a licence or a row out of the project, and out of its next releases, for good."""

from pathlib import Path

from django.core.management.base import CommandError

from curation import withdrawing
from curation.models import Run, Withdrawal
from pipeline.management.step import StepCommand

SHOWN = 20  # lines without a match that are told


class Command(StepCommand):
    help = (
        "Withdraw a source (its locator, such as a DOI), a licence or a row of a release: its prompts are rejected for "
        "good, every release that holds them says so, and the newest of them gets a patch release without them. With "
        "--list all that a file names, such as a list of retracted papers; lines that name nothing are told."
    )

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("kind", choices=Withdrawal.Kind.values, help="what is withdrawn")
        parser.add_argument(
            "value",
            nargs="?",
            default="",
            help="the locator; the licence, or “(not stated)” for prompts of which none is known; or the row id (its "
            "first 12 characters will do)",
        )
        parser.add_argument("--reason", default="", help="stands with every release that held it")
        parser.add_argument(
            "--list", type=Path, metavar="FILE", help="text with one locator or row id a line, or CSV with a header"
        )
        parser.add_argument("--column", default="", help="of a CSV list; without it the usual names, such as doi")
        parser.add_argument("--unmatched", type=Path, metavar="FILE", help="write the lines that name nothing there")

    def step(self, options):
        project = self.project(options, None if options["project"] else self.load(options))
        if project is None:
            raise CommandError("There is no such project yet.")
        self._refuse_mixed(options)
        try:
            if options["list"]:
                self._withdraw_listed(project, options)
            else:
                self._withdraw_one(project, options)
        except withdrawing.WrongWish as wrong:
            raise CommandError(str(wrong)) from None

    def _refuse_mixed(self, options):
        if bool(options["list"]) == bool(options["value"]):
            raise CommandError("Say which: a value (a locator, a licence, a row id), or --list FILE; one of the two.")
        of_lists = [f"--{name}" for name in ("column", "unmatched") if options[name]]
        if of_lists and not options["list"]:
            raise CommandError(f"{of_lists[0]} goes with --list FILE.")

    def _withdraw_one(self, project, options):
        value = withdrawing.spelled(project, options["kind"], options["value"])
        if options["dry_run"]:
            self._preview(withdrawing.preview(project, options["kind"], value))
            self._tell_unknown(project, options["kind"])
            return
        withdrawal = withdrawing.begin(project, options["kind"], value, options["reason"])
        run = self._run(project, options, withdrawal=withdrawal.pk)
        self._tell([withdrawal], run)
        self._tell_unknown(project, withdrawal.kind)

    def _run(self, project, options, **wanted):
        return self.run_stage(project, Run.Stage.WITHDRAW, options | {"max_samples": None}, **wanted)

    # -- a list -------------------------------------------------------------------------------------------------

    def _withdraw_listed(self, project, options):
        with open(options["list"], "rb") as file:
            lines = withdrawing.read(file, options["kind"], options["list"].name, options["column"])
        matched = withdrawing.match(project, options["kind"], lines)
        self._tell_lines(matched, options)
        if options["dry_run"]:
            self._preview(withdrawing.preview_all(project, matched))
            return
        begun = withdrawing.begin_all(project, options["kind"], lines, options["reason"])
        self._tell(begun, self._run(project, options, withdrawals=[each.pk for each in begun]))

    def _tell_lines(self, matched, options):
        """Which lines are found, and which name nothing: those go to a file too, if it is asked for."""
        before = len(matched.matches) - len(matched.new)
        self.stdout.write(
            f"{matched.lines:,} lines: {len(matched.new):,} found, {before:,} withdrawn before, "
            f"{len(matched.unknown):,} that name nothing of this project, {matched.again:,} that repeat another."
        )
        for each in matched.matches:
            said = "withdrawn before" if each.before else f"{len(each.prompts):,} prompts"
            self.stdout.write(f"  line {each.line.number}: {each.value} ({said})")
        for line in matched.unknown[:SHOWN]:
            self.stdout.write(f"  line {line.number}: {line.text[:200]} (nothing of this project)")
        if len(matched.unknown) > SHOWN:
            rest = len(matched.unknown) - SHOWN
            self.stdout.write(f"  and {rest:,} more that name nothing: --unmatched FILE writes them all")
        if options["unmatched"]:
            text = "".join(f"{line.text}\n" for line in matched.unknown)
            options["unmatched"].write_text(text, encoding="utf-8")

    # -- what is told -------------------------------------------------------------------------------------------

    def _preview(self, preview):
        states = ", ".join(f"{number:,} {label.lower()}" for label, number in preview.states)
        of_all = f" of {preview.prompts:,}" if preview.withdrawn else ""
        self.stdout.write(f"Would withdraw {preview.left:,}{of_all} prompts ({states or 'none'}).")
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

    def _tell(self, withdrawals, run):
        for each in withdrawals:
            self.stdout.write(f"{each}: {each.prompts.count():,} prompts are withdrawn.")
            for former, number in withdrawing.formers(each):
                self.stdout.write(f"  {number:,} more of it had been withdrawn before, by {former}")
        for release, rows in withdrawing.held_by(withdrawals):
            self.stdout.write(f"  release {release.version} held {rows:,} rows: its files are behind the notice now")
        for patch in run.releases.filter(state="published"):
            self.stdout.write(f"  patch release {patch.version} ({patch.semver}): {patch.directory}")
