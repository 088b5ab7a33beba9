"""Evaluation sets: planted leaks are found, nothing else is; files are read in a stream, bad ones told by line."""

import gzip
import json
import random
import tracemalloc

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.importing import ImportRefused
from curation.models import EvaluationSet, Overlap, Run, State
from pipeline import jobs
from pipeline.resemblance import held_out, leaks
from pipeline.resemblance.ngrams import words
from pipeline.stages import decontaminate
from tests import factories
from tests.test_resemblance_clusters import text_of

ROWS = [{"question": text_of(40, n), "choices": [text_of(20, 100 + n), "B"], "n": n} for n in range(3)]


def shared(tmp_path, texts, text, n=13):
    held_out.write(tmp_path / "set", texts, n)
    return held_out.HeldOut(tmp_path / "set", n).shared(text)


# -- what counts as shared ------------------------------------------------------------------------------------------

LONG = text_of(40)
PART = " ".join(LONG.split()[5:25])


@pytest.mark.parametrize(
    ("known", "text", "number", "said"),
    [
        (LONG, LONG, 28, LONG),
        (LONG, f"Before. {PART.upper()}, and after it", 8, PART),
        (LONG, " ".join(LONG.split()[5:18]), 1, " ".join(LONG.split()[5:18])),
        (LONG, " ".join(LONG.split()[5:17]), 0, ""),
        (LONG, " ".join(reversed(LONG.split())), 0, ""),
        (LONG, text_of(40, 1), 0, ""),
        ("What lowers the overpotential?", "what lowers THE overpotential", 1, "what lowers the overpotential"),
        ("What lowers the overpotential?", "Say what lowers the overpotential", 0, ""),
        ("Yes", "Yes.", 0, ""),
        ("B", "B", 0, ""),
        ("", "", 0, ""),
        ("…", "!", 0, ""),
    ],
)
def test_what_counts_as_shared(tmp_path, known, text, number, said):
    found = shared(tmp_path, [known], text)
    assert (found[0], found[2]) == (number, said) if number else found is None


def test_the_share_is_of_the_texts_own(tmp_path):
    assert shared(tmp_path, [LONG], f"{LONG} {text_of(28, 2)}")[1] == 28 / 56


@given(st.lists(st.text("ab c", max_size=60), max_size=6), st.text("ab c", max_size=60), st.integers(2, 6))
@settings(max_examples=150, deadline=None)
def test_as_a_plain_comparison_of_word_sequences_finds_them(tmp_path_factory, known, text, n):
    def grams(words_of):
        width = min(n, len(words_of))
        return {tuple(words_of[k : k + width]) for k in range(len(words_of) - width + 1)}

    def whole(each):
        return grams(words(each)) if len(words(each)) >= held_out.SHORTEST else set()

    expected = whole(text) & set().union(*map(whole, known))
    found = shared(tmp_path_factory.mktemp("sets"), known, text, n)
    assert bool(found) == bool(expected)


def test_planted_leaks_are_found_and_no_others(tmp_path):
    draw = random.Random(5)
    known = [text_of(60, n) for n in range(200)]
    clean = [text_of(150, 1000 + n) for n in range(300)]
    held_out.write(tmp_path / "set", known, 13)
    held = held_out.HeldOut(tmp_path / "set", 13)
    for number, text in enumerate(clean):
        at = draw.randrange(40)
        planted = " ".join(known[number % 200].split()[at : at + 15])
        parts = text.split()
        assert held.shared(text) is None
        assert held.shared(" ".join([*parts[:70], planted, *parts[70:]]))


# -- the file of hashes ---------------------------------------------------------------------------------------------


def test_the_file_is_sorted_whole_and_the_same_however_it_was_made(tmp_path, monkeypatch):
    texts = [text_of(50, n) for n in range(50)] * 2
    first = held_out.write(tmp_path / "one", texts, 13)
    monkeypatch.setattr(held_out, "AT_ONCE", 100)
    second = held_out.write(tmp_path / "two", reversed(texts), 13)
    assert first == second == (100, 50 * 38, first[2])
    stored = np.fromfile(tmp_path / "one", "<u8")
    assert (np.diff(stored.astype(object)) > 0).all()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


