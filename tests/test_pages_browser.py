"""Every page in a real browser: no violation that axe finds, nothing wider than the window, no refused script."""

import pytest

from curation.models import Invitation, Run
from tests import factories
from tests.looks import LOOKS, faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def root(transactional_db):
    return factories.user("root", superuser=True)


@pytest.fixture
def project(root):
    """A project with something of everything, and long words in it."""
    project = factories.project(
        "Oxides and electrolytes of the third kind",
        managers=[root],
        guidelines="# Accept\n\n| a | b |\n|-|-|\n| 1 | 2 |",
    )
    project.notice = "The model is small."
    project.teacher = project.judge_factuality = factories.teacher(
        "A teacher", base_url="http://127.0.0.1:9/v1/" + "x" * 90
    )
    project.save()
    for state in ("to_collect", "to_review", "accepted", "parked", "to_resolve"):
        prompt = factories.prompt(project, state, document=factories.document(project, title="W" * 120))
        if prompt.current_response:
            factories.filter_result(prompt.current_response, failed=["ban_citations", "min_char_length"])
            factories.judge_score(prompt.current_response, score=85, flags=["unsupported_number"])
    factories.annotation(prompt.current_response, root, comment="Clear.", reasons=["too_vague"], edited_text="Better.")
    factories.annotation(prompt.current_response, factories.user("ben"), "reject")
    factories.resolution(prompt.current_response, edited=True, text="Better.")
    prompt.events.create(project=project, kind="reopened", actor=root, detail={"reason": "Look again."})
    counts = {"rows": 3, "unreviewed": 1, "groups": 2, "splits": {"train": 3}, "domains": {"": 3}}
    entry = {"path": "data/train-00000-of-00001.parquet", "bytes": 12345, "rows": 3, "sha256": "a" * 64}
    factories.release(project, counts=counts, files=[entry])
    factories.run(project, state="failed", total=9, done=3, error="HTTP 401: the key was refused", last_error="x" * 300)
    Invitation.issue(project, "reviewer", by=root, note="the postdoc")
    factories.saved_view(project, root, name="W" * 60, shared=True)
    upload = project.data_dir / "uploads" / ("a" * 16)
    upload.mkdir(parents=True)
    (upload / "abstracts.csv").write_text("abstract,doi\n" + "A film was annealed for an hour. " * 9 + ",10.1/1\n")
    return project


def addresses(project):
    """Every page of ours that is read rather than posted to; reviewing has its own test."""
    slug = f"/p/{project.slug}/"
    below = [
        *("", "settings/", "members/", f"members/{project.memberships.get().pk}/remove/", "prompts/", "quality/"),
        *(
            "quality/data/",
            "quality/rubrics/",
            "quality/rubrics/reasoning/",
            "quality/regeneration/",
            "settings/recipes/",
        ),
        *(
            "prompts/?failed=ban_citations&q=WWW",
            "prompts/?flagged=open&sort=changed",
            "runs/",
            "runs/start/",
            "runs/again/",
            f"runs/{project.runs.get().pk}/",
            "import/",
            "annotations/",
        ),
        *(
            f"import/{'a' * 16}/",
            "failed/",
            "failed/?run=1&error_class=timeout",
            "releases/",
            "releases/new/",
            "releases/1/",
            "releases/1/left-out/",
            "releases/compare/",
            "releases/audits/",
            "templates/",
            "templates/hypothesis/",
        ),
        *(f"prompts/{prompt.key}/" for prompt in project.prompts.exclude(state="to_collect")),
    ]
    teacher = project.teacher_id
    return [slug + path for path in below] + [
        *("/", "/mentions/", "/projects/new/", "/password/", "/teachers/", "/teachers/new/", f"/teachers/{teacher}/"),
        *(f"/teachers/{teacher}/edit/", "/p/nowhere/"),
    ]


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_is_fit_to_be_read(chromium, live_server, project, root, look):
    context = chromium.new_context(base_url=live_server.url, **LOOKS[look])
    page, wrong = context.new_page(), []
    page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    token = Invitation.issue(project, "viewer", by=root)[1]
    for path in ("/login/", "/password-reset/", f"/invitation/{token}/", "/invitation/gone/"):
        page.goto(path)
        wrong += faults(page, path)
    session = factories.client(root).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    for path in addresses(project):
        page.goto(path)
        wrong += faults(page, path)
    context.close()
    assert wrong == []


