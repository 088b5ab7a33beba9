"""What a row becomes: pure functions, no database."""

import datetime
import decimal
import hashlib
import json

import numpy
import pandas
import pytest

from curation.importing.errors import BadRow
from curation.importing.rows import RowConverter, group_key
from curation.importing.values import json_cell, same, text_cell
from curation.models.prompt import content_key

FULL = {field: field for field in ("prompt", "context", "task_type", "system_prompt", "domain", "locator", "text")}


def convert(values, mapping=FULL, **options):
    return RowConverter(mapping, **options)(values)


def test_a_text_becomes_a_source_a_prompt_for_each_task_type_and_a_pair():
    [piece] = convert({"text": "Iron helps.", "domain": "chemistry", "id": 7})

    assert [(draft.task_type, draft.user_prompt, draft.context) for draft in piece.drafts] == [
        ("hypothesis", "", "Iron helps."),
        ("methodology", "", "Iron helps."),
    ]
    assert piece.paired
    assert piece.source.text == "Iron helps."
    assert piece.drafts[0].key == content_key("hypothesis", "chemistry", "", "Iron helps.", "")
    assert {draft.metadata for draft in piece.drafts} == {'{"id": 7}'}


def test_a_text_that_names_its_task_type_is_asked_for_that_alone():
    [piece] = convert({"context": "Iron helps.", "task_type": " explanation "})

    assert [draft.task_type for draft in piece.drafts] == ["explanation"]
    assert not piece.paired


@pytest.mark.parametrize(
    ("types", "paired"),
    [(("hypothesis",), False), (("methodology", "hypothesis"), True), (("hypothesis", "methodology", "review"), True)],
)
def test_task_types_chosen(types, paired):
    [piece] = convert({"text": "Iron helps."}, task_types=types)

    assert tuple(draft.task_type for draft in piece.drafts) == types
    assert piece.paired is paired


def test_a_prompt_keeps_its_context_system_prompt_and_placeholders():
    row = {"prompt": "About {{context}} or {context}: why?", "context": "Iron.", "system_prompt": "Be brief."}
    [piece] = convert(row | {"task_type": "hypothesis"})

    [draft] = piece.drafts
    assert (draft.user_prompt, draft.context, draft.system_prompt) == tuple(row.values())
    assert piece.source.text == "Iron."
    assert not piece.paired


def test_a_prompt_without_context_has_no_source():
    [piece] = convert({"prompt": "Why?", "task_type": "hypothesis"})

    assert piece.source is None
    assert piece.drafts[0].group_key == hashlib.sha256(b"Why?").hexdigest()


def test_a_prompt_without_task_type_has_the_only_one_chosen():
    [piece] = convert({"prompt": "Why?"}, task_types=["explanation"])

    assert piece.drafts[0].task_type == "explanation"


@pytest.mark.parametrize(
    ("row", "source"),
    [
        ({"text": "T", "locator": " 10.1/x "}, "10.1/x"),
        ({"text": "T"}, "T"),
        ({"prompt": "P", "context": "C", "task_type": "t"}, "C"),
        ({"prompt": "P", "task_type": "t"}, "P"),
        ({"prompt": "P", "task_type": "t", "locator": "10.1/x"}, "10.1/x"),
        ({"text": "a\r\nb\u0301"}, "a\nb\u0301"),
    ],
)
def test_the_group_is_the_locator_else_the_source(row, source):
    [piece] = convert(row)

    assert {draft.group_key for draft in piece.drafts} == {group_key("", source)}


def test_line_ends_and_accents_make_no_other_content():
    [one], [other] = convert({"text": "Caf\u00e9\nau lait"}), convert({"text": "Cafe\u0301\r\nau lait"})

    assert (one.source, one.drafts) == (other.source, other.drafts)


def test_the_same_text_at_another_place_is_another_source_but_the_same_prompt():
    [one], [other] = convert({"text": "T", "locator": "a"}), convert({"text": "T", "locator": "b"})

    assert one.source.content_hash != other.source.content_hash
    assert one.drafts[0].key == other.drafts[0].key


