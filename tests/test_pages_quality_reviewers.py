"""The pages on the quality of reviewing: what managers read of people, and where gold is marked."""

import json
import re
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from curation import plots
from curation.models import Annotation, Event, Gold, ReviewClaim, State
from curation.reviewing import checks
from tests import factories
from tests.pages import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(project):
    return factories.member(project, "manager", name="mina")


@pytest.fixture
def browser(manager):
    return factories.client(manager)


def page_of(browser, project, name="quality_reviewers"):
    response = browser.get(reverse(name, args=[project.slug]))
    assert response.status_code == 200
    return text(response)


def decide(project, number, states=State.ACCEPTED, **answers):
    """`decide(project, 10, ada="accept", bob="reject")`: so many new answers, each decided like that by each person."""
    people = {user.username: user for user in (member.user for member in project.memberships.select_related("user"))}
    made = []
    for _ in range(number):
        response = factories.prompt(project, states).current_response
        for name, action in answers.items():
            if name not in people:
                people[name] = factories.member(project, "reviewer", name=name)
            factories.annotation(response, people[name], action, seconds=20)
        made.append(response)
    return made


def test_nobody_has_decided_yet(browser, project):
    assert "Nobody has decided on an answer yet." in page_of(browser, project)


def test_agreement_is_told_with_its_interval_and_n(browser, project):
    decide(project, 18, ada="accept", bob="accept")
    decide(project, 6, ada="reject", bob="reject")
    decide(project, 6, ada="accept", bob="reject")

    page = page_of(browser, project)

    assert re.search(r"All 30 24 80 % of 30 0\.5\d \(0\.\d\d to 0\.\d\d\)", page), page
    assert re.search(r"ada and bob 30 80 % 0\.5\d \(0\.\d\d to 0\.\d\d\)", page), page
    assert "ada 30 30 20 s 0 % of 30 80 % of 30" in page


def test_answers_that_are_all_equal_are_no_agreement_of_one(browser, project):
    decide(project, 25, ada="accept", bob="accept")

    page = page_of(browser, project)

    assert "All 25 25 100 % of 25 undefined, all answers equal" in page
    assert "ada and bob 25 100 % undefined, all answers equal" in page


def test_few_answers_are_too_few_to_say(browser, project):
    decide(project, 3, ada="accept", bob="reject")

    page = page_of(browser, project)

    assert "All 3 0 0 % of 3 too few to say" in page
    assert "ada and bob 3 0 % too few to say" in page


def test_task_types_and_reasons_have_rows_of_their_own(browser, project):
    decide(project, 20, ada="accept", bob="accept")
    for place in range(20):
        response = factories.prompt(project, "accepted", task_type="methodology").current_response
        factories.annotation(
            response, project.memberships.get(user__username="ada").user, "reject", reasons=["no_control"]
        )
        reasons = ["no_control", "too_vague"] if place % 2 else ["too_vague"]
        factories.annotation(response, project.memberships.get(user__username="bob").user, "reject", reasons=reasons)

    page = page_of(browser, project)

    assert "Hypothesis 20 20 100 % of 20 undefined, all answers equal" in page
    assert "Methodology 20 20 100 % of 20 undefined, all answers equal" in page
    assert "All 40 40 100 % of 40 1.00 (1.00 to 1.00)" in page
    assert re.search(r"No control 20 10 \(50 %\) 0\.\d\d", page), page
    assert re.search(r"Too vague 20 0 \(0 %\) -0\.\d\d", page), page


def test_who_is_too_fast_is_named(browser, project):
    ada, bob = (factories.member(project, "reviewer", name=name) for name in ("ada", "bob"))
    for place in range(30):
        response = factories.prompt(project, "accepted").current_response
        factories.annotation(response, ada, seconds=2 if place < 6 else 40)
        factories.annotation(response, bob, seconds=0 if place < 20 else 3)

    page = page_of(browser, project)

    assert "ada : 20 % of 30 timed decisions took less than 3 s of active time." in page
    assert "bob :" not in page
    project.too_fast_seconds = 0
    project.save()
    assert "took less than" not in page_of(browser, project)


def test_gold_and_repeats_tell_how_people_decide(browser, project):
    responses = decide(project, 25, ada="accept")
    ada = project.memberships.get(user__username="ada").user
    for place, response in enumerate(responses):
        factories.annotation(response, ada, "accept" if place < 20 else "reject", purpose="repeat", version=2)
    for place in range(20):
        known = factories.gold(factories.prompt(project, "rejected", answer=f"Answer {place}.").current_response)
        factories.annotation(known.response, ada, "reject" if place < 15 else "accept", purpose="gold")

    page = page_of(browser, project)

    assert "75 % (53–89) of 20" in page
    assert "80 % (61–91) of 25" in page
    assert "ada 25 25" in page  # neither counts as a decision