LISTS = (
    *("/", "/teachers/", "members/", "prompts/", "runs/", "failed/", "changes/", "templates/", "resolve/"),
    *("releases/", "releases/audits/", "releases/withdraw/", "quality/rubrics/", "quality/filters/versions/"),
)


def test_lists_go_nowhere_sideways_on_a_telephone(chromium, live_server, project, root):
    """Each row becomes a card: every cell in sight, with the name of its column."""
    context = chromium.new_context(base_url=live_server.url, **LOOKS["narrow and dark"])
    session = factories.client(root).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page, wrong, seen = context.new_page(), [], 0
    for path in LISTS:
        page.goto(path if path.startswith("/") else f"/p/{project.slug}/{path}")
        for cell in page.locator(".as-cards td:not(:empty)").all():
            seen, box = seen + 1, cell.bounding_box()
            if not box or box["x"] < 0 or box["x"] + box["width"] > 390:
                wrong.append(f"{path}: {cell.inner_text()[:60]} at {box}")
    page.goto(f"/p/{project.slug}/prompts/")
    state = page.locator("#prompt-table tbody td").nth(4)
    label = state.evaluate("cell => getComputedStyle(cell, '::before').content")
    context.close()
    assert (wrong, label) == ([], '"State "')
    assert seen > 100


@pytest.fixture
def page(chromium, live_server, root):
    context = chromium.new_context(base_url=live_server.url, **LOOKS["wide and light"])
    session = factories.client(root).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    yield context.new_page()
    context.close()


def test_the_theme_is_chosen_and_kept(page, project):
    page.goto("/")
    root = page.locator("html")
    assert root.get_attribute("data-bs-theme") == "light"
    button = page.locator("[data-theme-button]")
    button.click()
    button.click()
    assert root.get_attribute("data-bs-theme") == "dark"
    page.goto(f"/p/{project.slug}/")
    assert root.get_attribute("data-bs-theme") == "dark"
    page.locator("[data-theme-button]").click()
    assert root.get_attribute("data-bs-theme") == "light"


def test_a_run_page_moves_by_itself_keeps_the_focus_and_stops(page, project):
    run = factories.run(project, state="running", total=10, done=1)
    page.goto(f"/p/{project.slug}/runs/{run.pk}/")
    page.locator("#cancel-run").focus()
    Run.objects.filter(pk=run.pk).update(done=7)
    page.get_by_text("7 of 10 (70 %)").wait_for()
    assert page.evaluate("document.activeElement.id") == "cancel-run"
    run.end(Run.State.FINISHED)
    page.get_by_text("Finished").wait_for()
    assert page.locator("[hx-get]").count() == 0


def test_a_page_left_open_after_logging_out_goes_to_the_log_in(page, project):
    run = factories.run(project, state="running", total=10, done=1)
    page.goto(f"/p/{project.slug}/runs/{run.pk}/")
    page.context.clear_cookies()
    page.wait_for_url(f"**/login/?next=/p/{project.slug}/runs/{run.pk}/")
    assert page.get_by_role("heading", name="Log in").is_visible()


def test_the_menus_open_and_close_with_the_keyboard(page, project):
    page.goto(f"/p/{project.slug}/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.get_by_role("link", name="Members", exact=True).first.is_visible()
    page.keyboard.press("Escape")
    assert page.locator("details.menu[open]").count() == 0
    assert project.name in page.evaluate("document.activeElement.textContent")


def test_ticking_all_says_how_many(page, project):
    page.goto(f"/p/{project.slug}/prompts/")
    page.locator("[data-select-all]").check()
    page.get_by_text("5 ticked").wait_for()
    page.locator("#bulk-action").select_option("retry")
    page.get_by_role("button", name="The ticked ones…").click()
    page.get_by_text("This touches 1").wait_for()


def test_the_address_of_a_filtered_list_is_short(page, project):
    page.goto(f"/p/{project.slug}/prompts/?q=nothing")
    page.fill("input[name=q]", "")
    page.select_option("select[name=state]", "to_review")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url(f"**/p/{project.slug}/prompts/?state=to_review")


def test_on_a_narrow_page_every_place_of_the_bars_is_in_sight(page, project):
    page.set_viewport_size(LOOKS["narrow and dark"]["viewport"])
    for place, bars in (("quality", 2), ("quality/data", 2), ("runs", 1), ("releases", 1)):
        page.goto(f"/p/{project.slug}/{place}/")
        assert page.locator(".places a[aria-current=page]").count() == bars
        for each in page.locator(".places a").all():
            box = each.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
