"""Look for near-duplicates among prompts and among answers past the gate."""

import json

from django.core.management.base import CommandError

from curation.models import Run
from curation.reviewing import held_prompts
from pipeline.management.step import StepCommand
from pipeline.resemblance import fingerprints
from pipeline.stages import deduplicate

NAMES = {"prompt": "sources", "response": "answers"}  # as the page calls what is compared


class Command(StepCommand):
    help = (
        "Put prompts that share their source, and answers past the gate that share their words, into clusters of "
        "near-duplicates. Only what is new is read; every run that filters or judges ends with it. No state "
        "moves: the review queue offers the best of a cluster, and a release takes one."
    )

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--json", action="store_true", help="write the numbers as JSON")

    def step(self, options):
        if options["max_samples"]:
            raise CommandError("--max-samples is of no use here: a text is compared with all others, or not at all.")
        config = None if options["project"] else self.load(options)
        project = self.project(options | {"config": None} if options["project"] else options, config)
        if project is None:
            raise CommandError("There is no such project yet.")
        if options["dry_run"]:
            waiting = fingerprints.missing(project)
            words = " and ".join(f"{rows.count():,} {kind}s" for kind, rows in waiting.items())
            self.stdout.write(f"Would read {words}.")
            return
        self.run_stage(project, Run.Stage.DEDUPLICATE, options)
        found = {kind.value: fingerprints.sizes(project, kind) for kind in deduplicate.KINDS}
        held = held_prompts(project).count()
        if options["json"]:
            numbers = {"percent": project.near_duplicate_percent, "held_by_cluster": held}
            self.stdout.write(json.dumps(numbers | {"clusters": found}))
            return
        for kind, by_size in found.items():
            self.stdout.write(f"{NAMES[kind]}: {_words(by_size)}")
        self.stdout.write(f"held back in review: {held:,}")


def _words(by_size):
    said = [f"{number:,} cluster{'' if number == 1 else 's'} of {size:,}" for size, number in by_size.items()]
    return ", ".join(said[:20]) + (f" and {len(said) - 20:,} larger sizes" if len(said) > 20 else "") or "none"
