"""Whatever the bytes are: a file is refused or imported, its rows are stored or rejected, and nothing else happens."""

import gzip
import json
import tempfile
from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from curation.importing import ImportRefused, import_file, sniff
from curation.importing.errors import BadRow
from curation.importing.plan import prepare
from tests import factories
from tests.import_files import content

SUFFIXES = [".parquet", ".csv", ".tsv", ".jsonl", ".json", ".txt", ".md"]
ROWS = [{"id": n, "text": f'Text {n}, "quoted"\nand é {{}}.', "note": None} for n in range(30)]
many = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def read_all(data, suffix):
    """Read the bytes as a file of that name; returns (good rows, bad rows), None for a refused file."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, f"fuzz{suffix}")
        path.write_bytes(data)
        preview = sniff(path)
        try:
            plan = prepare(path)
        except ImportRefused:
            return None
        assert not preview.problems
        good = bad = 0
        convert = plan.converter()
        for line, values in plan.reader.rows():
            assert line >= 1
            try:
                assert convert(values)
                good += 1
            except BadRow:
                bad += 1
        return good, bad


@many
@given(st.binary(max_size=400), st.sampled_from(SUFFIXES), st.booleans())
def test_random_bytes(data, suffix, gzipped):
    read_all(gzip.compress(data) if gzipped else data, suffix + ".gz" * gzipped)


@many
@given(st.text(max_size=300), st.sampled_from([".csv", ".tsv", ".jsonl", ".json", ".txt", ".md"]))
@example('text\n"\n"\n"', ".csv")
@example('{"text": "\\ud800"}', ".jsonl")
@example("[" * 5000, ".json")
@example('{"a":' * 3000, ".jsonl")
@example('{"texts": [}', ".json")
@example("text\n\0", ".csv")
def test_random_text(text, suffix):
    read_all(text.encode("utf-8", "surrogatepass"), suffix)


@many
@given(st.text(alphabet='ab,"\n\r\0; ', max_size=120))
def test_random_csv_keeps_the_rows_after_it(text):
    good, bad = read_all(f"id,text\n{text}\n".encode() + b'"","last, and good"\n' * 3, ".csv")

    assert good + bad >= 3


@many
@given(st.sampled_from([*SUFFIXES[:5], *(f"{s}.gz" for s in SUFFIXES[:5])]), st.data())
def test_damaged_files(suffix, data):
    whole = content(ROWS, suffix)
    cut = data.draw(st.integers(0, len(whole)))
    at = data.draw(st.integers(0, len(whole)))
    damage = data.draw(st.binary(max_size=20))

    read_all(whole[:at] + damage + whole[at + len(damage) : cut] + whole[max(at, cut) :], suffix)
    read_all(whole[:cut], suffix)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(alphabet=st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
columns = st.sampled_from(["text", "context", "prompt", "task_type", "domain", "locator", "title", "x", "y"])


@pytest.mark.django_db
@many
@given(st.lists(st.dictionaries(columns, json_values | st.text(), max_size=5), max_size=8))
@example([{"text": "A row.", "x": 1.0000000000000002e308, "y": 10**400}])
def test_rows_of_anything_are_stored_or_rejected_and_known_again(rows):
    whole = [{"text": "A good row.", "prompt": None, "task_type": "hypothesis"}, *rows]
    with transaction.atomic(), tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "rows.jsonl")
        path.write_text("".join(json.dumps(row) + "\n" for row in whole))
        project = factories.project()
        first, again = (import_file(project, path, rejects_path=Path(directory, "rejects")) for _ in range(2))

        assert first.rows == len(whole)
        assert project.prompts.count() == first.imported
        assert (again.imported, again.differs, again.rejected) == (0, 0, first.rejected)
        assert again.unchanged == first.imported + first.unchanged
        for prompt in project.prompts.all():
            assert (prompt.user_prompt or prompt.context).strip().lower() not in ("", "nan", "none", "null")
        if first.rejected:
            assert len(Path(directory, "rejects").read_text().splitlines()) == first.rejected
