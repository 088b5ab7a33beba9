"""The record in the admin: every model, read-only, of the own projects; the verbs as actions."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.utils import timezone

from curation.models import Prompt, Release, Rubric, Run, State, Teacher
from tests import factories

pytestmark = pytest.mark.django_db
MODELS = sorted(apps.get_app_config("curation").get_models(), key=lambda model: model.__name__)
EDITABLE = {Teacher}


@pytest.fixture
def staff(project):
    """A member of the project who may enter the admin; manager of it unless a test changes that."""
    person = factories.user("staff", is_staff=True)
    project.add_member(person, "manager")
    return person


@pytest.fixture
def browser(staff):
    return factories.client(staff)


def path(model, rest=""):
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/{rest}"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_model_is_there(model):
    assert admin.site.is_registered(model)


@pytest.mark.parametrize("model", [m for m in MODELS if m not in EDITABLE], ids=lambda model: model.__name__)
def test_nobody_adds_changes_or_deletes_a_record(model, project):
    factories.accepted(project)
    root = factories.client(factories.user(superuser=True))
    assert root.get(path(model)).status_code == 200
    assert root.get(path(model, "add/")).status_code == 403
    assert root.post(path(model, "add/"), {}).status_code == 403
    row = model.objects.first()
    if row:
        assert root.get(path(model, f"{row.pk}/change/")).status_code == 200
        assert root.post(path(model, f"{row.pk}/change/"), {}).status_code == 403
        assert root.post(path(model, f"{row.pk}/delete/"), {"post": "yes"}).status_code == 403
        root.post(path(model), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
        assert model.objects.filter(pk=row.pk).exists()


def test_staff_see_their_projects_and_superusers_all(browser, project):
    own, foreign = factories.prompt(project), factories.prompt(factories.project("Foreign"))
    page = browser.get(path(Prompt)).content.decode()
    assert own.key[:12] in page
    assert foreign.key[:12] not in page
    assert browser.get(path(Prompt, f"{foreign.pk}/change/")).status_code == 302
    root = factories.client(factories.user(superuser=True))
    assert foreign.key[:12] in root.get(path(Prompt)).content.decode()


@pytest.mark.parametrize("model", [m for m in MODELS if m is not Teacher], ids=lambda model: model.__name__)
def test_no_list_shows_a_row_of_a_foreign_project(model, staff, rf):
    request = rf.get("/")
    request.user = staff
    registered = admin.site.get_model_admin(model)
    before = set(registered.get_queryset(request))
    foreign = factories.project()
    pair = factories.pair(foreign, "accepted")
    response = pair.hypothesis.current_response
    factories.filter_result(response)
    factories.gate_result(response)
    factories.judge_score(response)
    factories.annotation(response, staff)
    factories.resolution(response)
    factories.batch(foreign).items.create(prompt=pair.hypothesis, call=factories.call(foreign), name="answer")
    release = factories.release(foreign, run=factories.run(foreign))
    release.rows.create(prompt=pair.hypothesis, response=response, row_id="0" * 64, split="train")
    factories.template(foreign)
    Rubric.record(foreign, "factuality", {"dimensions": []})
    factories.fingerprint(pair.hypothesis, response)
    factories.overlap(pair.hypothesis, response)
    foreign.add_member(factories.user(), "manager")
    foreign.events.create(kind="x")
    foreign.split_assignments.create(group_key="g", split="train")
    foreign.invitations.create(token_sha256="x", expires_at=timezone.now())
    pair.hypothesis.claims.create(reviewer=staff, until=timezone.now())
    pair.hypothesis.assignments.create(reviewer=staff)
    factories.draft(response, staff, text="Typed.")
    factories.gold(response)
    factories.comment(pair.hypothesis, staff, mentions=[staff])
    factories.flag(pair.hypothesis, staff)
    factories.change(foreign, staff, pair.hypothesis)
    factories.saved_view(foreign, staff)
    factories.complaint(response).checks.create(annotation=response.annotations.get(), met=True)
    foreign.release_recipes.create(name="All")
    factories.audit(foreign, response)
    factories.withdrawal(foreign).tombstones.create(release=release, row_id="0" * 64)
    foreign.tallies.create(kind="state", key="accepted", number=1)
    assert model.objects.count() > len(before)
    assert set(registered.get_queryset(request)) == before


def test_accounts_and_endpoints_are_for_superusers(browser):
    for model in (Teacher, get_user_model()):
        assert browser.get(path(model)).status_code == 403
        assert browser.get(path(model, "add/")).status_code == 403
    root = factories.client(factories.user(superuser=True))
    assert root.get(path(Teacher, "add/")).status_code == 200
    assert root.get(path(get_user_model(), "add/")).status_code == 200


def test_the_admin_refuses_a_key_in_place_of_its_variable():
    root = factories.client(factories.user(superuser=True))
    teacher = factories.teacher()
    data = {"name": "x", "kind": "endpoint", "base_url": "http://e.org/v1", "model": "m", "api_key_env": "sk-secret"}
    page = root.post(path(Teacher, f"{teacher.pk}/change/"), data).content.decode()
    assert "ends in _API_KEY" in page


def act(browser, model, action, *rows, **more):
    data = {"action": action, "_selected_action": [row.pk for row in rows]} | more
    return browser.post(path(model), data, follow=True).content.decode()


def test_parked_prompts_are_retried_from_the_admin(browser, project, staff):
    prompt = factories.prompt(project, "parked")
    assert "1 prompts changed" in act(browser, Prompt, "retry", prompt)
    prompt.refresh_from_db()
    assert prompt.state == State.TO_COLLECT
    assert prompt.events.get(kind="unparked").actor == staff


def test_reopening_from_the_admin_needs_a_reason(browser, project):
    prompt = factories.accepted(project)
    assert "Give a reason" in act(browser, Prompt, "reopen", prompt)
    act(browser, Prompt, "reopen", prompt, reason="The number is wrong.")
    prompt.refresh_from_db()
    assert prompt.state == State.TO_REVIEW


def test_an_action_reaches_no_foreign_prompt_and_asks_for_the_role(browser, project, staff):
    foreign, own = factories.prompt(factories.project(), "parked"), factories.prompt(project, "parked")
    act(browser, Prompt, "retry", foreign)
    project.add_member(factories.user(), "manager")
    project.change_member(staff, "reviewer")
    refused = browser.post(path(Prompt), {"action": "retry", "_selected_action": [own.pk]})
    assert refused.status_code == 403
    assert Prompt.objects.in_state(State.PARKED).count() == 2


def test_a_stage_is_started_on_a_project(browser, project, staff, valkey):
    factories.prompt(project, "to_filter")
    page = act(browser, type(project), "start_filter", project)
    assert "is started on 1 prompts" in page
    assert Run.objects.get().created_by == staff
    assert "No prompt waits for this" in act(browser, type(project), "start_filter", project)


def test_a_release_is_made_of_a_project_and_like_another(browser, project, staff, valkey):
    page = act(browser, type(project), "make_release", project)
    assert "is started." in page
    release = factories.release(project, recipe={"domains": ["optics"], "paired": True, "format": "messages"})
    assert "is started." in act(browser, Release, "make_like_it", release)
    runs = Run.objects.filter(stage="package", created_by=staff).order_by("pk")
    assert [run.parameters for run in runs] == [{"recipe": {}}, {"recipe": {"domains": ["optics"]}}]


def test_a_release_is_not_made_by_who_is_no_manager(browser, project, staff):
    release = factories.release(project)
    project.add_member(factories.user(), "manager")
    project.change_member(staff, "reviewer")
    for model, action, row in ((type(project), "make_release", project), (Release, "make_like_it", release)):
        assert browser.post(path(model), {"action": action, "_selected_action": [row.pk]}).status_code == 403
    assert not Run.objects.exists()


def test_a_run_is_cancelled(browser, project):
    run = factories.run(project)
    assert "was asked to stop" in act(browser, Run, "cancel", run)
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert "had ended already" in act(browser, Run, "cancel", run)


@pytest.mark.parametrize("page", ["", "queues/0/", "workers/0/", "stats.json", "dashboard/"])
def test_the_queue_is_for_superusers(browser, valkey, page):
    root = factories.client(factories.user(superuser=True))
    address = f"/admin/django_rq/dashboard/{page}"
    assert browser.get(address).status_code == 403
    assert root.get(address).status_code in (200, 302)


def test_a_long_list_is_counted_to_ten_thousand_at_most(project, monkeypatch):
    monkeypatch.setattr("curation.admin.records.COUNT_CAP", 3)
    monkeypatch.setattr("curation.paging.COUNT_CAP", 3)
    for _ in range(5):
        factories.prompt(project)
    root = factories.client(factories.user(superuser=True))
    assert root.get(path(Prompt)).context["cl"].result_count == 3
