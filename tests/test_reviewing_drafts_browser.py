"""Nothing typed is lost, in a real browser: reload, two devices, no network, no server, no session, another account."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.db import connection, transaction
from django.utils import timezone

from curation.models import Annotation, Comment, Draft, Prompt, Resolution, ReviewClaim, State
from tests import factories
from tests.services import PRODUCT_DIR, product_environment, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

REVIEW, NARROW = "/p/oxides/review/", {"width": 390, "height": 844}


@pytest.fixture
def project(transactional_db, settings):
    settings.REVIEW_UNDO_SECONDS = 30
    return factories.project(slug="oxides", paired=False, reviews_required=1)


@pytest.fixture
def prompt(project):
    return factories.prompt(project, State.TO_REVIEW)


def comment(page):
    return page.get_by_label("Comment on the hypothesis")


AN_HOUR_AGO = """() => Object.keys(localStorage).filter((name) => name.startsWith("nexa-draft:")).forEach((name) => {
    const kept = JSON.parse(localStorage.getItem(name));
    kept.arrived = new Date(Date.now() - 3600 * 1000).toISOString();
    localStorage.setItem(name, JSON.stringify(kept));
})"""


def submit(page):
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    page.keyboard.press("Control+Enter")


def decisions():
    return list(Annotation.objects.order_by("pk").values_list("action", "comment"))


def draft_body():
    row = Draft.objects.first()
    return row and row.body


def wait_for_draft(text):
    """Until the server has `text` in a draft's comment."""
    wait_until(lambda: (draft_body() or {}).get("comment") == [text], f"the draft {text!r} is on the server")


def serious(page):
    return [
        f"{page.url}: {each['id']} at {re.sub(chr(10), ' ', each['nodes'][0]['html'])[:120]}"
        for each in Axe().run(page).response["violations"]
        if each["impact"] in ("serious", "critical")
    ]


# --- reload and devices


def test_a_draft_survives_a_reload_at_once_and_one_after_a_while(prompt, ada, open_as):
    page = open_as(ada, REVIEW)
    comment(page).fill("Half")
    page.reload()
    assert comment(page).input_value() == "Half"

    comment(page).fill("Half a thought")
    wait_for_draft("Half a thought")
    page.get_by_text("Draft saved.").wait_for()
    page.reload()
    assert comment(page).input_value() == "Half a thought"
    comment(page).fill("Half a thought, and more")
    page.get_by_role("button", name="Begin afresh").click()
    page.get_by_text("The draft is put away").wait_for()
    assert comment(page).input_value() == ""
    page.reload()
    assert comment(page).input_value() == ""
    assert not Draft.objects.exists()


def test_a_page_made_before_the_draft_came_in_shows_it_all_the_same(prompt, ada, open_as):
    """Reloaded as the draft was on its way: the server made the page without it, the old page heard that it came."""
    page = open_as(ada, REVIEW)
    comment(page).fill("On its way")
    page.get_by_text("Draft saved.").wait_for()
    Draft.objects.all().delete()
    page.reload()
    assert comment(page).input_value() == "On its way"
    wait_for_draft("On its way")


def test_what_another_device_put_away_long_ago_does_not_come_back(prompt, ada, open_as):
    page = open_as(ada, REVIEW)
    comment(page).fill("Put away")
    page.get_by_text("Draft saved.").wait_for()
    Draft.objects.all().delete()
    page.evaluate(AN_HOUR_AGO)
    page.reload()
    assert comment(page).input_value() == ""


