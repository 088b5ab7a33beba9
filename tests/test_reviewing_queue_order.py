"""In what order prompts are given, and what is set aside on the way."""

import pytest

from curation.models import Project, Prompt, State
from curation.reviewing import pending_counts, ranking, why_empty
from pipeline import jobs
from pipeline.stages import ranking as rank_stage
from pipeline.stages.sending import send_on
from tests import factories
from tests.reviewed import decide, first, to_review

pytestmark = pytest.mark.django_db
Order = Project.QueueOrder


@pytest.fixture(autouse=True)
def undo(settings):
    settings.REVIEW_UNDO_SECONDS = 30
    return settings


@pytest.fixture
def project(db):
    return factories.project(reviews_required=1, paired=False)


@pytest.fixture
def boss(project):
    return factories.member(project, "manager", name="boss")


def scored(project, *scores, spread=0):
    """A prompt that these judges' scores brought to review; their limit is 80."""
    (prompt,) = to_review(project)
    rows = [
        {"rule": "judge_f_score", "value": value, "limit": 80, "ok": value >= 80, "spread": spread} for value in scores
    ]
    factories.gate_result(prompt.current_response, measurements=rows)
    return prompt


# --- the project's order


@pytest.mark.parametrize(
    ("order", "expected"),
    [(Order.UNCERTAINTY, [1, 2, 0, 3]), (Order.JUDGES_APART, [3, 2, 1, 0]), (Order.AGE, [0, 1, 2, 3])],
)
def test_what_comes_first_is_what_the_project_says(project, ada, order, expected):
    prompts = [
        scored(project, 95),
        scored(project, 81, spread=1),
        scored(project, 84, spread=2),
        scored(project, 100, 61),
    ]
    Project.objects.filter(pk=project.pk).update(queue_order=order)
    project.refresh_from_db()
    ranking.arrived(project, [prompt.pk for prompt in prompts])

    given = []
    while pk := first(project, ada):
        given.append(pk)
        decide(project, ada, Prompt.objects.get(pk=pk))

    assert given == [prompts[place].pk for place in expected]


def test_order_by_chance_is_drawn_once_for_each_prompt(project):
    project.queue_order = Order.RANDOM
    project.save()
    ids = [prompt.pk for prompt in to_review(project, 30)]

    assert ranking.put_in_order(project, ids) == 30
    drawn = dict(Prompt.objects.values_list("pk", "rank"))
    assert ranking.put_in_order(project, ids) == 0

    assert dict(Prompt.objects.values_list("pk", "rank")) == drawn
    assert sorted(drawn, key=drawn.get) != sorted(drawn)
    assert all(0 <= rank < 1 for rank in drawn.values())


GATE = {"rule": "judge_f_score", "limit": 80}


@pytest.mark.parametrize(
    ("gate", "filters", "expected"),
    [
        (([GATE | {"value": 80}], []), None, 1.0),
        (([GATE | {"value": 30}], ["judge_f_low_score"]), None, 0.0),
        (([GATE | {"value": 100}, GATE | {"value": 70}], []), None, 0.8),
        (([GATE | {"value": 100}], ["safety_critical_flag"]), None, 1.0),
        (([], ["judge_unreadable"]), None, 1.0),
        (None, ([{"rule": "min_char_length", "value": 240, "limit": 120}], []), 0.5),
        (None, ([{"rule": "ban_citations", "value": 0, "limit": 0}], []), 0.0),
        (None, ([{"rule": "ban_citations", "value": 3, "limit": 0}], ["ban_citations"]), 0.5),
        (None, ([{"rule": "language", "value": "en", "limit": "en"}], []), 0.0),
        (([GATE | {"value": 80}], []), ([{"rule": "n", "value": 120, "limit": 120}], []), 1.0),
        (([GATE | {"value": 30}], []), ([{"rule": "n", "value": 120, "limit": 120}], []), 0.2),
        (None, None, 0.0),
    ],
)
def test_uncertainty(gate, filters, expected):
    assert ranking.uncertainty(gate, filters) == pytest.approx(expected)


def test_a_changed_order_puts_what_waits_in_it(project, people):
    low, high = scored(project, 100), scored(project, 80)
    assert first(project, factories.member(project, "reviewer")) == low.pk

    project.queue_order = Order.AGE
    project.save()
    form = {name: getattr(project, name) for name in FORM} | {"queue_order": Order.UNCERTAINTY}
    page = people["manager"].post(f"/p/{project.slug}/settings/", form, follow=True)

    assert "The queue is in the new order." in page.content.decode()
    assert first(project, factories.member(project, "reviewer")) == high.pk


FORM = [
    *("name", "reviews_required", "consensus", "paired", "auto_accept_percent", "on_filter_fail", "on_gate_fail"),
    *("attempt_limit", "on_exhausted", "samples", "blind_percent", "near_duplicate_percent", "judge_repeats"),
    *("gold_percent", "repeat_percent", "too_fast_seconds", "queue_order", "audit_sample", "audit_allowed"),
]


