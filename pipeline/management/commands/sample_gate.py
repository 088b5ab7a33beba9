"""SampleGate: the judges read what passed the filters, the gate decides."""

from pathlib import Path

from django.core.management.base import CommandError

from curation.models import Ruleset
from pipeline import datasets, jobs
from pipeline.formats import replacing
from pipeline.gate import load_gate
from pipeline.management import quoting
from pipeline.management.step import StepCommand
from pipeline.stages.judge import gate_of


class Command(StepCommand):
    help = "Judge what passed the filters and let the gate decide."
    buys = True
    takes_batches = True
    idle_flags = ("--input",)

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--judge-f-threshold", type=float, help="factuality, 0-100")
        parser.add_argument("--judge-r-threshold", type=float, help="reasoning and safety, 0-100")
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
        if not project.judges:
            raise CommandError(
                "No judge is configured: name judging.judge_f_model and judging.judge_r_model in the configuration, or "
                "choose judges in the project's settings. Without them what passes the filters goes to people."
            )
        named = ("judge_f_threshold", "judge_r_threshold", "require_both")
        changes = {key: options[key] for key in named if options[key] is not None}
        if changes:
            body = load_gate({**gate_of(project).body, **changes})
            Ruleset.record(project, Ruleset.Kind.GATE, body, origin="command line")
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
                rows = datasets.write_gated(project, path, datasets.columns_of(config), passing=passing)
                self.tell(f"{rows:,} answers in {path}")
        self.stdout.write(table)
