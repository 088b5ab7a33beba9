"""What a dataset card says: formats, rows, sources, teachers, quality, limits, how to train on it, and the proof."""

from pipeline.formats import FORMATS
from pipeline.releasing import auditing, readers
from pipeline.releasing.choosing import LEFT_OUT

from .head import config_name, size_of
from .made import made_with
from .snippets import snippets

STATUSES = {
    "accepted": "accepted by people as it was",
    "edited": "accepted by people after an edit",
    "policy": "accepted by the project's policy, on the scores of judges",
    "unreviewed": "not reviewed by a person",
}


def body(release, figures, files):
    """The Markdown of a card; `files` of `splits_of`."""
    parts = (
        _opening(release),
        _formats(files),
        _rows(release),
        _sources(figures),
        _teachers(figures),
        _quality(release, figures),
        _limits(release, figures),
        _made(release),
        snippets(readers.called(release.project), files),
        _proof(),
    )
    return "\n\n".join("\n".join(part) for part in parts if part)


def _opening(release):
    counts = release.counts
    lines = [
        f"# {_one_line(release.project.name)}, release {release.semver or release.version}",
        "",
        f"{counts['rows']:,} examples distilled from scientific text: a question as it was sent to a teacher model, "
        "and the answer that was accepted.",
    ]
    if release.base_id:
        lines += ["", f"It corrects release {release.base.semver}: rows that were withdrawn since are not in it."]
    if counts["unreviewed"]:
        lines += ["", f"**{counts['unreviewed']:,} of them were not reviewed by a person** (`status: unreviewed`)."]
    if release.recipe.get("include_leaks"):
        lines += ["", "**Rows that share words with an evaluation set were asked for, and are in.**"]
    return lines


def _formats(files):
    lines = ["## Formats", "", "| Config | What a row is | Rows by split |", "| --- | --- | --- |"]
    for kind, splits in files.items():
        rows = ", ".join(
            f"{each['name']} {each['num_examples']:,}" for each in (size_of(*item) for item in splits.items())
        )
        lines.append(f"| `{config_name(kind)}` | {FORMATS[kind].label}. {FORMATS[kind].help} | {rows} |")
    lines += [
        "",
        "Every config is Parquet with one schema and no nulls; what is unknown is an empty text. `jsonl/` holds the",
        "same rows as JSON Lines. `jsonl/messages` has messages alone, as OpenAI's fine-tuning asks; `*.meta.jsonl`",
        "beside it says line for line where each comes from.",
    ]
    return lines


def _rows(release):
    counts, lines = release.counts, ["## Rows"]
    for title, numbers in (("Split", "splits"), ("Task", "task_types"), ("Domain", "domains"), ("Status", "statuses")):
        lines += ["", f"| {title} | Rows |", "| --- | ---: |"]
        named = counts.get(numbers, {}).items()
        lines += [f"| {_cell(name, title)} | {number:,} |" for name, number in named]
    said = [f"{counts[name]:,} {words}" for name, words in LEFT_OUT.items() if counts.get(name)]
    if said:
        lines += ["", f"Left out: {', '.join(said)}; `left_out.jsonl` names them."]
    if halves := counts.get("halves"):
        one = halves == 1
        said = (
            f"{halves:,} accepted answer{' is' if one else 's are'} not in, since the other half of their pair was not"
        )
        lines += ["", f"{said.replace('their', 'its') if one else said} ready: a pair is released whole."]
    return lines


def _sources(figures):
    lines = ["## Sources and licences", "", "| Licence of the source | Rows |", "| --- | ---: |"]
    named = sorted(figures.licences.items(), key=lambda item: (-item[1], item[0]))
    lines += [f"| {_cell(licence) if licence else '(not stated)'} | {rows:,} |" for licence, rows in named]
    lines += [
        "",
        f"{figures.sources:,} sources; `locator` and `licence` say of each row which, `rows.parquet` its title.",
    ]
    if figures.unlocated:
        lines += [f"{figures.unlocated:,} rows name no source."]
    return lines


