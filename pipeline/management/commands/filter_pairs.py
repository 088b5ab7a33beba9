"""Step 2 of the guide: measure every rule, write what passes and what does not; or tell what other rules would do."""

from pathlib import Path

from django.core.management.base import CommandError

from pipeline import datasets, filters, jobs, trying
from pipeline.config import DistillConfig, read_yaml
from pipeline.formats import replacing
from pipeline.management import trial_report
from pipeline.management.step import StepCommand
from pipeline.stages import filtering

PRINTED = Path("-")  # --report without a file


class Command(StepCommand):
    help = "Filter the collected answers by the rules of filters.yaml (step 2)."
    idle_flags = ("--src", "--use-rust")

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--dst", type=Path, help="filtered dataset (default: storage.filtered_dataset)")
        told = "report as JSON (default: beside the dataset); with --dry-run: what the rules of --config would flip"
        parser.add_argument("--report", type=Path, nargs="?", const=PRINTED, metavar="FILE", help=told)
        parser.add_argument(
            "--write-config", type=Path, metavar="FILE", help="write the rules in force as filters.yaml"
        )
        parser.add_argument("--distill-config", type=Path, help="where --config names filters.yaml: the other file")

    def step(self, options):
        rules_file, config_file = _which(options["config"])
        options["config"] = config_file or options["distill_config"]
        config = self.load(options)
        files = not options["project"] or options["config"]
        dst = options["dst"] or (config.path("filtered_dataset") if files else None)
        project = self.project(options, config)
        if options["dry_run"] and options["report"]:
            self.try_rules(project, rules_file, options["report"])
            return
        if options["write_config"]:
            self.write_config(project, options["write_config"], options["dry_run"])
            return
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
            self.make_way(dst, dst.with_name("rejected_" + dst.name))
            passed, rejected = datasets.write_filtered(project, dst, datasets.columns_of(config))
            named = options["report"] not in (None, PRINTED)
            datasets.write_report(project, options["report"] if named else dst.with_suffix(".report.json"))
            self.stdout.write(
                f"{passed:,} pass, in {dst}; {rejected:,} do not, in {dst.with_name('rejected_' + dst.name)}"
            )

    def try_rules(self, project, rules_file, report):
        """Tell what the rules of a file would do beside those in force; nothing of the project changes."""
        if project is None:
            raise CommandError("There is no such project yet: collect or import something first.")
        if rules_file is None:
            raise CommandError("Say which rules are tried: --config FILE, a filters.yaml beside the one in force.")
        rules = filters.load_rules(read_yaml(rules_file))
        text = trial_report.told(trying.would(trying.sample_of(project), rules), rules_file.name)
        if report == PRINTED:
            self.stdout.write(text)
            return
        with replacing(report) as part:
            part.write_text(text + "\n", encoding="utf-8")
        self.stdout.write(f"What {rules_file.name} would flip is told in {report}.")

    def write_config(self, project, path, dry_run):
        """The rules in force as a filters.yaml; those that are shipped where none are recorded yet."""
        if project is None:
            raise CommandError("There is no such project yet: collect or import something first.")
        ruleset, rules = trying.in_force(project)
        named = f"{ruleset} of {project.slug}" if ruleset else "The shipped rules"
        if dry_run:
            self.stdout.write(f"Would write {named} to {path}.")
            return
        with replacing(path) as part:
            part.write_text(filters.rules_to_yaml(rules), encoding="utf-8")
        self.stdout.write(f"{named}: {path}")


def _which(path):
    """(filters.yaml, distill_config.yaml): which of the two --config names, by its keys."""
    if path is None:
        return None, None
    sections = set(DistillConfig.model_fields)
    return (None, path) if sections & set(read_yaml(path)) else (path, None)
