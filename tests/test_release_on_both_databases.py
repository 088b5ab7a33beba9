"""The same content gives the same bytes on SQLite and on PostgreSQL, in whatever order it was imported."""

import json
import os
import subprocess
import sys

import pytest

from pipeline.formats import FORMATS
from tests.services import PRODUCT_DIR

pytestmark = pytest.mark.slow


def digests(database_url, data_dir, order):
    data_dir.mkdir()
    environment = os.environ | {"DATABASE_URL": database_url, "NEXA_TEST_DIR": str(data_dir)}
    command = [sys.executable, "-m", "tests.release_digest", order]
    done = subprocess.run(command, cwd=PRODUCT_DIR, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_release_is_the_same_bytes_on_both_databases(postgres_url, tmp_path):
    on_sqlite = digests(f"sqlite:///{tmp_path / 'one.sqlite3'}", tmp_path / "one", "forward")
    backward = digests(f"sqlite:///{tmp_path / 'two.sqlite3'}", tmp_path / "two", "backward")
    on_postgres = digests(postgres_url, tmp_path / "three", "backward")
    every = {f"{folder}/train-00000-of-00001.parquet" for folder in ("data", *list(FORMATS)[1:])}
    every |= {f"jsonl/{name}/train.jsonl" for name in FORMATS} | {"jsonl/messages/test.meta.jsonl", "rows.parquet"}
    assert every | {"manifest.json", "README.md", "dataset_info.json"} <= on_sqlite.keys()
    assert {"alike/manifest.json", "alike/data/train-00000-of-00001.parquet"} <= on_sqlite.keys()
    assert {"patch/manifest.json", "patch/README.md", "patch/tombstones.json"} <= on_sqlite.keys()
    assert on_sqlite == backward == on_postgres
