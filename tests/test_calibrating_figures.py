"""Judges against people: every figure recounted by hand, and words in place of figures from too few."""

import re
from statistics import fmean

import pytest
from django.urls import reverse

from curation.agreement import cohen_kappa, kendall, krippendorff_alpha, spearman, wilson
from curation.models import Annotation, GateResult, JudgeScore, Resolution, State
from pipeline import calibrating
from pipeline.calibrating import drawing
from pipeline.calibrating.figures import bias_by, figures, reliability, spread_of, terciles
from tests import factories, judged

SCORES = [95, 90, 85, 80, 79, 75, 70, 65, 60, 55, 50, 45, 95, 90, 85, 80, 79, 30, 20, 10, 0, 100]
VALUES = [100, 100, 50, 100, 100, 0, 100, 50, 0, 0, 0, 0, 100, 100, 100, 0, 100, 0, 0, 0, 50, 100]
VERDICTS = [None if value == 50 else value > 50 for value in VALUES]


def test_the_figures_of_one_judge():
    found = figures(SCORES, VALUES, VERDICTS, 80, with_alpha=True)
    told = [(score >= 80, said) for score, said in zip(SCORES, VERDICTS, strict=True) if said is not None]
    table = found.confusion
    assert (table.passed_accepted, table.passed_refused, table.held_accepted, table.held_refused) == (7, 1, 3, 8)
    assert (table.n, table.same, table.percent) == (19, 15, pytest.approx(100 * 15 / 19))
    assert table.interval == pytest.approx(tuple(100 * each for each in wilson(15, 19)))
    assert found.n == 22
    assert found.kappa.value == pytest.approx(cohen_kappa(*zip(*told, strict=True)))
    assert found.spearman.value == pytest.approx(spearman(SCORES, VALUES))
    assert found.kendall.value == pytest.approx(kendall(SCORES, VALUES))
    assert found.error.value == pytest.approx(fmean(abs(a - b) for a, b in zip(SCORES, VALUES, strict=True)))
    assert found.bias.value == pytest.approx(fmean(SCORES) - fmean(VALUES))
    assert found.alpha.value == pytest.approx(krippendorff_alpha(list(zip(*told, strict=True))))
    for number in (found.kappa, found.spearman, found.kendall, found.error, found.bias):
        low, high = number.interval
        assert low < number.value < high


def test_too_few_answers_give_a_count_and_nothing_else():
    found = figures(SCORES[:19], VALUES[:19], VERDICTS[:19], 80)
    assert (found.n, found.enough, found.confusion.n) == (19, False, 17)
    assert {found.kappa, found.spearman, found.kendall, found.error, found.bias, found.alpha} == {None}
    assert figures([], [], [], 80).confusion.percent is None


def test_what_does_not_vary_is_undefined_and_not_zero():
    found = figures([90] * 25, [100] * 25, [True] * 25, 80, with_alpha=True)
    assert (found.kappa.value, found.spearman.value, found.kendall.value, found.alpha.value) == (None,) * 4
    assert (found.kappa.interval, found.spearman.interval) == (None, None)
    assert (found.error.value, found.bias.value) == (10, -10)
    split = figures([90] * 25, [50] * 25, [None] * 25, 80)
    assert (split.kappa.value, split.confusion.n) == (None, 0)


def test_bias_by_group_is_the_mean_difference_of_enough():
    groups = ["a"] * 30 + ["b"] * 20 + ["c"] * 19
    scores, values = [60] * 15 + [80] * 15 + [50] * 39, [50] * 69
    found = bias_by(groups, scores, values)
    assert [(each.group, each.n, each.mean) for each in found] == [("a", 30, 20), ("b", 20, 0), ("c", 19, None)]
    low, high = found[0].interval
    assert (low + high) / 2 == pytest.approx(20)
    assert found[2].interval is None


def test_terciles_name_the_thirds():
    names = terciles([10, 20, 30, 40, 50, 60])
    assert [names.count(name) for name in dict.fromkeys(names)] == [2, 2, 2]
    assert terciles([]) == []
    assert len(set(terciles([5, 5, 5]))) == 1