def test_a_draft_is_on_every_device_and_the_submit_of_one_ends_it(prompt, ada, project, open_as):
    project.reviews_required = 2
    project.save()
    one = open_as(ada, REVIEW)
    one.keyboard.press("r")
    comment(one).fill("Typed at the desk")
    wait_for_draft("Typed at the desk")

    other = open_as(ada, REVIEW, viewport=NARROW)
    assert comment(other).input_value() == "Typed at the desk"
    assert other.locator("input[value=reject]").is_checked()
    comment(other).fill("Typed on the train")
    wait_for_draft("Typed on the train")

    comment(one).fill("Typed at the desk again")
    one.get_by_text("in place of one that you typed in another window").wait_for()
    one.get_by_role("button", name="Put that in").click()
    assert comment(one).input_value() == "Typed on the train"
    wait_for_draft("Typed on the train")

    other.keyboard.press("Control+Enter")
    other.get_by_text("Nothing for you right now").wait_for()
    assert decisions() == [("reject", "Typed on the train")]
    assert not Draft.objects.exists()

    comment(one).fill("And again at the desk")
    one.keyboard.press("Control+Enter")
    one.get_by_text("This has changed since you opened it").wait_for()
    assert one.get_by_label("Comment").input_value() == "And again at the desk"
    assert decisions() == [("reject", "Typed on the train")]
    assert serious(one) == []
    one.get_by_label("Comment").fill("And again, in the panel")
    wait_for_draft("And again, in the panel")
    assert "And again, in the panel" in open_as(ada, REVIEW + "drafts/").content()


def test_a_pair_keeps_a_draft_for_each_half(project, ada, open_as):
    project.paired = True
    project.save()
    both = factories.pair(project, State.TO_REVIEW)
    page = open_as(ada, REVIEW)
    comment(page).fill("Of the hypothesis")
    page.get_by_label("Comment on the methodology").fill("Of the method")
    wait_until(lambda: Draft.objects.count() == 2, "both drafts are on the server")
    bodies = {row.response_id: row.body["comment"] for row in Draft.objects.all()}
    assert bodies == {
        both.hypothesis.current_response_id: ["Of the hypothesis"],
        both.methodology.current_response_id: ["Of the method"],
    }


def test_what_was_typed_before_a_submit_elsewhere_is_not_put_into_the_new_form(prompt, ada, project, open_as):
    """Without the network it was kept in this browser alone; when it is back, it is old, and only offered."""
    project.reviews_required = 2
    project.save()
    page = open_as(ada, REVIEW)
    page.context.set_offline(True)
    comment(page).fill("Typed without a network")
    page.get_by_text("No connection to the server").wait_for()
    other = open_as(ada, REVIEW)
    submit(other)
    other.get_by_text("Nothing for you right now").wait_for()
    page.context.set_offline(False)
    page.goto(f"{REVIEW}{prompt.key}/")
    page.get_by_text("You submitted since you typed here").wait_for()
    assert comment(page).input_value() == ""
    page.get_by_role("button", name="Put in what you had typed").click()
    assert comment(page).input_value() == "Typed without a network"


# --- no network, no server


def test_what_is_submitted_without_a_network_is_sent_when_it_is_back(prompt, ada, open_as):
    page = open_as(ada, REVIEW)
    page.context.set_offline(True)
    comment(page).fill("Not to be lost")
    submit(page)
    page.get_by_text("is sent when the connection is back").wait_for()
    assert comment(page).input_value() == "Not to be lost"
    assert decisions() == []

    page.context.set_offline(False)
    page.get_by_text("Nothing for you right now").wait_for()
    assert decisions() == [("accept", "Not to be lost")]
    assert page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('nexa-draft'))") == []


def test_what_was_changed_after_the_submit_waits_for_another(prompt, ada, open_as):
    page = open_as(ada, REVIEW)
    page.context.set_offline(True)
    comment(page).fill("One")
    submit(page)
    page.get_by_text("is sent when the connection is back").wait_for()
    comment(page).fill("Two")
    page.get_by_text("You changed it after you submitted").wait_for()
    page.context.set_offline(False)
    wait_for_draft("Two")
    assert decisions() == []
    page.keyboard.press("Control+Enter")
    page.get_by_text("Nothing for you right now").wait_for()
    assert decisions() == [("accept", "Two")]


