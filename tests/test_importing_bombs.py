"""Files of some kilobytes that unfold to more than any memory: read in pieces, or refused."""

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.importing import ImportRefused, files, import_file, sniff
from curation.importing.files import identify
from curation.importing.read_parquet import MOST_UNFOLDED, ParquetReader

LONG = "a" * 4_000_000


@pytest.mark.parametrize("store_schema", [True, False], ids=["dictionary", "text"])
def test_one_long_text_said_in_every_row_of_a_parquet_file(tmp_path, store_schema):
    path = tmp_path / "rows.parquet"
    told = pa.DictionaryArray.from_arrays(pa.array([0] * 2000, pa.int32()), pa.array([LONG]))
    # Without Arrow's own schema the column is plain text to whoever reads it.
    pq.write_table(pa.table({"text": told}), path, compression="zstd", store_schema=store_schema)
    assert path.stat().st_size < 10_000

    batch = next(ParquetReader(identify(path))._batches())

    assert 1 <= batch.num_rows <= MOST_UNFOLDED // len(LONG)
    assert batch.column(0)[0].as_py() == LONG


@pytest.mark.parametrize("rows", [1, 5000])
def test_short_texts_are_read_many_at_once(tmp_path, rows):
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"text": [f"Text {n % 7}." for n in range(rows)], "n": range(rows)}), path)
    reader = ParquetReader(identify(path))
    assert [batch.num_rows for batch in reader._batches()][:1] == [min(rows, 1000)]
    assert [values["n"] for _, values in reader.rows()] == list(range(rows))
    assert sniff(path).rows[0]["text"] == "Text 0."


@pytest.mark.parametrize(
    ("name", "start"),
    [("a.jsonl.gz", '{"text": "One."}\n'), ("a.csv.gz", "text\nOne.\n"), ("a.txt.gz", ""), ("a.md.gz", "# One\n")],
)
def test_a_gzipped_file_without_an_end_is_read_up_to_a_limit(project, tmp_path, monkeypatch, name, start):
    monkeypatch.setattr(files, "LEAST_UNPACKED", 20_000_000)
    path = tmp_path / name
    path.write_bytes(gzip.compress(start.encode() + b"a" * 40_000_000))

    with pytest.raises(ImportRefused, match="unpacks to more than 20,000,000 bytes.*import it unpacked"):
        import_file(project, path)
    assert project.prompts.count() == 0
    assert all("unpacks to more than" in problem for problem in sniff(path).problems)


def test_a_text_that_repeats_itself_is_imported_packed(project, tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "%b"}\n' % (b"Snow melts. " * 100_000)))
    assert import_file(project, path).imported
