"""The pages of releases in a real browser: readable in every look, by keyboard, and without JavaScript."""

import re

import pytest
from playwright.sync_api import expect

from curation.models import Audit, ReleaseRecipe, ReleaseRow, Run
from pipeline import jobs
from tests import factories
from tests.looks import LOOKS, faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LONG = "W" * 120
REPORT = {
    "groups": {"train": 2, "validation": 1},
    "shared_groups": 0,
    "loaded": [{"config": "default", "split": "train", "rows": 3}],
    "remarks": ["jsonl/messages/train.jsonl has 3 examples; OpenAI's fine-tuning takes files of 10 and more."],
    "lengths": {
        **{"rows": 3, "counted": 1, "estimated": 2, "characters_a_token": 4.1, "total": 900},
        **{"shortest": 200, "median": 300, "longest": 400},
        "over": [{"name": "1,024 tokens", "limit": 1024, "rows": 0}, {"name": LONG, "limit": 350, "rows": 1}],
        "histogram": [{"from": 200, "to": 300, "rows": 2}, {"from": 300, "to": 400, "rows": 1}],
    },
}


@pytest.fixture(autouse=True)
def workers(valkey, monkeypatch):
    """A queue, and somebody who would take its jobs."""
    monkeypatch.setattr(jobs, "workers_alive", lambda: 1)


@pytest.fixture
def project(transactional_db):
    project = factories.project("Oxides", slug="oxides", paired=False, split_seed="a seed", audit_sample=3)
    for domain in ("optics", "optics", LONG):
        document = factories.document(project, title=LONG, domain=domain)
        factories.accepted(project, document=document, domain=domain)
    return project


@pytest.fixture
def releases(project):
    """Two published ones, a draft, and one that was not built, with long words in them."""
    prompts = list(project.prompts.order_by("pk"))
    counts = {"rows": 3, "groups": 3, "splits": {"train": 2, "validation": 1}, "domains": {"optics": 2, LONG: 1}}
    counts |= {"formats": {"messages": {"train": 2}, "kto": {"train": 1}}, "over_cap": 4}
    kinds = (("messages", "jsonl/messages/train.jsonl"), ("kto", f"kto/{LONG}.parquet"), ("", "README.md"))
    files = [
        {"path": path, "bytes": 9, "sha256": "a" * 64} | ({"format": kind, "rows": 3} if kind else {})
        for kind, path in kinds
    ]
    fields = {"counts": counts, "files": files, "report": REPORT, "recipe": {"domains": [LONG], "seed": "a"}}
    made = [factories.release(project, version=n, semver=f"{n}.0.0", **fields) for n in (1, 2)]
    for release, those in zip(made, (prompts[:2], prompts[1:]), strict=True):
        for place, prompt in enumerate(those):
            ReleaseRow.objects.create(
                **{"release": release, "prompt": prompt, "response": prompt.current_response, "split": "train"},
                row_id=f"{release.version}{place}",
            )
    factories.release(project, version=3, state="draft", problems=[f"data/train.parquet: {LONG}"] * 40, **fields)
    factories.release(project, version=4, state="failed", error=f"Nothing is accepted yet: {LONG}")
    factories.withdrawal(project).tombstones.create(release=made[0], row_id="10")
    return made


@pytest.fixture
def audit(project):
    answers = [prompt.current_response for prompt in project.prompts.order_by("pk")]
    return factories.audit(project, *answers, rows=60, size=3, allowed=0, recipe={"domains": ["optics"]})


@pytest.fixture
def open_page(chromium, live_server, project):
    contexts, wrong = [], []
    manager = factories.member(project, "manager", name="m" * 40)

    def open_page(path, look="wide and light", **options):
        context = chromium.new_context(base_url=live_server.url, **LOOKS[look], **options)
        contexts.append(context)
        session = factories.client(manager).cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"/p/oxides/releases/{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def unfold(page):
    page.evaluate("document.querySelectorAll('main details').forEach((fold) => { fold.open = true; })")


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_is_fit_to_be_read(open_page, project, releases, audit, look):
    project.release_recipes.create(name=LONG[:80], body={"domains": [LONG]})
    row = audit.items.first().row_id
    audit.look(audit.items.last(), True, note=LONG, by=None)
    page, wrong = open_page("", look), []
    addresses = ["", "1/", "2/", "3/", "4/", "2/left-out/", "compare/", "compare/?a=1&b=9", "new/", "new/?like=2"]
    addresses += ["new/?include=accepted&train=5", "audits/", f"audits/{audit.pk}/", f"audits/{audit.pk}/rows/{row}/"]
    for address in addresses:
        page.goto(f"/p/oxides/releases/{address}")
        if "rows/" not in address:
            unfold(page)
        wrong += faults(page, address)
    assert wrong == []


