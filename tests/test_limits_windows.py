"""Requests and tokens a minute: no 60 seconds ever hold more than the limit, whoever asks and however."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.limits import Clock, Worker, most_in

MINUTE = 60_000
RELAXED = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
steps = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 900), st.integers(0, 20_000)),  # ms until it
        st.integers(0, 1),  # which worker
        st.integers(0, 12),  # how many ask
        st.integers(0, 2000),  # ms until they arrive
    ),
    min_size=20,
    max_size=150,
)


@pytest.fixture
def clock():
    return Clock()


@given(steps, st.sampled_from([1, 3, 20, 45, 200]))
@RELAXED
def test_no_minute_holds_more_requests_than_the_limit(valkey, steps, limit):
    """Also as the endpoint counts them, where each arrives up to 2 s after it was granted."""
    valkey.flushall()
    clock = Clock()
    workers = [Worker(valkey, clock, name, requests_limit=limit) for name in "ab"]
    arrivals, grants = [], []
    for pause, which, number, delay in steps:
        clock.go_on(pause)
        granted = workers[which].granted(number)
        grants.append((clock.now, granted))
        arrivals.append((clock.now + delay, granted))
    assert most_in(MINUTE, grants) <= limit
    assert most_in(MINUTE, arrivals) <= limit
    assert most_in(1000, grants) <= max(1, limit // 20)


@given(steps, st.data())
@RELAXED
def test_no_minute_holds_more_tokens_than_the_limits(valkey, steps, data):
    """Input counts when it is sent, output when it comes back, however long that takes; both never above the guess."""
    valkey.flushall()
    clock = Clock()
    limits = {"input_limit": 1000, "output_limit": 500}
    workers = [Worker(valkey, clock, name, **limits) for name in "ab"]
    under_way, sent, received = [], [], []
    for pause, which, number, _ in steps:
        clock.go_on(pause)
        ending = [each for each in under_way if each[0] == which][: data.draw(st.integers(0, 3))]
        notes = {"ended": 0, "released": 0, "output": 0, "corrections": []}
        for each in ending:
            under_way.remove(each)
            _, entry, guess = each
            real_in, real_out = data.draw(st.integers(0, entry[1])), data.draw(st.integers(0, guess))
            notes["ended"] += 1
            notes["released"] += guess
            notes["output"] += real_out
            notes["corrections"].append([entry[2], 0, real_in - entry[1], 0])
            entry[1] = real_in
            received.append((clock.now, real_out))
        asks = [(data.draw(st.integers(0, 400)), data.draw(st.integers(0, 200))) for _ in range(number)]
        reply = workers[which].turn(asks, **notes)
        for read, written in asks[: reply["granted"]]:
            entry = [clock.now, read, reply["bucket"]]
            sent.append(entry)
            under_way.append((which, entry, written))
    assert most_in(MINUTE, [(time, amount) for time, amount, _ in sent]) <= 1000
    assert most_in(MINUTE, received) <= 500


def test_the_whole_limit_is_used(valkey, clock):
    worker = Worker(valkey, clock, requests_limit=60)
    granted = 0
    for _ in range(5 * 60 * 4):
        granted += worker.granted(5)
        clock.go_on(250)
    assert granted >= 5 * 60 * 0.95


def test_a_wait_leads_to_a_grant(valkey, clock):
    """What a turn gives as its wait is neither too short to help nor far too long."""
    worker = Worker(valkey, clock, input_limit=100)
    assert worker.granted([(60, 0), (60, 0)]) == 1
    clock.go_on(30_000)
    reply = worker.turn([(60, 0)])
    assert (reply["granted"], reply["why"]) == (0, "input")
    clock.now = reply["free_at"] - 1
    assert worker.granted([(60, 0)]) == 0
    clock.go_on(1)
    assert worker.granted([(60, 0)]) == 1


@pytest.mark.parametrize(
    ("limits", "asks", "granted", "why"),
    [
        ({}, [(10**9, 10**9)] * 5, 5, ""),
        ({"requests_limit": 100}, [(1, 1)] * 9, 5, "burst"),
        ({"requests_limit": 3}, [(1, 1)] * 9, 1, "burst"),
        ({"input_limit": 100}, [(40, 1)] * 3, 2, "input"),
        ({"output_limit": 100}, [(1, 50)] * 3, 2, "output"),
        ({"input_limit": 100}, [(100, 1), (1, 1)], 1, "input"),
        ({"input_limit": 100}, [(60, 1), (60, 1), (1, 1)], 1, "input"),  # nobody overtakes
        ({"concurrency": 2}, [(1, 1)] * 3, 2, "slots"),
    ],
)
def test_as_many_as_fit_may_go(valkey, clock, limits, asks, granted, why):
    reply = Worker(valkey, clock, **limits).turn(asks)
    assert (reply["granted"], reply["why"]) == (granted, why)


def test_less_usage_than_guessed_makes_room_at_once(valkey, clock):
    worker = Worker(valkey, clock, input_limit=100, output_limit=100)
    first = worker.turn([(100, 100)])
    assert worker.granted([(1, 1)]) == 0
    notes = {"ended": 1, "released": 100, "output": 30, "corrections": [[first["bucket"], 0, -60, 0]]}
    assert worker.granted([(60, 70)], **notes) == 1
    assert worker.granted([(1, 0)]) == worker.granted([(0, 1)]) == 0


def test_more_usage_than_guessed_counts(valkey, clock):
    worker = Worker(valkey, clock, input_limit=100)
    first = worker.turn([(10, 0)])
    assert worker.granted([(50, 0)], ended=1, corrections=[[first["bucket"], 0, 70, 0]]) == 0


def test_what_was_never_sent_is_given_back(valkey, clock):
    worker = Worker(valkey, clock, requests_limit=1)
    first = worker.turn(1)
    clock.go_on(5_000)
    assert worker.granted(1) == 0
    assert worker.granted(1, ended=1, corrections=[[first["bucket"], -1, -1, 0]]) == 1


def test_long_answers_hold_their_output_until_they_are_there(valkey, clock):
    """An answer of two minutes: its tokens come at its end, and must find room then."""
    worker = Worker(valkey, clock, output_limit=100)
    worker.turn([(1, 80)])
    for _ in range(12):
        clock.go_on(10_000)
        assert worker.granted([(1, 40)]) == 0
    assert worker.granted([(1, 40)], ended=1, released=80, output=60) == 1
    clock.go_on(30_000)
    assert worker.granted([(1, 1)]) == 0


def test_a_clock_set_back_stops_nobody_for_long(valkey, clock):
    worker = Worker(valkey, clock, requests_limit=1)
    assert worker.granted(1) == 1
    clock.go_on(-20_000)
    assert worker.granted(1) == 0
    clock.go_on(-86_400_000)
    assert worker.granted(1) == 1


def test_a_long_silence_leaves_nothing_behind(valkey, clock):
    worker = Worker(valkey, clock, requests_limit=40)
    for _ in range(20):
        worker.granted(2)
        clock.go_on(1500)
    clock.go_on(1_000_000)
    worker.turn(1)
    state = valkey.hgetall("nexa:limits:{teacher:1}")
    assert state[b"requests"] == b"1"
    assert sum(name[:1] == b"r" and name[1:].isdigit() for name in state) == 1
