"""The data page: counts and where they lead, spreads, what is doubled or empty, checks; sampled where there is much."""

import pytest
from django.core.cache import cache

from curation import plots
from curation.models import TeacherResponse
from pipeline.inspecting import Look, census_of
from pipeline.inspecting.spread import spread
from pipeline.stages import filtering
from pipeline.trying import in_force
from tests import factories
from tests.pages import text

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_kept():
    cache.clear()


def page_of(people, project, query="", who="viewer"):
    return people[who].get(f"/p/{project.slug}/quality/data/{query}")


def answered(project, *, domain="chemistry", task="hypothesis", words=20, reason="stop", **numbers):
    """A prompt with an answer of so many words, no two of them equal."""
    count = project.prompts.count()
    said = " ".join([f"answer{count}", *["word"] * (words - 1)])
    prompt = factories.prompt(project, "to_review", task_type=task, domain=domain, answer=said)
    TeacherResponse.objects.filter(pk=prompt.current_response_id).update(finish_reason=reason, **numbers)
    return prompt


def look_of(project):
    ruleset, rules = in_force(project)
    return Look(rules, ruleset and ruleset.body)


def test_an_empty_project_says_what_the_page_is_for(people, project):
    assert "once prompts are imported" in text(page_of(people, project))
    assert "Import a file" not in text(page_of(people, project))
    assert "Import a file" in text(page_of(people, project, who="manager"))


def test_a_project_without_answers_shows_what_it_would_ask(people, project):
    factories.prompt(project, domain="physics")
    page = text(page_of(people, project))
    assert "0 of 1 prompt has an answer (0 %)" in page
    assert "no lengths and times to show" in page
    assert "<svg" not in page_of(people, project).content.decode()


def test_cells_are_counted_and_lead_to_their_prompts(people, project):
    for domain, task, number in (("a & b", "hypothesis", 3), ("a & b", "methodology", 1), ("physics", "hypothesis", 2)):
        for _ in range(number):
            answered(project, domain=domain, task=task)
    factories.prompt(project, domain="physics", task_type="methodology")
    answered(project, domain="")
    context = page_of(people, project).context
    assert context["table"]["tasks"] == ["hypothesis", "methodology"]
    found = [
        (domain, [(c.answers, c.prompts) for c in cells], a, p) for domain, cells, a, p in context["table"]["lines"]
    ]
    assert found == [
        ("a & b", [(3, 3), (1, 1)], 4, 4),
        ("physics", [(2, 2), (0, 1)], 2, 3),
        ("", [(1, 1), (0, 0)], 1, 1),
    ]
    link = context["table"]["lines"][0][1][0].link
    assert people["viewer"].get(link).context["count"] == 3
    assert context["table"]["lines"][2][1][0].link == ""
    assert "7 of 8 prompts have an answer (88 %)" in text(page_of(people, project))


def test_the_plots_show_what_the_tables_say(people, project, monkeypatch):
    drawn = {}

    def spy(rows, title, **words):
        drawn[title] = rows
        return "<svg></svg>" if rows else ""

    monkeypatch.setattr(plots, "histogram", spy)
    monkeypatch.setattr(plots, "grid", spy)
    for words, task in ((5, "hypothesis"), (9, "hypothesis"), (40, "methodology"), (41, "methodology")):
        answered(project, words=words, task=task, completion_tokens=None, latency_ms=words * 100)
    context = page_of(people, project).context
    words, tokens, latency = context["measures"]
    series = drawn["How many words have answers?"]
    for low, high, number in words.bins:
        assert sum(n for one, other, n, _ in series if (one, other) == (low, high)) == number
    assert sum(number for *_, number in words.bins) == words.n == 4
    assert {task: sum(n for *_, n, name in series if name == task) for task in ("hypothesis", "methodology")} == {
        "hypothesis": 2,
        "methodology": 2,
    }
    assert [(name, found.n, found.lowest, found.highest) for name, found in words.by_task] == [
        ("hypothesis", 2, 5, 9),
        ("methodology", 2, 40, 41),
    ]
    assert (tokens.n, tokens.unknown, drawn["How many tokens have answers?"]) == (0, 4, [])
    assert latency.by_teacher[0][1].median == pytest.approx(2.45)
    assert drawn["How many answers are there of what?"] == [
        ("hypothesis", "chemistry", 2),
        ("methodology", "chemistry", 2),
    ]
    assert "Of none of 4 answers this is known." in text(page_of(people, project))


def test_it_can_be_narrowed_while_the_checks_speak_of_everything(people, project):
    for domain in ("biology", "materials", "physics"):
        answered(project, domain=domain, words=30 if domain == "biology" else 50)
        answered(project, domain=domain, task="methodology")
    context = page_of(people, project, "?domain=biology&task_type=hypothesis").context
    assert (context["prompts"], context["looked_at"]) == (1, 1)
    assert context["measures"][0].by_task[0][1].median == 30
    assert next(check for check in context["checks"] if check.id == "domains").outcome == "pass"
    assert len(context["domains"]) == 3
    page = text(page_of(people, project, "?domain=nowhere"))
    assert "No prompt of this project is of that domain and task type." in page


