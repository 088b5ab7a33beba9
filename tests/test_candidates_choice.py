"""Which of several answers goes on: by the filters, by SampleGate, and anew under other rules."""

import pytest

from curation import reviewing
from curation.models import Event, FilterResult, GateResult, JudgeScore, Prompt, Ruleset, State, TeacherResponse
from pipeline.gate import Verdict, load_gate
from pipeline.stages import choosing
from tests import factories, gates, teacher_replies
from tests.running import run

pytestmark = pytest.mark.django_db

SHORT = "Heat it, then it will grow."
CITED = factories.HYPOTHESIS + " This follows from earlier work [1, 2]."
BOTH = SHORT + " See [1, 2]."
GOOD = factories.HYPOTHESIS


@pytest.fixture
def project(settings):
    settings.REVIEW_UNDO_SECONDS = 0
    return factories.project(paired=False)


def candidates(prompt, *texts, current=0, **metadata):
    """An attempt with these answers; keywords name the candidate that replaces another: c0=1."""
    made = []
    for number, text in enumerate(texts):
        replaced = {"longer_answer": metadata[f"c{number}"]} if f"c{number}" in metadata else {}
        made.append(
            factories.response(prompt, text, attempt=1, candidate=number, current=number == current, metadata=replaced)
        )
    return made


def asked(project, *texts, state=State.TO_FILTER, **options):
    prompt = factories.prompt(project)
    candidates(prompt, *texts, **options)
    Prompt.objects.filter(pk=prompt.pk).update(state=state)
    prompt.refresh_from_db()
    return prompt


def rules(project, **body):
    """These rules alone are in force."""
    return factories.ruleset(project, body=body)


@pytest.mark.parametrize(
    ("texts", "chosen", "state", "why"),
    [
        ([SHORT, GOOD, CITED], 1, "to_review", "the first that passed the filters"),
        ([GOOD, GOOD + " It does."], 0, "to_review", "the first that passed the filters"),
        ([BOTH, CITED, SHORT], 1, "to_regenerate", "none passed; it failed the fewest rules"),
    ],
)
def test_the_filters_choose_where_there_are_no_judges(project, texts, chosen, state, why):
    prompt = asked(project, *texts)
    ended = run(project, "filter")
    prompt.refresh_from_db()
    assert (prompt.state, prompt.current_response.candidate) == (state, chosen)
    assert FilterResult.objects.count() == len(texts)
    detail = Event.objects.get(prompt=prompt, kind="filtered").detail
    assert (detail["chosen"], detail["of"], detail["why"]) == (chosen, len(texts), why)
    assert ended.counters["filters_passed"] + ended.counters["filters_failed"] == 1


def test_a_single_answer_is_no_choice(project):
    prompt = asked(project, GOOD)
    run(project, "filter")
    assert Event.objects.get(prompt=prompt, kind="filtered").detail == {"failed": []}


def test_what_a_longer_answer_replaced_does_not_go_on_though_it_passes(project):
    prompt = asked(project, GOOD, SHORT, current=1, c0=1)
    run(project, "filter")
    prompt.refresh_from_db()
    assert (prompt.state, prompt.current_response.candidate) == (State.TO_REGENERATE, 1)
    assert [r.passed for r in FilterResult.objects.order_by("response__candidate")] == [True, False]


def test_an_earlier_attempt_is_no_candidate(project):
    prompt = asked(project, GOOD, SHORT)
    factories.response(prompt, SHORT + " Again.", attempt=2)
    run(project, "filter")
    prompt.refresh_from_db()
    assert (prompt.state, prompt.current_response.attempt) == (State.TO_REGENERATE, 2)
    assert FilterResult.objects.count() == 1


def test_other_rules_choose_anew_among_all_candidates_of_what_no_person_decided(project):
    rules(project, min_char_length=10)
    undecided, decided = asked(project, SHORT, GOOD), asked(project, SHORT + " Twice.", GOOD + " Twice.")
    run(project, "filter")
    decided.refresh_from_db()
    choice = reviewing.Choice(response_id=decided.current_response_id, action="accept")
    reviewing.submit(project, factories.member(project, "reviewer"), [choice], idempotency_key="one")
    rules(project, min_char_length=120)
    run(project, "filter")
    found = {p.pk: (p.state, p.current_response.candidate) for p in Prompt.objects.all()}
    assert found == {undecided.pk: (State.TO_REVIEW, 1), decided.pk: (State.ACCEPTED, 0)}
    rules(project, min_char_length=11)
    run(project, "filter")
    undecided.refresh_from_db()
    assert undecided.current_response.candidate == 0


