"""The gate simulator's numbers against a recount by hand, one answer after the other, over random data."""

import random
from collections import Counter
from decimal import Decimal
from statistics import fmean

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from pipeline.gate import BANDS, Reading, judge_verdict, load_gate
from pipeline.simulating import Judged, Policy, bands, simulate
from pipeline.simulating.judged import ACCEPTED, REFUSED, UNDECIDED, score_of

BOTH = ["factuality", "reasoning"]


def answers(rng, n):
    """Random answers as plain dicts: readings by several judges, flags, unreadable replies, what people said."""
    made = []
    for pk in range(n):
        readings = []
        for rubric in BOTH:
            for judge in "ab"[: rng.choice([1, 1, 2])]:
                for _ in range(rng.choice([1, 1, 3])):
                    unreadable = rng.random() < 0.03
                    readings.append(
                        Reading(
                            rubric,
                            None if unreadable else rng.choice([rng.randint(0, 100), round(rng.uniform(50, 100), 2)]),
                            flags=rng.choice([(), (), (), (), ("vague",), ("safety_chemical",)]),
                            requires_human_review=rng.random() < 0.05,
                            error="no JSON" if unreadable else "",
                            judge=judge,
                        )
                    )
        made.append(
            {
                "pk": pk,
                "readings": readings,
                "decided": rng.choice([UNDECIDED, REFUSED, ACCEPTED, ACCEPTED]),
                "current": rng.random() < 0.8,
                "waiting": rng.random() < 0.3,
            }
        )
    return made


def as_arrays(made):
    scores = {
        rubric: [score_of([(r.judge, r.score) for r in each["readings"] if r.rubric == rubric and r.score is not None])
                 for each in made]
        for rubric in BOTH
    }  # fmt: skip
    held = [
        any(r.score is None or r.requires_human_review or any(f.startswith("safety") for f in r.flags) for r in rs)
        for rs in (each["readings"] for each in made)
    ]
    spreads = [max(pair) for pair in zip(*([wide for _, wide in scores[rubric]] for rubric in BOTH), strict=True)]
    return Judged(
        responses=numpy.array([each["pk"] for each in made]),
        scores={rubric: numpy.array([score for score, _ in scores[rubric]], float) for rubric in BOTH},
        spread=numpy.array(spreads, float),
        held=numpy.array(held, bool),
        decided=numpy.array([each["decided"] for each in made], numpy.int8),
        **{name: numpy.array([each[name] for each in made], bool) for name in ("current", "waiting")},
    )


def gate_of(rng):
    f, r = rng.choice([rng.randint(0, 100), 80]), rng.choice([rng.randint(0, 100), 70])
    return load_gate(
        {
            "judge_f_threshold": f,
            "judge_r_threshold": r,
            "accept_f_from": rng.choice([None, rng.uniform(f, 100)]),
            "accept_r_from": rng.choice([None, rng.uniform(r, 100)]),
            "max_spread": rng.choice([None, rng.randint(0, 60)]),
            "decides": rng.random() < 0.85,
        }
    )


def recount(made, gate, now, policy):
    """Everything that a Trial says, counted with lists and the gate's own rule."""
    then = {each["pk"]: judge_verdict(each["readings"], BOTH, gate).band for each in made}
    before = {each["pk"]: judge_verdict(each["readings"], BOTH, now).band for each in made}
    both = [e for e in made if len({r.rubric for r in e["readings"] if r.score is not None}) == 2]
    seen = [each for each in both if each["decided"] != UNDECIDED]
    table = Counter((then[each["pk"]], each["decided"]) for each in seen)
    yes = [each for each in seen if each["decided"] == ACCEPTED]
    through = [each for each in seen if then[each["pk"]] != "refuse"]
    sure = [each for each in seen if then[each["pk"]] == "accept"]

    def work(rows):
        count = Counter(then[each["pk"]] for each in rows)
        to_people = count["people"] + count["accept"] * (100 - policy.auto_accept_percent) / 100
        to_people += count["refuse"] if policy.on_gate_fail == "to_review" else 0
        again = count["refuse"] if policy.on_gate_fail == "to_regenerate" else 0
        hours = to_people * policy.reviews_required * policy.seconds / 3600
        return [count["refuse"], count["people"], count["accept"], to_people, hours, again, again * policy.cost]

    def flips(order):
        found = [e for e in made if e["current"] and order(BANDS.index(then[e["pk"]]), BANDS.index(before[e["pk"]]))]
        moves = Counter((BANDS.index(before[e["pk"]]), BANDS.index(then[e["pk"]])) for e in found)
        said = Counter(each["decided"] for each in found)
        return len(found), said[ACCEPTED], said[REFUSED], moves, {each["pk"] for each in found}

    return {
        "decided": len(seen),
        "table": {(band, said): table[band, said] for band in BANDS for said in (REFUSED, ACCEPTED)},
        "precise": (sum(e["decided"] == ACCEPTED for e in through), len(through)),
        "found": (sum(then[e["pk"]] != "refuse" for e in yes), len(yes)),
        "sure_precise": (sum(e["decided"] == ACCEPTED for e in sure), len(sure)),
        "sure_found": (sum(then[e["pk"]] == "accept" for e in yes), len(yes)),
        "everything": work(made),
        "waiting": work([each for each in made if each["waiting"]]),
        "stricter": flips(lambda after, first: after < first),
        "looser": flips(lambda after, first: after > first),
    }