def test_a_broken_read_leaves_nothing(tmp_path):
    def broken():
        yield LONG
        raise ImportRefused("x", "line 2: bad")

    with pytest.raises(ImportRefused):
        held_out.write(tmp_path / "set", broken(), 13)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(held_out, "AT_ONCE", 1 << 14)
    peaks = []
    for number in (2_000, 16_000):
        tracemalloc.start()
        held_out.write(tmp_path / "set", (text_of(60, n) for n in range(number)), 13)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 2


# -- files ----------------------------------------------------------------------------------------------------------


def jsonl(path):
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))


def zipped(path):
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in ROWS).encode()))


def parquet(path):
    pq.write_table(pa.Table.from_pylist(ROWS), path)


def as_json(path):
    path.write_text(json.dumps([{"text": row["question"]} for row in ROWS]))


def as_csv(path):
    path.write_text("question\n" + "".join(f"{row['question']}\n" for row in ROWS))


def plain(path):
    path.write_text("\n\n".join(row["question"] for row in ROWS))


@pytest.mark.parametrize(
    ("name", "make", "number"),
    [
        ("a.jsonl", jsonl, 9),
        ("a.jsonl.gz", zipped, 9),
        ("a.parquet", parquet, 9),
        ("a.json", as_json, 3),
        ("a.csv", as_csv, 3),
        ("a.txt", plain, 1),
        ("a.md", plain, 1),
    ],
)
def test_every_format_gives_its_texts(tmp_path, name, make, number):
    make(tmp_path / name)
    found = list(decontaminate.texts(tmp_path / name))
    assert len(found) == number
    assert ROWS[0]["question"] in found[0]


def test_a_column_alone(tmp_path):
    jsonl(tmp_path / "a.jsonl")
    assert list(decontaminate.texts(tmp_path / "a.jsonl", "question")) == [row["question"] for row in ROWS]


@pytest.mark.parametrize(
    ("name", "data", "column", "said"),
    [
        (
            "a.jsonl",
            b'{"a": "b"}\n{"a": \n[1]\n',
            None,
            ["a.jsonl: line 2: broken JSON", "a.jsonl: line 3: a JSON list"],
        ),
        ("a.jsonl", b'{"a": "b"}\n', "question", ["There is no column 'question'; found 'a'."]),
        ("a.jsonl", b'{"a": "b\xff"}\n', None, ["Line 1 is not UTF-8"]),
        ("a.parquet", b"PAR1 nothing", None, ["no whole Parquet file"]),
        ("a.pdf", b"%PDF", None, ["ending tells no known format"]),
        ("a.jsonl.gz", gzip.compress(b'{"a": "b"}\n' * 1000, mtime=0)[:-20], None, ["cut or broken"]),
        ("a.txt", b"", None, ["The file is empty."]),
    ],
)
def test_a_bad_file_is_told_by_name_and_line(tmp_path, name, data, column, said):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ImportRefused) as refused:
        list(decontaminate.texts(tmp_path / name, column))
    assert all(words_ in str(refused.value) for words_ in said)


# -- in the database ------------------------------------------------------------------------------------------------


@pytest.fixture
def project(db):
    return factories.project(paired=False)


def test_prompts_questions_and_answers_are_marked(project):
    source = factories.prompt(project, context=f"{text_of(30, 9)} {LONG}")
    question = factories.prompt(project, user_prompt=LONG)
    answer = factories.prompt(project, State.TO_REVIEW, answer=LONG)
    clean = factories.prompt(project, State.TO_REVIEW)
    leaks.keep(project, "held", [LONG], 13)
    assert leaks.check(project) == 3
    assert set(leaks.leaking(project.prompts.all())) == {source, question, answer}
    assert not leaks.of_prompt(clean).exists()
    assert leaks.of_prompt(answer).get().words == LONG


def test_what_comes_later_is_held_against_what_is_known(project):
    factories.ruleset(project, body={})
    leaks.keep(project, "held", [LONG], 13)
    assert leaks.check(project) == 0
    prompt = factories.prompt(project, State.TO_FILTER, answer=LONG)
    jobs.carry_out(jobs.prepare(project, "filter"))
    assert leaks.leaking(project.prompts.all()).get() == prompt
    assert leaks.check(project) == 0


