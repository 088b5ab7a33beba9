"""Mark answers whose right decision is known, from files of decisions."""

from django.core.management.base import BaseCommand, CommandError

from curation.annotations import Refused
from curation.annotations.known import mark_file
from curation.management.named import project_named
from curation.models import Membership


class Command(BaseCommand):
    help = (
        "Mark current answers as gold from JSON Lines files, as export_annotations writes them: action is the right "
        "decision, comment says why. A row is matched by task type, context and text, never by its place. Gold items "
        "are mixed in among what reviewers are given once the project's share of them is more than 0."
    )

    def add_arguments(self, parser):
        parser.add_argument("files", nargs="+", metavar="FILE")
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--by", required=True, metavar="NAME", help="the manager who knows; is never given them")

    def handle(self, *, files, project, by, **options):
        found = project_named(project)
        managers = Membership.objects.filter(project=found, role=Membership.Role.MANAGER).select_related("user")
        people = {member.user.get_username(): member.user for member in managers}
        if by not in people:
            raise CommandError(f"{by!r} does not manage {project} (who does: {', '.join(people) or 'nobody'}).")
        missed = 0
        for path in files:
            try:
                report = mark_file(found, path, people[by])
            except Refused as refusal:
                raise CommandError(str(refusal)) from refusal
            for problem in report.problems:
                self.stderr.write(problem)
            missed += len(report.problems)
            self.stdout.write(f"{path}: {report.marked:,} marked as gold, {len(report.problems):,} not matched")
        if missed:
            raise CommandError(f"{missed:,} rows were not marked; everything else was.")