class TestPairs:
    """A method tests one answer of its hypothesis."""

    @pytest.fixture
    def pair(self, project):
        project.paired = True
        project.save()
        rules(project, min_char_length=10)
        pair = factories.pair(project)
        candidates(pair.hypothesis, SHORT, GOOD)
        method = factories.response(pair.methodology, hypothesis=pair.hypothesis.responses.first())
        Prompt.objects.filter(project=project).update(state=State.TO_FILTER)
        run(project, "filter")
        assert method.hypothesis.candidate == 0
        return pair

    def states(self, pair):
        pair.hypothesis.refresh_from_db()
        pair.methodology.refresh_from_db()
        return pair.hypothesis.state, pair.hypothesis.current_response.candidate, pair.methodology.state

    def test_another_choice_calls_its_method_back(self, project, pair):
        assert self.states(pair) == (State.TO_REVIEW, 0, State.TO_REVIEW)
        rules(project, min_char_length=120)
        run(project, "filter")
        assert self.states(pair) == (State.TO_REVIEW, 1, State.TO_REGENERATE)

    def test_a_method_that_people_decided_keeps_its_hypothesis(self, project, pair):
        factories.annotation(pair.methodology.responses.get(), factories.member(project, "reviewer"))
        rules(project, min_char_length=120)
        run(project, "filter")
        assert self.states(pair)[:2] == (State.TO_REGENERATE, 0)

    def test_the_same_choice_leaves_its_method_alone(self, project, pair):
        rules(project, min_char_length=11)
        run(project, "filter")
        assert self.states(pair) == (State.TO_REVIEW, 0, State.TO_REVIEW)


def judged(number, passed, *scores):
    response = TeacherResponse(candidate=number)
    measured = [{"rule": "x", "value": score, "limit": 80, "ok": score >= 80} for score in scores]
    return GateResult(response=response, passed=passed), Verdict(passed, [], measured, False)


@pytest.mark.parametrize(
    ("given", "chosen"),
    [
        ([judged(0, True, 81, 82), judged(1, True, 90, 95)], 1),
        ([judged(0, True, 90, 80), judged(1, True, 80, 90)], 0),
        ([judged(0, False, 100, 79), judged(1, True, 80, 80)], 1),
        ([judged(0, False, 20, 30), judged(1, False, 70, 75)], 1),
        ([judged(0, False), judged(1, False, 3)], 1),
        ([judged(1, False), judged(0, False)], 0),
        ([judged(2, True, 85)], 2),
    ],
)
def test_the_gate_prefers_what_passed_then_the_best_scores_then_the_lowest_number(given, chosen):
    assert choosing.by_scores(given)[0].response.candidate == chosen


def scored(number):
    return teacher_replies.low_scores(number)


