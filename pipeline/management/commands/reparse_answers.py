"""Read stored replies again by today's parser and renderer, without any call."""

from django.core.management.base import CommandError

from curation.models import Run
from pipeline import answers
from pipeline.management.step import StepCommand
from pipeline.stages import reparse


class Command(StepCommand):
    help = (
        "Read the stored replies of current answers again by today's parser and renderer, without any call: those "
        "that an older version read, or none could read. Where text or fields come out differently the prompt gets "
        "the new reading and goes to the filters; what people decided is only counted."
    )

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--all", action="store_true", help="also what today's versions have read")

    def step(self, options):
        if options["max_samples"]:
            raise CommandError("--max-samples is of no use here: reading again costs nothing.")
        config = None if options["project"] else self.load(options)
        project = self.project(options | {"config": None} if options["project"] else options, config)
        if project is None:
            raise CommandError("There is no such project yet.")
        if options["dry_run"]:
            self._dry_run(project, options)
        elif not reparse.is_needed(project, everything=options["all"]):
            self.tell(f"Nothing to parse again: {nothing(project)}")
        else:
            self.run_stage(project, Run.Stage.REPARSE, options, all=options["all"] or None)

    def _dry_run(self, project, options):
        counted, decided = reparse.look(project, everything=options["all"])
        words = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in sorted(counted.items()))
        self.stdout.write(f"Would read again: {words or nothing(project)}")
        for key in decided:
            self.stdout.write(f"decided, would be read otherwise: {key}")


def nothing(project):
    """Why there is nothing to parse again."""
    versions = f"parser {answers.PARSER_VERSION} and renderer {answers.RENDERER_VERSION}"
    return f"every stored reply of {project.slug} is read by {versions}; --all reads them once more."