def test_groups_stand_in_the_order_asked_for_or_else_by_size():
    names = ["long", "short", "long"]
    assert [each.group for each in bias_by(names, [1, 2, 3], [1, 1, 1])] == ["long", "short"]
    assert [each.group for each in bias_by(names, [1, 2, 3], [1, 1, 1], ["short", "long"])] == ["short", "long"]


def test_reliability_bins_hold_every_settled_answer_once():
    found = reliability(SCORES, VERDICTS)
    assert sum(each.n for each in found) == 19
    last = found[-1]
    assert (last.low, last.high, last.n, last.hits) == (90, 100, 5, 5)
    assert last.mean == pytest.approx(fmean([95, 90, 95, 90, 100]))
    assert last.interval == pytest.approx(tuple(100 * each for each in wilson(5, 5)))


def test_spread_of_repeats():
    found = spread_of([[90], [80, 90], [70, 75, 60], [50, 50]])
    assert (found.n, found.mean, found.median, found.most) == (3, pytest.approx(25 / 3), 10, 15)
    assert spread_of([[90], []]) is None


@pytest.fixture
def project(db):
    judges = {f"judge_{name}": factories.teacher(f"The {name} judge") for name in ("factuality", "reasoning")}
    return factories.project(**judges)


def answered(project, score, *said, domain="chemistry", settled=None, text="An answer."):
    """One answer with a score by the rubric in force and decisions: (reviewer, action, blind)."""
    prompt = factories.prompt(project, State.TO_REVIEW, answer=text, domain=domain)
    factories.judge_score(
        prompt.current_response,
        score=score,
        judge=project.judge_factuality,
        rubric_version=judged.version_of(project, "factuality"),
        dimensions={"plausibility": score - 5, "verdict": "fine"},
    )
    for reviewer, action, blind in said:
        factories.annotation(prompt.current_response, reviewer, action, blind=blind)
    if settled:
        factories.resolution(prompt.current_response, settled, by="adjudicator")
    return prompt.current_response


def test_what_people_say_of_an_answer(project):
    ada, bob, cleo = (factories.member(project, "reviewer", name=name) for name in ("ada", "bob", "cleo"))
    split = answered(project, 70, (ada, "accept", True), (bob, "reject", False))
    held = answered(project, 80, (ada, "accept", False), (bob, "regenerate", True), settled="accept")
    most = answered(project, 90, (ada, "accept", False), (bob, "accept", False), (cleo, "reject", True))
    answered(project, 50)  # nobody decided
    gone = answered(project, 40, (ada, "reject", False))
    Annotation.objects.filter(response=gone).update(current=False)
    answers, cut = calibrating.decided_of(project)
    assert (set(answers), cut) == ({split.pk, held.pk, most.pk}, False)
    everything, blind = zip(*(answers[response.pk].opinions for response in (split, held, most)), strict=True)
    assert everything == ((50, None), (50, True), (pytest.approx(200 / 3), True))
    assert blind == ((100, True), (0, False), (0, False))


def test_a_project_with_too_few_decisions(project):
    ada = factories.member(project, "reviewer")
    for score in range(60, 79):
        answered(project, score, (ada, "accept", True))
    found = calibrating.calibration_of(project)
    assert [judge.whole.n for judge in found.judges] == [19]
    page = factories.client(ada).get(reverse("quality_judges", args=[project.slug])).content.decode()
    assert "Too few decisions to say: 19 answers with a score and a decision, and it takes 20." in page
    assert "<svg" not in page.split("<h1")[1]