@pytest.mark.parametrize("stored", [True, False], ids=["the answer was lost", "the submit was lost"])
def test_a_submit_whose_answer_never_came_is_sent_again_and_stored_once(prompt, ada, open_as, stored):
    page = open_as(ada, REVIEW)
    keys = []

    def lose_the_first(route):
        keys.append(re.search(r"(?:^|&)key=(\w+)", route.request.post_data)[1])
        if len(keys) > 1:
            return route.continue_()
        if stored:
            route.fetch()
        return route.abort()

    page.route("**/review/submit/", lose_the_first)
    submit(page)
    page.get_by_role("button", name="Try now").click()
    page.get_by_text("Nothing for you right now").wait_for()
    assert decisions() == [("accept", "")]
    assert len(set(keys)) == 1
    assert len(keys) == 2
    assert page.get_by_text("nothing was counted twice").is_visible() == stored


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_server_that_is_away_behind_its_proxy_is_asked_again(prompt, ada, open_as, status):
    page = open_as(ada, REVIEW)
    answers = iter([status])
    page.route(
        "**/review/submit/",
        lambda route: route.fulfill(status=code, body="") if (code := next(answers, None)) else route.continue_(),
    )
    submit(page)
    page.get_by_text("Nothing for you right now").wait_for()
    assert decisions() == [("accept", "")]


def test_an_error_of_the_server_keeps_the_text_and_is_not_tried_for_ever(prompt, ada, open_as):
    page = open_as(ada, REVIEW)
    comment(page).fill("Still here")
    page.route("**/review/submit/", lambda route: route.fulfill(status=500, body="Traceback"))
    submit(page)
    page.get_by_text("The server answered with an error (500)").wait_for()
    assert comment(page).input_value() == "Still here"
    assert page.get_by_role("button", name="Try now").count() == 0
    page.unroute("**/review/submit/")
    page.keyboard.press("Control+Enter")
    page.get_by_text("Nothing for you right now").wait_for()
    assert decisions() == [("accept", "Still here")]


@pytest.fixture
def server(transactional_db, tmp_path):
    """A function that starts the product's web server on the test's database, always at one address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        bind = f"127.0.0.1:{free.getsockname()[1]}"
    processes = []

    def start():
        command = [sys.executable, "-m", "gunicorn", "distill_site.wsgi", f"--bind={bind}", "--threads=4"]
        log = (tmp_path / f"web-{len(processes)}.log").open("wb")
        processes.append(
            subprocess.Popen(
                command, cwd=PRODUCT_DIR, env=product_environment(), stdout=log, stderr=log, start_new_session=True
            )
        )
        wait_until(lambda: _answers(bind), "the web server answers")
        return processes[-1]

    start.url = f"http://{bind}"
    yield start
    for process in processes:
        _kill(process)


def _answers(bind):
    host, _, port = bind.partition(":")
    with socket.socket() as tried:
        return tried.connect_ex((host, int(port))) == 0


def _kill(process):
    """The whole server at once, as a power cut would: its worker processes are in its group."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_server_that_is_killed_in_the_middle_of_a_submit_loses_nothing(prompt, ada, project, open_as, server):
    first = server()
    page = open_as(ada, REVIEW, at=server.url)
    comment(page).fill("In the middle")
    wait_for_draft("In the middle")
    locked, go_on = threading.Event(), threading.Event()

    def hold():
        """Keep the prompt locked, so that the submit gets no further than there."""
        with transaction.atomic():
            list(Prompt.objects.select_for_update().filter(pk=prompt.pk))
            Prompt.objects.filter(pk=prompt.pk).update(rank=7)
            locked.set()
            go_on.wait(60)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(60)
    with page.expect_request("**/review/submit/"):
        submit(page)
    page.locator("#review-form[aria-busy=true]").wait_for()
    _kill(first)
    page.get_by_text("is sent when the connection is back").wait_for()
    go_on.set()
    holder.join()
    assert decisions() == []
    assert comment(page).input_value() == "In the middle"

    server()
    page.get_by_text("Nothing for you right now").wait_for(timeout=60_000)
    assert decisions() == [("accept", "In the middle")]
    assert not Draft.objects.exists()


# --- no session


def log_in(page, name="ada"):
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Log in").click()


def test_a_session_that_ends_is_said_and_the_text_is_there_after_the_log_in(prompt, ada, open_as):
    page = open_as(ada, REVIEW)
    page.context.clear_cookies(name="sessionid")
    comment(page).fill("Not to be lost")
    page.get_by_text("Your session has ended").wait_for()
    submit(page)
    page.get_by_role("link", name="Log in again").click()
    log_in(page)
    assert comment(page).input_value() == "Not to be lost"
    assert page.locator("input[value=accept]").is_checked()
    assert decisions() == []
    wait_for_draft("Not to be lost")
    page.keyboard.press("Control+Enter")
    page.get_by_text("Nothing for you right now").wait_for()
    assert decisions() == [("accept", "Not to be lost")]


