"""The near-duplicates page in a real browser: readable in every look, by keyboard, and without a script."""

import pytest
from django.urls import reverse

from curation.models import Fingerprint
from tests import factories
from tests.looks import LOOKS, faults
from tests.test_resemblance_clusters import changed, text_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def project(transactional_db):
    project = factories.project("Films", paired=False, near_duplicate_percent=80)
    prompts = [factories.prompt(project, "to_review", answer=changed(text_of(60), 1, n)) for n in range(3)]
    made = [factories.fingerprint(each, each.current_response, joined=80, score=70) for each in prompts]
    Fingerprint.objects.filter(pk__in=[row.pk for row in made]).update(cluster=made[0].pk)
    held_out = factories.held_out(project, "q" * 90)
    factories.overlap(prompts[0], prompts[0].current_response, evaluation_set=held_out, words="w" * 200)
    return project


@pytest.mark.parametrize("look", LOOKS)
def test_the_page_is_fit_to_be_read(chromium, live_server, project, look):
    context = chromium.new_context(base_url=live_server.url, **LOOKS[look])
    session = factories.client(factories.member(project, "manager")).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page, wrong = context.new_page(), []
    page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    address = reverse("quality_duplicates", args=[project.slug])
    for query in ("", "?kind=prompt"):
        page.goto(address + query)
        wrong += faults(page, address + query)
    page.goto(address)
    assert page.get_by_role("heading", name="Near-duplicates").is_visible()
    page.get_by_text("Forget…").focus()
    page.keyboard.press("Enter")
    assert page.get_by_role("button", name="Forget q").is_visible()
    wrong += faults(page, address)
    context.close()
    assert wrong == []