def test_a_long_queue_is_put_in_order_by_a_run(project, monkeypatch, boss):
    monkeypatch.setattr(ranking, "AT_ONCE", 2)
    monkeypatch.setattr(rank_stage, "BATCH", 2)
    started = []
    monkeypatch.setattr(ranking, "START_RUN", [lambda project, by: started.append(by) or "A run."])
    prompts = [scored(project, score) for score in (100, 90, 80, 85, 95)]

    assert ranking.order_changed(project, boss) == "A run."
    run = jobs.prepare(project, "rank")
    stops = iter([False, True])
    assert jobs.carry_out(run, lambda: next(stops)) == "stopped"
    assert jobs.carry_out(run) == "ended"

    run.refresh_from_db()
    assert (started, run.state, run.done, run.total) == ([boss], "finished", 5, 5)
    by_rank = Prompt.objects.order_by("-rank").values_list("pk", flat=True)
    assert list(by_rank) == [prompts[place].pk for place in (2, 3, 1, 4, 0)]


@pytest.mark.parametrize("gated", [True, False])
def test_prompts_get_their_places_when_they_come_to_people(project, gated):
    if not gated:
        project.filter_ruleset = factories.ruleset(project)
        project.save()
    waiting = factories.prompt(project, State.TO_JUDGE if gated else State.TO_FILTER)
    if gated:
        rows = [{"rule": "judge_f_score", "value": 80, "limit": 80, "ok": True}]
        factories.gate_result(waiting.current_response, measurements=rows)
    run = factories.run(project, "judge" if gated else "filter", "running")

    send_on(run, [waiting.pk], State.TO_REVIEW, "gated", source=waiting.state)

    waiting.refresh_from_db()
    assert (waiting.state, waiting.rank) == (State.TO_REVIEW, 1.0 if gated else 0.0)


# --- set aside


def paired(project, *states):
    project.paired = True
    project.save()
    return [factories.pair(project, State.TO_REVIEW, methodology_state=state) for state in states]


def test_what_nobody_can_be_given_is_set_aside_and_comes_back(project, ada):
    one, other = paired(project, State.TO_COLLECT, State.TO_REVIEW)

    assert first(project, ada) == other.hypothesis_id
    one.hypothesis.refresh_from_db()
    assert one.hypothesis.rank < 0

    factories.response(one.methodology)
    Prompt.objects.filter(pk=one.methodology_id).update(state=State.TO_FILTER)
    send_on(factories.run(project, "filter"), [one.methodology_id], State.TO_REVIEW, "filtered", source=State.TO_FILTER)
    one.hypothesis.refresh_from_db()
    assert one.hypothesis.rank >= 0


def test_what_is_set_aside_is_looked_at_again_where_nothing_else_is_left(project, ada):
    (one,) = paired(project, State.TO_COLLECT)
    assert first(project, ada) is None
    assert why_empty(project, ada).waiting_for_partner == 1

    Prompt.objects.filter(pk=one.methodology_id).update(state=State.REJECTED)

    assert first(project, ada) == one.hypothesis_id


def test_looking_again_goes_through_all_that_is_set_aside(project, ada, monkeypatch):
    monkeypatch.setattr("curation.reviewing.walking.ASIDE_AT_ONCE", 2)
    pairs = paired(project, *[State.TO_COLLECT] * 5)
    assert first(project, ada) is None
    Prompt.objects.filter(pk=pairs[-1].methodology_id).update(state=State.REJECTED)

    assert pairs[-1].hypothesis_id in [first(project, ada) for _ in range(4)]


def test_both_halves_of_a_pair_have_one_place(project):
    one, other = paired(project, State.TO_REVIEW, State.TO_REVIEW)
    for response, score in ((one.methodology.current_response, 80), (other.hypothesis.current_response, 100)):
        factories.gate_result(response, measurements=[{"rule": "judge_f_score", "value": score, "limit": 80}])

    ranking.arrived(project, [half.pk for pair in (one, other) for half in (pair.hypothesis, pair.methodology)])

    ranks = dict(Prompt.objects.values_list("pk", "rank"))
    assert ranks[one.hypothesis_id] == ranks[one.methodology_id] == 1.0
    assert ranks[other.hypothesis_id] == ranks[other.methodology_id] == pytest.approx(0.6)


@pytest.mark.parametrize("aside", [0.0, 0.25, 0.999])
def test_who_comes_back_has_the_place_it_had(project, aside):
    (prompt,) = to_review(project)
    Prompt.objects.update(rank=aside - 3 * ranking.ASIDE)

    assert ranking.bring_back(project, [prompt.pk]) == {prompt.pk}

    assert Prompt.objects.get().rank == pytest.approx(aside)


def test_a_long_way_of_decided_ones_is_passed(project, ada, monkeypatch):
    monkeypatch.setattr("curation.reviewing.walking.FIRST", 2)
    monkeypatch.setattr("curation.reviewing.walking.MOST", 3)
    project.reviews_required = 2
    project.save()
    prompts = to_review(project, 12)
    for prompt in prompts[:11]:
        factories.annotation(prompt.current_response, ada)

    assert first(project, ada) == prompts[11].pk


def test_counts_look_at_so_many_prompts_however_many_there_are(project, ada, monkeypatch):
    monkeypatch.setattr("curation.reviewing.queue.LOOKED_AT", 3)
    to_review(project, 5)

    assert pending_counts(project, ada)["review"] == 3
