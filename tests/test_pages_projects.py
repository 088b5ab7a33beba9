"""My projects, a project's front page, making a project, and its settings."""

import pytest

from curation.models import Event, Membership, Project
from tests import factories
from tests.pages import text

pytestmark = pytest.mark.django_db


def test_without_a_project_the_home_page_says_what_to_do():
    page = factories.client(factories.user()).get("/")
    assert "make your own, or ask a manager" in text(page)


def test_home_shows_what_waits_for_me_and_nothing_of_others():
    ada, ben = factories.user("ada"), factories.user("ben")
    mine = factories.project("Mine", reviewers=[ada, ben], reviews_required=2)
    factories.project("Foreign", managers=[ben])
    first = factories.prompt(mine, "to_review")
    factories.prompt(mine, "to_review")
    factories.prompt(mine, "to_resolve")
    factories.annotation(first.current_response, ada)
    mine.memberships.filter(user=ada).update(can_resolve=True)
    factories.run(mine, state="finished")
    factories.release(mine)
    page = text(factories.client(ada).get("/"))
    assert "Mine 1 1 Collect Finished" in page
    assert "v1 Published" in page
    assert "Foreign" not in page


def test_home_counts_what_the_top_bar_counts():
    ada, ben = factories.user("ada"), factories.user("ben")
    project = factories.project("Pairs", managers=[ada], reviewers=[ben], paired=True)
    factories.pair(project, "to_review")
    factories.pair(project, "to_review", methodology_state="to_regenerate")  # its hypothesis waits with it
    factories.pair(project, "to_resolve")
    for person, resolve in ((ada, 2), (ben, 0)):
        client = factories.client(person)
        home = client.get("/").context["projects"][0].waiting
        assert home == {"review": 2, "resolve": resolve}
        assert "Review 2" in text(client.get("/p/pairs/"))


def test_home_sends_no_viewer_to_pages_that_refuse():
    cyd = factories.user("cyd")
    project = factories.project("Read only", viewers=[cyd])
    factories.prompt(project, "to_review")
    assert "/p/read-only/review/" not in factories.client(cyd).get("/").content.decode()


def test_whoever_makes_a_project_manages_it():
    ada = factories.user("ada")
    response = factories.client(ada).post("/projects/new/", {"name": "Dust on snow"})
    assert response.url == "/p/dust-on-snow/"
    member = Membership.objects.get(project__slug="dust-on-snow", user=ada)
    assert member.is_manager
    assert member.can_resolve


def test_two_projects_of_one_name_get_two_addresses(client):
    client.force_login(factories.user())
    addresses = [client.post("/projects/new/", {"name": "Dust"}).url for _ in range(2)]
    assert addresses == ["/p/dust/", "/p/dust-2/"]


def test_the_front_page_counts_every_state_and_links_to_its_prompts(project, people):
    factories.prompt(project, "to_review")
    factories.prompt(project, "accepted")
    page = people["viewer"].get(f"/p/{project.slug}/").content.decode()
    assert "Where the 2 prompts are" in page
    for state in ("to_collect", "to_review", "accepted", "parked"):
        assert f"?state={state}" in page


@pytest.mark.parametrize(
    ("rows", "role", "sentence"),
    [
        ([], "manager", "Import scientific text to begin"),
        ([], "reviewer", "A manager imports the first file"),
        (["to_collect"], "manager", "No teacher is chosen yet"),
        (["to_filter"], "manager", "1 prompt waits for a run"),
        (["to_review"], "reviewer", "1 answer waits for your review"),
        (["to_review"], "viewer", "Nothing waits for you here"),
        (["to_resolve", "to_review"], "resolver", "Reviewers disagree on 1 answer"),
        (["accepted"], "manager", "make the first release"),
        (["parked"], "manager", "1 prompt is parked"),
    ],
)
def test_the_front_page_says_what_to_do_next(project, people, rows, role, sentence):
    for state in rows:
        factories.prompt(project, state)
    assert sentence in text(people[role].get(f"/p/{project.slug}/"))


def test_the_progress_part_asks_for_itself_only_while_a_run_lives(project, people):
    run = factories.run(project, state="running", total=10, done=3)
    url = f"/p/{project.slug}/progress/"
    assert "hx-get" in people["viewer"].get(url).content.decode()
    run.end("finished")
    assert "hx-get" not in people["viewer"].get(url).content.decode()


def test_the_front_page_says_the_policies_and_the_notice():
    ada = factories.user()
    project = factories.project(managers=[ada], auto_accept_percent=25, notice="The model is small and weak.")
    page = text(factories.client(ada).get(f"/p/{project.slug}/"))
    assert "25 % of the accept band is accepted without a person" in page
    assert "The model is small and weak." in page
    assert "No judge is configured" in page


