"""The page of a live run in a real browser: fit to be read in both looks, and calm while it asks for itself."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from curation.models import Run
from pipeline import limits
from tests import factories
from tests.looks import LOOKS, faults
from tests.test_failed_ledger import parked
from tests.test_pages_run_watch import FULL

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def root(transactional_db):
    return factories.user("root", superuser=True)


@pytest.fixture
def project(root, monkeypatch):
    project = factories.project("Oxides and electrolytes of the third kind", managers=[root])
    project.teacher = factories.teacher("A teacher with a rather long name", concurrency=16, requests_per_minute=500)
    project.judge_factuality = factories.teacher("A judge", input_tokens_per_minute=2_000_000)
    project.save()
    busy = {"requests": 412, "input_tokens": 1_234_567, "output_tokens": 20_000, "in_flight": 7, "concurrency": 4}
    wait = {"paused_until": timezone.now() + timedelta(seconds=40), "down_until": timezone.now(), "failures": 12}
    watches = {
        project.teacher_id: limits.Watch(known=True, **busy, **wait),
        project.judge_factuality_id: limits.Watch(),
    }
    monkeypatch.setattr(limits, "watch", lambda teacher: watches[teacher.pk])
    return project


@pytest.fixture
def run(project):
    long = {"timeout": {"n": 12, "last": "x" * 300, "at": timezone.now().isoformat()}}
    fields = FULL | {"errors": FULL["errors"] | long, "cap_tokens": 40_000, "held_tokens": 2_000}
    run = factories.run(project, "pipeline", "running", **fields, started_at=timezone.now() - timedelta(seconds=60))
    Run.objects.filter(pk=run.pk).update(seen_at=timezone.now())
    for error_class in ("timeout", "server_error"):
        parked(project, error_class, run=run, teacher=project.teacher, detail="y" * 200)
    return run


@pytest.fixture
def page(chromium, live_server, root):
    context = chromium.new_context(base_url=live_server.url)
    session = factories.client(root).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("look", LOOKS)
def test_a_run_and_its_failures_are_fit_to_be_read(page, project, run, look):
    page.set_viewport_size(LOOKS[look]["viewport"])
    page.emulate_media(color_scheme=LOOKS[look]["color_scheme"])
    wrong = []
    page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    for path in (f"runs/{run.pk}/", "failed/", f"failed/?run={run.pk}&error_class=timeout"):
        page.goto(f"/p/{project.slug}/{path}")
        wrong += faults(page, path)
    run.end(Run.State.FINISHED)
    page.goto(f"/p/{project.slug}/runs/{run.pk}/")
    wrong += faults(page, "the ended run")
    assert wrong == []


def test_what_was_opened_stays_open_while_the_page_moves(page, project, run):
    page.goto(f"/p/{project.slug}/runs/{run.pk}/")
    page.get_by_text("The numbers").click()
    Run.objects.filter(pk=run.pk).update(done=400, cost=Decimal("0.5"))
    page.get_by_text("400 of 500 (80 %)").wait_for()
    assert page.locator("#latency-numbers").get_attribute("open") is not None
    assert page.get_by_role("cell", name="more than 120").is_visible()


def test_the_page_holds_still_while_numbers_are_chosen_to_be_copied(page, project, run):
    page.goto(f"/p/{project.slug}/runs/{run.pk}/")
    page.get_by_text("The numbers").click()
    page.locator("#latency-numbers table").evaluate("table => getSelection().selectAllChildren(table)")
    Run.objects.filter(pk=run.pk).update(done=400)
    page.wait_for_timeout(4500)  # two beats
    assert "more than 120" in page.evaluate("getSelection().toString()")
    assert page.get_by_text("340 of 500").is_visible()
    page.evaluate("getSelection().removeAllRanges()")
    page.get_by_text("400 of 500 (80 %)").wait_for()


def test_a_class_is_put_back_with_the_keyboard_alone(page, project, run):
    page.goto(f"/p/{project.slug}/runs/{run.pk}/")
    page.locator("#to-failed-timeout").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Retry it (Timed out)").focus()
    page.keyboard.press("Enter")
    page.get_by_text("1 prompt waits again").wait_for()
    assert page.get_by_role("link", name="start collect for 1").is_visible()
