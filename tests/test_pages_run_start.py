"""Start a run, knowing what it will cost."""

import re
from datetime import date
from decimal import Decimal

import pytest

from curation.models import Run
from pipeline import jobs
from tests import factories
from tests.pages import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def address(project):
    return f"/p/{project.slug}/runs/"


@pytest.fixture
def teacher(project):
    """The project's teacher, whose price is known."""
    project.teacher = factories.teacher(
        "Stand-in",
        parameters={"max_tokens": 500},
        input_price=Decimal("0.15"),
        output_price=Decimal("0.6"),
        prices_of=date(2026, 11, 2),
    )
    project.save()
    return project.teacher


@pytest.fixture
def waiting(project, teacher):
    return [factories.prompt(project) for _ in range(3)]


def test_the_page_says_what_waits_for_each_stage_and_quotes_the_chosen_one(people, project, address, a_worker, waiting):
    factories.prompt(project, "to_filter")
    page = text(people["manager"].get(f"{address}start/?stage=collect"))
    assert "Collect 3 waiting" in page
    assert "Filter 1 waiting" in page
    assert "Regenerate nothing waits" in page
    assert "3 of 3 waiting prompts" in page
    assert "Calls 3 3 3" in page
    assert "of 2026-11-02" in page
    assert "an estimate for answers, hypothesis: Stand-in gave too few of them in this project yet" in page
    limited = text(people["manager"].get(f"{address}start/?stage=collect&limit=2"))
    assert "2 of 3 waiting prompts" in limited
    assert "1 of 1 waiting prompt , no calls" in text(people["manager"].get(f"{address}start/?stage=filter"))


def test_an_unknown_price_is_a_word_and_never_zero(people, project, address, a_worker, waiting, teacher):
    teacher.output_price = None
    teacher.save()
    page = text(people["manager"].get(f"{address}start/?stage=collect"))
    assert "Price, USD unknown unknown unknown" in page
    assert "none given for Stand-in" in page


def test_the_fragment_follows_the_form_and_writes_nothing(people, project, address, waiting):
    page = people["manager"].get(f"{address}quote/?stage=collect&limit=1")
    assert 'id="run-quote"' in page.content.decode()
    assert "<html" not in page.content.decode()
    assert "1 of 3 waiting prompts" in text(page)
    assert "Prompts: Ensure this value is greater" in text(people["manager"].get(f"{address}quote/?limit=0"))
    assert not Run.objects.exists()
    assert not project.templates.exists()
    assert people["reviewer"].get(f"{address}quote/?stage=collect").status_code == 403


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("cap_usd=0.001", "of 9 prompts are done; the others keep waiting"),
        ("cap_usd=0.002", "The cap may be reached before the end"),
        ("cap_usd=5", "waiting prompts"),
        ("cap_usd=0.00001", "is less than one call may cost"),
        ("cap_tokens=100", "is less than one call may take"),
        ("cap_usd=-1", "leaves nothing to ask"),
        ("cap_usd=much", "Enter a number"),
    ],
)
def test_a_cap_says_what_it_means_before_the_start(people, project, address, waiting, asked, said):
    for _ in range(6):
        factories.prompt(project)
    assert said in text(people["manager"].get(f"{address}quote/?stage=collect&{asked}"))


def test_caps_choice_of_teacher_and_mode_reach_the_run_with_the_quote_that_was_shown(
    people, project, address, a_worker, waiting
):
    other = factories.teacher("Other", parameters={"max_tokens": 90}, input_price=Decimal(1), output_price=Decimal(2))
    data = {"stage": "collect", "cap_usd": "2.50", "cap_tokens": "90000", "teacher": other.pk, "mode": "batch"}
    people["manager"].post(f"{address}start/", data | {"fresh": "on"})
    run = Run.objects.get()
    assert (run.cap_usd, run.cap_tokens) == (Decimal("2.50"), 90000)
    assert run.parameters["teacher"] == other.pk
    assert (run.parameters["mode"], run.parameters["fresh"]) == ("batch", True)
    assert run.quote["calls"] == {"p10": 3, "p50": 3, "p90": 3}
    assert Decimal(run.quote["price_usd"]["p50"]) > 0
    assert run.quote["prices_of"] == "date unknown"


