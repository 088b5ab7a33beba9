"""One prompt's whole life as JSON and as text: complete, and never more than its reader may see."""

import json

import pyarrow.parquet as pq
import pytest
from django.urls import reverse

from curation.life import as_text, life_of
from curation.models import State
from curation.reviewing import Choice, submit
from tests import factories
from tests.running import run

pytestmark = pytest.mark.django_db
EDITED = "If iron is added to cobalt oxide, then the overpotential falls by at least 60 mV."


@pytest.fixture
def project(settings):
    settings.REVIEW_UNDO_SECONDS = 0
    return factories.project("Oxides", paired=False, reviews_required=1)


@pytest.fixture
def lived(project):
    """A prompt that was imported, answered twice, measured, judged, talked about, edited, accepted and released."""
    ada, may = factories.member(project, "reviewer", name="ada"), factories.member(project, "manager", name="may")
    prompt = factories.prompt(project, "to_review", document=factories.document(project, "Iron in cobalt oxide."))
    first = prompt.current_response
    response = factories.response(prompt, "If iron is added, it changes.", attempt=2, parent=first)
    factories.filter_result(response, failed=["ban_citations"])
    factories.gate_result(response, reasons=["judges_disagree"], score=71.5)
    factories.judge_score(response, rationale="The number is not in the source.", flags=["vague"])
    factories.comment(prompt, may, "See figure 2.")
    factories.flag(prompt, ada, "The source is cut off.")
    prompt.refresh_from_db()
    choice = Choice(response.pk, "accept", edited_text=EDITED, comment="Now it names the amount.", version=0)
    submit(project, ada, [choice], idempotency_key="k", seconds=31)
    run(project, "package")
    prompt.refresh_from_db()
    return prompt


def seen_by(prompt, person):
    project = prompt.project
    project.member = project.memberships.get(user__username=person)
    return life_of(project, prompt, project.member)


def test_everything_that_was_said_is_there(lived):
    life = seen_by(lived, "may")
    assert json.loads(json.dumps(life)) == life
    second = life["attempts"][1]
    assert (second["attempt"], second["current"], second["answers_attempt"]) == (2, True, 1)
    assert second["filters"][0]["failed"] == ["ban_citations"]
    assert (second["gate"][0]["score"], second["gate"][0]["reasons"]) == (71.5, ["judges_disagree"])
    assert second["judges"][0]["rationale"] == "The number is not in the source."
    (decision,) = second["decisions"]
    assert (decision["reviewer"], decision["action"], decision["seconds"]) == ("ada", "accept", 31)
    assert decision["edit"]["text"] == EDITED
    assert "".join(words for kind, words in decision["edit"]["diff"] if kind != "removed") == EDITED
    assert "".join(words for kind, words in decision["edit"]["diff"] if kind != "added") == second["text"]
    assert second["resolutions"][0]["took_effect"]
    assert [row["text"] for row in life["comments"]] == ["See figure 2."]
    assert life["flags"][0]["raised_by"] == "ada"
    (release,) = life["releases"]
    assert (release["version"], release["split"], len(release["row_id"])) == (1, "train", 64)
    assert [event["kind"] for event in life["history"]][-1] == "resolved"


def test_the_text_tells_the_same(lived):
    text = as_text(seen_by(lived, "may"))
    for said in (
        lived.key,
        "Iron in cobalt oxide.",
        "Attempt 2 (current)".upper(),
        "FAIL",
        "SampleGate v",
        "score 71.5",
        "The number is not in the source.",
        "ada, ",
        "accept, 31 s",
        "edited to:",
        "“Now it names the amount.”",
        "See figure 2.",
        "The source is cut off.",
        "release 1 (published)",
        "RESOLVED".lower(),
    ):
        assert said in text, said
    assert "\n".join(line for line in text.split("\n") if len(line) > 140) == ""


