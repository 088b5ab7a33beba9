"""Import files of prompts and texts into a project."""

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_slug

from curation.importing import FIELDS, PRESETS, ImportRefused, import_plan, prepare
from curation.importing.passages import DEFAULT_LIMIT
from curation.management.named import project_named
from curation.models import Project
from pipeline.management.progress import rows_bar
from pipeline.stages.importing import answer_reader, read_scores


class Command(BaseCommand):
    help = (
        "Import files of prompts and texts: Parquet, CSV, JSON Lines, JSON, text, Markdown, each also gzipped. "
        "A row with a text alone becomes a source and one prompt for each task type. A row with a teacher's answer "
        "(column teacher_output, or --map output=COLUMN) brings it along as paid already: its prompt is not asked. "
        "All files are checked before anything is written; bad rows go to a rejects file and cost no other row."
    )

    def add_arguments(self, parser):
        parser.add_argument("files", nargs="+", metavar="FILE")
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--create", action="store_true", help="make the project if it does not exist")
        parser.add_argument("--preset", choices=PRESETS, help=f"columns by convention: {_presets()}")
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="FIELD=COLUMN",
            help=f"which column is what; FIELD= leaves a field out. Fields: {', '.join(FIELDS)}",
        )
        parser.add_argument(
            "--task-types", metavar="NAMES", help="of texts that name none (default: hypothesis,methodology)"
        )
        parser.add_argument("--limit", type=int, metavar="N", help="import the first N rows of each file")
        parser.add_argument(
            "--passage-chars",
            type=int,
            default=DEFAULT_LIMIT,
            metavar="N",
            help="cut texts longer than N characters at paragraphs (default: %(default)s)",
        )

    def handle(self, *, files, **options):
        if options["limit"] is not None and options["limit"] < 1:
            raise CommandError(f"{options['limit']} rows is nothing to do; leave --limit out for all.")
        plans = self._plans(files, options)
        project = self._project(options["project"], options["create"])
        for plan, rejects in zip(plans, _rejects_names(plans), strict=True):
            self._import(project, plan, options["limit"], project.data_dir / "imports" / rejects)

    def _plans(self, files, options):
        """Every file, checked to its end; what is wrong with any of them is said at once."""
        mapping, task_types = _mapping(options["map"]), None
        if options["task_types"] is not None:
            task_types = [name.strip() for name in options["task_types"].split(",")]
        plans, refusals = [], []
        for path in files:
            try:
                plans.append(
                    prepare(
                        path,
                        mapping,
                        defaults=PRESETS.get(options["preset"]),
                        task_types=task_types,
                        passage_chars=options["passage_chars"],
                    )
                )
            except ImportRefused as refused:
                refusals.append(str(refused))
        if refusals:
            raise CommandError("\n".join([*refusals, "Nothing was imported."]))
        return plans

    def _project(self, slug, create):
        if create and not Project.objects.filter(slug=slug).exists():
            return _new_project(slug)
        return project_named(slug, otherwise=" --create makes it.")

    def _import(self, project, plan, limit, rejects):
        with rows_bar(plan.file.name) as progress:
            try:
                report = import_plan(
                    project,
                    plan,
                    limit=limit,
                    progress=progress,
                    rejects_path=rejects,
                    read_answer=answer_reader(project),
                    read_scores=read_scores,
                )
            except ImportRefused as refused:
                raise CommandError(str(refused)) from refused
        self.stdout.write(
            f"{report.file}: {report} ({report.rows} rows, {report.documents} new sources, {report.pairs} new pairs)"
        )
        for sentence in report.problems:
            self.stderr.write(f"  {sentence}")
        if report.rejects_path:
            self.stderr.write(f"  The rejected rows are in {report.rejects_path}")


def _rejects_names(plans):
    """A file name for the rejects of each; files of one name in several folders are numbered."""
    names = [plan.file.name for plan in plans]
    for number, name in enumerate(names, start=1):
        yield f"{name}.rejects.jsonl" if names.count(name) == 1 else f"{name}.{number}.rejects.jsonl"


def _presets():
    return "; ".join(f"{name}: {', '.join(columns.values())}" for name, columns in PRESETS.items())


def _mapping(pairs):
    mapping = {}
    for pair in pairs:
        name, equals, column = pair.partition("=")
        if not equals or name not in FIELDS:
            raise CommandError(f"--map {pair}: write FIELD=COLUMN, where FIELD is one of {', '.join(FIELDS)}.")
        if name in mapping:
            raise CommandError(f"--map {pair}: {name} is mapped to {mapping[name]!r} already; give it once.")
        mapping[name] = column
    return mapping


def _new_project(slug):
    try:
        validate_slug(slug)
    except ValidationError as error:
        raise CommandError(f"{slug!r} cannot be a project's slug: {error.message}") from error
    longest = Project._meta.get_field("slug").max_length
    if len(slug) > longest:
        raise CommandError(f"{slug!r} is too long for a project's slug: {longest} characters at most.")
    return Project.objects.create(slug=slug, name=slug.replace("-", " ").capitalize())
