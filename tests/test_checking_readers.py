"""The documented shapes of OpenAI, TRL, axolotl and LLaMA-Factory: what we write fits, and what does not is said."""

import json

import pyarrow.parquet as pq
import pytest

from pipeline.formats import FORMATS, Options, text_lines
from pipeline.releasing import readers
from pipeline.releasing.checking import axolotl, llama_factory, openai, trl
from tests.test_formats_kinds import BETTER, PAIRED, record

ROWS = [PAIRED, BETTER, record("b", "Lift rises.", locator="doi:2")]


@pytest.fixture(params=[False, True], ids=["plain", "system"])
def release(request, tmp_path):
    """A folder with every format of ROWS."""
    files = []
    for kind in FORMATS.values():
        columns = kind.columns(ROWS, Options(request.param))
        (tmp_path / kind.name).mkdir()
        pq.write_table(kind.table(columns), tmp_path / kind.name / "train-00000-of-00001.parquet")
        for suffix, lines in {"": kind.lines, **kind.beside}.items():
            path = f"jsonl/{kind.name}/train{suffix and '.'}{suffix}.jsonl"
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(text_lines(lines(columns)))
            files.append({"path": path})
    readers.write_dataset_info(tmp_path, "films", files)
    return tmp_path


def test_what_we_write_is_what_they_read(release):
    assert [openai.problems(release / readers.lines_path(kind, "train")) for kind in ("messages", "pairs")] == [[], []]
    assert openai.preference_problems(release / readers.lines_path("preference", "train", "openai")) == []
    for kind in trl.TYPES:
        assert trl.problems(release / kind / "train-00000-of-00001.parquet", kind) == []
        assert trl.problems(release / readers.lines_path(kind, "train"), kind) == []
    for kind in readers.AXOLOTL:
        assert axolotl.problems(release / readers.lines_path(kind, "train", "axolotl"), kind) == []
    assert llama_factory.problems(release) == []


def test_the_description_for_llama_factory_names_each_file_once(release):
    said = json.loads((release / "dataset_info.json").read_text())
    assert set(said) == {f"films_{name}" for name in FORMATS} - {"films_prompt_completion"}
    assert said["films_preference"]["file_name"] == "jsonl/preference/train.llama_factory.jsonl"
    assert said["films_preference"]["ranking"] is True
    assert readers.dataset_info("films", [{"path": "jsonl/alpaca/test.jsonl"}])["films_alpaca_test"]["columns"] == {
        "prompt": "instruction",
        "query": "input",
        "response": "output",
        "system": "system",
    }


def written(path, *rows):
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() + b"\n" for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(lines))
    return path


def said(role, content="Drag falls."):
    return {"role": role, "content": content}


GOOD = [said("user"), said("assistant")]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ({"messages": GOOD, "id": "1"}, "its keys are id, messages; the file has messages alone"),
        ({"messages": []}, "its messages are not a list, or an empty one"),
        ({}, "its keys are none; the file has messages alone"),
        ({"messages": [said("human"), said("assistant")]}, "a message has the role 'human'; roles are system, user"),
        ({"messages": [said("user"), said("assistant", " ")]}, "the assistant message has no text"),
        ({"messages": [said("user"), said("assistant", None)]}, "the assistant message has no text"),
        ({"messages": [{"role": "user"}, said("assistant")]}, "a message has no role or no content"),
        ({"messages": [said("user") | {"name": "a", "title": "b"}, said("assistant")]}, "the keys title, which"),
        ({"messages": [said("assistant"), said("user")]}, "its last message is not the assistant's"),
        ({"messages": ["a"]}, "a message is no object"),
        ({"messages": "a"}, "its messages are not a list"),
        (b'{"messages": NaN}\n', "it is no JSON"),
        (b"[1]\n", "it is a list; a line is an object"),
        (b"\n", "it is no JSON"),
        (b'\xff{"messages"}\n', "it is no JSON"),
        (b"\xef\xbb\xbf" + json.dumps({"messages": GOOD}).encode() + b"\n", "begins with a byte order mark"),
        (json.dumps({"messages": GOOD}).encode() + b"\r\n", "it does not end with a line feed alone"),
        (json.dumps({"messages": GOOD}).encode(), "it does not end with a line feed alone"),
        ({"messages": [said("user", "a\0b"), said("assistant")]}, "it holds a NUL character"),
    ],
)
def test_openai_says_what_is_wrong_with_a_line(tmp_path, line, fault):
    problems = openai.problems(written(tmp_path / "jsonl" / "messages" / "train.jsonl", line))
    assert any(fault in problem for problem in problems), problems
    assert problems[0].startswith("jsonl/messages/train.jsonl, line 1: ")


