"""Files of some kilobytes that unfold to more than any memory: read in pieces, or refused."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.importing import sniff
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
