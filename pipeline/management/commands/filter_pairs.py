"""Step 2 of the guide: measure every rule, write what passes and what does not."""

from pathlib import Path

from pipeline import datasets, jobs
from pipeline.config import DistillConfig, read_yaml
from pipeline.management.step import StepCommand
from pipeline.stages import filtering


class Command(StepCommand):
    help = "Filter the collected answers by the rules of filters.yaml (step 2)."
    idle_flags = ("--src", "--use-rust")

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--dst", type=Path, help="filtered dataset (default: storage.filtered_dataset)")
        parser.add_argument("--report", type=Path, help="report as JSON (default: beside the dataset)")
        parser.add_argument("--distill-config", type=Path, help="where --config names filters.yaml: the other file")

    def step(self, options):
        rules_file, config_file = _which(options["config"])
        options["config"] = config_file or options["distill_config"]
        config = self.load(options)
        files = not options["project"] or options["config"]
        dst = options["dst"] or (config.path("filtered_dataset") if files else None)
        project = self.project(options, config)
        if options["dry_run"]:
            waiting = jobs.quote(project, "filter").prompts if project else 0
            self.stdout.write(f"Would filter {waiting:,} answers.")
            return
        if rules_file or project.filter_ruleset is None:
            ruleset = filtering.adopt(project, rules_file)
            self.tell(f"{ruleset} of {project.slug}, from {ruleset.origin}.")
        try:
            self.run_stage(project, "filter", options)
        except jobs.CannotStart as nothing:
            self.tell(str(nothing))
        if dst:
            passed, rejected = datasets.write_filtered(project, dst, datasets.columns_of(config))
            datasets.write_report(project, options["report"] or dst.with_suffix(".report.json"))
            self.stdout.write(
                f"{passed:,} pass, in {dst}; {rejected:,} do not, in {dst.with_name('rejected_' + dst.name)}"
            )


def _which(path):
    """(filters.yaml, distill_config.yaml): which of the two --config names, by its keys."""
    if path is None:
        return None, None
    sections = set(DistillConfig.model_fields)
    return (None, path) if sections & set(read_yaml(path)) else (path, None)
