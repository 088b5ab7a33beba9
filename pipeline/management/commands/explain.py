"""Print a released row's whole life."""

import json

from django.core.management.base import BaseCommand, CommandError

from curation.management.named import project_named
from pipeline.releasing.explaining import NotOneRow, explain, told


class Command(BaseCommand):
    help = (
        "Say where a row of a dataset comes from: the releases that hold it, what was withdrawn, and the life of its "
        "prompt with every call, rule, score, decision and edit."
    )

    def add_arguments(self, parser):
        parser.add_argument("row_id", metavar="ROW_ID", help="its id, or enough of its first characters")
        parser.add_argument("--project", metavar="SLUG", help="look in this project alone")
        parser.add_argument("--json", action="store_true", help="print JSON in place of text")

    def handle(self, *, row_id, project, **options):
        try:
            found = explain(row_id, project_named(project) if project else None)
        except NotOneRow as error:
            raise CommandError(str(error)) from None
        self.stdout.write(json.dumps(found, indent=2, ensure_ascii=False) if options["json"] else told(found))
