"""Package: what was accepted becomes a release, whole or not at all."""

import json
import shutil
from collections import Counter
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q

from curation.models import (
    Event,
    FilterResult,
    Pair,
    Project,
    Prompt,
    Release,
    ReleaseRow,
    Resolution,
    Run,
    State,
    TeacherResponse,
)
from curation.models.writing import insert_values
from curation.reviewing import settle
from pipeline import card, formats, splits
from pipeline.releasing import picking, provenance

from . import deduplicate

INCLUDES = ("accepted", "filtered")
SCHEMA_VERSION = "1.0.0"
BATCH = 1000
LEFT_OUT = ("near_duplicates", "leaks", "split_conflicts")  # why rows that were ready stayed out, in the counts


@dataclass(frozen=True, order=True)
class Row:
    """One line of the release to be: sorted by row id, the same on every database."""

    row_id: str
    prompt_id: int
    response_id: int
    group: str
    status: str


def candidates(project, include="accepted"):
    """The prompts whose current response may be released. A paired project releases both halves or none.

    `filtered` adds what passed the current filters and waits for judges or people: unreviewed.
    """
    wanted = Q(state=State.ACCEPTED)
    if include == "filtered":
        # Asked for, not joined: an accepted prompt would come once for each version of the rules that measured it.
        verdicts = FilterResult.objects.filter(response=OuterRef("current_response"), ruleset=project.filter_ruleset)
        waiting = Q(state__in=(State.TO_JUDGE, State.TO_REVIEW, State.TO_RESOLVE))
        wanted |= waiting & Exists(verdicts.filter(passed=True))
    # An answer without a text has nothing to train on, whoever accepted it, unless a person wrote one.
    written = Resolution.objects.filter(response=OuterRef("current_response"), current=True, action="accept")
    has_text = ~Q(current_response__text="") | Exists(written.exclude(text=""))
    prompts = Prompt.objects.filter(wanted, has_text, project=project)
    if not project.paired:
        return prompts
    ready = prompts.values("pk")
    broken = Pair.objects.filter(project=project).exclude(hypothesis__in=ready, methodology__in=ready)
    return prompts.exclude(pk__in=broken.values("hypothesis")).exclude(pk__in=broken.values("methodology"))


def work(run, should_stop=lambda: False):
    """Build the release that `run.parameters` asks for; started again after a kill it begins anew."""
    if not run.begin():
        return "ended"
    settle(run.project)
    release = _open(run)
    scratch = release.directory.with_name(f".{release.directory.name}.part")
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        _build(run, release, scratch, should_stop)
    except _Interrupted:
        shutil.rmtree(scratch, ignore_errors=True)
        if should_stop() and not run.seen():
            return "stopped"
        Release.objects.filter(pk=release.pk).update(state=Release.State.FAILED, error="Cancelled.")
        run.end(Run.State.CANCELLED)
    except Exception as error:
        shutil.rmtree(scratch, ignore_errors=True)
        said = str(error) if isinstance(error, NothingToRelease) else f"{type(error).__name__}: {error}"
        Release.objects.filter(pk=release.pk).update(state=Release.State.FAILED, error=said)
        run.end(Run.State.FAILED, error=said)
        if not isinstance(error, NothingToRelease):
            raise
    return "ended"


class _Interrupted(Exception):
    pass


class NothingToRelease(Exception):
    """There is no row to package; the message says where the prompts are."""


@transaction.atomic
def _open(run):
    """The Release row of this run; the next free version of the project."""
    found = Release.objects.filter(run=run).first()
    if found:
        return found
    Project.objects.select_for_update(no_key=True).get(pk=run.project_id)  # two releases at once: one after the other
    last = Release.objects.filter(project=run.project).aggregate(last=Max("version"))["last"] or 0
    recipe = {"include": run.parameters.get("include", "accepted"), "format": "messages"}
    recipe |= {"include_leaks": bool(run.parameters.get("include_leaks"))}
    recipe |= {"near_duplicate_percent": run.project.near_duplicate_percent}
    return Release.objects.create(
        project=run.project,
        version=last + 1,
        recipe=recipe | {"shares": run.project.split_shares, "paired": run.project.paired},
        seed=run.project.split_seed,
        run=run,
        created_by=run.created_by,
    )


