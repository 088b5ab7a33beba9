"""Step 1 of the guide: import the teacher inputs, ask the teacher, write the collected dataset."""

from pathlib import Path

from django.core.management.base import CommandError

from curation.importing import ImportRefused, import_file, sniff
from curation.models import PromptTemplate, TeacherResponse
from curation.models.project import MOST_SAMPLES
from pipeline import datasets, jobs
from pipeline.config import DEFAULT_CONFIG, read_text
from pipeline.datasets.aside import is_ours
from pipeline.management import asking_again, quoting
from pipeline.management.step import StepCommand, positive
from pipeline.setup import teacher_for
from pipeline.stages.composing import SYSTEM
from pipeline.stages.importing import answer_reader, read_scores


def few(text):
    """A number of answers that the settings of a project take too: each is a call for every prompt."""
    number = positive(text)
    if number > MOST_SAMPLES:
        raise ValueError
    return number


few.__name__ = f"number from 1 to {MOST_SAMPLES}"


class Command(StepCommand):
    help = "Import teacher inputs and collect the teacher's answers (step 1)."
    buys = True
    takes_batches = True

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--src", type=Path, help="teacher inputs (default: storage.raw_dataset)")
        parser.add_argument("--dst", type=Path, help="collected dataset (default: storage.collected_dataset)")
        parser.add_argument("--teacher", help="model id, in place of collection.teacher_model")
        parser.add_argument("--samples", type=few, metavar="N", help="answers from each teacher")
        parser.add_argument("--system-prompt", type=Path, help="file, in place of collection.system_prompt_path")
        for field in ("prompt", "context", "task-type"):
            parser.add_argument(f"--{field}-column", help="in place of the one in defaults")
        parser.add_argument(
            "--output-column", help="answers that the file holds, paid already (default: teacher_output)"
        )
        parser.add_argument("--task-types", default="hypothesis,methodology", help="for rows that carry only text")
        parser.add_argument(
            "--api-key", help="refused: a key on a command line can be read by every user of the machine"
        )
        asking_again.add_arguments(parser)

    def step(self, options):
        if options["api_key"]:
            raise CommandError("--api-key shows the key to every user of this machine: set OPENAI_API_KEY instead.")
        config = self.load(options)
        for field in ("prompt", "context", "task_type"):
            if options[f"{field}_column"]:
                setattr(config.defaults, f"{field}_column", options[f"{field}_column"])
        # A project that is named without a file already holds its prompts.
        files = not options["project"] or options["config"]
        dst = options["dst"] or (config.path("collected_dataset") if files else None)
        if options["again"] is not None:
            return self._again(dst, config, options)
        src = options["src"] or (config.path("raw_dataset") if files else None)
        if options["quote"]:
            return self._quote(src, config, options)
        # Looked for before anything is made: a mistyped path leaves no project and no teachers behind.
        known = self.project(options | {"dry_run": True}, config)
        src = self._existing(src, known, options)
        _refuse_paid(dst, known, options)
        project = self.project(options, config)
        if options["dry_run"]:
            return self._dry_run(project, src, config, options)
        self._adopt_system_prompt(project, options)
        if src:
            self._import(project, src, config, options)
        self._collect(project, config, options)
        self._collect_methodologies(project, config, options)
        return self._write(project, dst, config)

    def _quote(self, src, config, options):
        def set_up():
            project = self.project(options | {"dry_run": False}, config)
            self._adopt_system_prompt(project, options)
            return project, self._asked(config, options)

        quoting.tell(self, "collect", options, set_up)
        if src and src.exists():
            self.tell(f"Rows of {src} that are not imported yet are not in the quote: `import_inputs` takes them in.")

    def _adopt_system_prompt(self, project, options):
        if options["system_prompt"]:
            body = read_text(options["system_prompt"])
            PromptTemplate.record(project, SYSTEM, body, origin=options["system_prompt"].name)

    def _write(self, project, dst, config):
        if dst:
            self.make_way(dst)
            rows = datasets.write_collected(project, dst, datasets.columns_of(config))
            self.stdout.write(f"{rows:,} answers in {dst}")

    def _again(self, dst, config, options):
        """Ask chosen prompts again; no file is imported."""
        if self.project(options | {"dry_run": True}, config) is None:
            raise CommandError(f"There is no project {options['project'] or config.project!r} yet: collect first.")
        if options["src"]:
            raise CommandError("--again asks prompts that the project has: import and collect --src first.")

        def set_up():
            project = self.project(options | {"dry_run": False}, config)
            self._adopt_system_prompt(project, options)
            return project, self._asked(config, options)

        run = asking_again.ask_again(self, options, set_up)
        if run:
            self._write(run.project, dst, config)

    def _asked(self, config, options):
        """Who is asked and how often, where it is not as the project says."""
        teacher = teacher_for(options["teacher"], parameters=config.parameters).pk if options["teacher"] else None
        return {"teacher": teacher, "samples": options["samples"]}

    def _existing(self, src, project, options):
        """`src`, or None where only the configuration names it, it is absent, and the named project has its prompts."""
        if src is None or src.exists():
            return src
        if options["src"] is None and options["project"] and project and project.prompts.exists():
            self.tell(f"{src} does not exist: nothing is imported; {project.slug} goes on with the prompts it has.")
            return None
        raise CommandError(f"{src}: there is no such file. Name the teacher inputs by --src or storage.raw_dataset.")

    def _dry_run(self, project, src, config, options):
        if src:
            preview = sniff(src, src.name, **_reading(config, options))
            if preview.problems:
                raise CommandError(f"{src}: {' '.join(map(str, preview.problems))}")
            self.stdout.write(f"{src}: {preview.format}, columns {', '.join(preview.columns)}.")
        waiting = jobs.quote(project, "collect", {"limit": options["max_samples"]}).prompts if project else 0
        self.stdout.write(f"Would ask the teacher for {waiting:,} waiting prompts and those new in the file.")

    def _import(self, project, src, config, options):
        try:
            report = import_file(
                project,
                src,
                **_reading(config, options),
                read_answer=answer_reader(project),
                read_scores=read_scores,
                rejects_path=src.with_name(f"{src.name}.rejects.jsonl"),
            )
        except ImportRefused as refusal:
            raise CommandError(str(refusal)) from None
        self.tell(f"{src}: {report}")

    def _collect_methodologies(self, project, config, options):
        """A paired methodology is asked with a hypothesis that passed: take those in its way through the gates."""
        in_the_way = project.prompts.in_state("to_filter", "to_judge").hold_up_their_partner().count()
        if in_the_way and not options["max_samples"]:
            self.tell(f"{in_the_way:,} methodologies wait for their hypotheses: these go through filters and gate now.")
            # In one go the judges would be asked online, at their full price.
            by_batches = options["mode"] == "batch" and project.judges
            for stage in ("filter", "judge") if by_batches else ("pipeline",):
                self._run_if_any(project, stage, options, only="hypotheses_in_the_way")
            self._collect(project, config, options)

    def _collect(self, project, config, options):
        options["batch_size"] = options["batch_size"] or config.batch_size
        self._run_if_any(project, "collect", options, **self._asked(config, options))

    def _run_if_any(self, project, stage, options, **parameters):
        try:
            self.run_stage(project, stage, options, **parameters)
        except jobs.CannotStart as nothing:
            if not project.prompts.exists():
                raise
            # Nothing left to ask is the good end of a step that is run again.
            self.tell(str(nothing))


def _refuse_paid(dst, project, options):
    """What the scripts bought is not bought again because nobody has taken it over yet."""
    if dst is None or not dst.is_file() or is_ours(dst):
        return
    if project and TeacherResponse.objects.filter(prompt__project=project, form="imported").exists():
        return
    config = options["config"] or f"configs/{DEFAULT_CONFIG}"
    raise CommandError(
        f"{dst} holds answers of the earlier scripts: `manage.py migrate_from_scripts --config {config}` takes them "
        "over, so that none is paid for twice. To ask for all of them anew, move that file away, or name another by "
        "--dst."
    )


def _reading(config, options):
    """How to read the file: columns of the command line must exist; of the configuration's, some may be absent."""
    mapping = {field: options[f"{field}_column"] for field in config.columns if options[f"{field}_column"]}
    if options["output_column"] is not None:
        mapping["output"] = options["output_column"]
    output = {"output": config.defaults.output_column} if config.defaults.output_column else {}
    return {
        "mapping": mapping,
        "defaults": config.columns | output,
        "task_types": options["task_types"].split(","),
    }
