"""Is a data set fit to teach from? The limits of the earlier validation script, over a project or a file."""

import json
from dataclasses import asdict, fields
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from curation.importing import FIELDS, ImportRefused, prepare
from curation.importing.errors import BadRow
from curation.management.named import project_named
from pipeline import filters, inspecting, trying
from pipeline.config import read_yaml
from pipeline.config_errors import ConfigError
from pipeline.validating import Limits, passes, validate

HELP = {
    "min_domains": "domains with a name",
    "min_templates": "templates, that is task types",
    "min_per_cell": "answers of each task type in each domain; fewer are a warning",
    "min_falsifiable": "per cent of the hypotheses that pass the rules on a testable claim",
    "min_method": "per cent of the methodologies with ordered steps",
    "min_format": "per cent of the answers that pass the rules on length and form",
}
SIGNS = {"pass": "ok", "warn": "warning", "fail": "FAILED"}


class Command(BaseCommand):
    help = (
        "Say whether a data set is fit to teach from: a project's current answers, or a file's (the columns that "
        "import_inputs knows; nothing is written). Exit status 0: it passes, warnings or not; 1: it does not."
    )

    def add_arguments(self, parser):
        parser.add_argument("file", nargs="?", metavar="FILE", help="a file in place of a project's answers")
        parser.add_argument("--project", metavar="SLUG", help="the project; beside FILE, whose filter rules hold")
        parser.add_argument("--rules", type=Path, metavar="YAML", help="a filters.yaml to look by")
        parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="FIELD=COLUMN",
            help=f"which column of FILE is what, such as output=ANSWER. Fields: {', '.join(FIELDS)}",
        )
        for each in fields(Limits):
            kind = {"type": type(each.default), "default": each.default, "metavar": "N"}
            parser.add_argument(f"--{each.name.replace('_', '-')}", help=f"{HELP[each.name]} (%(default)s)", **kind)

    def handle(self, *, file, **options):
        if not file and not options["project"]:
            raise CommandError("Name what to validate: --project SLUG, or a FILE.")
        project = project_named(options["project"]) if options["project"] else None
        try:
            look = _look(project, options["rules"])
            counts = _of_file(file, options["map"], look) if file else _of_project(project, look)
        except (ConfigError, ImportRefused) as refused:
            raise CommandError(str(refused)) from None
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}.") from error
        limits = Limits(**{each.name: options[each.name] for each in fields(Limits)})
        checks = validate(counts, limits)
        name = Path(file).name if file else project.slug
        self.stdout.write(_as_json(name, counts, limits, checks) if options["json"] else _as_table(name, checks))
        if not passes(checks):
            raise SystemExit(1)


def _look(project, path):
    if path:
        return inspecting.Look(filters.load_rules(read_yaml(path)))
    if project is None:
        return inspecting.Look(filters.load_rules(None))
    ruleset, rules = trying.in_force(project)
    return inspecting.Look(rules, ruleset and ruleset.body)


def _of_project(project, look):
    """The Counts of every current answer of a project."""
    tally = inspecting.Tally()
    for row in inspecting.rows_of_project(project, look):
        tally.add(row)
    cells = inspecting.cells_of(project)
    return tally.counts(prompts=sum(cells.values()), cells=tally.cells or cells)


def _of_file(path, pairs, look):
    plan = prepare(path, _mapping(pairs))
    tally = inspecting.Tally()
    for row in inspecting.rows_of_file(plan, look):
        if isinstance(row, BadRow):
            tally.unreadable += 1
        else:
            tally.add(row)
    return tally.counts(has_answers="output" in plan.mapping)


def _mapping(pairs):
    wrong = [pair for pair in pairs if "=" not in pair or pair.partition("=")[0] not in FIELDS]
    if wrong:
        raise CommandError(f"--map {wrong[0]}: write FIELD=COLUMN, where FIELD is one of {', '.join(FIELDS)}.")
    return dict(pair.split("=", 1) for pair in pairs)


def _as_table(name, checks):
    """Aligned columns: outcome, what was looked at, found, wanted; what was wrong stands below its row."""
    rows = [("", "checked", "found", "wanted")]
    rows += [(SIGNS[check.outcome], check.label, check.found, check.wanted) for check in checks]
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    lines = []
    for row, check in zip(rows, [None, *checks], strict=True):
        lines.append("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
        if check and check.says:
            lines.append(f"{' ' * widths[0]}  {check.says}")
    failed = sum(check.outcome == "fail" for check in checks)
    warned = sum(check.outcome == "warn" for check in checks)
    verdict = f"{name} does not pass: {failed} of {len(checks)} checks failed" if failed else f"{name} passes"
    return "\n".join([*lines, "", f"{verdict}, {warned} warning{'' if warned == 1 else 's'}."])


def _as_json(name, counts, limits, checks):
    return json.dumps(
        {
            "data": name,
            "passes": passes(checks),
            "limits": asdict(limits),
            "checks": [check._asdict() for check in checks],
            "cells": [
                {"domain": domain, "task_type": task, "rows": number}
                for (domain, task), number in sorted(counts.cells.items())
            ],
        },
        indent=2,
        ensure_ascii=False,
    )