@pytest.mark.django_db(transaction=True)
class TestGate:
    @pytest.fixture
    def project(self, teacher_server, settings):
        settings.RETRY_PAUSE_SECONDS, settings.REVIEW_UNDO_SECONDS = 0.01, 0
        judge = factories.teacher(base_url=teacher_server.url)
        return factories.project(paired=False, judge_factuality=judge, judge_reasoning=judge)

    def test_judges_read_what_passed_the_filters_and_the_best_goes_on(self, project, teacher_server):
        prompt = asked(project, SHORT, GOOD, GOOD + " Better.")
        teacher_server.script(scored(81), when=lambda body: not says(body, "Better."), always=True)
        teacher_server.script(scored(95), always=True)
        run(project, "filter")
        prompt.refresh_from_db()
        assert (prompt.state, prompt.current_response.candidate) == (State.TO_JUDGE, 1)
        run(project, "judge")
        prompt.refresh_from_db()
        assert (prompt.state, prompt.current_response.candidate) == (State.TO_REVIEW, 2)
        assert len(teacher_server.requests) == JudgeScore.objects.count() == 4
        assert list(GateResult.objects.order_by("pk").values_list("response__candidate", "outcome")) == [
            (1, ""),
            (2, "to_review"),
        ]
        detail = Event.objects.get(prompt=prompt, kind="gated").detail
        assert (detail["chosen"], detail["of"], detail["why"]) == (2, 3, "the best scores")

    def test_what_is_accepted_without_a_person_is_the_chosen_one(self, project, teacher_server):
        prompt = asked(project, GOOD, GOOD + " Better.", state=State.TO_JUDGE)
        gates.let_in(prompt)
        teacher_server.script(teacher_replies.low_scores(), when=lambda body: not says(body, "Better."), always=True)
        run(project, "judge")
        prompt.refresh_from_db()
        assert (prompt.state, prompt.current_response.candidate) == (State.ACCEPTED, 1)
        assert prompt.current_response.resolutions.get().text.endswith("Better.")

    def test_another_gate_chooses_anew_by_the_known_scores(self, project, teacher_server):
        prompt = asked(project, GOOD, GOOD + " Better.", state=State.TO_JUDGE)
        uneven = [scored(100), scored(70)]
        teacher_server.script(*uneven, when=lambda body: not says(body, "Better."))
        teacher_server.script(scored(84), always=True)
        run(project, "judge")
        prompt.refresh_from_db()
        assert prompt.current_response.candidate == 1  # 85 in the mean is more than 84, but one of them is too low
        Ruleset.record(project, "gate", load_gate({"judge_f_threshold": 60, "judge_r_threshold": 60}))
        asked_so_far = len(teacher_server.requests)
        run(project, "judge")
        prompt.refresh_from_db()
        assert (prompt.state, prompt.current_response.candidate) == (State.TO_REVIEW, 0)
        assert len(teacher_server.requests) == asked_so_far

    def test_a_candidate_whose_judge_fails_is_out_and_the_others_go_on(self, project, teacher_server):
        prompt = asked(project, GOOD, GOOD + " Better.", state=State.TO_JUDGE)
        teacher_server.script(teacher_replies.bad_request(), when=lambda body: says(body, "Better."), always=True)
        run(project, "judge")
        prompt.refresh_from_db()
        assert (prompt.state, prompt.current_response.candidate) == (State.TO_REVIEW, 0)
        teacher_server.reset()
        teacher_server.script(teacher_replies.bad_request(), always=True)
        other = asked(project, GOOD, GOOD + " More.", state=State.TO_JUDGE)
        run(project, "judge")
        other.refresh_from_db()
        assert (other.state, other.error_class) == (State.PARKED, "bad_request")

    def test_an_unreadable_reply_that_was_cut_off_gets_more_room(self, project, teacher_server):
        judge = project.judge_factuality
        judge.parameters = {"max_tokens": 30}
        judge.save()
        prompt = asked(project, GOOD, state=State.TO_JUDGE)
        cut = teacher_replies.truncated('{"score": 8')
        teacher_server.script(cut, when=lambda body: body["max_tokens"] == 30, always=True)
        run(project, "judge")
        prompt.refresh_from_db()
        assert prompt.state == State.TO_REVIEW
        assert sorted(body["max_tokens"] for body in teacher_server.requests) == [30, 30, 60, 60]
        assert {score.score is None for score in JudgeScore.objects.all()} == {False}

    def test_still_cut_off_it_is_unreadable_and_goes_to_people(self, project, teacher_server):
        judge = project.judge_factuality
        judge.parameters = {"max_tokens": 30}
        judge.save()
        prompt = asked(project, GOOD, state=State.TO_JUDGE)
        teacher_server.script(teacher_replies.truncated('{"score": 8'), always=True)
        run(project, "judge")
        prompt.refresh_from_db()
        assert prompt.state == State.TO_REVIEW
        assert len(teacher_server.requests) == 4
        assert GateResult.objects.get().reasons == ["judge_unreadable"]


def says(body, words):
    return words in body["messages"][-1]["content"]


@pytest.mark.django_db(transaction=True)
def test_two_teachers_with_two_answers_each_from_the_question_to_the_reviewer(teacher_server, settings):
    settings.RETRY_PAUSE_SECONDS = 0.01
    first = factories.teacher(base_url=teacher_server.url)
    second = factories.teacher(base_url=teacher_server.url, model="stand-in-strong")
    project = factories.project(teacher=first, judge_factuality=first, judge_reasoning=second, samples=2)
    project.more_teachers.add(second)
    pair = factories.pair(project)
    bad = teacher_replies.refusal_in_words()
    teacher_server.script(bad, when=lambda body: body["model"] == "stand-in" and not says(body, "score"))
    ended = run(project, "pipeline")
    assert (ended.state, ended.done) == ("finished", 2)
    for prompt in Prompt.objects.all():
        rows = list(prompt.responses.all())
        assert prompt.state == State.TO_REVIEW
        assert [row.candidate for row in rows] == [0, 1, 2, 3]
        assert all(row.filter_results.count() == 1 for row in rows)
        passed = [row for row in rows if row.filter_results.get().passed]
        assert all(row.judge_scores.count() == 2 and row.gate_results.count() == 1 for row in passed)
        means = {row.pk: sum(s.score for s in row.judge_scores.all()) for row in passed}
        assert means[prompt.current_response_id] == max(means.values())
    pair.refresh_from_db()
    asked_with = pair.hypothesis.current_response
    assert {row.hypothesis for row in pair.methodology.responses.all()} == {asked_with}
    assert Prompt.objects.exclude(responses__filter_results__passed=False).count() == 1
