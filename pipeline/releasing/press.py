"""A process that makes the files of a release's formats beside the one that reads its rows: two cores, the same bytes.

It is started for releases that are worth it; `python -m pipeline.releasing.press PARENT` is the process.
"""

import marshal
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
from pipeline.formats import Record, Refused

from . import writing
from .garbage import few_looks

ROOT = Path(__file__).resolve().parents[2]
WORTH_IT = 5000  # rows; below, the start of a process costs more than it gains
LENGTH = 8  # bytes before each portion, which say how many follow
_but_the_partner = attrgetter(*(each.name for each in fields(Record) if each.name != "partner"))
_of_refused = attrgetter(*(each.name for each in fields(Refused)))


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
        self._send(pickle.dumps((Path(directory).absolute(), names, options)))

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
        self._behind.do(self._send_rows, split, records)

    def close(self):
        """End all files; returns their entries."""
        self._behind.wait()
        self._send(b"")
        return self._answer()

    def _send_rows(self, split, records):
        rows = [(_values(each), _values(each.partner)) for each in records]
        self._send(marshal.dumps((split, rows)))  # takes a third of the time that pickle takes for texts

    def _send(self, portion):
        try:
            self._child.stdin.write(len(portion).to_bytes(LENGTH))
            self._child.stdin.write(portion)
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
    directory, names, options = pickle.loads(_portion(incoming))
    with writing.Behind() as behind, few_looks(), writing.Files(directory, names, behind=behind, **options) as files:
        while portion := _portion(incoming):
            split, rows = marshal.loads(portion)
            files.add(split, [_record(values, _record(partner)) for values, partner in rows])
        return files.close()


def _portion(incoming):
    """The next portion of a stream; empty at its end."""
    size = int.from_bytes(incoming.read(LENGTH))
    portion = incoming.read(size)
    if len(portion) < size:
        raise EOFError("The process that reads the rows ended.")
    return portion


def _values(record):
    """The plain values of a Record but for its partner, what was refused last; None for None."""
    if record is None:
        return None
    values = _but_the_partner(record)
    return (*values[:-1], tuple(map(_of_refused, record.refused))) if record.refused else values


def _record(values, partner=None):
    """The Record of what `_values` gave."""
    if values is None:
        return None
    record = Record(*values, partner)
    if record.refused:
        record.refused = tuple(Refused(*each) for each in record.refused)
    return record


if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    _main()