def test_the_answers_that_drive_disagreement_are_listed_but_for_those_that_are_open(browser, project):
    (apart,) = decide(project, 1, ada="accept", bob="reject")
    (resolved,) = decide(project, 1, State.TO_RESOLVE, ada="accept", bob="regenerate", cleo="reject")
    (open_one,) = decide(project, 1, State.TO_REVIEW, ada="accept", bob="reject")
    (equal,) = decide(project, 1, ada="accept", bob="accept")

    page = browser.get(reverse("quality_reviewers", args=[project.slug])).content.decode()
    listed = re.findall(r"/prompts/([0-9a-f]{64})/#attempt", page)

    assert listed == [resolved.prompt.key, apart.prompt.key]


def test_days_are_plotted_and_stand_in_the_table(browser, project, monkeypatch):
    drawn = []
    monkeypatch.setattr(plots, "days", lambda rows, **words: drawn.extend(rows) or "")
    people = [factories.member(project, "reviewer", name=f"r{number}") for number in range(7)]
    yesterday = timezone.now() - timedelta(days=1)
    for number, person in enumerate(people):
        for _ in range(number + 1):
            response = factories.prompt(project, "accepted").current_response
            factories.annotation(response, person, created_at=yesterday)
    factories.annotation(response, people[0], created_at=timezone.now() - timedelta(days=40))

    page = page_of(browser, project)

    day = f"{yesterday:%Y-%m-%d}"
    assert "Day (UTC) r6 r5 r4 r3 r2 the others all" in page
    assert f"{day} 7 6 5 4 3 3 28" in page
    assert {row[2] for row in drawn} == {"r6", "r5", "r4", "r3", "r2", "the others"}
    assert sum(row[1] for row in drawn) == 28
    assert "r0 2 1" in page  # all that stand, and the last 30 days


def test_only_managers_find_the_way(people, project):
    assert (
        reverse("quality_reviewers", args=[project.slug])
        not in people["reviewer"].get(reverse("quality", args=[project.slug])).content.decode()
    )
    assert (
        reverse("quality_reviewers", args=[project.slug])
        in people["manager"].get(reverse("quality", args=[project.slug])).content.decode()
    )


# --- gold


def mark(browser, prompt, **fields):
    address = reverse("prompt_gold", args=[prompt.project.slug, prompt.key])
    return browser.post(address, {"response": prompt.current_response_id} | fields, follow=True)


def test_gold_is_marked_on_the_page_of_a_prompt_and_taken_out_again(browser, project, manager):
    prompt = factories.prompt(project, "accepted")

    page = text(mark(browser, prompt, action="reject", note="The figure was made up."))

    assert "Gold: the right decision is reject. It is mixed in from now on." in page
    gold = Gold.objects.get(response=prompt.current_response)
    assert (gold.action, gold.note, gold.active, gold.created_by) == (
        "reject",
        "The figure was made up.",
        True,
        manager,
    )
    assert not Event.objects.filter(prompt=prompt).exclude(kind="member").exists()  # reviewers read the history
    assert "It is gold no more" in text(mark(browser, prompt, off="1"))
    assert not Gold.objects.get().active


@pytest.mark.parametrize("role", ["viewer", "reviewer", "resolver"])
def test_nobody_else_reads_that_it_is_gold(people, project, role):
    prompt = factories.prompt(project, "accepted")
    known = factories.gold(prompt.current_response, note="The figure was made up.")
    factories.annotation(
        known.response, factories.member(project, "reviewer"), "reject", purpose="gold", comment="Fishy."
    )

    page = people[role].get(reverse("prompt_detail", args=[project.slug, prompt.key])).content.decode()

    assert "made up" not in page
    assert "Fishy" not in page
    assert "gold" not in page.lower()


def test_the_list_says_how_people_decided_and_what_is_not_mixed_in(browser, project):
    project.gold_percent = 5
    project.save()
    used, waits = (
        factories.gold(factories.prompt(project, state).current_response) for state in ("accepted", "to_review")
    )
    for action in ("reject", "accept", "accept"):
        factories.annotation(used.response, factories.member(project, "reviewer"), action, purpose="gold")

    page = page_of(browser, project, "quality_gold")

    assert "2 items" in page
    assert re.search(r"Reject \d{4}-\d\d-\d\d \d\d:\d\d 3 2 yes", page), page
    assert "0 0 no: once its prompt is accepted or rejected" in page
    browser.post(
        reverse("prompt_gold", args=[project.slug, used.response.prompt.key]),
        {"response": used.response_id, "off": "1", "list": "1"},
    )
    assert "3 2 no: taken out" in page_of(browser, project, "quality_gold")
    assert waits.active


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"action": "burn"}, "is no decision: use accept, regenerate, reject."), ({}, "is no decision")],
)
def test_what_is_no_decision_is_refused(browser, project, fields, said):
    prompt = factories.prompt(project, "accepted")
    assert said in text(mark(browser, prompt, **fields)).replace("&#x27;", "'")
    assert not Gold.objects.exists()