def test_numbers_on_the_page_are_those_of_the_rows(project):
    reviewers = [factories.member(project, "reviewer") for _ in range(2)]
    teachers = [factories.teacher("Anna's model"), factories.teacher("Bert's model")]
    judged.many(project, 200, decided=0.6, reviewers=reviewers, teachers=teachers, domains=["a", "b"], repeats=2)
    found = calibrating.calibration_of(project)
    assert (found.answers, found.several, found.all_versions, len(found.judges)) == (120, 120, False, 2)
    judge = found.judges[0]
    assert (judge.name, judge.rubric, judge.spread.n) == ("The factuality judge", "factuality", 120)
    assert [row.label for row in judge.rows] == ["Score as a whole", "Grounding", "Plausibility"]
    scores, values = {}, {}
    for row in JudgeScore.objects.filter(rubric="factuality", response__annotations__isnull=False).distinct():
        scores.setdefault(row.response_id, []).append(row.score)
    for row in Annotation.objects.all():
        values.setdefault(row.response_id, []).append(100 * (row.action == "accept"))
    ids = sorted(scores)
    expected = spearman([fmean(scores[pk]) for pk in ids], [fmean(values[pk]) for pk in ids])
    assert judge.whole.spearman.value == pytest.approx(expected)
    settled = dict(Resolution.objects.values_list("response", "action"))
    passed = sum(fmean(scores[pk]) >= 80 and settled[pk] == "accept" for pk in ids)
    assert judge.whole.confusion.passed_accepted == passed
    blind = set(Annotation.objects.filter(blind=True).values_list("response", flat=True))
    assert judge.rows[0].blind.n == len(blind) == found.blind
    assert {bias.group for _, rows in judge.biases for bias in rows} >= {"a", "b", "Anna's model", "Bert's model"}
    assert [sum(bias.n for bias in rows) for _, rows in judge.biases] == [120, 120, 120]
    page = factories.client(reviewers[0]).get(reverse("quality_judges", args=[project.slug])).content.decode()
    words = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert f"{judge.whole.spearman.value:.2f}" in words
    assert f"Krippendorff’s alpha of accept or not: {found.people:.2f} , n = 120" in words
    assert page.count("<figure") == 2


def test_only_readings_of_the_rubric_in_force_count_and_else_all(project):
    ada = factories.member(project, "reviewer")
    responses = [answered(project, 70, (ada, "accept", False)) for _ in range(3)]
    factories.judge_score(responses[0], score=10, judge=project.judge_factuality, rubric_version="x" * 64)
    assert [judge.whole.n for judge in calibrating.calibration_of(project).judges] == [3]
    JudgeScore.objects.exclude(rubric_version="x" * 64).delete()
    factories.annotation(responses[0], factories.user())
    found = calibrating.calibration_of(project)
    assert found.all_versions
    assert [judge.whole.n for judge in found.judges] == [1]


def test_the_audit_counts_what_people_settled_of_the_accept_band(project):
    first = factories.ruleset(project, "gate", {"judge_f_threshold": 60})
    second = factories.ruleset(project, "gate", {"judge_f_threshold": 70})
    rows = []
    for number in range(30):
        response = factories.prompt(project, State.TO_REVIEW).current_response
        rows.append(GateResult(response=response, ruleset=first if number < 8 else second, passed=True, audit=True))
        if number < 28:
            action, by = ("accept", "consensus") if number % 2 else ("reject", "adjudicator")
            factories.resolution(response, action, by=by)
    factories.gate_result(factories.prompt(project, State.TO_REVIEW).current_response)
    GateResult.objects.bulk_create(rows)
    found = calibrating.calibration_of(project)
    assert {version: (share.hits, share.n) for version, share in found.audit.items()} == {2: (10, 20), 1: (4, 8)}
    assert found.audit_waiting == 2
    page = factories.clients(project)["viewer"].get(reverse("quality_judges", args=[project.slug])).content.decode()
    words = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "Gate v2: people accepted 50 % (30–70) of n = 20" in words
    assert "Gate v1: too few decisions to say, n = 8" in words
    assert "2 still wait" in words


def test_of_many_decided_answers_the_newest_count(project, monkeypatch):
    monkeypatch.setattr(drawing, "MOST", 5)
    ada = factories.member(project, "reviewer")
    responses = [answered(project, 70, (ada, "accept", False)) for _ in range(7)]
    answers, cut = calibrating.decided_of(project)
    assert (set(answers), cut) == ({response.pk for response in responses[2:]}, True)


def test_a_project_without_anything(project):
    page = factories.clients(project)["viewer"].get(reverse("quality_judges", args=[project.slug])).content.decode()
    assert "No answer has both a judge’s score and a person’s decision yet." in page


def test_the_page_takes_few_queries_and_fewer_once_it_is_known(project, django_assert_max_num_queries):
    judged.many(project, 150, decided=1)
    with django_assert_max_num_queries(25):
        calibrating.calibration_of(project)
    with django_assert_max_num_queries(15):
        calibrating.calibration_of(project)