def test_what_is_empty_doubled_or_cut_off_is_counted(people, project):
    answered(project, reason="length")
    answered(project, reason="")
    for said in ("", " \n ", "The same words twice.", "The same words  twice.", "The same words twice.\n"):
        factories.prompt(project, "to_review", answer=said)
    prompts = list(project.prompts.order_by("pk"))
    for place in (0, 1, 2):
        factories.fingerprint(prompts[place], prompts[place].current_response, cluster=5 if place < 2 else None)
    context = page_of(people, project).context
    assert context["empty"] == 2
    assert context["repeated"] == {"answers": 2, "texts": 1}
    assert dict(context["finish_reasons"]) == {"stop": 5, "length": 1, "not said": 1}
    assert context["clusters"] == {"response": (1, 2)}
    assert "2 in 1 cluster." in text(page_of(people, project))


def test_something_new_is_counted_at_once(people, project):
    answered(project)
    assert page_of(people, project).context["answers"] == 1
    answered(project)
    assert page_of(people, project).context["answers"] == 2
    before = next(check for check in page_of(people, project).context["checks"] if check.id == "form")
    filtering.adopt(project)
    ruleset = factories.ruleset(
        project, body={"min_char_length": 5, "task_types": {"hypothesis": {"max_sentences": 9}}}
    )
    for prompt in project.prompts.all():
        factories.filter_result(prompt.current_response, ruleset=ruleset)
    after = next(check for check in page_of(people, project).context["checks"] if check.id == "form")
    assert (before.found, after.found) == ("0.0 % of 2", "100.0 % of 2")


def test_of_many_answers_a_part_is_drawn_from_everywhere(project):
    for place in range(60):
        answered(project, words=place + 1)
    found = census_of(project, look_of(project), most=20).value
    assert (found.prompts, found.answers, found.exact) == (60, 60, False)
    assert 15 <= len(found.rows) <= 20
    assert max(row.words for row in found.rows) > 40
    assert min(row.words for row in found.rows) < 20
    assert census_of(project, look_of(project), most=60).value.exact


def test_rare_task_types_are_others_and_rare_domains_are_counted(people, project, monkeypatch):
    monkeypatch.setattr("pipeline.views.quality_data.MOST_ROWS", 2)
    for place in range(8):
        answered(project, task=f"task{place}", domain="physics" if place else "biology")
    answered(project, domain="geology")
    table = page_of(people, project).context["table"]
    assert len(table["tasks"]) == 6
    assert table["tasks"][-1] == "others"
    assert table["more"] == 1
    assert sum(cell.answers for cell in table["lines"][0][1]) == table["lines"][0][2] == 7
    assert table["lines"][0][1][-1].link == ""
    assert "1 more domains with fewer prompts" in text(page_of(people, project))


def test_where_few_ids_are_answers_of_the_project_the_ids_are_read(project, monkeypatch):
    monkeypatch.setattr("pipeline.inspecting.census.SPARSE", 1)
    other = factories.project()
    for _ in range(6):
        answered(project, words=7)
        factories.prompt(other)
    assert len(census_of(project, look_of(project), most=4).value.rows) == 4


def test_a_sampled_page_says_so(people, project, monkeypatch):
    monkeypatch.setattr("pipeline.views.quality_data.MOST_SERIES", 2)
    for place in range(30):
        answered(project, task=f"task{place % 4}")
    real = census_of
    monkeypatch.setattr("pipeline.inspecting.census_of", lambda project, look: real(project, look, most=10))
    page = page_of(people, project)
    assert "10 of 30 answers were looked at, drawn at random" in text(page)
    assert "validate looks at every answer" in text(page).replace("which ", "validate ")
    assert [name for name, _ in page.context["measures"][0].by_task][-1] == "others"


def test_answers_of_other_projects_are_not_drawn(project):
    other = factories.project()
    for _ in range(8):
        answered(project, words=7)
        answered(other, words=3)
    rows = census_of(project, look_of(project), most=6).value.rows
    assert {row.words for row in rows} == {7}


def test_no_more_than_some_are_measured_afresh(people, project, monkeypatch):
    monkeypatch.setattr("pipeline.inspecting.census.AFRESH", 3)
    for _ in range(9):
        answered(project)
    rows = census_of(project, look_of(project)).value.rows
    assert sum(bool(row.looked) for row in rows) == 3
    assert not all(row.looked for row in rows[:3])
    assert "the rules were measured on 3 of them here" in text(page_of(people, project))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], (0, 0, None, None, None)),
        ([None], (0, 1, None, None, None)),
        ([5, None], (1, 1, 5, 5, 5)),
        (list(range(101)), (101, 0, 0, 50, 100)),
    ],
)
def test_spreads(values, expected):
    found = spread(values)
    assert (found.n, found.unknown, found.lowest, found.median, found.highest) == expected


def test_the_two_prompts_of_one_source_are_no_near_duplicates(people, project):
    for task in ("hypothesis", "methodology"):
        prompt = factories.prompt(project, "to_review", task_type=task)
        factories.fingerprint(prompt, unit=7, cluster=7)
    assert page_of(people, project).context["clusters"] == {}