def _build(run, release, scratch, should_stop):
    rows, groups, picked = _choose(run.project, release.recipe, should_stop)
    Run.objects.filter(pk=run.pk).update(total=len(rows), done=0)
    placed = splits.freeze(run.project, groups, picked.tied)
    counts, files = Counter(), []
    for split in splits.SPLITS:
        of_split = [row for row in rows if placed.get(row.group) == split]
        if of_split:
            files += _write_split(run, scratch, split, of_split, counts, should_stop)
    release.counts = _counts(rows, counts, placed) | {why: picked.left_out[why] for why in LEFT_OUT}
    release.files = files
    release.content_hash = formats.combined_sha256(files)
    release.manifest = _manifest(release, rows)
    if _same_as_before(run, release):
        shutil.rmtree(scratch)
        return
    (scratch / "README.md").write_text(card.render(release), encoding="utf-8")
    (scratch / "manifest.json").write_text(
        json.dumps(release.manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    _publish(run, release, scratch, [(row, placed[row.group]) for row in rows if row.group in placed])


def _choose(project, recipe, should_stop):
    """(rows, {group: stratum}, what was picked) by clusters and leaks as they are now."""
    prompts = candidates(project, recipe["include"])
    try:
        deduplicate.bring_up_to_date(project, should_stop, prompts=prompts)
    except deduplicate.Stopped:
        raise _Interrupted from None
    rows, groups = _gather(project, recipe["include"])
    if not rows:
        raise NothingToRelease(f"Nothing is {recipe['include']} yet, so there is nothing to release.")
    clusters = bool(recipe["near_duplicate_percent"])
    picked = picking.pick(project, rows, prompts, near_duplicates=clusters, include_leaks=recipe["include_leaks"])
    if not picked.rows:
        why = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in picked.left_out.items() if number)
        raise NothingToRelease(f"All of {len(rows):,} rows stay out ({why}), so there is nothing to release.")
    kept = {row.group for row in picked.rows}
    return picked.rows, {group: stratum for group, stratum in groups.items() if group in kept}, picked


def _same_as_before(run, release):
    """Whether the last published release holds the same bytes by the same recipe; it then stands for this run too."""
    last = Release.objects.filter(project=run.project, state=Release.State.PUBLISHED).order_by("-version").first()
    if not last or last.content_hash != release.content_hash or last.recipe != release.recipe:
        return False
    with transaction.atomic():
        Run.objects.filter(pk=run.pk).update(versions={"release": last.version, "unchanged": True})
        release.delete()
        run.end(Run.State.FINISHED)
    return True


def _gather(project, include):
    """(sorted rows, {group: stratum}) of everything to release; reads ids and texts' hashes only."""
    rows, strata = [], {}
    prompts = candidates(project, include).values_list(
        "pk", "key", "current_response_id", "group_key", "state", "domain", "task_type"
    )
    chunk = []
    for item in prompts.order_by("pk").iterator(chunk_size=BATCH):
        chunk.append(item)
        if len(chunk) == BATCH:
            _add(chunk, rows, strata)
            chunk = []
    _add(chunk, rows, strata)
    return sorted(rows), {group: _stratum(kinds) for group, kinds in strata.items()}


def _add(chunk, rows, strata):
    texts = dict(_texts([item[2] for item in chunk]))
    for pk, key, response, group, state, domain, task_type in chunk:
        status = "accepted" if state == State.ACCEPTED else "unreviewed"
        rows.append(Row(formats.row_id(key, texts[response]), pk, response, group, status))
        strata.setdefault(group, set()).add((domain, task_type))


def _texts(response_ids):
    responses = TeacherResponse.objects.filter(pk__in=response_ids).with_authoritative_text()
    return responses.values_list("pk", "authoritative")


def _stratum(kinds):
    domains = sorted({domain for domain, _ in kinds})
    return f"{'+'.join(domains)}|{'+'.join(sorted({task for _, task in kinds}))}"


def _write_split(run, scratch, split, rows, counts, should_stop):
    """Write one split as JSONL and Parquet from one pass over its rows; returns the files' entries."""
    parquet = scratch / "data" / f"{split}-00000-of-00001.parquet"
    jsonl = scratch / "jsonl" / f"{split}.jsonl"
    for path in (parquet, jsonl):
        path.parent.mkdir(parents=True, exist_ok=True)

    def records():
        with open(jsonl, "wb") as lines:
            for start in range(0, len(rows), BATCH):
                if run.seen() or should_stop():
                    raise _Interrupted
                for record in _records(rows[start : start + BATCH], split):
                    lines.write(formats.jsonl_bytes({"messages": record["messages"]}))
                    counts["teacher", record["teacher"]] += 1
                    counts["status", record["status"]] += 1
                    counts["task_type", record["task_type"]] += 1
                    counts["domain", record["domain"]] += 1
                    yield record
                run.count(done=len(rows[start : start + BATCH]))

    formats.write_parquet(parquet, records())
    return [
        {
            "path": str(path.relative_to(scratch)),
            "split": split,
            "rows": len(rows),
            "bytes": path.stat().st_size,
            "sha256": formats.file_sha256(path),
        }
        for path in (parquet, jsonl)
    ]


def _records(rows, split):
    """The training records of some rows, in their order."""
    responses = (
        TeacherResponse.objects.filter(pk__in=[row.response_id for row in rows])
        .with_authoritative_text()
        .select_related("prompt__document", "teacher")
        .in_bulk()
    )
    decided = dict(Resolution.objects.filter(response__in=responses, current=True).values_list("response_id", "by"))
    for row in rows:
        response = responses[row.response_id]
        prompt, document = response.prompt, response.prompt.document
        yield {
            "id": row.row_id,
            "messages": formats.to_messages(response.sent_user, response.authoritative),
            "task_type": prompt.task_type,
            "domain": prompt.domain,
            "prompt_key": prompt.key,
            "group": row.group,
            "split": split,
            "status": _status(row, response, decided.get(row.response_id)),
            "teacher": response.teacher.name if response.teacher.kind == "imported" else response.model_id,
            "attempt": response.attempt,
            "edited": response.authoritative != response.text,
            "locator": document.locator if document else "",
            "licence": document.licence if document else "",
        }


def _status(row, response, by):
    """Who stands behind a row: nobody yet, the project's policy, or people, who may have edited it."""
    if row.status == "unreviewed":
        return "unreviewed"
    if by == Resolution.By.POLICY:
        return "policy"
    return "accepted" if response.authoritative == response.text else "edited"


def _counts(rows, counts, placed):
    by_split = Counter(placed[row.group] for row in rows)
    named = {kind: {} for kind in ("teacher", "task_type", "domain", "status")}
    for (kind, name), number in sorted(counts.items()):
        named[kind][name] = number
    return {
        "rows": len(rows),
        "unreviewed": sum(row.status == "unreviewed" for row in rows),
        "groups": len({row.group for row in rows}),
        "splits": {split: by_split[split] for split in splits.SPLITS if by_split[split]},
        "teachers": named["teacher"],
        "task_types": named["task_type"],
        "domains": named["domain"],
        "statuses": named["status"],
    }


def _manifest(release, rows):
    """What the files are and where they come from; nothing of it depends on the database or the clock."""
    project = release.project
    return {
        "schema_version": SCHEMA_VERSION,
        "version": f"{release.version}.0.0",
        "row_count": release.counts["rows"],
        "counts": release.counts,
        "recipe": release.recipe,
        "seed": release.seed,
        "source_hash": release.content_hash,
        "files": release.files,
        "filters_sha256": project.filter_ruleset.sha256 if project.filter_ruleset else "",
        "gate_sha256": project.gate_ruleset.sha256 if project.gate_ruleset else "",
        "versions": provenance.versions_of(project, [row.response_id for row in rows]),
        "unreviewed": release.counts["unreviewed"],
    }


def _publish(run, release, scratch, rows):
    """Move the folder into place in one step, then say so in the database; `rows` are (Row, split)."""
    for path in sorted(scratch.rglob("*")):
        if path.is_file() and not any(entry["path"] == str(path.relative_to(scratch)) for entry in release.files):
            release.files.append(
                {
                    "path": str(path.relative_to(scratch)),
                    "bytes": path.stat().st_size,
                    "sha256": formats.file_sha256(path),
                }
            )
    shutil.rmtree(release.directory, ignore_errors=True)
    scratch.rename(release.directory)
    with transaction.atomic():
        release.state = Release.State.PUBLISHED
        release.save()
        values = [(row.prompt_id, row.response_id, row.row_id, split) for row, split in rows]
        insert_values(ReleaseRow, ("prompt_id", "response_id", "row_id", "split"), values, release_id=release.pk)
        Run.objects.filter(pk=run.pk).update(versions={"release": release.version})
        Event.objects.create(
            project=run.project, run=run, actor=run.created_by, kind="released", detail={"version": release.version}
        )
        run.end(Run.State.FINISHED)
