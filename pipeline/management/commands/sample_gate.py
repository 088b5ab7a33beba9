"""SampleGate: the judges read what passed the filters, the gate decides."""

from pathlib import Path

from django.core.management.base import CommandError

from curation import families
from curation.models import Ruleset
from curation.models.project import MOST_REPEATS
from pipeline import datasets, jobs
from pipeline.formats import replacing
from pipeline.gate import load_gate
from pipeline.management import quoting
from pipeline.management.step import StepCommand
from pipeline.stages.gating import gate_of

GATE = ("judge_f_threshold", "judge_r_threshold", "accept_f_from", "accept_r_from", "max_spread", "require_both")


class Command(StepCommand):
    help = "Judge what passed the filters and let the gate decide."
    buys = True
    takes_batches = True
    idle_flags = ("--input",)

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--judge-f-threshold", type=float, help="factuality, 0-100")
        parser.add_argument("--judge-r-threshold", type=float, help="reasoning and safety, 0-100")
        parser.add_argument("--accept-f-from", type=float, help="factuality from which an answer is in the accept band")
        parser.add_argument("--accept-r-from", type=float, help="the same of reasoning and safety")
        parser.add_argument("--max-spread", type=float, help="readings further apart than this go to people")
        parser.add_argument("--repeats", type=int, help="readings by each judge of one answer")
        parser.add_argument("--require-both", action="store_true", default=None, help="both judges are needed")
        parser.add_argument("--one-judge", dest="require_both", action="store_false", help="one judge is enough")
        parser.add_argument("--report", type=Path, help="write the verdicts as a Markdown table")
        parser.add_argument("--output", type=Path, help="Parquet of what passed")
        parser.add_argument("--rejections", type=Path, help="Parquet of what did not, with rejection_reason")

    def step(self, options):
        config = self.load(options)
        if options["quote"]:
            quoting.tell(self, "judge", options, lambda: (self.project(options | {"dry_run": False}, config), {}))
            return
        project = self.project(options, config)
        if options["dry_run"]:
            self.stdout.write(jobs.quote(project, "judge").sentence if project else "There is no such project yet.")
            return
        if not project.is_gated:
            raise CommandError(
                "No judge is configured: name judging.judge_f_model and judging.judge_r_model in the configuration, or "
                "choose judges in the project's settings. Without them what passes the filters goes to people."
            )
        self._adopt(project, options)
        for sentence in families.warnings(project):
            self.tell(sentence)
        try:
            self.run_stage(project, "judge", options)
        except jobs.CannotStart as nothing:
            self.tell(str(nothing))
        table = datasets.gate_report(project)
        if options["report"]:
            with replacing(options["report"]) as part:
                part.write_text(table, encoding="utf-8")
        for passing, path in ((True, options["output"]), (False, options["rejections"])):
            if path:
                self.make_way(path)
                rows = datasets.write_gated(project, path, datasets.columns_of(config), passing=passing)
                self.tell(f"{rows:,} answers in {path}")
        self.stdout.write(table)

    def _adopt(self, project, options):
        """What the command line says of the gate and of the judges holds from now on."""
        changes = {key: options[key] for key in GATE if options[key] is not None}
        if changes:
            body = load_gate({**gate_of(project).body, **changes})
            Ruleset.record(project, Ruleset.Kind.GATE, body, origin="command line")
        repeats = options["repeats"]
        if repeats is None:
            return
        if not 1 <= repeats <= MOST_REPEATS:
            raise CommandError(f"--repeats {repeats} is not right: give 1 to {MOST_REPEATS}.")
        project.judge_repeats = repeats
        project.save(update_fields=["judge_repeats"])
