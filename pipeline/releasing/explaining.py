"""One row's whole life: the releases that hold it, what was withdrawn since, and how its prompt came to it."""

import json
import re
from dataclasses import dataclass

import pyarrow.parquet as pq

from curation.life import as_text, life_of
from curation.models import AuditItem, Prompt, Release, ReleaseRow, TeacherResponse, Tombstone
from pipeline.formats import FORMATS, row_id

from . import proof

SHORTEST = 8  # characters of a row id that are enough where no other row begins so
LEFT_OUT = "left_out.jsonl"
# Formats whose rows have ids of their own: {name: (columns of the accepted rows' ids, of what else is told)}.
WORSE = ("kind", "reasons", "rejected_attempt", "rejected_teacher")
OF_OTHERS = {
    "pairs": (("hypothesis_id", "methodology_id"), ()),
    "preference": (("row_id",), WORSE),
    "kto": (("row_id",), ("label", "reasons")),
}


class NotOneRow(LookupError):
    """No row has this id, or several begin with it; the message says what to type."""


@dataclass(frozen=True)
class Everything:
    """Reads a life as the operator of the installation: nothing is blind, nothing left out."""

    is_manager = True
    may_review = False
    user = None
    user_id = None


def explain(wanted, project=None):
    """The life behind a row id (or its first characters), as a dict that `json.dumps` takes. Raises NotOneRow.

    Found are rows of all releases, drafts too, rows that were withdrawn or drawn for an audit, what a release listed as
    left out, and rows of pairs and preferences, which lead to the accepted row that they stand on. `project` limits the
    search to one.
    """
    wanted = wanted.strip().lower()
    if not re.fullmatch(f"[0-9a-f]{{{SHORTEST},64}}", wanted):
        raise NotOneRow(f"{wanted!r} is no row id: name its 64 hexadecimal digits, or at least the first {SHORTEST}.")
    found = _prompts_of(wanted, project)
    if not found:
        if made := _made_of_others(wanted, project):
            return _explained_by(wanted, made)
        where = f"project {project.slug}" if project else "any project"
        raise NotOneRow(f"No release, withdrawal or list of left-out rows of {where} has a row {wanted}.")
    if len(found) > 1:
        raise _several(wanted, [(row, slug) for row, slug, _ in found])
    ((row, _, prompt_id),) = found
    return _explained(row, Prompt.objects.select_related("project", "document", "current_response").get(pk=prompt_id))


def _several(wanted, found):
    rows = ", ".join(f"{row} in {slug}" for row, slug in sorted(found)[:5])
    return NotOneRow(f"{len(found)} rows begin with {wanted} ({rows}): name more of it, or the --project.")


def _prompts_of(wanted, project):
    """{(row id, project's slug, prompt's primary key)} of rows that begin with `wanted`."""
    found = set()
    for model in (ReleaseRow, Tombstone, AuditItem):
        # Between two texts, not "begins with": that finds its way through the index on either database.
        rows = model.objects.filter(row_id__gte=wanted, row_id__lt=f"{wanted}g", prompt__isnull=False)
        rows = rows.filter(prompt__project=project) if project else rows
        found.update(rows.order_by().values_list("row_id", "prompt__project__slug", "prompt_id").distinct()[:100])
    return found or set(_left_out(wanted, project))


def _left_out(wanted, project):
    releases = Release.objects.filter(project=project) if project else Release.objects.all()
    for release in releases.select_related("project"):
        for said in _listed(release, wanted):
            prompt = release.project.prompts.filter(key=said["prompt_key"]).first()
            if prompt:
                yield said["row_id"], release.project.slug, prompt.pk


def _listed(release, wanted):
    """The lines of a release's list of left-out rows whose row id begins with `wanted`."""
    path = release.directory / LEFT_OUT
    if path.is_file():
        with open(path, encoding="utf-8") as lines:
            found = (json.loads(line) for line in lines if f'"{wanted}' in line)
            yield from (said for said in found if said["row_id"].startswith(wanted))


def _made_of_others(wanted, project):
    """{(row id, project's slug): (Project, what its file says)} of rows of pairs and preferences, by files."""
    releases, found = Release.objects.filter(project=project) if project else Release.objects.all(), {}
    between = [("id", ">=", wanted), ("id", "<", f"{wanted}g")]
    for release in releases.select_related("project").order_by("-version"):
        for entry in release.files:
            columns, path = OF_OTHERS.get(entry.get("format")), release.directory / entry["path"]
            if columns is None or path.suffix != ".parquet" or not path.is_file():
                continue
            ids, more = columns
            for row in pq.read_table(path, columns=["id", "split", *ids, *more], filters=between).to_pylist():
                told = {"id": row["id"], "format": entry["format"], "release": release.semver or str(release.version)}
                told |= {"split": row["split"], "made_of": [row[name] for name in ids]}
                told |= {name: row[name] for name in more}
                found.setdefault((row["id"], release.project.slug), (release.project, told))
    return found