def test_a_new_answer_without_the_words_does_not_leak(project):
    prompt = factories.prompt(project, State.TO_REVIEW, answer=LONG)
    leaks.keep(project, "held", [LONG], 13)
    leaks.check(project)
    factories.response(prompt, "Another answer.")
    assert not leaks.leaking(project.prompts.all()).exists()


def test_looking_twice_marks_once_and_a_known_file_is_known(project):
    factories.prompt(project, State.TO_REVIEW, answer=LONG)
    for name in ("one.jsonl", "two.jsonl"):
        leaks.keep(project, name, [LONG, text_of(30, 2)], 13)
        leaks.check(project)
    assert EvaluationSet.objects.get().name == "one.jsonl"
    assert Overlap.objects.count() == 1
    assert leaks.keep(project, "other n", [LONG], 8).pk != EvaluationSet.objects.first().pk


def test_other_projects_are_left_alone(project):
    other = factories.project()
    factories.prompt(other, State.TO_REVIEW, answer=LONG)
    leaks.keep(project, "held", [LONG], 13)
    assert leaks.check(project) == 0


def test_the_command_marks_and_lists(project, tmp_path, capsys):
    prompt = factories.prompt(project, State.TO_REVIEW, answer=ROWS[1]["question"])
    jsonl(tmp_path / "held.jsonl")
    plain(tmp_path / "more.txt")
    against = [str(tmp_path / "held.jsonl"), str(tmp_path / "more.txt")]
    call_command("decontaminate", "--project", project.slug, "--inline", "--against", *against)
    out = capsys.readouterr().out
    assert "held.jsonl: 6 texts" in out
    assert f"prompts that would leak: 1\n  {prompt.key[:12]}" in out
    run = Run.objects.get()
    assert (run.state, run.done, run.total) == (Run.State.FINISHED, 4, 4)
    assert run.notice.startswith("1 prompt shares words with 2 evaluation sets")
    call_command("decontaminate", "--project", project.slug, "--inline")
    assert EvaluationSet.objects.count() == 2


@pytest.mark.parametrize(
    ("words_", "said"),
    [
        (["--against", "nowhere.jsonl"], "There is no such file."),
        (["--against", "held.jsonl", "--column", "q"], "There is no column 'q'"),
        (["--against", "held.jsonl", "--n", "3"], "use 5 or more"),
        ([], "knows no evaluation set"),
    ],
)
def test_the_command_refuses_what_it_cannot_do(project, tmp_path, monkeypatch, words_, said):
    jsonl(tmp_path / "held.jsonl")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandError, match=said):
        call_command("decontaminate", "--project", project.slug, "--inline", *words_)
    assert not Run.objects.exists()


def test_a_bad_line_fails_the_run_and_leaves_no_set(project, tmp_path):
    (tmp_path / "held.jsonl").write_text('{"a": "b"}\n{\n')
    run = jobs.prepare(project, "decontaminate", {"against": [str(tmp_path / "held.jsonl")]})
    assert jobs.carry_out(run) == "ended"
    run.refresh_from_db()
    assert run.state == Run.State.FAILED
    assert "held.jsonl: line 2: broken JSON" in run.error
    assert not EvaluationSet.objects.exists()


def test_a_stopped_run_goes_on(project, tmp_path):
    factories.prompt(project, State.TO_REVIEW, answer=ROWS[1]["question"])
    jsonl(tmp_path / "held.jsonl")
    run = jobs.prepare(project, "decontaminate", {"against": [str(tmp_path / "held.jsonl")]})
    asked = []
    assert jobs.carry_out(run, lambda: asked.append(1) or len(asked) == 2) == "stopped"
    assert jobs.carry_out(run) == "ended"
    assert Overlap.objects.count() == 1


def test_a_file_without_texts_is_no_evaluation_set(project, tmp_path):
    (tmp_path / "numbers.csv").write_text("a,b\n1,2\n")
    with pytest.raises(CommandError, match="No text in it has 4 words or more"):
        call_command("decontaminate", "--project", project.slug, "--inline", "--against", str(tmp_path / "numbers.csv"))
    assert not EvaluationSet.objects.exists()
