"""A quote is what a run then takes: composed as it will be sent, learned from this project, and nothing is written."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from curation.models import Prompt, PromptTemplate, State
from pipeline import inline, jobs, quotes
from pipeline.quotes import choosing
from tests import factories, teacher_replies

PRICE = {"input_price": Decimal("0.15"), "output_price": Decimal("0.6"), "prices_of": date(2026, 11, 2)}
TOPICS = ("snow", "zirconia", "yeast", "glycine", "anatase", "lettuce", "graphene")


def teacher(name="Stand-in", **fields):
    return factories.teacher(name, **({"parameters": {"max_tokens": 900}} | PRICE | fields))


@pytest.fixture
def project(db):
    made = teacher()
    return factories.project("Films", teacher=made, judge_factuality=made, judge_reasoning=made)


def prompts(project, number, begin=0, **fields):
    """Prompts of different lengths, the same in each test."""
    for n in range(begin, begin + number):
        text = f"Plots of {TOPICS[n % 7]} number {n} were treated with {n % 13} mM. They changed by {n % 17} %. "
        factories.prompt(project, context=text * (1 + n % 9), **fields)


def run(project, stage, **parameters):
    made = jobs.prepare(project, stage, parameters | {"command": inline.this_process()})
    jobs.carry_out(made)
    made.refresh_from_db()
    assert made.state == "finished", made.error
    return made


# -- against a real run ---------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("stage", ["collect", "judge", "regenerate", "pipeline"])
def test_a_run_costs_what_was_quoted(project, teacher_server, stage):
    project.teacher.base_url = teacher_server.url
    project.teacher.save()
    known, asked = (
        (prompts(project, 12), prompts(project, 60, 12)) if stage in ("collect", "pipeline") else (None, None)
    )
    assert known == asked
    if stage in ("collect", "pipeline"):
        first = run(project, stage, limit=12)
    else:
        state = {"judge": State.TO_JUDGE, "regenerate": State.TO_REGENERATE}[stage]
        for n in range(72):
            factories.prompt(project, state, context=f"Plots of {TOPICS[n % 7]} {n}. " * (n % 9 + 1))
        first = run(project, stage, limit=12)
        Prompt.objects.filter(project=project, state=State.TO_FILTER).update(state=State.TO_REVIEW)
    said = quotes.quote(project, stage)
    ended = run(project, stage)
    calls = ended.counters["calls_answered"]
    assert said.prompts == 60
    assert said.calls.low <= calls <= said.calls.high
    assert said.input_tokens.low <= ended.input_tokens <= said.input_tokens.high
    assert said.output_tokens.low <= ended.output_tokens <= said.output_tokens.high
    assert said.price.low <= ended.cost <= said.price.high
    assert said.price.mid == pytest.approx(float(ended.cost), rel=0.1)
    assert f"from {first.counters['calls_answered']:,} answers of this project" in said.basis
    assert said.prices_of == "2026-11-02"
    assert ended.quote["price_usd"]["p50"] == f"{said.price.mid:.6f}"


@pytest.mark.django_db(transaction=True)
def test_the_first_run_stays_within_the_estimate_too(project, teacher_server):
    project.teacher.base_url = teacher_server.url
    project.teacher.save()
    prompts(project, 20)
    said = quotes.quote(project, "collect")
    ended = run(project, "collect")
    assert said.basis == "an estimate: no answers of this project yet"
    assert said.input_tokens.low <= ended.input_tokens <= said.input_tokens.high
    assert said.output_tokens.low <= ended.output_tokens <= said.output_tokens.high
    assert said.price.low <= ended.cost <= said.price.high


@pytest.mark.django_db(transaction=True)
def test_judges_that_must_be_asked_twice_are_in_the_quote(project, teacher_server):
    project.teacher.base_url = teacher_server.url
    project.teacher.save()
    for n in range(60):
        factories.prompt(project, State.TO_JUDGE, context=f"Passage {n} on snow.")
    broken = [teacher_replies.answer(text="It is fine.")] * 8
    teacher_server.script(*broken, when="kind:judgement")
    run(project, "judge", limit=20)
    said = quotes.quote(project, "judge")
    assert said.calls.low > 80  # one or two second tries in ten
    assert said.calls.mid == pytest.approx(80 * 1.2, rel=0.05)
    assert said.calls.low < said.calls.mid < said.calls.high


@pytest.mark.django_db(transaction=True)
def test_answers_that_are_cut_off_and_asked_for_longer_are_in_the_quote(project, teacher_server):
    project.teacher.base_url = teacher_server.url
    project.teacher.save()
    prompts(project, 60)
    teacher_server.script(*[teacher_replies.truncated()] * 5, when="kind:hypothesis")
    first = run(project, "collect", limit=20)
    assert first.counters["calls_answered"] == 25
    said = quotes.quote(project, "collect")
    assert said.calls.mid == pytest.approx(40 * 1.25, rel=0.03)
    assert 40 < said.calls.low < said.calls.mid < said.calls.high


# -- what is in it ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["collect", "judge", "regenerate", "pipeline", "filter"])
def test_a_quote_writes_nothing(project, stage):
    for state in ("to_collect", "to_filter", "to_judge", "to_regenerate"):
        factories.prompt(project, state)
    factories.pair(project)
    with CaptureQueriesContext(connection) as queries:
        said = quotes.quote(project, stage)
    assert said.prompts
    assert [each["sql"] for each in queries if not each["sql"].startswith("SELECT")] == []
    assert not PromptTemplate.objects.exists()


def test_more_prompts_are_never_cheaper(project):
    prompts(project, 30)
    said = [quotes.quote(project, "collect", {"limit": limit}) for limit in (1, 5, 12, 29, 30, 40)]
    for amount in ("calls", "input_tokens", "output_tokens", "price"):
        for fewer, more in zip(said, said[1:], strict=False):
            pairs = zip(getattr(fewer, amount).percentiles, getattr(more, amount).percentiles, strict=True)
            assert all(less <= other for less, other in pairs)
    assert [each.prompts for each in said] == [1, 5, 12, 29, 30, 30]


def test_samples_and_teachers_multiply(project):
    prompts(project, 5)
    one = quotes.quote(project, "collect")
    other = teacher("Other", parameters={"max_tokens": 300})
    several = quotes.quote(project, "collect", {"samples": 3, "teachers": [project.teacher_id, other.pk]})
    assert several.calls.mid == 6 * one.calls.mid
    assert several.price.mid == pytest.approx(6 * one.price.mid, rel=0.01)
    assert {line.teacher.name for line in several.lines} == {"Stand-in", "Other"}


def test_a_batch_costs_its_share_and_takes_up_to_a_day(project):
    prompts(project, 5)
    project.teacher.batch_price_share = Decimal("0.5")
    project.teacher.save()
    online, batch = (quotes.quote(project, "collect", {"mode": mode}) for mode in ("online", "batch"))
    assert batch.price.mid == pytest.approx(online.price.mid / 2)
    assert batch.hours is None
    assert "within 24 hours" in batch.sentence


def test_one_unknown_price_makes_the_whole_unknown(project):
    project.judge_reasoning = teacher("Strict", output_price=None)
    project.save()
    prompts(project, 2)
    said = quotes.quote(project, "pipeline")
    assert (said.price, said.unknown_prices) == (None, ("Strict",))
    assert said.as_json()["price_usd"] is None
    assert "price unknown, as that of Strict is" in said.sentence
    assert quotes.quote(project, "collect").price.mid > 0


@pytest.mark.parametrize(
    ("dates", "said"),
    [
        ([date(2026, 1, 2), date(2026, 3, 4)], "2026-01-02"),
        ([date(2026, 1, 2), None], "date unknown"),
    ],
)
def test_the_oldest_date_of_the_prices_counts(project, dates, said):
    first, second = (teacher(f"Judge {n}", prices_of=each) for n, each in enumerate(dates))
    project.judge_factuality, project.judge_reasoning = first, second
    project.save()
    factories.prompt(project, State.TO_JUDGE)
    assert quotes.quote(project, "judge").prices_of == said


def test_what_costs_nothing_needs_no_date(project):
    project.teacher.input_price = project.teacher.output_price = 0
    project.teacher.prices_of = None
    project.teacher.save()
    prompts(project, 1)
    said = quotes.quote(project, "collect")
    assert (said.price.mid, said.prices_of, said.unknown_prices) == (0, "", ())


@pytest.mark.parametrize(
    ("limits", "slowest", "hours"),
    [
        ({"requests_per_minute": 2}, "2 requests a minute", 60 / 2 / 60),
        ({"output_tokens_per_minute": 100}, "100 output tokens a minute", 60 * 170 / 100 / 60),
        ({"concurrency": 1}, "1 at once, 4.4 s each, assumed", 60 * 4.4 / 3600),
    ],
)
def test_hours_follow_the_limit_that_binds(project, limits, slowest, hours):
    for name, value in limits.items():
        setattr(project.teacher, name, value)
    project.teacher.save()
    prompts(project, 60)
    said = quotes.quote(project, "collect")
    assert slowest in said.slowest
    assert said.hours == pytest.approx(hours, rel=0.01)


def test_methodologies_that_cannot_be_asked_yet_are_not_in_it(project):
    for _ in range(4):
        factories.pair(project)
    said = quotes.quote(project, "collect")
    assert (said.prompts, said.waiting, said.held, said.calls.mid) == (4, 8, 4, 4)
    whole = quotes.quote(project, "pipeline")
    assert (whole.prompts, whole.held) == (8, 0)
    assert {line.purpose.of for line in whole.lines} == {"hypothesis", "methodology", "factuality", "reasoning"}
    assert whole.calls.low < whole.calls.mid < whole.calls.high <= 24


def test_a_reasoning_model_is_expected_to_write_more(project):
    prompts(project, 3)
    plain = quotes.quote(project, "collect")
    thinking = teacher("Thinker", model="o3-mini", parameters={"max_tokens": 8192})
    assert quotes.quote(project, "collect", {"teacher": thinking.pk}).output_tokens.mid > 3 * plain.output_tokens.mid


def test_an_answer_is_never_expected_to_be_longer_than_its_limit(project):
    project.teacher.parameters = {"max_tokens": 100}
    project.teacher.save()
    prompts(project, 3)
    assert quotes.quote(project, "collect").output_tokens.high == 300


def test_exhausted_prompts_are_not_asked_again(project):
    for attempts in (1, 3):
        made = factories.prompt(project, State.TO_REGENERATE)
        Prompt.objects.filter(pk=made.pk).update(attempts=attempts)
    assert quotes.quote(project, "regenerate").calls.mid == 1


def test_other_projects_answers_teach_nothing(project):
    other = factories.project("Other", teacher=project.teacher)
    for _ in range(9):
        prompt = factories.prompt(other, State.TO_FILTER)
        bought = factories.call(other, teacher=project.teacher, completion_tokens=5000, prompt_tokens=9)
        factories.response(prompt, teacher=project.teacher, call=bought, completion_tokens=5000)
    prompts(project, 2)
    said = quotes.quote(project, "collect")
    assert said.basis == "an estimate: no answers of this project yet"
    assert said.output_tokens.high < 1000


@pytest.mark.parametrize(
    ("fields", "trouble"),
    [({"teacher": None}, "no teacher"), ({"judge_factuality": None, "judge_reasoning": None}, "no judges")],
)
def test_what_is_missing_is_said_by_name(project, fields, trouble):
    for name, value in fields.items():
        setattr(project, name, value)
    project.save()
    prompts(project, 1)
    stage = "collect" if "teacher" in fields else "judge"
    assert trouble in quotes.quote(project, stage).sentence


def test_a_rubric_that_cannot_be_filled_is_said_instead_of_a_quote(project):
    factories.template(project, "judge_factuality", "Score {{response}} of {{domain}}.")
    factories.prompt(project, State.TO_JUDGE)
    said = quotes.quote(project, "judge")
    assert "missing value: domain" in said.sentence
    assert not said.calls.high


def test_nothing_waits(project):
    assert quotes.quote(project, "collect").sentence == "No prompt waits for this."


# -- large projects ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("listed", [choosing.LISTED, 100])
def test_of_many_prompts_a_sample_is_composed(project, monkeypatch, listed):
    monkeypatch.setattr(choosing, "LISTED", listed)
    prompts(project, 700)
    with CaptureQueriesContext(connection) as queries:
        said = quotes.quote(project, "collect")
    assert len(queries) < 700
    assert said.calls == quotes.Amount(700, 700, 700)
    monkeypatch.setattr(choosing, "SAMPLE", 10_000)
    exact = quotes.quote(project, "collect")
    assert said.input_tokens.low <= exact.input_tokens.mid <= said.input_tokens.high
    assert said.input_tokens.mid == pytest.approx(exact.input_tokens.mid, rel=0.05)


def test_a_new_teacher_is_an_estimate_though_others_have_answered(project):
    for _ in range(6):
        prompt = factories.prompt(project, State.TO_REGENERATE)
        bought = factories.call(project, teacher=project.teacher, completion_tokens=300, prompt_tokens=90)
        factories.response(prompt, teacher=project.teacher, call=bought, completion_tokens=300)
    project.regen_teacher = teacher("Newcomer")
    project.save()
    said = quotes.quote(project, "regenerate")
    assert said.basis == "an estimate for regeneration, hypothesis: Newcomer gave too few of them in this project yet"