@pytest.mark.parametrize("look", LOOKS)
def test_an_audit_by_keys_alone(open_page, project, audit, look):
    page, wrong = open_page(f"audits/{audit.pk}/", look), []
    page.get_by_role("link", name="Look at the rows").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Audit: row 1 of 3").wait_for()
    page.keyboard.press("Control+Enter")  # nothing is said yet
    page.get_by_text("Say whether the row is good or bad.").wait_for()
    wrong += faults(page, "refused")
    page.keyboard.press("g")
    page.keyboard.press("Control+Enter")
    page.get_by_role("heading", name="Audit: row 2 of 3").wait_for()
    page.keyboard.press("j")
    page.get_by_role("heading", name="Audit: row 3 of 3").wait_for()
    page.keyboard.press("k")
    page.get_by_role("heading", name="Audit: row 2 of 3").wait_for()
    page.keyboard.press("b")
    page.keyboard.press("n")
    page.keyboard.type("The group is gone: b g j k")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Enter")
    page.get_by_role("heading", name="Audit: row 3 of 3").wait_for()
    page.keyboard.press("g")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**/audits/{audit.pk}/")
    page.get_by_text("1 bad of 3 looked at").wait_for()
    page.get_by_text("It does not pass").wait_for()
    wrong += faults(page, "failed")
    said = dict(audit.items.exclude(note="").values_list("bad", "note"))
    assert said == {True: "The group is gone: b g j k"}
    assert wrong == []


def test_an_audit_without_javascript(open_page, project, audit):
    page = open_page(f"audits/{audit.pk}/next/", java_script_enabled=False)
    for _ in range(3):
        page.get_by_role("radio", name="Bad").check()
        page.get_by_role("button", name="Save").click()
    page.get_by_text("3 bad of 3 looked at").wait_for()
    page.locator("summary", has_text="Release in spite of it").click()
    page.get_by_label("Reason").fill("Only the layout is wrong.")
    page.get_by_role("button", name="Override the audit").click()
    page.get_by_text("The audit is overridden").wait_for()
    assert Audit.objects.get().override_reason == "Only the layout is wrong."


def test_what_would_be_in_follows_the_form(open_page, project):
    page = open_page("new/")
    count = page.locator("#release-count")
    expect(count).to_contain_text("3 rows")
    page.locator("summary", has_text="Which rows").click()
    page.get_by_label("Domains", exact=True).fill("optics")
    expect(count).to_contain_text("2 rows")
    page.get_by_label("Domains", exact=True).fill("nowhere")
    expect(count).to_contain_text("Nothing that is accepted has the task types and domains of the recipe")
    page.locator("summary", has_text="Splits").click()
    page.get_by_label("Train, per cent").fill("5")
    expect(count).to_contain_text("they must sum to 100")
    assert page.url.endswith("/releases/new/")


def test_a_recipe_is_kept_and_a_release_started_without_javascript(open_page, project):
    page = open_page("new/", java_script_enabled=False)
    page.locator("summary", has_text="Which rows").click()
    page.get_by_label("Domains", exact=True).fill("optics")
    page.get_by_role("button", name="Count").click()
    expect(page.locator("#release-count")).to_contain_text("2 rows")
    page.locator("summary", has_text="Note, and keeping the recipe").click()
    page.get_by_label("Keep this recipe as").fill("Optics")
    page.get_by_role("button", name="Keep it without building").click()
    page.get_by_text("Begun from the recipe Optics.").wait_for()
    assert ReleaseRecipe.objects.get().body == {"include": "accepted", "domains": ["optics"]}
    page.get_by_role("button", name="Build the release").click()
    page.wait_for_url(re.compile("/runs/"))
    assert Run.objects.get().parameters["recipe"] == {"include": "accepted", "domains": ["optics"]}
