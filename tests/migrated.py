"""The migrated database of a test run: made once, while the run's processes collect their tests, and copied by each.

`python -m tests.migrated NAME LOCK` makes it, under a lock that it lets go when it is done or has failed, and deletes
it when nobody holds the other end of its standard input.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import django
from django.db import connection

PATTERN = "test_{name}_migrated"


class Making:
    """The process that makes the database; `name` and `lock` are what `copied` asks for."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="nexa-migrated-")
        self.lock = str(Path(self.directory, "lock"))
        self.name = str(Path(self.directory, "migrated.sqlite3"))
        if connection.vendor != "sqlite":
            self.name = PATTERN.format(name=connection.settings_dict["NAME"])
        with open(self.lock, "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # held by the process alone from the end of this block
            command = [sys.executable, "-m", "tests.migrated", self.name, str(lock.fileno())]
            environment = os.environ | {"NEXA_TEST_DIR": self.directory, "DJANGO_SETTINGS_MODULE": "tests.settings"}
            root = Path(__file__).resolve().parent.parent
            self._process = subprocess.Popen(
                command, cwd=root, env=environment, stdin=subprocess.PIPE, pass_fds=[lock.fileno()]
            )

    def end(self):
        """Delete the database; whoever wanted a copy has one."""
        if not _is_over(self.lock):
            self._process.kill()
        self._process.communicate()
        shutil.rmtree(self.directory, ignore_errors=True)


def _is_over(lock):
    with open(lock) as made:
        try:
            fcntl.flock(made, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def copied(name, lock):
    """Have Django make its test database as a copy of the migrated one, from now on, in this process.

    Waits until that is made. If it failed, Django migrates as ever, which then says what is wrong.
    """
    with open(lock) as made:
        fcntl.flock(made, fcntl.LOCK_SH)
        if made.read() != "made":
            return
    if connection.vendor != "sqlite":
        connection.settings_dict["TEST"]["TEMPLATE"] = name
        return
    create = connection.creation._create_test_db

    def create_copy(verbosity, autoclobber, keepdb=False):
        own = create(verbosity, autoclobber, keepdb)
        if not keepdb:
            shutil.copyfile(name, own)
        return own

    connection.creation._create_test_db = create_copy


def _never_counted():
    """Keep PostgreSQL from counting rows by itself, at moments that nobody chose.

    Most tests are one transaction, of which it sees nothing: it would plan for empty tables, and take hours over full
    ones.
    """
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"ALTER TABLE {connection.ops.quote_name(table)} SET (autovacuum_enabled = false)")


def main(name, handle):
    """Make it, say so, and wait for the end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the test run, whose end is seen here
    django.setup()
    connection.settings_dict["TEST"]["NAME"] = name
    former = connection.settings_dict["NAME"]
    with open(handle, "w") as lock:
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        if connection.vendor == "postgresql":
            _never_counted()
        connection.close()  # a database that somebody uses is no template
        lock.write("made")
    sys.stdin.read()
    connection.creation.destroy_test_db(former, verbosity=0)
    shutil.rmtree(os.environ["NEXA_TEST_DIR"], ignore_errors=True)  # should the run have been killed


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
