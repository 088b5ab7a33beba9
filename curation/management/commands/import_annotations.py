"""Take in decisions that were made elsewhere: the scripts' label files, or what export_annotations wrote."""

from django.core.management.base import BaseCommand, CommandError

from curation import annotations
from curation.management.named import project_named
from curation.models import Membership


class Command(BaseCommand):
    help = (
        "Store the decisions of JSON Lines files (labels of the scripts, accepted.jsonl, rejected.jsonl, or what "
        "export_annotations wrote). A row is matched to an answer by task type, context and text, never by its place; "
        "what matches nothing is reported. The same file again changes nothing."
    )

    def add_arguments(self, parser):
        parser.add_argument("files", nargs="+", metavar="FILE")
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--reviewer", required=True, metavar="NAME", help="whose decisions rows without a name are")

    def handle(self, *, files, project, reviewer, **options):
        found = project_named(project)
        may = Membership.objects.filter(project=found, role__in=("reviewer", "manager")).select_related("user")
        people = {member.user.get_username(): member.user for member in may}
        if reviewer not in people:
            raise CommandError(f"{reviewer!r} may not review in {project} (who may: {', '.join(people) or 'nobody'}).")
        unmatched = 0
        for path in files:
            try:
                report = annotations.bring(found, path, people[reviewer])
            except annotations.Refused as refusal:
                raise CommandError(str(refusal)) from refusal
            self._tell(path, report, reviewer)
            unmatched += report.unmatched
        if unmatched:
            raise CommandError(f"{unmatched:,} rows were not stored; everything else was.")

    def _tell(self, path, report, reviewer):
        for problem in report.problems:
            self.stderr.write(problem)
        if report.strangers:
            names = ", ".join(f"{name} ({number:,})" for name, number in report.strangers.most_common(5))
            self.stderr.write(f"{path}: taken as decisions of {reviewer}, since no member has the name: {names}.")
        self.stdout.write(f"{path}: {report}")
