"""Two people in two real browsers take a prompt from an imported file to an accepted release."""

import json
import os
from functools import partial
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from curation.models import Prompt, Release, State
from pipeline import jobs
from tests import factories, teacher_answers, teacher_replies
from tests.services import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "images" / "review.png"
PASSAGES = [
    {
        "title": "Oxygen deficiency in zinc oxide memristors",
        "text": "ZnO thin film memristors were sputtered at oxygen partial pressures between 0.1 and 0.8 Pa. Films "
        "grown at the lowest pressure were 12 % oxygen deficient and switched at 1.1 V; films grown at the highest "
        "pressure switched at 2.4 V. The switching voltage also rose with film thickness from 20 to 80 nm. We did not "
        "separate the effect of the deficiency from that of the grain size, which changed at the same time.",
        "domain": "materials",
        "doi": "test:memristors",
        "licence": "CC0-1.0",
    },
    {
        "title": "Dust on snow",
        "text": "Plots of alpine snow were covered with 0, 5 and 10 g/m² of local dust in April. The covered plots "
        "melted out four and nine days earlier than the bare ones. Albedo fell from 0.82 to 0.61 and 0.48.",
        "domain": "earth science",
        "doi": "test:dust",
        "licence": "CC0-1.0",
    },
]


# What a good teacher would say of the first passage, so that the picture shows what the page is for.
HYPOTHESIS = {
    "statement": "If ZnO films of equal grain size and thickness are made 4, 8 and 12 % oxygen deficient, then "
    "their switching voltage will decrease by at least 0.2 V with each step.",
    "variable": "oxygen deficiency",
    "outcome": "switching voltage",
    "direction": "decrease",
    "support": [
        "Films grown at the lowest pressure were 12 % oxygen deficient and switched at 1.1 V; films grown at the "
        "highest pressure switched at 2.4 V.",
        "We did not separate the effect of the deficiency from that of the grain size, which changed at the same time.",
    ],
}
METHODOLOGY = {
    "system": "sputtered ZnO thin films of 40 nm on platinum",
    "perturbation": "oxygen deficiency of 4, 8 and 12 %",
    "control": "stoichiometric films annealed in oxygen",
    "readout": "switching voltage over 100 cycles",
    "safety": "gloves and goggles; zinc waste collected",
    "steps": [
        "Prepare forty ZnO thin films of 40 nm on platinum at one substrate temperature, for equal grain size.",
        "Anneal ten films each to an oxygen deficiency of 4, 8 and 12 %, and ten in oxygen as the control.",
        "Measure deficiency and grain size of two films a group by X-ray photoelectron spectroscopy and microscopy.",
        "Apply voltage sweeps of 0 to 4 V and record the switching voltage over 100 cycles for the other eight.",
        "Compare the groups with a linear fit; wear gloves and goggles, and collect the zinc waste for disposal.",
    ],
    "support": ["The switching voltage also rose with film thickness from 20 to 80 nm."],
}


@pytest.fixture
def project(teacher_server, settings, transactional_db):
    settings.REVIEW_UNDO_SECONDS = 0
    teacher = factories.teacher("Stand-in", base_url=teacher_server.url, model="gpt-4o-mini")
    return factories.project(
        "Memristors",
        managers=[factories.user("mia")],
        reviewers=[factories.user("ada"), factories.user("ben")],
        teacher=teacher,
        regen_teacher=teacher,
        judge_factuality=teacher,
        judge_reasoning=teacher,
        reviews_required=2,
        guidelines="Accept what an experiment could **prove wrong**.",
    )


@pytest.fixture
def log_in(chromium, live_server):
    """A function that logs a person in, in a browser of their own, as people do."""
    contexts = []

    def log_in(name, **options):
        context = chromium.new_context(viewport={"width": 1440, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.goto(live_server.url)
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill(factories.PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="projects")).to_be_visible()
        return page

    yield log_in
    for context in contexts:
        context.close()


def import_by_page(page, project, live_server, tmp_path):
    """Upload a file, look at the mapping, start the import and wait for its report."""
    source = tmp_path / "passages.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in PASSAGES))
    page.goto(live_server.url + reverse("import_upload", args=[project.slug]))
    page.locator("input[type=file]").set_input_files(source)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("Oxygen deficiency in zinc oxide memristors").first).to_be_visible()
    page.get_by_role("button", name="Start the import").click()
    expect(page.get_by_text("Finished").first).to_be_visible(timeout=60_000)


def run_by_page(page, project, live_server, stage):
    page.goto(live_server.url + reverse("run_start", args=[project.slug]))
    page.locator(f"#stage_{stage}").check()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("Finished").first).to_be_visible(timeout=90_000)


def review_with_keys(page, live_server, project, decide):
    """Review what is offered with the keyboard alone until the queue is empty."""
    page.goto(live_server.url + reverse("review", args=[project.slug]))
    for _ in range(len(PASSAGES)):
        expect(page.locator("#review-form")).to_be_visible()
        key = page.locator("#review-form input[name=key]").get_attribute("value")
        decide(page)
        page.keyboard.press("Control+Enter")
        expect(page.locator(f'#review-form input[name=key][value="{key}"]')).to_have_count(0)
    expect(page.locator("#review-form")).to_have_count(0)


def accept_all(page):
    for place in range(page.locator("article.rv-deciding").count()):
        page.locator(f'input[data-slot="{place}-accept"]').focus()
        page.keyboard.press("a")


def asks_about_memristors(task, body):
    return teacher_answers.asks_for(body) == task and "memristors" in teacher_answers.words_of(body)


def test_from_a_file_to_an_accepted_release(project, teacher_server, log_in, live_server, start_worker, tmp_path):
    for task, fields in (("hypothesis", HYPOTHESIS), ("methodology", METHODOLOGY)):
        teacher_server.script(
            teacher_replies.answer(fields=fields), when=partial(asks_about_memristors, task), always=True
        )
    start_worker()
    wait_until(jobs.workers_alive, "the worker is there")
    manager = log_in("mia")
    import_by_page(manager, project, live_server, tmp_path)
    run_by_page(manager, project, live_server, "pipeline")
    assert project.prompts.state_counts()[State.TO_REVIEW] == 2 * len(PASSAGES)

    ada, ben = log_in("ada"), log_in("ben")
    ada.goto(live_server.url + reverse("review", args=[project.slug]))
    expect(ada.locator("#review-form")).to_be_visible()
    _picture(ada)
    for page in (ada, ben):
        review_with_keys(page, live_server, project, accept_all)
    assert set(Prompt.objects.values_list("state", flat=True)) == {State.ACCEPTED}

    manager.goto(live_server.url + reverse("release_create", args=[project.slug]))
    manager.get_by_role("button", name="Build the release").click()
    wait_until(lambda: Release.objects.filter(state="published").exists(), "the release is published")
    release = Release.objects.get()
    assert release.counts["rows"] == 2 * len(PASSAGES)
    assert release.counts["statuses"] == {"accepted": 2 * len(PASSAGES)}
    manager.goto(live_server.url + reverse("release_detail", args=[project.slug, release.version]))
    with manager.expect_download() as download:
        manager.get_by_role("link", name="jsonl/messages/train.jsonl").click()
    rows = Path(download.value.path()).read_text().splitlines()
    assert [m["role"] for m in json.loads(rows[0])["messages"]] == ["user", "assistant"]


def _picture(page):
    """The README's picture, renewed on request: a picture in the repository changes when somebody wants it to."""
    if os.environ.get("NEXA_TEST_PICTURES"):
        page.screenshot(path=PICTURE)
