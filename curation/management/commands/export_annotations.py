"""Write what people decided: every decision to one file, or what holds as accepted.jsonl and rejected.jsonl."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from curation import annotations
from curation.exporting import export_annotations, not_final
from curation.management.named import project_named
from curation.reviewing import settle


class Command(BaseCommand):
    help = (
        "Write every decision to FILE, one row each with reviewer, reasons, scores, edit, comment and times; and with "
        "--labels the decisions that hold to accepted.jsonl and rejected.jsonl (regenerate and reject), as "
        "regenerate_bad --annotations reads them."
    )

    def add_arguments(self, parser):
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--out", type=Path, metavar="FILE", help="ends in .jsonl, .parquet or .csv")
        parser.add_argument("--checks", action="store_true", help="decisions on gold and repeated items too")
        parser.add_argument("--labels", metavar="DIR", help="the folder to write to; made if absent")

    def handle(self, *, project, out, checks, labels, **options):
        if not (out or labels):
            raise CommandError("Say where to: --out FILE for every decision, --labels DIR for those that hold.")
        found = project_named(project)
        settle(found)
        if out:
            self._every_decision(found, out, checks)
        if labels:
            self._what_holds(found, labels)

    def _every_decision(self, project, out, checks):
        try:
            number = annotations.write(out, annotations.rows(annotations.decisions(project, checks=checks)))
        except ValueError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{out}: {error.strerror}; name a file that can be written.") from error
        self.stdout.write(f"{out}: {number}")

    def _what_holds(self, project, labels):
        try:
            counts = export_annotations(project, labels)
        except OSError as error:
            raise CommandError(f"{labels}: {error.strerror}; name a folder that can be written to.") from error
        for name, rows in counts.items():
            self.stdout.write(f"{labels}/{name}: {rows}")
        if waiting := not_final(project):
            self.stderr.write(f"Left out: {waiting} made just now, which can still be taken back; export again soon.")
