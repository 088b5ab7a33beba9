"""Write what people decided as accepted.jsonl and rejected.jsonl."""

from django.core.management.base import BaseCommand, CommandError

from curation.exporting import export_annotations, not_final
from curation.models import Project
from curation.reviewing import settle


class Command(BaseCommand):
    help = (
        "Write the decisions that hold to accepted.jsonl and rejected.jsonl (regenerate and reject), "
        "as regenerate_bad --annotations reads them."
    )

    def add_arguments(self, parser):
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--labels", required=True, metavar="DIR", help="the folder to write to; made if absent")

    def handle(self, *, project, labels, **options):
        found = Project.objects.filter(slug=project).first()
        if found is None:
            known = ", ".join(Project.objects.order_by("slug").values_list("slug", flat=True)[:20]) or "none yet"
            raise CommandError(f"There is no project {project!r} (there is: {known}).")
        settle(found)
        try:
            counts = export_annotations(found, labels)
        except OSError as error:
            raise CommandError(f"{labels}: {error.strerror}; name a folder that can be written to.") from error
        for name, rows in counts.items():
            self.stdout.write(f"{labels}/{name}: {rows}")
        if waiting := not_final(found):
            self.stderr.write(f"Left out: {waiting} made just now, which can still be taken back; export again soon.")
