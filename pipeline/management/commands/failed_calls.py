"""The failed ledger of a project on the command line: list, put back, take along."""

import os
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from curation.management.named import project_named
from pipeline import failures

LISTED = 50


class Command(BaseCommand):
    help = "List the prompts that an error set aside, by class; put them back (--retry), or write them to a file."
    requires_migrations_checks = True

    def add_arguments(self, parser):
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--class", dest="error_class", metavar="CLASS", help="one class of error, such as timeout")
        parser.add_argument("--teacher", metavar="NAME", help="those whose call to this teacher failed")
        parser.add_argument("--run", type=int, metavar="N", help="those that this run set aside")
        parser.add_argument("--retry", action="store_true", help="put them back, to wait for the next run")
        parser.add_argument("--export", type=Path, metavar="FILE", help="write them to FILE: .jsonl or .csv")

    def handle(self, *, project, retry, export, **options):
        found = project_named(project)
        prompts = self._chosen(failures.parked(found), options)
        if export:
            self._export(prompts, export)
        if retry:
            self._retry(prompts, found)
        if not export and not retry:
            self._list(prompts, narrowed=any(options[name] for name in ("error_class", "teacher", "run")))

    def _chosen(self, parked, options):
        """The parked prompts that the options name; raises CommandError for a class or teacher that has none."""
        error_class, teacher, prompts = options["error_class"], options["teacher"], parked
        if error_class:
            classes = set(parked.order_by().values_list("error_class", flat=True).distinct())
            if error_class not in classes | set(failures.CLASSES):
                raise CommandError(f"There is no class {error_class!r}; there are: {_named(classes)}.")
            prompts = prompts.filter(error_class=error_class)
        if teacher:
            names = {name for _, name in failures.teachers_of(parked)}
            if teacher not in names:
                raise CommandError(f"No call to {teacher!r} failed here; teachers that failed: {_named(names)}.")
            prompts = prompts.filter(failed_call__teacher__name=teacher)
        return prompts.filter(parked_run=options["run"]) if options["run"] else prompts

    def _list(self, prompts, *, narrowed):
        classes = failures.by_class(prompts)
        if not classes:
            self.stdout.write("No failed call here: nothing is parked.")
        for each in classes:
            self.stdout.write(f"{each.number:>8,}  {each.error_class}: {each.meaning or each.label}")
            self.stdout.write(f"          last {_clock(each.latest)}: {' '.join(each.message.split())[:200]}")
        if narrowed:
            for row in failures.rows(prompts[:LISTED]):
                asked = ", ".join(filter(None, (row["task_type"], row["error_class"], row["teacher"])))
                self.stdout.write(f"{row['key'][:12]}  {asked}: {' '.join(row['error'].split())[:120]}")
            if sum(each.number for each in classes) > LISTED:
                self.stdout.write(f"These are the first {LISTED}; --export FILE writes all.")

    def _export(self, prompts, path):
        form = path.suffix.lstrip(".")
        if form not in failures.FORMATS:
            raise CommandError(f"{path}: name a file that ends in .jsonl or .csv.")
        part, number = path.with_name(f"{path.name}.part"), prompts.count()
        try:
            with part.open("w", encoding="utf-8", newline="") as file:
                file.writelines(failures.FORMATS[form][1](prompts))
            os.replace(part, path)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}.") from error
        self.stdout.write(f"{number:,} failed calls in {path}")

    def _retry(self, prompts, project):
        back = failures.put_back(prompts, actor=None, reason="retried by a command")
        if not back:
            self.stdout.write("Nothing to put back.")
        for stage, number in back.items():
            command = {"collect": "collect_teacher", "judge": "sample_gate", "regenerate": "regenerate_bad"}[stage]
            self.stdout.write(
                f"{number:,} wait again; `python manage.py {command} --project {project.slug}` takes them up."
            )


def _named(words):
    return ", ".join(sorted(words)) or "none"


def _clock(moment):
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M")
