"""Release files: the same rows give the same bytes, and a file is whole or not there."""

import hashlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import formats
from pipeline.formats import RELEASE_SCHEMA, file_sha256, replacing, row_id, to_messages, write_parquet


def row(number, **changed):
    text = f"Hypothesis {number}: α rises."
    return {
        "id": row_id(f"{number:064}", text),
        "messages": to_messages(f"Propose {number}.", text),
        "task_type": "hypothesis",
        "domain": "biology",
        "prompt_key": f"{number:064}",
        "group": "g",
        "split": "train",
        "status": "accepted",
        "teacher": "m",
        "attempt": 1,
        "edited": False,
        "locator": "",
        "licence": "CC0-1.0",
    } | changed


def test_rows_come_back_with_exactly_the_schema(tmp_path):
    rows = [row(number) for number in range(7)]
    assert write_parquet(tmp_path / "new" / "train.parquet", iter(rows)) == 7
    table = pq.read_table(tmp_path / "new" / "train.parquet")
    assert table.schema.equals(RELEASE_SCHEMA, check_metadata=True)
    assert table.to_pylist() == rows


def test_the_same_rows_give_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(formats.files, "ROW_GROUP", 3)
    rows = [row(number) for number in range(8)]
    write_parquet(tmp_path / "a.parquet", rows)
    write_parquet(tmp_path / "b.parquet", (dict(reversed(each.items())) for each in rows))
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    metadata = pq.read_metadata(tmp_path / "a.parquet")
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [3, 3, 2]
    assert metadata.row_group(0).column(0).compression == "ZSTD"
    assert b"pandas" not in (metadata.metadata or {})


def test_minus_zero_is_zero(tmp_path):
    schema = pa.schema([pa.field("x", pa.float64())])
    write_parquet(tmp_path / "a.parquet", [{"x": -0.0}], schema)
    write_parquet(tmp_path / "b.parquet", [{"x": 0.0}], schema)
    assert file_sha256(tmp_path / "a.parquet") == file_sha256(tmp_path / "b.parquet")


def test_no_rows_give_a_file_with_all_columns(tmp_path):
    assert write_parquet(tmp_path / "a.parquet", []) == 0
    assert pq.read_schema(tmp_path / "a.parquet").names == RELEASE_SCHEMA.names


def without(name):
    return {key: value for key, value in row(1).items() if key != name}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (without("licence"), "columns licence are missing"),
        (row(1, prompt="text"), "columns prompt are missing or too many"),
        (row(1, domain=None), "domain"),
        (row(1, attempt="first"), "attempt|first|int"),
        (row(1, messages=[{"role": "user", "content": None}]), "messages|content|null"),
    ],
)
def test_a_wrong_row_leaves_no_file_and_keeps_the_old_one(tmp_path, wrong, said):
    path = tmp_path / "train.parquet"
    path.write_bytes(b"old")
    with pytest.raises((ValueError, pa.ArrowException), match=said):
        write_parquet(path, [row(0), wrong])
    assert [file.name for file in tmp_path.iterdir()] == ["train.parquet"]
    assert path.read_bytes() == b"old"


def test_a_file_is_replaced_only_when_it_is_whole(tmp_path):
    path = tmp_path / "deep" / "report.json"
    with replacing(path) as part:
        part.write_text("one")
        assert not path.exists()
    assert path.read_text() == "one"
    with pytest.raises(RuntimeError, match="half way"):
        _fail_half_way(path)
    assert path.read_text() == "one"
    assert [file.name for file in path.parent.iterdir()] == ["report.json"]


def test_nothing_is_written_into_a_release(tmp_path):
    release = tmp_path / "v1"
    (release / "data").mkdir(parents=True)
    with replacing(release / "rows.parquet") as part:
        part.write_text("the proof")
    (release / "manifest.json").write_text("{}")
    (tmp_path / "link").symlink_to(release / "data")
    for path in (release / "rows.parquet", release / "data" / "new.jsonl", tmp_path / "link" / "new" / "deep.jsonl"):
        with pytest.raises(PermissionError, match="a release never changes"), replacing(path) as part:
            part.write_text("another")
    assert (release / "rows.parquet").read_text() == "the proof"
    assert list((release / "data").iterdir()) == []


def _fail_half_way(path):
    with replacing(path) as part:
        part.write_text("half")
        raise RuntimeError("half way")


def test_the_sha256_of_a_file(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"x" * 300_000)
    assert file_sha256(path) == hashlib.sha256(b"x" * 300_000).hexdigest()


def test_load_dataset_reads_the_files(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for split in ("train", "validation", "test"):
        write_parquet(tmp_path / "data" / f"{split}-00000-of-00001.parquet", [row(1, split=split)])
    loaded = datasets.load_dataset(str(tmp_path), cache_dir=str(tmp_path / "cache"))
    assert set(loaded) == {"train", "validation", "test"}
    assert loaded["train"][0] == row(1)
