"""Every fault that the migration can tell has a file that shows it, and is told at its row."""

import csv
import io
import json

import pytest
import yaml

from curation.models import Project
from pipeline import migrating
from pipeline.config import load_config
from pipeline.migrating.faults import FAULTS
from pipeline.migrating.writing import as_markdown
from tests import old_scripts
from tests.import_files import content, write

pytestmark = pytest.mark.django_db

ASKED, SAID, METHOD = "Why?", old_scripts.hypothesis(1), old_scripts.METHOD
REPAIR = old_scripts.hypothesis(1, 2)
CITED = f"{SAID} This was seen before (Smith et al., 2019)."


def row(prompt=ASKED, text=SAID, **more):
    """A row of outputs."""
    return {"user_prompt": prompt, "template_name": "hypothesis", "teacher_output": text} | more


def passed(prompt=ASKED, text=SAID, **more):
    """A row of the filtered dataset."""
    return row(prompt, text, passes_all=True, **more)


def label(action, text=SAID, day=1, **more):
    """A line of labels."""
    said = {"task_type": "hypothesis", "teacher_output": text, "action": action}
    return said | {"timestamp": f"2025-11-{day:02}T08:00:00"} | more


def sft(output, asked=ASKED, **meta):
    """A line of a training file."""
    return {"input": asked, "output": output, "meta": meta}


def judged(**more):
    """A judge's reply."""
    return json.dumps({"score": 90, "rationale": "Fine.", "flags": [], "requires_human_review": False} | more)


NAN = float("nan")
TWO = [passed(), passed("How?", METHOD)]
REPAIRED = {"outputs": [row()], "regenerated": [row(text=REPAIR)]}
SHOWN = {  # fault: (what each file holds, [(file, row)] where it is told)
    "refusal_shipped": ({"sft": [sft(SAID), sft(old_scripts.REFUSAL)]}, [("sft", 2)]),
    "rejected_shipped": ({"outputs": [row()], "labels": [label("reject")], "sft": [sft(SAID)]}, [("sft", 1)]),
    "dry_run_shipped": ({"sft": [sft("[dry run] text")]}, [("sft", 1)]),
    "no_answer_shipped": (
        {"sft": [sft(SAID), sft(old_scripts.ERROR), sft("Choice(finish_reason='length', message=None)")]},
        [("sft", 2), ("sft", 3)],
    ),
    "flattened": ({"outputs": [row(text=METHOD)], "sft": [sft(" ".join(METHOD.split()))]}, [("sft", 1)]),
    "nan_shipped": ({"sft": [sft(NAN), sft(SAID, "None"), sft("nan")]}, [("sft", 1), ("sft", 2), ("sft", 3)]),
    "empty_shipped": (
        {"sft": [sft(""), sft(SAID, " "), sft(None), {"messages": [{"role": "user", "content": ASKED}]}]},
        [("sft", 1), ("sft", 2), ("sft", 3), ("sft", 4)],
    ),
    "unresolved_shipped": ({"sft": [sft(SAID, "Read {context}.")]}, [("sft", 1)]),
    "citation_shipped": ({"sft": [sft(CITED)]}, [("sft", 1)]),
    "duplicate_shipped": ({"sft": [sft(SAID), sft(METHOD), sft(SAID)]}, [("sft", 3)]),
    "split_leak": ({"train": [sft(SAID)], "val": [sft(METHOD), sft(METHOD, "How?")]}, [("val", 1)]),
    "unaccepted_as_accepted": ({"outputs": [row()], "sft": [sft(SAID, quality="human_accept")]}, [("sft", 1)]),
    "label_points_elsewhere": (
        {"filtered": TWO, "labels": [label("reject", index=1), label("accept", METHOD, index=1)]},
        [("labels", 1)],
    ),
    "repaired_unordered": (REPAIRED | {"labels": [label("accept")]}, [("regenerated", 1)]),
    "original_beside_repair": (
        REPAIRED | {"labels": [label("regenerate")], "sft": [sft(REPAIR), sft(SAID)]},
        [("sft", 2)],
    ),
    "good_row_lost": ({"filtered": TWO, "sft": [sft(SAID)]}, [("filtered", 2)]),
    "wrong_source_index": (
        {"filtered": TWO, "sft": [sft(SAID, source_index=1), sft(METHOD, "How?", source_index=1)]},
        [("sft", 1)],
    ),
    "later_accept_ignored": (REPAIRED | {"labels": [label("reject"), label("accept", day=2)]}, [("labels", 2)]),
    "reject_repaired": (REPAIRED | {"labels": [label("reject")]}, [("regenerated", 1)]),
    "dry_run": ({"outputs": [row(), row("How?", "[DRY RUN] text")]}, [("outputs", 2)]),
    "no_answer": ({"outputs": [row(text="Error code: 429 - too many")]}, [("outputs", 1)]),
    "empty_answer": ({"outputs": [row(text=None), row("How?", " ")]}, [("outputs", 1), ("outputs", 2)]),
    "nan_answer": ({"outputs": [row(text="nan"), row("How?", NAN)]}, [("outputs", 1), ("outputs", 2)]),
    "asked_nan": (
        {"outputs": [row(None, context="Zinc."), row(None), row("nan"), row()]},
        [("outputs", 1), ("outputs", 2), ("outputs", 3)],
    ),
    "unresolved_context": ({"inputs": [row(), row("Read {context}.")]}, [("inputs", 2)]),
    "context_not_sent": ({"outputs": [row(), row("How?", context="Zinc.")]}, [("outputs", 2)]),
    "duplicate_row": ({"outputs": [row(), row("How?"), row()]}, [("outputs", 3)]),
    "refusal_passed": ({"filtered": [passed(), passed("How?", old_scripts.REFUSAL)]}, [("filtered", 2)]),
    "citation_passed": ({"filtered": [passed(), passed("How?", CITED)]}, [("filtered", 2)]),
    "judge_unreadable": ({"outputs": [row(judge_f="Ninety.", judge_r=judged())]}, [("outputs", 1)]),
    "flag_ignored": (
        {
            "gated": [
                row(judge_f=judged(flags=["safety_fire"])),
                row("How?", judge_r=judged(requires_human_review=True)),
            ]
        },
        [("gated", 1), ("gated", 2)],
    ),
    "manifest_wrong": (
        {"generated_batch_0000": [row()], "manifest": [{"batch_id": 0, "samples_processed": 2}]},
        [("manifest", 1)],
    ),
}
KINDS = {"train": "sft", "val": "sft", "generated_batch_0000": "outputs"}


