"""Lists cost the same number of queries with two rows as with many, and no page grows one by one."""

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from curation.models import Invitation
from tests import factories

pytestmark = pytest.mark.django_db


def fill(project, number):
    """`number` more of everything that a list shows."""
    for n in range(number):
        for state in ("to_review", "accepted", "parked", "to_resolve"):
            prompt = factories.prompt(project, state, document=factories.document(project), domain=f"d{n}")
            if prompt.current_response:
                factories.filter_result(prompt.current_response, failed=["ban_citations"])
                factories.judge_score(prompt.current_response)
        person = factories.member(project, "reviewer")
        factories.annotation(prompt.current_response, person)
        factories.run(project, state="finished", created_by=person)
        factories.run(project, state="running", created_by=person)
        release = factories.release(project, version=project.releases.count() + 1, created_by=person)
        factories.withdrawal(project, f"doi:{release.version}").tombstones.create(release=release, row_id="a")
        factories.audit(project, prompt.current_response, created_by=person)
        factories.template(project, name=f"task{n}", body=f"About {{{{context}}}} {project.prompts.count()}")
        factories.teacher()
        Invitation.issue(project, "viewer", by=person)


def queries(client, url):
    cache.clear()  # what is kept from the request before must not hide what a page costs
    with CaptureQueriesContext(
        connection,
    ) as captured:
        response = client.get(url)
    assert response.status_code == 200, url
    return len(captured)


# The top bar asks five of them: the user's projects, mentions, disagreements, and what waits for review in two (the
# first of the queue, by its index, and which of those this person is offered).
PAGES = {
    "project_detail": ("/p/{slug}/", 21),
    "project_progress": ("/p/{slug}/progress/", 6),
    # Five are for what the filters offer: a sample of prompts, rules (two), teachers, people; one for saved views.
    "prompt_list": ("/p/{slug}/prompts/", 18),
    # Five more for the search: the index, what is marked in it and its texts, how much that is, where words were found;
    # on PostgreSQL three more, which say how it is to look and take that back.
    "prompt_list_narrowed": ("/p/{slug}/prompts/?q=film&failed=ban_citations&domain=d0", 26),
    "run_list": ("/p/{slug}/runs/", 12),
    "release_list": ("/p/{slug}/releases/", 14),  # two for what was withdrawn
    "release_audits": ("/p/{slug}/releases/audits/", 11),
    "member_list": ("/p/{slug}/members/", 11),
    "template_list": ("/p/{slug}/templates/", 12),
    # The newest decisions in two: which, by their ids alone, then what they say; the judges against them in seven.
    "quality": ("/p/{slug}/quality/", 34),
    "quality_data": ("/p/{slug}/quality/data/", 26),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_list_costs_the_same_however_long(project, name, django_assert_max_num_queries):
    url, most = PAGES[name]
    url = url.format(slug=project.slug)
    manager = factories.client(factories.member(project, "manager"))
    fill(project, 1)
    queries(manager, url)  # the first request of a session writes it
    before = queries(manager, url)
    fill(project, 4)
    with django_assert_max_num_queries(most):
        assert queries(manager, url) == before


def test_home_costs_the_same_however_many_projects(django_assert_max_num_queries):
    ada = factories.user()
    client = factories.client(ada)
    fill(factories.project(managers=[ada]), 1)
    before = queries(client, "/")
    for _ in range(4):
        fill(factories.project(managers=[ada]), 1)
    with django_assert_max_num_queries(10):
        assert queries(client, "/") == before


def test_teachers_cost_the_same_however_many(django_assert_max_num_queries):
    root = factories.client(factories.user(superuser=True))
    factories.teacher()
    before = queries(root, "/teachers/")
    for _ in range(5):
        factories.teacher()
    with django_assert_max_num_queries(5):
        assert queries(root, "/teachers/") == before


def test_one_prompt_costs_the_same_however_many_attempts_and_decisions(project, django_assert_max_num_queries):
    manager = factories.client(factories.member(project, "manager"))
    prompt = factories.prompt(project, "accepted", document=factories.document(project))
    url = f"/p/{project.slug}/prompts/{prompt.key}/"

    def attempt():
        response = factories.response(prompt)
        factories.filter_result(response, failed=["ban_citations"])
        factories.gate_result(response, reasons=["judge_f_low_score"])
        factories.judge_score(response)
        for person in (factories.user(), factories.user()):
            factories.annotation(response, person)
        factories.complaint(response).checks.create(annotation=response.annotations.first(), met=True)
        factories.resolution(response, decided_by=factories.user(), by="adjudicator")
        prompt.events.create(project=project, kind="reopened", actor=person, run=factories.run(project))
        factories.comment(prompt, person, mentions=[factories.user()])
        factories.flag(prompt, person)

    attempt()
    queries(manager, url)
    before = queries(manager, url)
    for _ in range(4):
        attempt()
    with django_assert_max_num_queries(31):  # one for a remark that was begun and not sent, two for what was to mend
        assert queries(manager, url) == before


@pytest.mark.parametrize(
    "model",
    ["prompt", "project", "run", "release", "teacherresponse", "annotation", "resolution", "event", "membership"],
)
def test_lists_of_the_admin_cost_the_same_however_long(project, model, django_assert_max_num_queries):
    root = factories.client(factories.user(superuser=True))
    fill(project, 1)
    url = f"/admin/curation/{model}/"
    queries(root, url)
    before = queries(root, url)
    fill(project, 4)
    with django_assert_max_num_queries(14):
        assert queries(root, url) == before