@pytest.mark.parametrize("text", ["a \\u0000 written out", "é 😀 \u2028 \x7f", "NaN and null"])
def test_odd_texts_are_no_fault(tmp_path, text):
    path = written(tmp_path / "train.jsonl", {"messages": [said("user", text), said("assistant", text)]})
    assert openai.problems(path) == []


def test_a_fault_of_many_lines_is_told_once_with_its_number(tmp_path):
    bad = {"messages": [said("user"), said("assistant", "")]}
    path = written(tmp_path / "jsonl" / "messages" / "test.jsonl", {"messages": GOOD}, bad, bad, bad)
    assert openai.problems(path) == [
        "jsonl/messages/test.jsonl, line 2: the assistant message has no text (3 such lines)."
    ]


def test_openai_takes_no_file_of_few_examples_or_many_bytes(tmp_path, monkeypatch):
    path = written(tmp_path / "jsonl" / "messages" / "train.jsonl", {"messages": GOOD})
    assert openai.too_few(path, 10) == []
    assert openai.too_few(path, 9) == [
        "jsonl/messages/train.jsonl has 9 examples; OpenAI's fine-tuning takes files of 10 and more."
    ]
    monkeypatch.setattr(openai, "MOST_BYTES", 50)
    assert openai.problems(path)[0].endswith("bytes; OpenAI takes 50 in one file.")


