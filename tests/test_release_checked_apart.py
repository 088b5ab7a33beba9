"""The checks of a large release are shared by two processes: what they find is what one finds, in the same order."""

import json
import os
from dataclasses import asdict

import pytest

from pipeline.releasing import checking
from tests import released

TABLE = "data/train-00000-of-00001.parquet"
LINES = "jsonl/messages/train.jsonl"


def spoilt(folder):
    """A release with something wrong for each of the checks, and something to remark."""
    released.write(folder)
    (folder / LINES).write_bytes(b"{}\n" + (folder / LINES).read_bytes())
    (folder / TABLE).write_bytes(b"PAR1")
    (folder / "rows.parquet").rename(folder / "left.parquet")
    said = json.loads((folder / "manifest.json").read_text())
    said["files"] = [each for each in said["files"] if each["path"] not in (TABLE, "rows.parquet")]
    (folder / "manifest.json").write_text(json.dumps(said))


@pytest.mark.parametrize("make", [released.write, spoilt])
def test_two_processes_find_what_one_finds(tmp_path, monkeypatch, make):
    folder = tmp_path / ".v1.part"
    make(folder)
    alone = checking.check(folder)
    monkeypatch.setattr(checking, "WORTH_TWO", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert asdict(checking.check(folder)) == asdict(alone)
    assert bool(alone.problems) == (make is spoilt)


@pytest.mark.parametrize(("cores", "worth", "shares"), [(1, 0, 1), (2, 0, 2), (2, 10**12, 1)])
def test_small_releases_and_single_cores_have_one(tmp_path, monkeypatch, cores, worth, shares):
    released.write(tmp_path)
    monkeypatch.setattr(checking, "WORTH_TWO", worth)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    found = checking._shares(tmp_path)
    assert len(found) == shares
    assert sorted(name for names in found for name in names) == sorted(checking.CHECKS)


def test_either_of_two_may_break(tmp_path, monkeypatch):
    folder = tmp_path / ".v1.part"
    spoilt(folder)
    (folder / "rows.parquet").write_bytes(b"no Parquet")
    said = json.loads((folder / "manifest.json").read_text())
    said["files"].append({"path": "rows.parquet"})
    (folder / "manifest.json").write_text(json.dumps(said))
    monkeypatch.setattr(checking, "WORTH_TWO", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    with pytest.raises(checking.NotChecked, match="could not be checked"):
        checking.check(folder)