@pytest.fixture
def move(project, tmp_path):
    """Migrates {file name without its ending: rows} into the project, as files of this ending; gives the report."""
    config = load_config(write(tmp_path, "config.yaml", yaml.safe_dump(old_scripts.CONFIG)))

    def migrated(files, ending=".jsonl"):
        sources = []
        for name, rows in files.items():
            path = write(tmp_path, name + ending, as_text(rows) if ending == ".csv" else content(rows, ending))
            sources.append(migrating.Source(path, KINDS.get(name, name), path.name))
        return migrating.migrate(project, sources, config)

    return migrated


def as_text(rows):
    """CSV as a spreadsheet saves it: a byte order mark, Windows' line ends, every number a text."""
    stream = io.StringIO(newline="")
    names = dict.fromkeys(name for row in rows for name in row)
    writer = csv.DictWriter(stream, names, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(
        {name: json.dumps(value) if isinstance(value, dict) else value for name, value in row.items()} for row in rows
    )
    return "\ufeff" + stream.getvalue()


def told(report, code):
    """[(file without its ending, row)] of a fault."""
    return [(found["file"].split(".")[0], found["line"]) for found in report.findings.rows if found["fault"] == code]


def test_every_fault_is_shown_here():
    assert set(SHOWN) == set(FAULTS)


@pytest.mark.parametrize("code", SHOWN)
def test_a_fault_is_told_at_its_row(move, code):
    files, places = SHOWN[code]

    report = move(files)

    assert told(report, code) == places
    assert FAULTS[code].label in as_markdown(report)
    for file in report.files:
        assert file.rows == len(files[file.name.split(".")[0]]) == file.imported + file.matched + file.unmatched


def test_what_nothing_is_wrong_with_has_no_fault(move):
    report = move(
        {
            "inputs": [{"user_prompt": ASKED, "template_name": "hypothesis"}],
            "outputs": [row(judge_f=judged(), judge_r=judged())],
            "filtered": [passed()],
            "labels": [label("accept", index=0)],
            "train": [sft(SAID, source_index=0, quality="human_accept")],
        }
    )

    assert report.findings.rows == []


@pytest.mark.parametrize("position", [0, 0.0, "0", " 0", "0.0"])
@pytest.mark.parametrize("ending", [".jsonl", ".parquet", ".csv"])
def test_positions_are_read_as_numbers_and_as_text(move, position, ending):
    files = {
        "filtered": TWO,
        "labels": [label("accept", METHOD, index=position)],
        "sft": [sft(METHOD, "How?", source_index=position)],
    }

    report = move(files, ending)

    row_of = 2 if ending == ".csv" else 1
    assert told(report, "label_points_elsewhere") == [("labels", row_of)]
    assert told(report, "wrong_source_index") == [("sft", row_of)]


@pytest.mark.parametrize("position", [None, "", "first", "-1", -1, 99, NAN, True, 1e400, [0]])
def test_what_is_no_position_is_none(move, position):
    report = move({"filtered": [passed()], "labels": [label("accept", index=position)]})

    elsewhere = position in (-1, "-1", 99)
    assert told(report, "label_points_elsewhere") == ([("labels", 1)] if elsewhere else [])
    assert report.files[1].imported == 1


def test_the_same_training_row_in_two_forms_is_told_once(move, tmp_path):
    rows = [sft(CITED, source_index=3)]
    whole = move({"sft": rows})
    assert told(whole, "citation_shipped") == [("sft", 1)]

    twin = [sft(CITED, source_index=3.0), sft(CITED, "How?", source_index="3.0")]
    report = move({"sft": rows, "train": twin})

    assert told(report, "citation_shipped") == [("sft", 1), ("train", 2)]


def test_the_page_says_lines_of_texts_and_rows_of_parquet(move):
    again = [row(), row()]

    assert "- outputs.jsonl, line 2 (" in as_markdown(move({"outputs": again}))
    assert "- outputs.csv, line 3 (" in as_markdown(move({"outputs": again}, ".csv"))
    assert "- outputs.parquet, row 2 (" in as_markdown(move({"outputs": again}, ".parquet"))


def why(report, code):
    """[what is said] of a fault."""
    return [found["said"] for found in report.findings.rows if found["fault"] == code]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([label("accept")], "its last word is accept"),
        ([label("accept", METHOD, index=1)], "no label on it"),
        (
            [label("regenerate", METHOD, index=0)],
            "no label on it; labels.jsonl, line 1, has its position and quotes another answer",
        ),
        (
            [label("accept"), label("reject", METHOD, day=2, index=0.0)],
            "its last word is accept; labels.jsonl, line 2, has its position and quotes another answer",
        ),
    ],
)
def test_what_shows_that_a_repair_had_no_order(move, labels, said):
    report = move({"filtered": TWO, "labels": labels, "regenerated": [row(text=REPAIR, regenerated=True)]})

    assert why(report, "repaired_unordered") == [said]


