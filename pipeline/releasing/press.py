"""A process that makes the files of a release's formats beside the one that reads its rows: two cores, the same bytes.

It is started for releases that are worth it; `python -m pipeline.releasing.press PARENT` is the process.
"""

import os
import pickle
import subprocess
import sys
from contextlib import suppress
from dataclasses import fields
from operator import attrgetter
from pathlib import Path

import pyarrow as pa

from pipeline.embedded.tied import die_with_parent
from pipeline.formats import Record

from . import writing
from .garbage import few_looks

ROOT = Path(__file__).resolve().parents[2]
WORTH_IT = 5000  # rows; below, the start of a process costs more than it gains
_values = attrgetter(*(each.name for each in fields(Record) if each.name != "partner"))


class Broken(RuntimeError):
    """The process ended before the files were whole."""


def files_of(rows, directory, names, *, behind, **options):
    """What makes files of the formats `names` for so many rows: `writing.Files`, here or in a process of its own."""
    if rows < WORTH_IT or os.cpu_count() == 1:
        return writing.Files(directory, names, behind=behind, **options)
    return Beside(directory, names, behind=behind, **options)


class Beside:
    """`writing.Files` in a child, which gets Records in portions as fast as it takes them and ends with this process.

    A failure there is raised here, at the next portion or at the end. Leaving the block early kills the child.
    """

    def __init__(self, directory, names, *, behind, **options):
        self._behind = behind
        command = [sys.executable, "-m", "pipeline.releasing.press", str(os.getpid())]
        self._child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._send((Path(directory).absolute(), names, options))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._child.kill()
        self._child.wait()
        self._child.stdout.close()
        with suppress(BrokenPipeError):  # a portion was on its way; whoever left the block early knows why
            self._child.stdin.close()

    def add(self, split, records):
        """Write a batch of Records of a split; splits come one after the other."""
        rows = [(_values(each), each.partner and _values(each.partner)) for each in records]
        self._behind.do(self._send, (split, rows))

    def close(self):
        """End all files; returns their entries."""
        self._behind.wait()
        self._send(None)
        return self._answer()

    def _send(self, portion):
        try:
            self._child.stdin.write(pickle.dumps(portion, pickle.HIGHEST_PROTOCOL))
            self._child.stdin.flush()
        except BrokenPipeError:
            self._answer()
            raise

    def _answer(self):
        """The entries of all files; raises what went wrong there instead of them."""
        try:
            found = pickle.load(self._child.stdout)
        except EOFError:
            raise Broken(f"The process that makes the files ended with {self._child.wait()}.") from None
        if isinstance(found, Exception):
            raise found
        return found


def _main():
    pa.set_memory_pool(pa.system_memory_pool())  # keeps what it frees: pages that come anew cost half of a table
    incoming, answer = sys.stdin.buffer, sys.stdout.buffer
    try:
        found = _made(incoming)
    except Exception as error:  # raised again by whoever waits for the files
        found = error
    pickle.dump(found, answer)
    answer.flush()


def _made(incoming):
    """Entries of the files that the portions of a stream make."""
    directory, names, options = pickle.load(incoming)
    with writing.Behind() as behind, few_looks(), writing.Files(directory, names, behind=behind, **options) as files:
        while portion := pickle.load(incoming):
            split, rows = portion
            files.add(split, [_record(*row) for row in rows])
        return files.close()


def _record(values, partner):
    return Record(*values, partner=partner and Record(*partner))


if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    _main()