@pytest.mark.parametrize("seed", range(40))
def test_every_number_is_a_recount(seed):
    rng = random.Random(seed)
    made, gate, now = answers(rng, rng.choice([0, 1, 30, 300])), gate_of(rng), gate_of(rng)
    policy = Policy(
        reviews_required=rng.randint(1, 3),
        on_gate_fail=rng.choice(["to_regenerate", "to_review", "rejected"]),
        auto_accept_percent=rng.choice([0, 35, 99]),
        seconds=rng.uniform(5, 200),
        cost=Decimal("0.00213"),
    )
    judged = as_arrays(made)
    assert [BANDS[band] for band in bands(judged, gate)] == [
        judge_verdict(e["readings"], BOTH, gate).band for e in made
    ]
    trial, expected = simulate(judged, gate, policy, now), recount(made, gate, now, policy)

    assert trial.decided == expected["decided"]
    assert {(BANDS[b], s): n for b, pair in trial.table.items() for s, n in enumerate(pair)} == expected["table"]
    for name in ("precise", "found", "sure_precise", "sure_found"):
        share, (hits, n) = getattr(trial, name), expected[name]
        assert (share.hits, share.n) == (hits, n)
        if n:
            theirs = binomtest(hits, n).proportion_ci(method="wilson")
            assert share.interval == pytest.approx((100 * theirs.low, 100 * theirs.high))
    for name in ("everything", "waiting"):
        work = getattr(trial, name)
        refuse, people, accept, to_people, hours, again, cost = expected[name]
        assert (work.refuse, work.people, work.accept, work.regenerated) == (refuse, people, accept, again)
        assert work.n == refuse + people + accept
        assert work.to_people == pytest.approx(to_people)
        assert work.hours == pytest.approx(hours)
        assert work.cost == cost
    for name in ("stricter", "looser"):
        found, (n, yes, no, moves, ids) = getattr(trial, name), expected[name]
        assert (found.n, found.people_accepted, found.people_refused) == (n, yes, no)
        assert {(a, b): number for a, b, number in found.moves} == moves
        assert {pk for pk, *_ in found.examples} <= ids
        assert len(found.examples) == min(200, n)


readings = st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 100)), max_size=7)


@given(readings)
@settings(max_examples=200)
def test_a_score_of_several_readings_is_the_gates(found):
    score, spread = score_of(found)
    verdict = judge_verdict([Reading("reasoning", value, judge=judge) for judge, value in found], ["reasoning"], gate)
    if not found:
        assert numpy.isnan(score)
        return
    (measured,) = verdict.measurements
    assert (score, spread) == (measured["value"], measured["spread"])


gate = load_gate({})


def test_the_workload_of_further_answers_keeps_the_shares():
    judged = as_arrays(answers(random.Random(3), 700))
    trial = simulate(judged, gate, Policy(seconds=60.0, cost=Decimal("0.01")))
    assert trial.further.n == 1000
    for name in ("refuse", "people", "accept"):
        assert getattr(trial.further, name) == pytest.approx(getattr(trial.everything, name) / 0.7, abs=1)
    assert simulate(as_arrays([]), gate, Policy()).further.n == 0


def test_what_is_not_known_stays_unknown():
    judged = as_arrays(answers(random.Random(4), 100))
    work = simulate(judged, gate, Policy()).everything
    assert work.refuse
    assert work.to_people
    assert (work.hours, work.cost) == (None, None)
    nobody = simulate(judged, gate, Policy(on_gate_fail="rejected")).everything
    assert (nobody.regenerated, nobody.cost) == (0, 0)


def test_one_rubric_alone():
    made = answers(random.Random(5), 200)
    judged = as_arrays(made)
    judged.scores = {"factuality": judged.scores["factuality"]}
    found = bands(judged, load_gate({"require_both": False}))
    assert set(found) == {0, 1, 2}
    assert set(bands(judged, gate)) == {1}  # the gate asks for both judges


def test_examples_begin_with_what_people_decided():
    judged = as_arrays(answers(random.Random(6), 3000))
    flips = simulate(judged, load_gate({}), Policy(), load_gate({"decides": False})).stricter
    assert flips.n > 200
    assert all(judged.decided[pk] != UNDECIDED for pk, *_ in flips.examples)
    assert fmean(judged.decided[pk] == ACCEPTED for pk, *_ in flips.examples) < 1