def test_a_log_in_in_another_window_sends_what_was_submitted(prompt, ada, open_as):
    page = open_as(ada, REVIEW)
    comment(page).fill("Not to be lost")
    page.context.clear_cookies(name="sessionid")
    submit(page)
    page.get_by_text("Your session has ended").wait_for()
    window = page.context.new_page()
    window.goto("/login/")
    log_in(window)
    window.get_by_role("heading").first.wait_for()
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    page.get_by_text("Nothing for you right now").wait_for()
    assert decisions() == [("accept", "Not to be lost")]


def test_another_account_in_this_browser_decides_nothing_by_what_was_typed_before(prompt, ada, project, open_as):
    factories.member(project, "reviewer", name="bob")
    page = open_as(ada, REVIEW)
    comment(page).fill("Between us")
    page.context.clear_cookies(name="sessionid")
    window = page.context.new_page()
    window.goto("/login/")
    log_in(window, "bob")
    window.get_by_role("heading").first.wait_for()
    submit(page)
    page.get_by_text("You may be logged in as somebody else").wait_for()
    assert comment(page).input_value() == "Between us"
    assert decisions() == []
    window.goto(f"{REVIEW}{prompt.key}/")
    assert comment(window).input_value() == ""


def test_what_one_account_typed_becomes_no_draft_of_another(prompt, ada, project, open_as):
    """The page of the one is still open, and sends its draft with the session of the other."""
    factories.member(project, "reviewer", name="bob")
    page = open_as(ada, REVIEW)
    page.context.clear_cookies(name="sessionid")
    window = page.context.new_page()
    window.goto("/login/")
    log_in(window, "bob")
    window.get_by_role("heading").first.wait_for()
    comment(page).fill("Between us")
    page.get_by_text("you may be logged in as somebody else").wait_for()
    assert comment(page).input_value() == "Between us"
    page.goto(f"{REVIEW}{prompt.key}/")  # on its way out a page sends once more what was not taken in
    assert comment(page).input_value() == ""
    page.reload()
    assert comment(page).input_value() == ""
    assert not Draft.objects.exists()


def test_without_javascript_the_log_in_gives_back_what_was_typed(prompt, ada, open_as):
    page = open_as(ada, REVIEW, java_script_enabled=False)
    page.locator(".rv-edit summary").click()
    page.get_by_label("Edited text of the hypothesis").fill("Edited by hand.")
    page.get_by_label("Accept").check()
    comment(page).fill("Not to be lost")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Submit").click()
    page.get_by_text("What you typed is kept").wait_for()
    log_in(page)
    assert page.get_by_label("Edited text of the hypothesis").input_value() == "Edited by hand."
    assert comment(page).input_value() == "Not to be lost"
    assert page.get_by_label("Accept").is_checked()
    page.get_by_role("button", name="Submit").click()
    page.get_by_text("Nothing for you right now").wait_for()
    row = Annotation.objects.get()
    assert (row.action, row.edited_text, row.comment) == ("accept", "Edited by hand.", "Not to be lost")


def test_without_javascript_the_form_of_an_older_log_in_loses_nothing(prompt, ada, open_as):
    page = open_as(ada, REVIEW, java_script_enabled=False)
    comment(page).fill("Not to be lost")
    page.get_by_label("Reject").check()
    page.context.clear_cookies(name="sessionid")
    window = page.context.new_page()
    window.goto("/login/")
    log_in(window)
    page.get_by_role("button", name="Submit").click()
    page.get_by_text("it was not sent").wait_for()
    assert comment(page).input_value() == "Not to be lost"
    page.get_by_role("button", name="Submit").click()
    page.get_by_text("Nothing for you right now").wait_for()
    assert decisions() == [("reject", "Not to be lost")]


# --- the claim of a page that is left


def claim():
    return ReviewClaim.objects.get()


