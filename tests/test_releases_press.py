"""The process that makes the files of large releases: the same bytes, its failures told here, gone with its parent."""

import os
import signal
import subprocess
import sys

import pytest

from pipeline import formats
from pipeline.releasing import press, writing
from pipeline.splits import SPLITS
from tests import released
from tests.services import wait_until

OPTIONS = {"system": True, "shard_bytes": 500_000_000}


@pytest.fixture
def behind():
    with writing.Behind() as thread:
        yield thread


def fill(files, rows):
    for split in SPLITS:
        own = [row for row in rows if row.split == split]
        for start in range(0, len(own), 3):
            files.add(split, own[start : start + 3])
    return files.close()


@pytest.mark.parametrize("names", [list(formats.FORMATS), ["messages"]])
def test_the_files_are_those_that_are_made_here(tmp_path, behind, names):
    rows = released.records()
    with writing.Files(tmp_path / "here", names, behind=behind, **OPTIONS) as files:
        here = fill(files, rows)
    with press.Beside(tmp_path / "beside", names, behind=behind, **OPTIONS) as files:
        assert fill(files, rows) == here
    for entry in here:
        assert (tmp_path / "here" / entry["path"]).read_bytes() == (tmp_path / "beside" / entry["path"]).read_bytes()


def test_a_release_without_rows_of_a_format_has_none_of_its_files(tmp_path, behind):
    with press.Beside(tmp_path, ["messages"], behind=behind, **OPTIONS) as files:
        assert files.close() == []


def made_beside(folder, rows, before=lambda files: None):
    with (
        writing.Behind() as behind,
        press.Beside(folder, ["messages"], behind=behind, **OPTIONS) as files,
    ):
        before(files)
        return fill(files, rows)


def test_what_fails_there_is_raised_here(tmp_path):
    first = released.records()[0]
    first.user = " "
    with pytest.raises(ValueError, match="the user message is ' '; a training record needs its text"):
        made_beside(tmp_path, [first])


def test_a_killed_process_is_a_failure(tmp_path):
    def kill(files):
        files._child.kill()
        files._child.wait()

    with pytest.raises(press.Broken, match="ended with -9"):
        made_beside(tmp_path, released.records(), kill)


def test_leaving_early_ends_it(tmp_path, behind):
    with pytest.raises(KeyError), press.Beside(tmp_path, ["messages"], behind=behind, **OPTIONS) as files:
        raise KeyError
    assert files._child.returncode == -signal.SIGKILL


PARENT = """
import sys, time
from pipeline.releasing import press, writing
with writing.Behind() as behind, press.Beside(sys.argv[1], ["messages"], behind=behind) as files:
    print(files._child.pid, flush=True)
    time.sleep(600)
"""


def test_it_ends_with_its_parent(tmp_path):
    with subprocess.Popen([sys.executable, "-c", PARENT, tmp_path], cwd=press.ROOT, stdout=subprocess.PIPE) as parent:
        child = int(parent.stdout.readline())
        parent.kill()
    wait_until(lambda: _is_gone(child), "the process is gone")


def _is_gone(pid):
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"  # ended, and nobody asked for its end yet
    except (ProcessLookupError, FileNotFoundError):
        return True


def test_small_releases_and_single_cores_do_without(tmp_path, behind, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert isinstance(press.files_of(10**6, tmp_path, ["messages"], behind=behind), writing.Files)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert isinstance(press.files_of(press.WORTH_IT - 1, tmp_path, ["messages"], behind=behind), writing.Files)
    with press.files_of(press.WORTH_IT, tmp_path, ["messages"], behind=behind) as files:
        assert isinstance(files, press.Beside)