def test_a_release_names_the_answer_of_each_row(lived):
    row = lived.release_rows.get()
    assert (row.response_id, row.release.version) == (lived.current_response_id, 1)
    files = sorted((row.release.directory / "data").glob("train-*.parquet"))
    assert pq.read_table(files[0], columns=["id"])["id"].to_pylist() == [row.row_id]


def test_while_people_decide_nobody_reads_what_others_said(project):
    ada, bob = (factories.member(project, "reviewer", name=name) for name in ("ada", "bob"))
    factories.member(project, "manager", name="may")
    type(project).objects.filter(pk=project.pk).update(reviews_required=2)
    project.refresh_from_db()
    prompt = factories.prompt(project, "to_review")
    factories.comment(prompt, ada, "I would refuse it.")
    factories.flag(prompt, ada, "It cites itself.")
    response = prompt.current_response_id
    submit(project, ada, [Choice(response, "reject", comment="Nothing new.")], idempotency_key="k")
    prompt.refresh_from_db()
    assert prompt.state == State.TO_REVIEW
    for word in ("Nothing new.", "I would refuse it.", "It cites itself.", '"reject"'):
        assert word not in json.dumps(seen_by(prompt, "bob"))
        assert word in json.dumps(seen_by(prompt, "may"))
    assert "Nothing new." in json.dumps(seen_by(prompt, "ada"))
    assert seen_by(prompt, "bob")["left_out"]


def test_an_edit_made_elsewhere_too_is_its_authors_until_people_have_decided(project):
    ada, bea, may = (factories.member(project, role) for role in ("reviewer", "reviewer", "manager"))
    prompt = factories.prompt(project, "to_review")
    factories.change(project, ada, prompt, kind="fix", action="fix")
    factories.change(project, may, prompt, action="pin")

    def changes(person):
        member = project.memberships.get(user=person)
        return [row["action"] for row in life_of(project, prompt, member)["changes"]]

    assert (changes(ada), changes(bea), changes(may)) == (["fix", "pin"], ["pin"], ["fix", "pin"])
    prompt.go(State.ACCEPTED, "resolved")
    assert changes(bea) == ["fix", "pin"]


def test_checks_of_reviewers_are_for_managers(lived):
    bob = factories.member(lived.project, "reviewer", name="bob")
    factories.annotation(lived.current_response, bob, "reject", purpose="gold", comment="Silent.")
    assert "Silent." not in json.dumps(seen_by(lived, "ada"))
    assert "Silent." in json.dumps(seen_by(lived, "may"))


def test_a_blind_share_tells_no_score(project):
    type(project).objects.filter(pk=project.pk).update(blind_percent=100)
    project.refresh_from_db()
    factories.member(project, "reviewer", name="ada"), factories.member(project, "viewer", name="vic")
    prompt = factories.prompt(project, "to_review")
    factories.judge_score(prompt.current_response, rationale="Weak in its third claim.", flags=["safety_unsure"])
    factories.gate_result(prompt.current_response, score=93.5)
    life = seen_by(prompt, "ada")
    assert "Weak in its third claim." not in json.dumps(life)
    assert "93.5" not in json.dumps(life)
    assert life["attempts"][0]["hazards"] == ["safety unsure"]
    assert "93.5" in json.dumps(seen_by(prompt, "vic"))


def test_the_pages_give_both(lived):
    browser = factories.client(lived.project.memberships.get(user__username="may").user)
    path = (lived.project.slug, lived.key)
    text = browser.get(reverse("prompt_text", args=path))
    assert text["Content-Type"] == "text/plain; charset=utf-8"
    assert lived.key in text.content.decode()
    kept = browser.get(reverse("prompt_json", args=path))
    assert "attachment" in kept["Content-Disposition"]
    assert kept.json()["key"] == lived.key
    page = browser.get(reverse("prompt_detail", args=path)).content.decode()
    assert reverse("prompt_text", args=path) in page
    assert reverse("prompt_json", args=path) in page
    assert "Release 1" in page
