"""Accepted responses as training records and lines."""

import hashlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.formats import combined_sha256, jsonl_bytes, row_id, to_messages

USER, ASSISTANT = {"role": "user", "content": "Q\n1"}, {"role": "assistant", "content": " A"}


@pytest.mark.parametrize(
    ("system", "messages"),
    [
        (None, [USER, ASSISTANT]),
        ("", [USER, ASSISTANT]),
        ("Be exact.", [{"role": "system", "content": "Be exact."}, USER, ASSISTANT]),
    ],
)
def test_messages_keep_the_text_as_it_is(system, messages):
    assert to_messages("Q\n1", " A", system) == messages


@pytest.mark.parametrize(
    ("user", "assistant", "role"), [("", "A", "user"), ("Q", " \n", "assistant"), ("Q", None, "assistant")]
)
def test_a_message_without_text_is_refused(user, assistant, role):
    with pytest.raises(ValueError, match=f"the {role} message is"):
        to_messages(user, assistant)


def test_a_rows_identity_is_its_prompt_and_text():
    key = "ab" * 32
    assert row_id(key, "text") == hashlib.sha256(f"{key}\ntext".encode()).hexdigest()
    assert len({row_id(key, "text"), row_id(key, "text "), row_id("cd" * 32, "text")}) == 3


@pytest.mark.parametrize(
    ("record", "line"),
    [
        ({"b": 1, "a": "é\n€"}, '{"a":"é\\n€","b":1}\n'),
        ({"messages": [USER]}, '{"messages":[{"content":"Q\\n1","role":"user"}]}\n'),
        ({"x": -0.0, "y": (1, None, True)}, '{"x":0.0,"y":[1,null,true]}\n'),
        ({"x": "\u2028"}, '{"x":"\u2028"}\n'),
    ],
)
def test_a_line(record, line):
    assert jsonl_bytes(record) == line.encode()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, [math.nan], {"a": math.nan}, "\ud800"])
def test_what_json_cannot_say_is_refused(value):
    with pytest.raises(ValueError):
        jsonl_bytes({"x": value})


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8"))))
def test_a_line_is_one_line_and_reads_back(record):
    line = jsonl_bytes(record)
    assert line.count(b"\n") == 1
    assert json.loads(line) == record


def test_the_hash_of_several_files_does_not_depend_on_their_order():
    files = [{"path": "data/a", "sha256": "1"}, {"path": "data/b", "sha256": "2", "rows": 5}]
    assert combined_sha256(files) == combined_sha256(files[::-1])
    assert combined_sha256(files) != combined_sha256([files[0], {"path": "data/c", "sha256": "2"}])