def _explained_by(wanted, made):
    """The life behind the accepted row that a row of another format stands on; of a pair, the hypothesis'."""
    if len(made) > 1:
        raise _several(wanted, list(made))
    ((project, told),) = made.values()
    return explain(told["made_of"][0], project) | {"asked": told}


def _explained(row, prompt):
    """All that is known of a row of this prompt."""
    withdrawal = prompt.withdrawal
    return {
        "row_id": row,
        "project": prompt.project.slug,
        "prompt_key": prompt.key,
        "stands": _stands(row, prompt),
        "withdrawn": withdrawal and _withdrawn(withdrawal),
        "releases": [_release(each, row) for each in _releases(row, prompt)],
        "left_out": [
            {"version": each.version, "semver": each.semver, "why": said["why"]}
            for each in prompt.project.releases.order_by("version")
            for said in _listed(each, row)
        ],
        "life": life_of(prompt.project, prompt, Everything()),
    }


def _releases(row, prompt):
    held = ReleaseRow.objects.filter(row_id=row, prompt=prompt).order_by("release__version")
    buried = Tombstone.objects.filter(row_id=row, prompt=prompt).select_related("withdrawal")
    of_release = {each.release_id: each.withdrawal for each in buried}
    for each in held.select_related("release__project"):
        yield each, of_release.get(each.release_id)


def _stands(row, prompt):
    """Whether the prompt, as it is now, would make this very row; None where it has no answer."""
    current = TeacherResponse.objects.filter(pk=prompt.current_response_id).with_authoritative_text().first()
    return current and row_id(prompt.key, current.authoritative) == row


def _withdrawn(withdrawal):
    return {"kind": withdrawal.kind, "value": withdrawal.value, "reason": withdrawal.reason}


def _release(found, row):
    held, withdrawal = found
    release = held.release
    return {
        "version": release.version,
        "semver": release.semver,
        "state": release.state,
        "split": held.split,
        "withdrawn_since": withdrawal and _withdrawn(withdrawal),
        "proof": _proof(release.directory / proof.NAME, row),
    }


def _proof(path, row):
    """What rows.parquet of a release says of the row; None where the file is not there, or of the first schema."""
    if not path.is_file():
        return None
    found = pq.read_table(path, filters=[("id", "=", row)]).to_pylist()
    return found[0] if found else None


# -- in words -------------------------------------------------------------------------------------------------------


def told(explained):
    """The dict of `explain` as lines of text, the row first, then the life of its prompt."""
    lines = _asked(explained["asked"]) if "asked" in explained else []
    lines += [f"row {explained['row_id']}", f"prompt {explained['prompt_key']} of project {explained['project']}"]
    if explained["withdrawn"]:
        lines.append(f"withdrawn: {_because(explained['withdrawn'])}")
    lines += [_held_by(each) for each in explained["releases"]]
    lines += [f"left out of release {_called(each)}: {each['why']}" for each in explained["left_out"]]
    if not explained["releases"]:
        lines.append("in no release")
    if explained["stands"] is False:
        lines.append("the answer of this prompt is another one by now: the next release would have another row")
    newest = next((each["proof"] for each in reversed(explained["releases"]) if each["proof"]), None)
    lines += [f"  {name}: {_short(value)}" for name, value in (newest or {}).items() if name != "id"]
    return "\n".join(lines) + "\n\n" + as_text(explained["life"])


def _asked(asked):
    """What was asked after, where it is a row that others make: of which format, and of which rows."""
    lines = [
        f"row {asked['id']} of {FORMATS[asked['format']].label.lower()}, in {asked['split']} of {asked['release']}"
    ]
    lines += [f"  made of: {row}" for row in asked["made_of"]]
    names = [name for name in (*WORSE, "label") if name in asked]
    return [*lines, *(f"  {name}: {_short(asked[name])}" for name in names), ""]


def _called(release):
    return release["semver"] or str(release["version"])


def _because(withdrawal):
    return f"{withdrawal['kind']} {withdrawal['value']}, {withdrawal['reason']}"


def _held_by(release):
    said = f"in {release['split']} of release {_called(release)} ({release['state']})"
    since = release["withdrawn_since"]
    return f"{said}, withdrawn since: {_because(since)}" if since else said


def _short(value):
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True) if value else "none"
    return "none" if value in (None, "") else value