def test_what_a_stage_does_not_know_is_left_out(people, project, address, a_worker, waiting):
    data = {"stage": "pipeline", "mode": "batch", "teacher": factories.teacher().pk}
    people["manager"].post(f"{address}start/", data)
    assert Run.objects.get().parameters == {}


@pytest.mark.parametrize(
    ("fields", "data", "said"),
    [
        ({"input_price": None}, {"cap_usd": "1"}, "The price of Stand-in is unknown: give its prices, or cap tokens"),
        ({"parameters": {}}, {"cap_usd": "1"}, "Stand-in has no max_tokens: one answer could be of any length"),
        ({"parameters": {}}, {"cap_tokens": "10000"}, "Stand-in has no max_tokens"),
        ({}, {"cap_usd": "0"}, "leaves nothing to ask"),
        ({}, {"cap_tokens": "-3"}, "leaves nothing to ask"),
        ({}, {"cap_usd": "0.00001"}, "is less than one call may cost"),
        ({}, {"teacher": "999"}, "not one of the available choices"),
    ],
)
def test_a_cap_that_nothing_could_keep_to_is_refused(
    people, project, address, a_worker, waiting, teacher, fields, data, said
):
    for name, value in fields.items():
        setattr(teacher, name, value)
    teacher.save()
    response = people["manager"].post(f"{address}start/", {"stage": "collect"} | data)
    assert response.status_code == 409
    assert said in text(response)
    assert text(response).count(said) == 1
    assert not Run.objects.exists()


def test_an_unknown_price_may_be_capped_in_tokens(people, project, address, a_worker, waiting, teacher):
    teacher.input_price = None
    teacher.save()
    people["manager"].post(f"{address}start/", {"stage": "collect", "cap_tokens": "20000"})
    assert Run.objects.get().quote["price_usd"] is None


def test_enter_quotes_and_only_the_button_starts(people, project, address, a_worker, waiting):
    page = people["manager"].get(f"{address}start/").content.decode()
    form = page[page.index('<form id="run-form"') : page.index("</form>", page.index('<form id="run-form"'))]
    assert 'method="get"' in form
    assert "csrfmiddlewaretoken" not in form
    assert re.search(r'<button[^>]*form="run-form" formmethod="post" name="csrfmiddlewaretoken"', page)


def test_a_manager_starts_a_run_over_what_waits(people, project, address, a_worker, valkey):
    project.teacher = factories.teacher()
    project.save()
    for _ in range(3):
        factories.prompt(project)
    response = people["manager"].post(f"{address}start/", {"stage": "collect", "limit": "2"})
    run = Run.objects.get()
    assert response.url == f"{address}{run.pk}/"
    assert (run.stage, run.total, run.created_by.memberships.get(project=project).role) == ("collect", 2, "manager")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"stage": "collect"}, "no teacher"),
        ({"stage": "judge"}, "no judges"),
        ({"stage": "filter"}, "No prompt waits for this"),
        ({"stage": "collect", "limit": "0"}, "greater than or equal to 1"),
        ({"stage": "dance"}, "not one of the available choices"),
        ({}, "This field is required"),
    ],
)
def test_a_run_that_could_do_nothing_is_refused_with_the_reason(people, project, address, a_worker, data, said):
    response = people["manager"].post(f"{address}start/", data)
    assert response.status_code == 409
    assert said in text(response)
    assert not Run.objects.exists()


def test_where_another_run_has_it_all_it_is_named(people, project, address, a_worker, valkey):
    project.teacher = factories.teacher()
    project.save()
    other = factories.run(project, "collect", "running")
    factories.prompt(project, run=other)
    response = people["manager"].post(f"{address}start/", {"stage": "collect"})
    assert f"No prompt waits for this: 1 to collect; {other} has what it works on." in text(response)


def test_without_a_worker_the_button_is_off_and_says_why(people, project, address, valkey):
    factories.prompt(project, "to_filter")
    page = people["manager"].get(f"{address}start/").content.decode()
    assert "No worker is alive" in page
    assert re.search(r"<button[^>]* disabled>Start</button>", page)
    assert people["manager"].post(f"{address}start/", {"stage": "filter"}).status_code == 409
    assert not Run.objects.exists()


def test_without_a_queue_the_page_says_so(people, project, address, monkeypatch):
    monkeypatch.setattr(jobs, "queue_trouble", lambda: "The queue does not answer.")
    assert "The queue does not answer." in text(people["manager"].get(f"{address}start/"))