def test_a_page_that_is_left_lets_go_and_holds_again_when_it_comes_back(prompt, ada, project, open_as):
    page = open_as(ada, REVIEW)
    comment(page).fill("Half a thought")
    assert claim().until > timezone.now()
    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    wait_until(lambda: claim().until <= timezone.now(), "the claim is given back")
    wait_for_draft("Half a thought")
    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    wait_until(lambda: claim().until > timezone.now(), "the claim is held again")
    assert comment(page).input_value() == "Half a thought"

    page.goto("/p/oxides/")
    wait_until(lambda: claim().until <= timezone.now(), "the claim is given back")
    page.go_back()
    wait_until(lambda: claim().until > timezone.now(), "the claim is held again")
    assert comment(page).input_value() == "Half a thought"
    bob = factories.member(project, "reviewer", name="bob")
    page.close()
    wait_until(lambda: claim().until <= timezone.now(), "the claim is given back")
    assert open_as(bob, REVIEW).locator("#review-form").count() == 1


def test_a_reload_does_not_let_go_of_what_it_shows(prompt, ada, open_as):
    page = open_as(ada, REVIEW)
    for _ in range(3):
        page.reload()
    page.wait_for_timeout(300)
    assert claim().until > timezone.now()


# --- remarks and resolving keep drafts too


def test_a_remark_that_is_being_written_survives_and_goes_with_being_said(prompt, ada, open_as):
    where = f"/p/oxides/prompts/{prompt.key}/"
    page = open_as(ada, where)
    page.get_by_label("Remark", exact=True).fill("Look at the second")
    page.reload()
    box = page.get_by_label("Remark", exact=True)
    assert box.input_value() == "Look at the second"
    box.fill("Look at the second number")
    wait_until(lambda: (draft_body() or {}).get("text") == ["Look at the second number"], "the draft is on the server")
    page.get_by_role("button", name="Say it").click()
    page.locator(".talk-list").get_by_text("Look at the second number").wait_for()
    assert Comment.objects.get().text == "Look at the second number"
    assert page.get_by_label("Remark", exact=True).input_value() == ""
    page.reload()
    page.wait_for_timeout(300)
    assert page.get_by_label("Remark", exact=True).input_value() == ""
    assert not Draft.objects.exists()


def test_resolving_keeps_what_is_typed_through_a_reload_and_a_lost_network(project, open_as):
    mia = factories.member(project, "manager", name="mia")
    prompt = factories.prompt(project, State.TO_RESOLVE)
    for name, action in (("ada", "accept"), ("bob", "reject")):
        factories.annotation(prompt.current_response, factories.member(project, "reviewer", name=name), action)
    page = open_as(mia, f"/p/oxides/resolve/{prompt.key}/")
    page.get_by_label("Why").fill("Ada is")
    page.reload()
    assert page.get_by_label("Why").input_value() == "Ada is"
    page.get_by_label("Why").fill("Ada is right")
    page.get_by_role("radio", name="Accept").check()
    page.context.set_offline(True)
    page.get_by_role("button", name="Decide").click()
    page.get_by_text("No connection to the server").wait_for()
    assert page.get_by_label("Why").input_value() == "Ada is right"
    page.context.set_offline(False)
    wait_until(Resolution.objects.exists, "it is sent when the connection is back")
    assert Resolution.objects.get().comment == "Ada is right"
    assert not Draft.objects.exists()


# --- looks


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_without_barriers_and_fit_a_phone(prompt, ada, project, open_as, scheme):
    factories.draft(prompt.current_response, ada, comment=["Half a thought"], action=["reject"])
    factories.draft(factories.prompt(project, State.ACCEPTED).current_response, ada, text=["Too late"])
    found = []
    for path in (REVIEW, REVIEW + "drafts/"):
        page = open_as(ada, path, viewport=NARROW, color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        found += serious(page)
    page = open_as(ada, REVIEW, color_scheme=scheme)
    page.context.set_offline(True)
    submit(page)
    page.get_by_text("is sent when the connection is back").wait_for()
    found += serious(page)
    out = open_as(ada, REVIEW, color_scheme=scheme)
    out.context.clear_cookies(name="sessionid")
    out.evaluate("document.getElementById('review-form').submit()")  # as the browser sends it by itself
    out.get_by_text("What you typed is kept").wait_for()
    found += serious(out)
    assert found == []
