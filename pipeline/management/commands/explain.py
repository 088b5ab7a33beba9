"""Print a released row's whole life."""

import json

from django.core.management.base import BaseCommand, CommandError

from curation.models import Project
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
            found = explain(row_id, _project(project))
        except NotOneRow as error:
            raise CommandError(str(error)) from None
        self.stdout.write(json.dumps(found, indent=2, ensure_ascii=False) if options["json"] else told(found))


def _project(slug):
    if not slug:
        return None
    project = Project.objects.filter(slug=slug).first()
    if project is None:
        known = ", ".join(Project.objects.order_by("slug").values_list("slug", flat=True)[:20]) or "none yet"
        raise CommandError(f"There is no project {slug!r}; projects are: {known}.")
    return project