EMPTY = [None, "", "  \n", float("nan"), "nan", "NaN", "None", "null", "NULL", "<NA>", "NaT", " nan "]


@pytest.mark.parametrize("nothing", EMPTY)
def test_nothing_is_never_text(nothing):
    assert text_cell("c", nothing) == ""
    with pytest.raises(BadRow, match="prompt / context / text: empty; a prompt or a text is expected"):
        convert({"prompt": nothing, "context": nothing, "text": nothing})


def test_words_that_only_contain_nothing_are_text():
    assert [text_cell("c", word) for word in ("nano", "None of them.", "0")] == ["nano", "None of them.", "0"]


BAD = [
    ({"text": 5}, "text", "number '5'"),
    ({"text": ["a"]}, "text", "list"),
    ({"text": {"a": 1}}, "text", "object"),
    ({"text": True}, "text", "yes or no"),
    ({"text": b"abc"}, "text", "binary"),
    ({"text": "T", "domain": 3.5}, "domain", "number"),
    ({"text": "a\0b"}, "text", "NUL"),
    ({"text": "a\ud800b"}, "text", "lone surrogate (U+D800)"),
    ({"text": "T", "id": "a\0b"}, "id", "NUL"),
    ({"text": "T", "id": ["x", {"deep": "\udfff"}]}, "id", "lone surrogate"),
    ({"text": "T", "a\0": 1}, "a\0", "NUL"),
    ({"text": "T", "id": {"a\0": 1}}, "id", "NUL"),
    ({"text": "T", "domain": "d" * 121}, "domain", "121 characters; at most 120"),
    ({"text": "T", "locator": "l" * 501}, "locator", "at most 500"),
    ({"text": "T", "task_type": "t" * 61}, "task_type", "at most 60"),
    ({"prompt": "P"}, "task_type", "a prompt needs a task type"),
]


@pytest.mark.parametrize(("row", "column", "said"), BAD, ids=[f"{c!r} {s}" for _, c, s in BAD])
def test_bad_rows_say_column_and_fault(row, column, said):
    with pytest.raises(BadRow) as caught:
        convert(row)

    assert caught.value.column == column
    assert said in str(caught.value)


def test_values_nested_without_end_are_bad():
    deep = []
    for _ in range(200):
        deep = [deep]

    with pytest.raises(BadRow, match="nested more than 100 deep"):
        convert({"text": "T", "deep": deep})


JSON_SAFE = [
    (float("nan"), None),
    (float("inf"), "inf"),
    (numpy.float64("nan"), None),
    (numpy.int64(7), 7),
    (numpy.bool_(True), True),
    (numpy.array([1.5, 2.5]), [1.5, 2.5]),
    (datetime.date(2020, 2, 29), "2020-02-29"),
    (datetime.datetime(2020, 2, 29, 12, 0, tzinfo=datetime.UTC), "2020-02-29T12:00:00+00:00"),
    (datetime.time(1, 2), "01:02:00"),
    (pandas.Timestamp("2020-02-29 12:00"), "2020-02-29T12:00:00"),
    (pandas.NaT, None),
    (datetime.timedelta(minutes=2), 120.0),
    (decimal.Decimal("1.50"), "1.50"),
    (b"\xff\x00", "/wA="),
    ({1: (2, {"x": float("nan")})}, {"1": [2, {"x": None}]}),
    ("judge says {}", "judge says {}"),
]


@pytest.mark.parametrize(("value", "kept"), JSON_SAFE, ids=[repr(value) for value, _ in JSON_SAFE])
def test_other_columns_become_json(value, kept):
    [piece] = convert({"text": "T", "extra": value})

    assert json.loads(piece.drafts[0].metadata) == {"extra": kept}
    assert same(json_cell("extra", value), kept)


def test_equal_numbers_are_the_same_however_a_database_writes_them():
    assert same({"x": [10**300, 1]}, {"x": [1e300, 1.0]})
    assert not same({"x": 1}, {"x": 2})
    assert not same({"x": None}, {})