PREFERRED = {"input": {"messages": [said("user")]}, "preferred_output": [said("assistant", "A")]}


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (PREFERRED, "its keys are input, preferred_output; they must be"),
        (PREFERRED | {"non_preferred_output": [said("assistant", "A")]}, "both outputs are the same"),
        (PREFERRED | {"non_preferred_output": [said("user", "B")]}, "an output is one message of the assistant"),
        (PREFERRED | {"non_preferred_output": said("assistant", "B")}, "an output is one message of the assistant"),
        (
            PREFERRED | {"non_preferred_output": [said("assistant", "B")], "input": {"messages": GOOD}},
            "its input ends with an answer already",
        ),
        (PREFERRED | {"non_preferred_output": [said("assistant", "B")], "input": 1}, "its messages are not a list"),
    ],
)
def test_openai_says_what_is_wrong_with_a_preference(tmp_path, line, fault):
    problems = openai.preference_problems(written(tmp_path / "train.jsonl", line))
    assert any(fault in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("kind", "row", "fault"),
    [
        ("messages", {"messages": GOOD, "prompt": "a"}, "it has messages, prompt, not messages"),
        ("messages", {"text": "a"}, "it has text, not messages"),
        ("messages", {"messages": []}, "messages is not a list of messages, or an empty one"),
        ("messages", {"messages": [said("user")]}, "messages does not end with an answer"),
        ("prompt_completion", {"prompt": "a", "completion": "b"}, "prompt is not a list of messages"),
        ("prompt_completion", {"prompt": GOOD, "completion": [said("assistant")]}, "prompt does not end with the user"),
        ("prompt_completion", {"prompt": [said("user")], "completion": GOOD}, "completion is not one answer"),
        (
            "preference",
            {"prompt": [said("user")], "chosen": [said("assistant")], "rejected": [said("assistant")]},
            "chosen and rejected are the same",
        ),
        ("preference", {"chosen": GOOD, "rejected": GOOD}, "it has chosen, rejected, not chosen, prompt, rejected"),
        (
            "kto",
            {"prompt": [said("user")], "completion": [said("assistant")], "label": "true"},
            "label is not true or false",
        ),
        ("sharegpt", {"conversations": GOOD}, "conversations has a message without from or value"),
        ("messages", {"messages": [said("user"), {"role": "assistant", "content": "\n"}]}, "content is empty"),
    ],
)
def test_trl_says_what_is_wrong(tmp_path, kind, row, fault):
    problems = trl.problems(written(tmp_path / "train.jsonl", row), kind)
    assert any(fault in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("kind", "row", "fault"),
    [
        ("messages", {"conversations": GOOD}, "messages is not a list"),
        ("messages", {"messages": [said("robot"), said("assistant")]}, "has the roles robot"),
        ("messages", {"messages": [said("user")]}, "no message is the assistant's"),
        ("sharegpt", {"conversations": GOOD}, "has a message without from or value"),
        ("alpaca", {"instruction": "", "input": None, "output": "a"}, "instruction is empty or no text"),
        ("alpaca", {"instruction": "a", "input": None, "output": "a"}, "input is no text"),
        (
            "preference",
            {"messages": GOOD, "chosen": said("assistant"), "rejected": said("user")},
            "rejected is not one",
        ),
        ("preference", {"messages": GOOD, "chosen": said("assistant")}, "messages does not end with the user's"),
    ],
)
def test_axolotl_says_what_is_wrong(tmp_path, kind, row, fault):
    problems = axolotl.problems(written(tmp_path / "train.jsonl", row), kind)
    assert any(fault in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("kind", "row", "fault"),
    [
        ("messages", {"messages": [said("user"), said("user")]}, "does not go from user to assistant in turn"),
        ("messages", {"messages": [said("user")]}, "has 1 turns, so LLaMA-Factory would leave it out"),
        ("messages", {"talk": []}, "it has no column messages"),
        ("sharegpt", {"conversations": GOOD}, "conversations has a message without from or value"),
        ("alpaca", {"instruction": "a", "input": "", "output": " ", "system": ""}, "output is empty or no text"),
        ("alpaca", {"instruction": "a"}, "it has no column input, output, system"),
        ("preference", {"messages": [said("user")], "chosen": GOOD, "rejected": GOOD}, "chosen is not one message"),
        ("preference", {"messages": GOOD, "chosen": said("assistant"), "rejected": said("assistant")}, "has 2 turns"),
        ("kto", {"messages": GOOD, "label": 1}, "label is not true or false"),
    ],
)
def test_llama_factory_says_what_is_wrong(tmp_path, kind, row, fault):
    path = readers.lines_path(kind, "train", "llama_factory")
    written(tmp_path / path, row)
    readers.write_dataset_info(tmp_path, "films", [{"path": path}])
    problems = llama_factory.problems(tmp_path)
    assert any(fault in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"formatting": "chatml"}, "formatting is 'chatml'; it is one of alpaca, sharegpt"),
        ({"columns": {"conversation": "messages"}}, "conversation is no column of sharegpt"),
        ({"tags": {"role": "role"}}, "role is no tag"),
        ({"file": "a"}, "file is no key of a description"),
        ({"file_name": "a.jsonl"}, "the file a.jsonl is not there"),
    ],
)
def test_a_wrong_description_is_told(tmp_path, changed, fault):
    path = readers.lines_path("messages", "train")
    written(tmp_path / path, {"messages": GOOD})
    entry = {"film": {"file_name": path} | readers.CHAT | changed}
    (tmp_path / "dataset_info.json").write_text(json.dumps(entry))
    assert f"dataset_info.json, film: {fault}." in llama_factory.problems(tmp_path)


def test_a_missing_description_is_told(tmp_path):
    assert llama_factory.problems(tmp_path)[0].startswith("dataset_info.json cannot be read")
