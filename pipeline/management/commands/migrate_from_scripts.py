"""The way over: the files of the earlier scripts become a project, and a report says what they held."""

import tempfile
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from curation.alone import Taken, alone
from curation.models import Project
from pipeline import migrating
from pipeline.config import load_config
from pipeline.config_errors import ConfigError
from pipeline.migrating.writing import as_markdown
from pipeline.setup import project_for


class Command(BaseCommand):
    help = (
        "Take over what the earlier scripts left: inputs, outputs, filtered and regenerated datasets, labels, training "
        "files. The configuration names them; what lies beside them, and what is given here, is read too. Rows are "
        "matched by what they say, never by their place. The same again adds nothing. A report tells every row."
    )

    def add_arguments(self, parser):
        parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="further files and folders")
        parser.add_argument("--config", type=Path, required=True, help="the scripts' distill_config.yaml, or a batch's")
        parser.add_argument("--labels", nargs="+", action="extend", default=[], type=Path, metavar="FILE")
        parser.add_argument("--project", metavar="SLUG", help="the project, made if absent (default: the file's)")
        parser.add_argument("--root", type=Path, metavar="DIR", help="where relative paths of the configuration begin")
        parser.add_argument("--reviewer", metavar="NAME", help="whose decisions the labels are, which name nobody")
        parser.add_argument("--dry-run", action="store_true", help="report what would be done, and take it back")
        parser.add_argument("--report", type=Path, metavar="FILE", help="default: migration/report in its data folder")

    def handle(self, **options):
        try:
            config = load_config(options["config"])
            sources, notes = migrating.find(
                config, options["config"], root=options["root"], labels=options["labels"], paths=options["paths"]
            )
        except ConfigError as error:
            raise CommandError(str(error)) from None
        if not sources:
            raise CommandError("\n".join([*notes, "There is nothing to take over: no file was found."]))
        _check_target(options["report"])
        report, project = self._migrate(config, sources, config.notices + notes, options)
        self.stdout.write(as_markdown(report))
        target = options["report"]
        if target is None and not options["dry_run"]:
            target = project.data_dir / "migration" / "report"
        for path in migrating.write_report(report, target) if target else ():
            self.stderr.write(f"{path}")

    @transaction.atomic
    def _undone(self, *arguments):
        done = self._carry_out(*arguments)
        transaction.set_rollback(True)
        return done

    def _migrate(self, config, sources, notes, options):
        carry_out = self._undone if options["dry_run"] else self._carry_out
        try:
            with alone(settings.DATA_DIR / "migrate.lock"):  # two would each bring the same answers beside
                report, project = carry_out(config, sources, options)
        except Taken as other:
            raise CommandError(f"Process {other} takes files over at this moment: let it end, then go on.") from None
        except ConfigError as error:
            raise CommandError(str(error)) from None
        report.dry_run, report.notes = options["dry_run"], [*notes, *report.notes]
        return report, project

    def _carry_out(self, config, sources, options):
        slug = options["project"] or config.project
        project = Project.objects.filter(slug=slug).first()
        made = project is None
        reviewer = self._reviewer(options["reviewer"])
        if made:
            with transaction.atomic():
                project = project_for(config, slug)
                project.paired = False
                project.save(update_fields=["paired"])
        if reviewer and not project.memberships.filter(user=reviewer, role__in=("reviewer", "manager")).exists():
            project.add_member(reviewer, "reviewer")
        report = migrating.migrate(
            project, sources, config, reviewer=reviewer, tell=lambda name: self.stderr.write(f"{name} …")
        )
        if made:
            report.notes.append(_of_pairs(project))
        return report, project

    def _reviewer(self, name):
        if not name:
            return None
        found = get_user_model().objects.filter(username=name).first()
        if found is None:
            raise CommandError(f"There is nobody called {name!r}: name a user, or leave --reviewer out.")
        return found


def _of_pairs(project):
    """Which pairs the project could hold together; it does not, since no method here was asked with its hypothesis."""
    pairs = project.pairs.count()
    if not pairs:
        return "No context has one hypothesis and one method, so the project has no pairs."
    number = f"{pairs:,} contexts have" if pairs > 1 else "1 context has"
    return (
        "The scripts asked hypotheses and methods each by itself, and so the project takes them one by one. "
        f"{number} one of each: with “Pairs” in the settings they are asked, reviewed and released together."
    )


def _check_target(report):
    """A report that has nowhere to go is said before hours of work, not after them."""
    if report is None:
        return
    try:
        report.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=report.parent):
            pass
    except OSError as error:
        raise CommandError(f"The report cannot be written to {report}: {error.strerror}.") from None
