"""Every format of a release: what a record becomes in it, and that files can be made again from its columns alone."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.formats import FORMATS, Options, Record, Refused, jsonl_bytes, row_id, text_lines

PLAIN, WITH_SYSTEM = Options(), Options(system=True)


def record(name="a", text="Drag falls.", **changed):
    values = {"prompt_key": name * 64, "user": f"Propose {name}.", "system": "Be exact.", "text": text}
    return Record(id=row_id(name * 64, text), **(values | {"domain": "physics", "split": "train"} | changed))


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


SYSTEM = {"role": "system", "content": "Be exact."}
METHOD = record("m", "1. Build a rig.\n2. Measure.", task_type="methodology")
PAIRED = record(partner=METHOD, task_type="hypothesis")
BETTER = record(
    text="Drag falls by 3 %.",
    original="Drag falls.",
    reasons=("vague",),
    refused=(Refused("I cannot.", ("filter:refusal", "reviewer:empty"), 2, "big", 1), Refused("No.", (), 1, "small")),
)


def lines(name, *records, options=PLAIN):
    kind = FORMATS[name]
    return list(kind.lines(kind.columns(list(records), options)))


@pytest.mark.parametrize(
    ("name", "options", "line"),
    [
        ("messages", PLAIN, {"messages": [user("Propose a."), assistant("Drag falls.")]}),
        ("messages", WITH_SYSTEM, {"messages": [SYSTEM, user("Propose a."), assistant("Drag falls.")]}),
        ("prompt_completion", PLAIN, {"prompt": [user("Propose a.")], "completion": [assistant("Drag falls.")]}),
        (
            "prompt_completion",
            WITH_SYSTEM,
            {"prompt": [SYSTEM, user("Propose a.")], "completion": [assistant("Drag falls.")]},
        ),
        (
            "pairs",
            WITH_SYSTEM,
            {
                "messages": [
                    SYSTEM,
                    user("Propose a."),
                    assistant("Drag falls."),
                    user("Propose m."),
                    assistant("1. Build a rig.\n2. Measure."),
                ]
            },
        ),
        (
            "sharegpt",
            WITH_SYSTEM,
            {
                "conversations": [
                    {"from": "system", "value": "Be exact."},
                    {"from": "human", "value": "Propose a."},
                    {"from": "gpt", "value": "Drag falls."},
                ]
            },
        ),
        ("alpaca", PLAIN, {"instruction": "Propose a.", "input": "", "output": "Drag falls.", "system": ""}),
        (
            "alpaca",
            WITH_SYSTEM,
            {"instruction": "Propose a.", "input": "", "output": "Drag falls."} | {"system": "Be exact."},
        ),
    ],
)
def test_a_record_in_each_format(name, options, line):
    assert lines(name, PAIRED, options=options) == [line]


def test_what_has_no_partner_is_no_pair():
    assert lines("pairs", record(), METHOD) == []


def test_a_pair_stands_on_both_rows_and_names_both():
    kind = FORMATS["pairs"]
    columns = kind.columns([PAIRED], PLAIN)
    assert kind.row_ids(columns) == [(PAIRED.id, METHOD.id)]
    assert columns["methodology_prompt_key"] == ["m" * 64]
    assert columns["id"] == [row_id(PAIRED.id, METHOD.id)]


def test_preferences_are_the_accepted_text_against_each_that_was_refused_or_edited():
    kind = FORMATS["preference"]
    columns = kind.columns([BETTER, record("b")], PLAIN)
    assert [line[0]["content"] for line in columns["rejected"]] == ["Drag falls.", "No.", "I cannot."]
    assert {line[0]["content"] for line in columns["chosen"]} == {"Drag falls by 3 %."}
    assert columns["kind"] == ["edited", "refused", "refused"]
    assert columns["reasons"] == [["vague"], [], ["filter:refusal", "reviewer:empty"]]
    assert columns["rejected_attempt"] == [1, 1, 2]
    assert columns["rejected_candidate"] == [0, 0, 1]
    assert columns["rejected_teacher"] == ["", "small", "big"]
    assert kind.row_ids(columns) == [(BETTER.id,)] * 3
    assert len(set(columns["id"])) == 3
    assert list(kind.lines(columns))[2]["reasons"] == "filter:refusal, reviewer:empty"


@pytest.mark.parametrize(
    ("changed", "left"),
    [
        ({"refused": (Refused(" Drag falls.\n"),)}, []),  # the accepted text but for white space
        ({"refused": (Refused(""), Refused(" \n"))}, []),
        ({"refused": (Refused("No.", attempt=3), Refused("No. ", attempt=2))}, ["No. "]),
        ({"original": "No.", "refused": (Refused("No."),)}, ["No."]),
        ({"original": "Drag falls. "}, []),
    ],
)
def test_what_teaches_no_difference_is_no_preference(changed, left):
    assert [line["rejected"][0]["content"] for line in lines("preference", record(**changed))] == left
    assert len(lines("kto", record(**changed))) == (1 + len(left) if left else 0)


def test_labelled_answers_are_those_of_the_pairs():
    found = [(line["completion"][0]["content"], line["label"], line["reasons"]) for line in lines("kto", BETTER)]
    assert found == [
        ("Drag falls by 3 %.", True, ""),
        ("Drag falls.", False, "vague"),
        ("No.", False, ""),
        ("I cannot.", False, "filter:refusal, reviewer:empty"),
    ]


@pytest.mark.parametrize(
    ("name", "suffix", "line"),
    [
        (
            "preference",
            "openai",
            {
                "input": {"messages": [user("Propose a.")]},
                "preferred_output": [assistant("Drag falls by 3 %.")],
                "non_preferred_output": [assistant("Drag falls.")],
            },
        ),
        (
            "preference",
            "llama_factory",
            {
                "messages": [user("Propose a.")],
                "chosen": assistant("Drag falls by 3 %."),
                "rejected": assistant("Drag falls."),
            },
        ),
        ("kto", "llama_factory", {"messages": [user("Propose a."), assistant("Drag falls by 3 %.")], "label": True}),
    ],
)
def test_lines_for_other_readers(name, suffix, line):
    kind = FORMATS[name]
    columns = kind.columns([BETTER], PLAIN)
    beside = list(kind.beside[suffix](columns))
    assert beside[0] == line
    assert len(beside) == len(columns["id"])


def test_the_sidecar_tells_of_each_line_what_the_strict_file_does_not():
    kind = FORMATS["messages"]
    first, second = kind.beside["meta"](kind.columns([record(locator="doi:1", licence="CC0-1.0"), METHOD], PLAIN))
    assert first["id"] == record().id
    assert (first["locator"], first["licence"], first["edited"]) == ("doi:1", "CC0-1.0", False)
    assert second["task_type"] == "methodology"
    assert set(first) == set(kind.schema.names) - {"messages"}


@pytest.mark.parametrize("name", ["messages", "prompt_completion", "sharegpt", "alpaca"])
@pytest.mark.parametrize(("changed", "role"), [({"text": " \n"}, "assistant"), ({"user": ""}, "user")])
def test_a_record_without_its_text_is_refused(name, changed, role):
    with pytest.raises(ValueError, match=f"the {role} message is"):
        FORMATS[name].columns([record(**changed)], PLAIN)


def test_an_unknown_value_is_never_written_as_null():
    kind = FORMATS["alpaca"]
    columns = kind.columns([record(), record("b", licence=None)], PLAIN)
    with pytest.raises(ValueError, match="column licence has no value in row 1"):
        kind.table(columns)


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(str.strip)


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            record,
            st.sampled_from("abc"),
            words,
            user=words,
            system=st.just("") | words,
            locator=st.just("") | words,
            original=st.just("") | words,
            refused=st.lists(st.builds(Refused, words | st.just(""), st.lists(words).map(tuple)), max_size=3),
            partner=st.none() | st.just(METHOD),
        ),
        max_size=4,
    ),
    st.booleans(),
)
def test_lines_come_from_the_parquet_file_as_they_came_from_the_records(tmp_path_factory, records, system):
    directory = tmp_path_factory.mktemp("kinds")
    for kind in FORMATS.values():
        columns = kind.columns(records, Options(system))
        table = kind.table(columns)
        assert table.schema.equals(kind.schema)
        pq.write_table(table, directory / "all.parquet")
        back = pq.read_table(directory / "all.parquet")
        assert back.schema.equals(kind.schema)
        again = back.to_pydict()
        assert again == columns
        assert kind.row_ids(again) == kind.row_ids(columns)
        for made in (kind.lines, *kind.beside.values()):
            assert text_lines(made(again)) == b"".join(jsonl_bytes(line) for line in made(columns))


@pytest.mark.parametrize("name", FORMATS)
def test_columns_are_never_null_and_no_float_is_among_them(name):
    schema = FORMATS[name].schema
    assert not [each.name for each in schema if each.nullable or pa.types.is_floating(each.type)]
    assert schema.names[0] == "id"
    assert {"prompt_key", "group", "split", "licence", "locator"} <= set(schema.names)
    assert FORMATS[name].label
    assert FORMATS[name].help.endswith(".")


def test_the_formats_stand_in_their_order():
    assert list(FORMATS) == ["messages", "prompt_completion", "pairs", "sharegpt", "alpaca", "preference", "kto"]
    assert {name: set(kind.needs) for name, kind in FORMATS.items() if kind.needs} == {
        "pairs": {"partner"},
        "preference": {"refused"},
        "kto": {"refused"},
    }