def test_a_replaced_answer_is_not_marked(browser, project):
    prompt = factories.prompt(project, "accepted")
    old = prompt.current_response_id
    factories.response(prompt)
    assert "There is a newer answer" in text(mark(browser, prompt, action="accept", response=old))
    assert not Gold.objects.exists()


def rows_file(folder, *rows):
    path = folder / "gold.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def row_of(prompt, **fields):
    answer = {"task_type": prompt.task_type, "context": prompt.context, "teacher_output": prompt.current_response.text}
    return answer | {"action": "reject"} | fields


def test_a_file_marks_what_it_names_by_content(project, manager, tmp_path, capsys):
    prompt, other = (factories.prompt(project, "accepted") for _ in range(2))
    path = rows_file(
        tmp_path,
        row_of(prompt, comment="Invented.", reasons=["too_vague"]),
        row_of(other, teacher_output="Another one."),
    )

    with pytest.raises(CommandError, match="1 rows were not marked"):
        call_command("mark_gold", path, project=project.slug, by="mina")

    said = capsys.readouterr()
    assert "gold.jsonl: 1 marked as gold, 1 not matched" in said.out
    assert "line 2: no current answer with this task type" in said.err
    gold = Gold.objects.get()
    assert (gold.response, gold.action, gold.reasons, gold.note) == (
        prompt.current_response,
        "reject",
        ["too_vague"],
        "Invented.",
    )


def test_only_a_manager_can_be_named_as_who_knows(project, manager, tmp_path):
    factories.member(project, "reviewer", name="ada")
    with pytest.raises(CommandError, match="'ada' does not manage .* \\(who does: mina\\)"):
        call_command("mark_gold", rows_file(tmp_path), project=project.slug, by="ada")


# --- the page of a check


def shown(browser, project):
    page = browser.get(reverse("review", args=[project.slug])).content.decode()
    return page, re.sub(r'[Tt]oken(": "|" value=")[^"]+|[0-9a-f]{12,}|\d+', "#", page)


@pytest.mark.parametrize("purpose", ["gold", "repeat"])
def test_the_review_page_does_not_tell_a_check_from_an_ordinary_item(project, purpose, monkeypatch):
    project.paired, project.gold_percent, project.repeat_percent = False, 20, 20
    project.save()
    ada = factories.member(project, "reviewer", name="ada")
    browser = factories.client(ada)
    monkeypatch.setattr(checks, "APART", 0)
    monkeypatch.setattr(checks, "_drawn", lambda project, user, first: "")
    known = factories.prompt(project, "accepted")
    factories.prompt(project, "to_review")
    factories.filter_result(known.current_response)
    for prompt in project.prompts.exclude(pk=known.pk):
        factories.filter_result(prompt.current_response)
    factories.resolution(known.current_response, edited=True, text="What people made of it.")
    if purpose == "gold":
        factories.gold(known.current_response, note="The figure was made up.")
        factories.annotation(known.current_response, factories.member(project, "reviewer"), comment="Fishy.")
    else:
        long_ago = timezone.now() - timedelta(days=2)
        factories.annotation(
            known.current_response, ada, "reject", comment="Fishy.", edited_text="Mine.", created_at=long_ago
        )
    _, ordinary = shown(browser, project)
    ReviewClaim.objects.all().delete()
    monkeypatch.setattr(checks, "_drawn", lambda project, user, first: purpose)

    page, check = shown(browser, project)

    assert ReviewClaim.objects.get().purpose == purpose
    assert known.context in page
    for word in ("Fishy", "made up", "What people made", "Mine."):
        assert word not in page
    assert check == ordinary
    posted = {"response": known.current_response_id, f"r{known.current_response_id}-action": "accept", "key": "one"}
    browser.post(reverse("review_submit", args=[project.slug]), posted | {"seconds": "12"})
    row = Annotation.objects.get(purpose=purpose)
    assert (row.action, row.seconds, row.reviewer) == ("accept", 12, ada)
    known.refresh_from_db()
    assert known.state == "accepted"
