"""What is typed and not sent: kept for its person alone, the newest wins, and a submit ends it."""

from datetime import timedelta
from functools import partial

import pytest
from django.urls import reverse
from django.utils import timezone

from curation import reviewing
from curation.models import Annotation, Comment, Draft, ReviewClaim, State
from curation.reviewing import drafts
from tests import factories
from tests.threads import together

pytestmark = pytest.mark.django_db


@pytest.fixture
def prompt(project):
    return factories.prompt(project, State.TO_REVIEW, answer="If iron, then rust.")


def posted(response, form="review", *, made=None, seen="", **fields):
    """What the browser posts of a form about `response`."""
    names = {f"r{response.pk}-{name}" if form == "review" else name: value for name, value in fields.items()}
    made = (made or timezone.now()).isoformat()
    return {"draft_response": response.pk, "draft_form": form, "draft_made": made, "draft_seen": seen, **names}


def save(person, response, form="review", **fields):
    path = reverse("draft_save", args=[response.prompt.project.slug])
    return factories.client(person).post(path, posted(response, form, **fields))


def page(person, prompt):
    return factories.client(person).get(reverse("review_prompt", args=[prompt.project.slug, prompt.key]))


def decide(person, response, action="accept", **fields):
    choice = reviewing.Choice(response.pk, action, **fields)
    return reviewing.submit(response.prompt.project, person, [choice], idempotency_key=f"{timezone.now()}")


def test_a_draft_fills_the_form_on_any_device_and_for_its_person_alone(prompt, ada, project):
    response = prompt.current_response
    answer = save(ada, response, action="reject", reasons=["no_control", "other"], text="Half", comment="Why <b>?")
    assert answer.json()["kept"] is True

    form = page(ada, prompt).context["cards"][0].form
    assert [form[name].value() for name in ("action", "reasons", "text", "comment")] == [
        "reject", ["no_control", "other"], "Half", "Why <b>?"
    ]  # fmt: skip
    shown = page(ada, prompt).content.decode()
    assert "your draft of" in shown
    assert "Why &lt;b&gt;?" in shown
    other = page(factories.member(project, "reviewer"), prompt)
    assert other.context["cards"][0].form["comment"].value() in (None, "")


def test_the_newest_wins_and_gives_back_what_another_window_had_left(prompt, ada):
    response = prompt.current_response
    first = save(ada, response, comment="One").json()
    assert first["replaced"] is None
    second = save(ada, response, comment="Two", seen=first["at"]).json()
    assert second["replaced"] is None
    third = save(ada, response, comment="Three", seen=first["at"]).json()
    assert third["replaced"] == {"comment": ["Two"]}
    assert Draft.objects.get().body == {"comment": ["Three"]}


def test_a_submit_ends_the_draft_and_what_was_typed_before_it_does_not_come_back(prompt, ada, project):
    project.reviews_required = 2
    project.save()
    response, opened = prompt.current_response, timezone.now()
    save(ada, response, comment="Half a thought")
    decide(ada, response, comment="A whole thought")
    assert not Draft.objects.exists()

    late = save(ada, response, comment="Half a thought", made=opened)
    assert late.json() == {"kept": False, "at": None, "replaced": None}
    assert not Draft.objects.exists()
    assert save(ada, response, comment="A second thought").json()["kept"] is True


@pytest.mark.django_db(transaction=True)
def test_a_draft_that_arrives_in_the_moment_of_a_submit_does_not_outlive_it(transactional_db):
    project = factories.project(reviews_required=50)
    for _ in range(6):
        ada = factories.member(project, "reviewer")
        response = factories.prompt(project, State.TO_REVIEW).current_response
        saves = [partial(save, ada, response, comment=f"Typed {n}", made=timezone.now()) for n in range(4)]
        *answers, _ = together(*saves, partial(decide, ada, response))
        assert {answer.status_code for answer in answers} == {200}
        assert not Draft.objects.filter(response=response).exists()


def test_a_submit_of_one_person_leaves_the_draft_of_another(prompt, ada, project):
    project.reviews_required = 2
    project.save()
    bob = factories.member(project, "reviewer", name="bob")
    save(bob, prompt.current_response, comment="Mine")
    decide(ada, prompt.current_response)
    assert Draft.objects.get().reviewer == bob


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"comment": "x" * drafts.MOST_CHARACTERS}, 413),
        ({f"field{number}": "x" for number in range(drafts.MOST_FIELDS + 1)}, 413),
        ({"draft_made": "yesterday"}, 400),
        ({"draft_form": "poem"}, 404),
        ({"draft_form": "resolve"}, 404),
        ({"draft_response": "0"}, 404),
        ({"draft_response": "9" * 30}, 404),
        ({"draft_response": "one"}, 404),
    ],
)
def test_what_is_no_draft_is_refused(prompt, ada, fields, status):
    path = reverse("draft_save", args=[prompt.project.slug])
    assert factories.client(ada).post(path, posted(prompt.current_response) | fields).status_code == status
    assert not Draft.objects.exists()


