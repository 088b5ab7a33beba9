"""`manage.py demo` with the real embedded model: it answers, releases, ends well, and goes on when started again."""

import os
import re
import sqlite3
import subprocess
import sys

import pytest

from tests.services import PRODUCT_DIR, has_ended

pytestmark = [pytest.mark.model, pytest.mark.slow]


def demo(data_dir, *options):
    """Run the command in a data directory of its own; returns the finished process."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OPENAI_", "NEXA_", "DATABASE_", "REDIS_", "DJANGO_"))
    }
    command = [sys.executable, "manage.py", "demo", "--no-serve", *options]
    return subprocess.run(
        command, cwd=PRODUCT_DIR, env=environment | {"DATA_DIR": str(data_dir)}, capture_output=True, text=True
    )


def processes_of(data_dir):
    """Processes that name the data directory in their command line or environment."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if str(data_dir).encode() in file.read() and not has_ended(int(pid)):
                    found.append(int(pid))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


def query(data_dir, sql):
    with sqlite3.connect(data_dir / "distill.sqlite3") as database:
        return database.execute(sql).fetchall()


def test_the_demo_ends_well_leaves_nothing_running_and_goes_on(tmp_path):
    data_dir = tmp_path / "var"
    first = demo(data_dir, "--seconds", "5", "--at-least", "2", "--at-most-seconds", "240")
    assert first.returncode == 0, first.stderr
    assert "small and weak" in first.stdout
    assert re.search(r"^  manager +\S+ +Manager$", first.stdout, re.M)
    assert processes_of(data_dir) == []
    assert query(data_dir, "select count(*) from curation_prompt") == [(60,)]
    first_run = query(data_dir, "select total from curation_run where stage = 'pipeline' order by id limit 1")
    assert first_run == [(16,)]  # eight pairs: with all of them begun at once none was finished
    answered = query(data_dir, "select count(*) from curation_call where state = 'answered'")[0][0]
    assert answered >= 2
    assert query(data_dir, "select count(*) from curation_teacherresponse where form = 'json'")[0][0] >= 1

    again = demo(data_dir, "--seconds", "1", "--at-least", "0")
    assert again.returncode == 0, again.stderr
    assert "imported 0, unchanged 60" in again.stderr
    assert query(data_dir, "select count(*) from curation_call where state = 'answered'")[0][0] >= answered
    passwords = re.findall(r"^  manager +(\S+) ", first.stdout + again.stdout, re.M)
    assert len(set(passwords)) == 1