@pytest.mark.parametrize(
    ("shipped", "said"),
    [
        ([sft(SAID)], ["in no training file"]),
        ([sft(SAID, source_index=1)], ["sft.jsonl, line 1, is another row in its place (source_index 1)"]),
        ([sft(SAID, source_index=0)], ["in no training file"]),
        # What several prompts were answered may be any of them.
        ([sft(SAID), sft("Twice said.", "Who knows?")], ["in no training file"]),
    ],
)
def test_what_shows_that_a_good_row_was_lost(move, shipped, said):
    twice = [passed("One?", "Twice said."), passed("Two?", "Twice said.")]

    report = move({"filtered": [*TWO, *(twice if len(shipped) > 1 else [])], "sft": shipped})

    assert told(report, "good_row_lost") == [("filtered", 2)]
    assert why(report, "good_row_lost") == said


def test_no_row_is_called_lost_where_a_training_file_was_not_read(move, tmp_path):
    report = move({"filtered": TWO, "train": [sft(SAID)], "val": [{"colour": 1}]})
    assert told(report, "good_row_lost") == [("filtered", 2)]

    (tmp_path / "twisted").mkdir()
    broken = write(tmp_path / "twisted", "test.jsonl", b"[1]\n")
    sources = [migrating.Source(broken, "sft", "test.jsonl")]
    sources += [
        migrating.Source(tmp_path / f"{name}.jsonl", KINDS.get(name, name), name) for name in ("filtered", "train")
    ]
    config = load_config(tmp_path / "config.yaml")
    report = migrating.migrate(Project.objects.get(slug=report.project), sources, config)

    assert not told(report, "good_row_lost")
    assert "Rows that were lost on the way are not told, since test.jsonl was not read." in report.notes


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([], "there are no labels"),
        ([label("accept", METHOD)], "no label on it"),
        ([label("reject")], "its last word is reject"),
    ],
)
def test_what_shows_that_people_did_not_accept(move, labels, said):
    files = {"outputs": [row(), row("How?", METHOD)], "labels": labels, "sft": [sft(SAID, quality="human_accept")]}

    report = move({name: rows for name, rows in files.items() if rows})

    assert why(report, "unaccepted_as_accepted") == [said]


def test_what_this_program_wrote_is_not_held_against_the_scripts(move):
    key = {"prompt_key": "ab" * 32}
    files = {"filtered": [row | key for row in TWO], "outputs": [row("Where?", "Here.", context="Zinc.") | key]}

    report = move(files | {"sft": [sft(SAID, **key)]})

    assert report.findings.counts() == {}