def test_guidelines_are_rendered_and_cleaned(project, people):
    Project.objects.filter(pk=project.pk).update(
        guidelines="# Aim\n\n**bold** <script>alert(1)</script> [bad](javascript:alert(1)) ![x](http://e.org/x.png)"
    )
    page = people["viewer"].get(f"/p/{project.slug}/").content.decode()
    assert "<h3>Aim</h3>" in page
    assert "<strong>bold</strong>" in page
    assert "<script>alert" not in page
    assert 'href="javascript' not in page
    assert 'src="http://e.org/x.png"' not in page


def form_of(project, **changes):
    """What the settings page posts for `project`."""
    names = [
        *("name", "notice", "guidelines", "reviews_required", "consensus", "paired", "auto_accept_percent"),
        *("on_filter_fail", "on_gate_fail", "attempt_limit", "on_exhausted", "samples"),
        *("blind_percent", "near_duplicate_percent", "judge_repeats"),
        *("gold_percent", "repeat_percent", "too_fast_seconds", "queue_order", "audit_sample", "audit_allowed"),
    ]
    return {name: getattr(project, name) for name in names} | changes


@pytest.mark.parametrize(
    ("sample", "allowed", "status"), [(59, 0, 302), (59, 58, 302), (0, 3, 302), (59, 59, 422), (1, 2, 422)]
)
def test_an_audit_that_nothing_fails_is_refused(project, people, sample, allowed, status):
    data = form_of(project, audit_sample=sample, audit_allowed=allowed)
    answer = people["manager"].post(f"/p/{project.slug}/settings/", data)
    assert answer.status_code == status
    project.refresh_from_db()
    assert (project.audit_sample, project.audit_allowed) == ((sample, allowed) if status == 302 else (0, 0))
    assert ("otherwise no audit fails" in answer.content.decode()) is (status == 422)


def test_settings_are_saved_with_an_event(project, people):
    teacher = factories.teacher()
    data = form_of(project, reviews_required=2, guidelines="New words", teacher=teacher.pk)
    assert people["manager"].post(f"/p/{project.slug}/settings/", data).status_code == 302
    project.refresh_from_db()
    assert (project.reviews_required, project.guidelines, project.teacher) == (2, "New words", teacher)
    event = Event.objects.get(project=project, kind="settings")
    assert set(event.detail["changed"]) == {"reviews_required", "guidelines", "teacher"}


def test_a_wrong_setting_is_named_at_its_field_and_nothing_is_saved(project, people):
    data = form_of(project, reviews_required=12, name="Other name")
    response = people["manager"].post(f"/p/{project.slug}/settings/", data)
    assert response.status_code == 422
    page = response.content.decode()
    assert "less than or equal to 9" in page
    assert 'value="Other name"' in page
    assert f"{project.name} · Nexa Distill</title>" in page
    project.refresh_from_db()
    assert project.reviews_required == 1


def test_a_preview_of_the_guidelines_saves_nothing(project, people):
    data = form_of(project, guidelines="**soon**", preview="1")
    page = people["manager"].post(f"/p/{project.slug}/settings/", data).content.decode()
    assert "<strong>soon</strong>" in page
    project.refresh_from_db()
    assert project.guidelines == ""


@pytest.mark.parametrize(("shares", "ok"), [((70, 20, 10), True), ((100, 0, 0), True), ((70, 20, 20), False)])
def test_shares_must_make_a_hundred(project, people, shares, ok):
    data = dict(zip(("train", "validation", "test"), shares, strict=True))
    response = people["manager"].post(f"/p/{project.slug}/settings/", data)
    assert response.status_code == (302 if ok else 422)
    project.refresh_from_db()
    assert (project.split_shares["train"] == shares[0] / 100) == (ok or shares[0] == 80)


def test_imported_answers_are_no_teacher_to_choose(project, people):
    factories.teacher("sample answers", kind="imported", base_url="")
    assert "sample answers" not in people["manager"].get(f"/p/{project.slug}/settings/").content.decode()


def test_who_has_to_choose_a_teacher_is_led_to_that_part_of_the_settings(project, people):
    factories.prompt(project, "to_collect")
    assert (
        f'href="/p/{project.slug}/settings/#teachers"' in people["manager"].get(f"/p/{project.slug}/").content.decode()
    )
    settings = people["manager"].get(f"/p/{project.slug}/settings/").content.decode()
    assert 'id="teachers"' in settings
    assert "A site admin adds teachers" in settings
    factories.teacher("A teacher")
    assert "A site admin adds teachers" not in people["manager"].get(f"/p/{project.slug}/settings/").content.decode()
