"""Where the log-in leads after a form was sent without a session."""

import pytest
from django.urls import reverse

from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("referer", "leads_to"),
    [
        ("http://testserver/p/{slug}/review/", "/p/{slug}/review/"),
        ("http://elsewhere.example/p/{slug}/review/", "/"),
        ("", "/"),
    ],
)
def test_a_form_without_a_session_leads_back_to_its_page(project, client, referer, leads_to):
    headers = {"Referer": referer.format(slug=project.slug)} if referer else {}
    response = client.post(reverse("review_submit", args=[project.slug]), headers=headers)
    assert response.status_code == 302
    assert response.url == f"/login/?next={leads_to.format(slug=project.slug)}"


def test_a_page_leads_back_to_itself(project, client):
    page = reverse("prompt_list", args=[project.slug]) + "?state=to_review"
    assert client.get(page).url == f"/login/?next=/p/{project.slug}/prompts/%3Fstate%3Dto_review"


def test_fewer_reviews_decide_what_already_has_them(project, settings):
    from curation import reviewing
    from curation.models import Prompt, State

    settings.REVIEW_UNDO_SECONDS = 0
    project.reviews_required = 2
    project.save()
    prompt = factories.prompt(project, State.TO_REVIEW)
    reviewer, manager = factories.member(project, "reviewer"), factories.member(project, "manager")
    choice = reviewing.Choice(response_id=prompt.current_response_id, action="accept")
    reviewing.submit(project, reviewer, [choice], idempotency_key="one")
    browser = factories.client(manager)
    page = browser.get(reverse("project_settings", args=[project.slug]))
    fields = {name: value for name, value in page.context["form"].initial.items() if value is not None}
    response = browser.post(reverse("project_settings", args=[project.slug]), fields | {"reviews_required": 1})
    assert response.status_code == 302, response.context["form"].errors
    assert Prompt.objects.get(pk=prompt.pk).state == State.ACCEPTED
