"""From a reviewer's order over the run that carries it out to the checklist, the decision and the report."""

import html

import pytest
from django.core.cache import cache
from django.urls import reverse

from curation.models import Complaint, Prompt, State
from curation.reviewing import settle
from pipeline import jobs
from tests import factories
from tests.pages import HTMX
from tests.review_forms import answer, get, send

pytestmark = pytest.mark.django_db(transaction=True)
CITED = f"{factories.HYPOTHESIS} This was shown before [1]."


@pytest.fixture
def project(teacher_server, settings):
    settings.REVIEW_UNDO_SECONDS = 0
    settings.RETRY_PAUSE_SECONDS = 0.01
    cache.clear()
    prices = {"input_price": 1, "output_price": 2}
    teacher = factories.teacher("Strong", base_url=teacher_server.url, structure="text", **prices)
    return factories.project(slug="oxides", teacher=teacher, paired=False, reviews_required=1)


def run(project, stage):
    made = jobs.prepare(project, stage, {})
    jobs.carry_out(made)
    made.refresh_from_db()
    assert (made.state, made.error) == ("finished", "")


def test_what_a_reviewer_orders_is_asked_checked_and_counted(project):
    prompt = factories.prompt(project, State.TO_REVIEW, answer=CITED)
    browser = factories.client(factories.member(project, "reviewer", name="ada"))
    said = answer(get(browser), "regenerate", reasons=["no_control"], comment="Compare with an untreated film.")
    order = browser.post(reverse("regeneration_order", args=["oxides", prompt.key]), said, headers=HTMX)
    shown = html.unescape(order.content.decode())
    send(browser, said)
    settle(project)
    assert Prompt.objects.get().state == State.TO_REGENERATE
    run(project, "regenerate")
    attempt = Prompt.objects.select_related("current_response").get().current_response
    assert attempt.attempt == 2
    assert attempt.sent_system in shown
    assert attempt.sent_user in shown

    run(project, "filter")
    Prompt.objects.filter(state=State.TO_REGENERATE).update(state=State.TO_REVIEW)  # whatever the stand-in wrote
    page = html.unescape(get(browser))
    assert "Was each complaint met?" in page
    assert "Compare with an untreated film." in page
    complaint = Complaint.objects.get(source="reviewer", code="no_control")
    send(browser, answer(page, "accept", **{f"met-{complaint.pk}": "yes"}))
    settle(project)
    assert Prompt.objects.get().state == State.ACCEPTED
    report = " ".join(browser.get(reverse("quality_regeneration", args=["oxides"])).content.decode().split())
    assert '<td>No control</td><td>reviewers</td><td class="num">1</td>' in report
    assert "<strong>100 %</strong>" in report
    assert "Strong</a>" in report
    assert "v1</a>" in report