def _teachers(figures):
    lines = ["## Teachers and their terms", "", "| Teacher | Rows | Terms |", "| --- | ---: | --- |"]
    for (name, model), rows in sorted(figures.teachers.items()):
        terms = "; ".join(figures.terms.get(model, [])) or "(not recorded)"
        called = name if name == model or not model else f"{name} ({model})"
        lines.append(f"| {_cell(called)} | {rows:,} | {_cell(terms)} |")
    lines += ["", "Terms of a provider may limit what may be trained on its answers: see them before you train."]
    return lines


def _quality(release, figures):
    lines = ["## Agreement and gate", ""]
    if not figures.people:
        return [*lines, "What people and judges said of each row is not told by its files."]
    lines += [f"- Decided by people: {_by_people(figures.people) or 'no row'}; by nobody: {figures.people[0]:,} rows."]
    if figures.several:
        lines.append(f"- Of {figures.several:,} rows that several decided on, all named the same on {figures.alike:,}.")
    if figures.agreement:
        lines.append(f"- {figures.agreement}.")
    if figures.scores:
        low, middle, high = (_at(figures.scores, share) for share in (10, 50, 90))
        lines.append(
            f"- SampleGate's score (0 to 100) of {len(figures.scores):,} rows: median {middle:.1f}; "
            f"80 % lie between {low:.1f} and {high:.1f}."
        )
    else:
        lines.append("- No row was scored by SampleGate.")
    return lines + _audit(release)


def _by_people(people):
    return ", ".join(
        f"{rows:,} rows by {number} {'person' if number == 1 else 'people'}"
        for number, rows in sorted(people.items())
        if number
    )


def _at(values, percent):
    return values[min(len(values) * percent // 100, len(values) - 1)]


def _audit(release):
    if not release.audit:
        return []
    found = auditing.result_of(release.audit)
    said = f"- Acceptance sample: {found.looked:,} of {found.rows:,} rows were looked at again, {found.bad:,} were bad"
    said += f"; at most {100 * found.bound:.1f} % of all are, at 95 %" if found.bound is not None else ""
    overridden = release.audit.state == release.audit.State.OVERRIDDEN
    return [said + ("; it was overridden by a manager." if overridden else ".")]


def _limits(release, figures):
    lines = [
        "## Known limits",
        "",
        "- The answers were written by language models and may be wrong where people did not notice; a hypothesis is a",
        "  proposal, not a finding.",
    ]
    if release.counts["unreviewed"]:
        lines.append(f"- {release.counts['unreviewed']:,} rows were not reviewed by a person.")
    if missing := figures.licences[""]:
        lines.append(f"- {missing:,} rows come from sources whose licence was not stated.")
    lengths = release.report.get("lengths")
    if lengths:
        over = ", ".join(f"{each['rows']:,} over {each['limit']:,}" for each in lengths["over"])
        lines.append(
            f"- Lengths in tokens, partly estimated: median {lengths['median']:,}; rows {over}. TRL cuts at 1,024"
        )
        lines.append("  tokens without a word unless `max_length` says otherwise.")
    percent = release.recipe.get("near_duplicate_percent")
    if percent:
        lines.append(
            f"- Of texts that share {percent} % or more one is in; what resembles less may be in several times."
        )
    else:
        lines.append("- Near-duplicates were not looked for.")
    if "pairs" in release.counts.get("formats", {}):
        lines.append(
            "- The second question of a pair holds the hypothesis as the teacher was given it, before later edits."
        )
    return lines


def _made(release):
    made = made_with(release.manifest)
    if not made:
        return []
    lines = ["## Made with", "", "| What | sha256 | Rows |", "| --- | --- | ---: |"]
    return lines + [f"| {_cell(name)} | {sha256[:12]} | {number:,} |" for name, sha256, number in made]


def _proof():
    return [
        "## Proof",
        "",
        "No source document is in two splits. `manifest.json` has every file's sha256, the recipe and the seed;",
        "`rows.parquet` ties each row id to its prompt, answer, decisions and source; a row id is the sha256 of prompt",
        "key and text.",
    ]


def _cell(text, title=""):
    words = STATUSES.get(text) if title == "Status" else None
    text = f"{text}: {words}" if words else text
    return _one_line(text or "(none)").replace("|", "\\|")


def _one_line(text):
    """A text from elsewhere as it may stand in a line: what ends lines in Markdown would begin another part."""
    return " ".join(text.split())