def test_a_remark_and_a_decision_on_one_response_are_two_drafts(prompt, ada, project):
    response = prompt.current_response
    save(ada, response, comment="On the decision")
    save(ada, response, "comment", text="To everybody")
    assert Draft.objects.count() == 2

    opened = timezone.now()
    factories.client(ada).post(reverse("talk_say", args=[project.slug, prompt.key]), {"text": "To everybody"})
    assert Comment.objects.get().text == "To everybody"
    assert Draft.objects.get().form == "review"
    assert save(ada, response, "comment", text="To every", made=opened).json()["kept"] is False


def test_drafts_are_listed_until_they_are_put_away(prompt, ada, project):
    save(ada, prompt.current_response, comment="Half a thought", action="reject")
    gone = factories.prompt(project, State.ACCEPTED)
    factories.draft(gone.current_response, ada, comment=["Too late"])
    factories.draft(factories.prompt(factories.project(), State.TO_REVIEW).current_response, ada, comment=["Elsewhere"])
    browser = factories.client(ada)
    shown = browser.get(reverse("draft_list", args=[project.slug])).content.decode()
    assert "Half a thought" in shown
    assert reverse("review_prompt", args=[project.slug, prompt.key]) in shown
    assert "Too late" in shown
    assert "its form is closed" in shown
    assert "Elsewhere" not in shown

    browser.post(reverse("draft_drop", args=[project.slug]), {"draft_response": gone.current_response_id})
    assert "Too late" not in browser.get(reverse("draft_list", args=[project.slug])).content.decode()
    path = reverse("draft_drop", args=[project.slug])
    back = browser.post(path, {"draft_response": prompt.current_response_id, "back": "form"})
    assert back.url == reverse("review_prompt", args=[project.slug, prompt.key])
    assert page(ada, prompt).context["cards"][0].form["comment"].value() in (None, "")


def test_nobody_puts_away_the_draft_of_another(prompt, ada, project):
    save(ada, prompt.current_response, comment="Half a thought")
    bob = factories.client(factories.member(project, "manager"))
    bob.post(reverse("draft_drop", args=[project.slug]), {"draft_response": prompt.current_response_id})
    assert Draft.objects.get().reviewer == ada


def test_the_queue_says_how_many_drafts_lie_elsewhere(prompt, ada, project):
    other = factories.prompt(project, State.TO_REVIEW)
    save(ada, other.current_response, comment="Half a thought")
    save(ada, prompt.current_response, comment="This one is in sight")
    assert "1 other draft<" in page(ada, prompt).content.decode()


def test_a_stale_submit_keeps_what_was_typed_as_a_draft(prompt, ada, project):
    response = prompt.current_response
    factories.response(prompt, "A newer answer.")
    fields = {f"r{response.pk}-action": "accept", f"r{response.pk}-text": "My words", f"r{response.pk}-version": 0}
    answer = factories.client(ada).post(
        reverse("review_submit", args=[project.slug]), {"response": response.pk, "key": "k", **fields}
    )
    assert answer.status_code == 409
    assert "My words" in answer.content.decode()
    assert Draft.objects.get().body == {"action": ["accept"], "text": ["My words"]}
    assert "My words" in factories.client(ada).get(reverse("draft_list", args=[project.slug])).content.decode()


def release(person, project, prompt, until):
    path = reverse("review_release", args=[project.slug])
    return factories.client(person).post(path, {"prompt": prompt.pk, "until": until.isoformat()})


def test_a_page_that_is_left_lets_go_and_a_newer_one_goes_on_holding(prompt, ada, project):
    factories.client(ada).get(reverse("review", args=[project.slug]))
    claim = ReviewClaim.objects.get()
    assert release(ada, project, prompt, claim.until - timedelta(seconds=1)).status_code == 204
    claim.refresh_from_db()
    assert claim.until > timezone.now()  # another page holds it since

    release(factories.member(project, "reviewer"), project, prompt, claim.until)
    claim.refresh_from_db()
    assert claim.until > timezone.now()  # of another person

    release(ada, project, prompt, claim.until)
    claim.refresh_from_db()
    assert claim.until <= timezone.now()
    held = factories.client(ada).post(reverse("review_heartbeat", args=[project.slug]), {"prompt": prompt.pk})
    assert "held by you until" in held.content.decode()
    assert not Annotation.objects.exists()


def test_a_stale_adjudication_keeps_what_was_typed_as_a_draft(project):
    mia = factories.member(project, "manager")
    prompt = factories.prompt(project, State.TO_RESOLVE)
    old = prompt.current_response
    factories.response(prompt, "A newer answer.")
    typed = {"response": old.pk, "action": "accept", "text_from": "own", "text": "My words", "comment": "Why"}
    answer = factories.client(mia).post(reverse("resolve_submit", args=[project.slug, prompt.key]), typed)
    assert answer.status_code == 409
    assert "My words" in answer.content.decode()
    body = Draft.objects.get().body
    assert (body["text"], body["comment"]) == (["My words"], ["Why"])
    again = factories.client(mia).get(reverse("resolve_prompt", args=[project.slug, prompt.key]))
    assert "My words" in again.content.decode()
