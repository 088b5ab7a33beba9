"""What the commands that make a release share: building it, and what of it is told."""

from django.core.management.base import CommandError

from curation.models import Prompt, Release
from curation.reviewing import settle
from pipeline import formats, jobs
from pipeline.releasing import choosing, recipe, telling
from pipeline.stages.package import LEFT_OUT, candidates


def refuse_nothing(project, wanted):
    """The number of rows that the Recipe `wanted` could release; CommandError where that is none."""
    settle(project)
    rows = candidates(project, wanted.include, wanted).count()
    if not rows:
        raise CommandError(
            f"{choosing.nothing(project, wanted)}: {jobs.where_they_are(project)}. Review it on the pages, "
            "or package what passed the filters without a person by --include filtered."
        )
    return rows


def tell_unknown(command, project, wanted):
    """Say which task types and domains the Recipe `wanted` names that no prompt has, as a slip of the pen does."""
    named = {
        "task_types": ("task_type", wanted.task_types),
        "domains": ("domain", wanted.domains),
        "not_domains": ("domain", wanted.not_domains),
        "domain_caps": ("domain", tuple(wanted.domain_caps)),
    }
    for key, (field, names) in named.items():
        if not names:
            continue
        prompts = Prompt.objects.filter(project=project)
        there = sorted(set(prompts.order_by().values_list(field, flat=True).distinct()) - {""})
        for name in sorted(set(names) - set(there)):
            some = ", ".join(there[:10]) + (", …" if there[10:] else "")
            command.tell(f"{key}: no prompt of the project has {name!r}; there are: {some or 'none'}.")


def make(command, project, wanted, options):
    """Build a release by the mapping `wanted` and tell what came of it; CommandError where it stays a draft.

    Raises PermissionError before anything is built where a file named in `options` would lie in a release.
    """
    for path in filter(None, (options.get("out"), options.get("dst_jsonl"), options.get("dst_parquet"))):
        formats.refuse_in_release(path)
    run = command.run_stage(project, "package", options | {"max_samples": None}, recipe=wanted)
    release = Release.objects.get(project=project, version=run.versions["release"])
    if run.versions.get("unchanged"):
        command.tell("Nothing changed since the last release: it stands.")
    if release.state == Release.State.DRAFT:
        raise CommandError(
            f"Release {release.version} stays a draft, in {release.directory}: {' '.join(release.problems)}"
        )
    tell(command, release)
    _tell_missing(command, release, wanted)
    return release


def _tell_missing(command, release, wanted):
    """Formats that were asked for and of which there is no file."""
    asked, made = wanted.get("formats") or (), release.counts.get("formats", {})
    for name in (each for each in formats.FORMATS if each in asked and each not in made):
        left = name not in release.recipe["formats"]  # so it is for pairs alone
        why = "left out, since the project keeps no pairs" if left else "no rows, so there is no such file"
        command.stdout.write(f"  {name.replace('_', ' ')}: {why}")


def tell(command, release):
    """How many rows, in which splits and formats, and what stayed out."""
    counts = release.counts
    held = f"{_rows(counts['rows'])} in {release.directory}, version {release.semver}"
    command.stdout.write(f"Release {release.version}: {held}")
    for split, number in telling.rows_by_split(release).items():
        command.stdout.write(f"  {split}: {number:,}")
    for name, splits in telling.rows_of_formats(release).items():
        command.stdout.write(f"  {name.replace('_', ' ')}: {_rows(sum(splits.values()))}")
    for why in LEFT_OUT:
        if counts.get(why):
            command.stdout.write(f"  left out, {why.replace('_', ' ')}: {counts[why]:,}")
    waiting = choosing.halves(release.project, release.recipe["include"])  # now: of a release that stands it is older
    if waiting:
        command.stdout.write(f"  accepted, and waiting for the other half of their pair: {waiting:,}")


def _rows(number):
    return f"{number:,} row{'' if number == 1 else 's'}"


def read(body):
    """The Recipe of a mapping; CommandError with everything that is wrong in it."""
    try:
        return recipe.read(body)
    except recipe.WrongRecipe as wrong:
        raise CommandError(str(wrong)) from None
