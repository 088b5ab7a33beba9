"""How far a run is, in a terminal and without one; attaching to a run of others."""

import io
import os
import re
import sys
import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from curation.models import Run
from pipeline import limits, watching
from pipeline.management import progress
from pipeline.management.progress import Progress, picture
from tests import factories
from tests.teacher_replies import bad_request

pytestmark = pytest.mark.django_db
QUOTE = {"price_usd": {"p10": "1.500000", "p50": "2.000000", "p90": "2.500000"}}


class Terminal:
    """A pseudo-terminal: `file` is what a program writes to, `seen()` what came out of it, once it is closed."""

    def __init__(self):
        self.master, slave = os.openpty()
        self.file = os.fdopen(slave, "w")
        self.raw = b""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        try:
            while data := os.read(self.master, 65536):
                self.raw += data
        except OSError:
            pass  # closed on the other side

    def seen(self):
        self.file.close()
        self.reader.join(120)
        os.close(self.master)
        return self.raw.decode()


def plain(text):
    """Without colours and movements of the cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


@pytest.fixture
def terminal(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "140")
    return Terminal()


@pytest.fixture
def run(project):
    """A run in the middle of things."""
    run = factories.run(
        project,
        state="running",
        total=500,
        done=340,
        counters={"parked": 4, "reused": 12, "maybe_paid_twice": 1},
        cost=Decimal("0.42"),
        held_usd=Decimal("0.05"),
        cap_usd=Decimal(3),
        saved_usd=Decimal("0.02"),
        cost_unknown=2,
        input_tokens=12_000,
        output_tokens=4_500,
        quote=QUOTE,
        errors={"server_error": {"n": 3, "last": "HTTP 500", "at": timezone.now().isoformat()}},
        notice="The cap of 3.00 USD is reached: 160 prompts keep waiting.",
        started_at=timezone.now() - timedelta(seconds=34),
        seen_at=timezone.now(),
    )
    for _ in range(2):
        factories.prompt(project, run=run, lease_until=timezone.now() + timedelta(seconds=20))
    return run


@pytest.mark.parametrize(
    "said",
    [
        "340 of 500, 68 %",
        "s left",
        "336 done, 2 in flight, 158 waiting, 4 parked",
        "12 answers reused (USD 0.0200 saved), 1 maybe paid twice",
        "USD 0.4200 spent, USD 0.0500 held, USD 2.53 left of a cap of USD 3.00, quoted USD 2.00",
        "2 calls of unknown price or usage; 16,500 tokens",
        "3 × Server error: HTTP 500",
        "The cap of 3.00 USD is reached",
    ],
)
def test_the_picture_of_a_run(run, said):
    assert said in "\n".join(line.plain for line in picture(run))


def test_the_bar_gives_a_place_to_each_part(run):
    bar = picture(run, width=20, ascii=True)[0].plain.split()[1]
    assert bar == "#" * 12 + ">" + "." * 6 + "!"


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ({}, "stand-in: 412 of 500 requests, 99 tokens in a minute, 7 of 16 at once"),
        ({"concurrency": 4}, "At most 4 at once instead of 16"),
        ({"paused_until": timezone.now() + timedelta(seconds=30)}, "The endpoint asked to wait until"),
        ({"down_until": timezone.now(), "failures": 9}, "The endpoint only fails (9 in a row)"),
        ({"known": False}, "speed unknown"),
    ],
)
def test_what_is_said_of_speed(run, seen, said):
    teacher = factories.teacher("stand-in", concurrency=16, requests_per_minute=500)
    watch = limits.Watch(
        **({"known": True, "requests": 412, "input_tokens": 99, "in_flight": 7, "concurrency": 16} | seen)
    )
    assert said in "\n".join(line.plain for line in picture(run, [watching.Speed(teacher, watch)]))


def test_an_import_has_no_money_and_an_unknown_end(project):
    lines = [line.plain for line in picture(factories.run(project, "import", "running", done=1200))]
    assert lines == ["Import 1,200, waits for a worker"]


def test_a_terminal_is_drawn_on_and_left_in_order(run, terminal, valkey):
    with Progress(run, terminal.file) as shown:
        Run.objects.filter(pk=run.pk).update(done=499)
        assert shown.update(at_once=True).done == 499
    out = terminal.seen()
    assert "340 of 500" in plain(out)
    assert "499 of 500" in plain(out)
    assert out.rindex("\x1b[?25h") > out.rindex("\x1b[?25l")  # the cursor is back
    assert out.endswith("\n") or "\n" in out[out.rindex("499") :]


def test_without_a_terminal_there_are_lines_now_and_then(run, monkeypatch):
    out = io.StringIO()
    Run.objects.filter(pk=run.pk).update(notice="")
    run.refresh_from_db()
    with Progress(run, out) as shown:
        assert out.getvalue() == ""
        Run.objects.filter(pk=run.pk).update(notice="The cap is reached.")
        shown.update(at_once=True)
        shown.update(at_once=True)
        assert out.getvalue() == f"{run}: The cap is reached.\n"
        monkeypatch.setattr(progress, "QUIET_SECONDS", 0)
        shown.update(at_once=True)
    assert f"{run}: 340 of 500; 4 parked, 12 reused, 1 maybe paid twice, 0.4200 USD" in out.getvalue()
    assert "\x1b" not in out.getvalue()


def test_a_step_in_a_terminal_shows_how_it_went(project, teacher_server, terminal, monkeypatch, valkey):
    project.teacher = factories.teacher(base_url=teacher_server.url)
    project.save()
    for number in range(6):
        factories.prompt(project, context=f"Source {number}.")
    teacher_server.script(bad_request("Too odd."), when="Source 3")
    monkeypatch.setattr(sys, "stderr", terminal.file)
    call_command("collect_teacher", "--project", project.slug, "--inline", stderr=terminal.file)
    said = plain(terminal.seen())
    assert "5 done, 0 in flight, 0 waiting, 1 parked" in said
    assert "1 × Refused request: Too odd." in said
    assert said.rindex("5 to filter") > said.rindex("0 in flight")  # the last word stands below the display


# -- attaching to a run ---------------------------------------------------------------------------------------------


def watched(*words):
    out = io.StringIO()
    call_command("watch_run", *words, stdout=out, stderr=out)
    return out.getvalue()


def test_it_attaches_to_the_run_that_goes_on_and_leaves_it(run, monkeypatch):
    factories.run(run.project, state="finished")

    def pressed(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.management.commands.watch_run.time.sleep", pressed)
    out = io.StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("watch_run", stderr=out)
    assert left.value.code == 130
    assert f"{run} goes on without this command." in out.getvalue()
    run.refresh_from_db()
    assert run.state == "running"


def test_it_stays_until_the_end(run, monkeypatch):
    monkeypatch.setattr(
        "pipeline.management.commands.watch_run.time.sleep", lambda seconds: run.end(Run.State.FINISHED)
    )
    assert watched(str(run.pk)).startswith(f"{run}: finished; 4 parked")


def test_a_run_that_failed_says_why(run):
    run.end(Run.State.FAILED, error="The key was refused.")
    with pytest.raises(CommandError, match="The key was refused."):
        watched(str(run.pk))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "No run is going on; the last ones are: "),
        (["99999"], "There is no run 99999; the last ones are: "),
        (["--project", "nowhere"], "There is no project 'nowhere'"),
    ],
)
def test_there_is_nothing_to_attach_to(project, words, said):
    factories.run(project, state="finished")
    with pytest.raises(CommandError, match=said):
        watched(*words)
