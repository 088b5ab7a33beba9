"""Slots, fairness between workers, waits that an endpoint asks for, fewer at a time after a 429, the breaker."""

import pytest

from tests.limits import Clock, Worker


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def two(valkey, clock):
    """A function that gives two workers under the same limits."""
    return lambda **limits: [Worker(valkey, clock, name, **limits) for name in "ab"]


# -- slots ------------------------------------------------------------------------------------------------------------


def test_slots_are_shared_by_all_workers(two):
    a, b = two(concurrency=8)
    assert (a.granted(6), b.granted(6)) == (6, 2)
    assert a.granted(3, ended=1) == 0  # the other waits, and has fewer
    assert b.granted(4) == 1


def test_a_dead_workers_slots_come_back(two, clock):
    a, b = two(concurrency=4, output_limit=1000)
    a.turn([(1, 100)] * 4)
    for _ in range(3):
        clock.go_on(4_000)
        assert b.granted(1) == 0
    clock.go_on(4_000)
    assert b.granted(8) == 4


def test_a_dead_workers_output_still_counts(two, clock):
    a, b = two(output_limit=1000)
    a.turn([(1, 900)])
    clock.go_on(16_000)
    assert b.granted([(1, 200)]) == 0
    clock.go_on(63_000)
    assert b.granted([(1, 200)]) == 1


def test_a_worker_taken_for_dead_counts_again_once_it_speaks(two, clock):
    a, b = two(concurrency=4)
    a.turn(4)
    clock.go_on(20_000)
    assert b.granted(2) == 2
    a.turn()
    assert b.granted(1) == 0


def test_a_worker_without_work_leaves_no_trace(two, valkey):
    a, _ = two(concurrency=4)
    a.turn(2)
    a.turn(ended=2)
    assert not valkey.exists("nexa:limits:{teacher:1}:hands")


def test_limits_of_teachers_do_not_mix(valkey, clock):
    workers = [Worker(valkey, clock, key=f"teacher:{number}", concurrency=2) for number in (1, 2)]
    assert [worker.granted(3) for worker in workers] == [2, 2]


@pytest.mark.parametrize("concurrency", [1, 2, 3, 10])
def test_the_late_worker_gets_its_share_of_slots(two, clock, concurrency):
    served = {"a": 0, "b": 0}
    a, b = two(concurrency=concurrency)
    served["a"] += a.granted(50)
    for _ in range(400):
        clock.go_on(20)
        for worker in (a, b):
            served[worker.name] += worker.granted(50, ended=worker.in_flight)
    assert min(served.values()) > 0.8 * max(served.values())


@pytest.mark.parametrize(
    "limits", [{"requests_limit": 6}, {"requests_limit": 60}, {"requests_limit": 600}, {"input_limit": 100}]
)
def test_the_late_worker_gets_its_share_of_the_minute(two, clock, limits):
    a, b = two(**limits)
    served = {"a": a.granted([(10, 0)] * 50), "b": 0}
    for _ in range(6 * 60 * 5):
        clock.go_on(200)
        for worker in (a, b):
            served[worker.name] += worker.granted([(10, 0)] * 50, ended=worker.in_flight)
    assert min(served.values()) > 0.7 * max(served.values())


@pytest.mark.parametrize("names", ["ab", "ba"])
def test_who_worked_alone_for_long_still_gets_a_share(valkey, clock, names):
    a, b = (Worker(valkey, clock, name, requests_limit=600) for name in names)
    for _ in range(2400):
        clock.go_on(250)
        a.granted(1, ended=a.in_flight)
    assert b.granted(50) > 0
    served = {"a": 0, "b": 0}
    for _ in range(250 * 4):
        clock.go_on(250)
        for worker in (a, b):
            served[worker.name] += worker.granted(50, ended=worker.in_flight)
    assert min(served.values()) > 0.8 * max(served.values())


def test_a_request_as_large_as_the_limit_is_not_overtaken_for_ever(two, clock):
    a, b = two(input_limit=100)
    for _ in range(600):
        clock.go_on(250)
        a.granted([(10, 0)] * 10, ended=a.in_flight)
        if b.granted([(100, 0)]):
            return
    pytest.fail("the large request still waits after 150 s")


def test_a_dead_workers_wishes_hold_nobody_up(two, clock):
    a, b = two(requests_limit=60)
    a.turn(1)
    b.turn(50)
    clock.go_on(5_000)
    assert a.granted(3) == 3


# -- waits and pace ---------------------------------------------------------------------------------------------------


def test_an_endpoints_wait_holds_for_all(two, clock):
    a, b = two()
    a.turn(2)
    a.turn(ended=1, alive=True, rate_limited=1, retry_after=30_000)
    a.turn(ended=1, alive=True, rate_limited=1, retry_after=1_000)  # a shorter one shortens nothing
    clock.go_on(29_999)
    reply = b.turn(1)
    assert (reply["granted"], reply["why"], reply["free_at"]) == (0, "asked", clock.now + 1)
    clock.go_on(1)
    assert b.granted(1) == 1


def test_one_429_among_many_answers_only_means_its_wait(two, clock):
    a, b = two(concurrency=100)
    for worker in (a, b) * 10:
        clock.go_on(1_000)
        assert worker.turn(answered=19, rate_limited=1, alive=True)["concurrency"] == 100
    clock.go_on(1_000)
    assert a.turn(answered=5, rate_limited=5, alive=True)["concurrency"] == 75


def test_after_several_429_fewer_at_a_time(two, clock):
    a, b = two(concurrency=100)
    assert a.turn(rate_limited=3, alive=True)["concurrency"] == 75
    assert b.turn(rate_limited=30, alive=True)["concurrency"] == 75  # once a second at most
    clock.go_on(1_000)
    assert b.turn(rate_limited=30, alive=True)["concurrency"] == 56
    assert a.granted(100) == 56


def test_it_never_falls_below_one(two, clock):
    a, _ = two(concurrency=3)
    for _ in range(10):
        clock.go_on(1_000)
        reply = a.turn(rate_limited=1, alive=True)
    assert reply["concurrency"] == 1


def test_answers_bring_it_back_up_to_the_allowance(two, clock):
    a, b = two(concurrency=10)
    a.turn(rate_limited=3, alive=True)
    said = [worker.turn(answered=20, alive=True)["concurrency"] for worker in (a, b) * 5]
    assert said == [7, 8, 9, 10, 10, 10, 10, 10, 10, 10]


def test_a_changed_allowance_holds_at_once(valkey, clock):
    assert Worker(valkey, clock, concurrency=10).turn(rate_limited=3, alive=True)["concurrency"] == 7
    assert Worker(valkey, clock, concurrency=4).turn()["concurrency"] == 4
    assert Worker(valkey, clock, concurrency=20).turn()["concurrency"] == 20


# -- the breaker ------------------------------------------------------------------------------------------------------


def opened(worker):
    worker.turn(10)
    worker.turn(ended=10, failing=10)
    return worker


def test_ten_failures_in_a_row_open_it_for_all(two, clock):
    a, b = two()
    a.turn(9)
    a.turn(ended=9, failing=9)
    assert b.granted(1) == 1
    assert b.turn(1, ended=1, failing=1)["why"] == "down"
    clock.go_on(4_999)
    assert a.turn(1)["why"] == "down"
    clock.go_on(1)
    assert a.granted(5) == 1


def test_a_sign_of_life_in_between_keeps_it_closed(two):
    a, b = two()
    for _ in range(4):
        a.turn(failing=9)
        b.turn(alive=True)
    assert a.granted(5) == 5


def test_a_request_that_fails_again_and_again_does_not_open_it(two):
    a, b = two()
    a.turn(4, failing=4)
    for _ in range(20):
        a.turn(4, ended=4, failing_again=4)
    assert b.granted(1) == 1


def test_one_that_fails_again_on_probation_keeps_it_open(two, clock):
    a, b = opened(two()[0]), two()[1]
    clock.go_on(5_000)
    assert a.turn(1)["probing"] is True
    a.turn(ended=1, failing_again=1, probing=False)
    assert b.turn(1)["why"] == "down"
    clock.go_on(9_999)
    assert b.turn(1)["why"] == "down"
    clock.go_on(1)
    assert b.granted(1) == 1


def test_a_success_on_probation_closes_it(two, clock):
    a, b = opened(two()[0]), two()[1]
    clock.go_on(5_000)
    assert a.turn(3)["probing"] is True
    assert b.granted(3) == 0
    a.probing = False
    assert a.granted(3, ended=1, alive=True, answered=1) == 3
    assert b.granted(3) == 3


def test_pauses_double_up_to_a_minute(two, clock):
    a = opened(two()[0])
    pauses = []
    for _ in range(6):
        pauses.append(a.turn(1)["free_at"] - clock.now)
        clock.go_on(pauses[-1])
        assert a.granted(1) == 1
        a.probing = False
        a.turn(ended=1, failing=1)
    assert pauses == [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]


def test_answers_of_requests_sent_before_it_opened_close_it(two):
    a, b = two()
    b.turn(1)
    assert opened(a).granted(1) == 0
    b.turn(ended=1, alive=True, answered=1)
    assert a.granted(1) == 1


def test_a_probe_that_dies_with_its_worker_leaves_the_way_to_another(two, clock):
    a, b = opened(two()[0]), two()[1]
    clock.go_on(5_000)
    assert a.granted(1) == 1
    clock.go_on(14_000)
    assert b.granted(1) == 0
    clock.go_on(2_000)
    assert b.turn(1)["probing"] is True


def test_a_probe_that_never_left_leaves_the_way_to_another(two, clock):
    a, b = opened(two()[0]), two()[1]
    clock.go_on(5_000)
    a.turn(1)
    a.probing = False
    a.turn(ended=1)
    assert b.granted(1) == 1


def test_a_probe_whose_hands_were_lost_leaves_the_way_to_another(two, clock, valkey):
    a, b = opened(two()[0]), two()[1]
    clock.go_on(5_000)
    a.turn(1)
    valkey.delete("nexa:limits:{teacher:1}:hands")
    assert b.granted(1) == 1


# -- what the endpoint says is left -----------------------------------------------------------------------------------


def told(reply, **words):
    return {"told": {"at": reply["at"], "at_tokens": reply["at_tokens"], "bucket": reply["bucket"]} | words}


def test_what_is_left_there_limits_here(two, clock):
    a, b = two()
    first = a.turn(1)
    a.turn(ended=1, alive=True, **told(first, requests=3, requests_reset=10_000))
    assert (a.granted(2), b.granted(2), b.granted(1)) == (2, 1, 0)
    clock.go_on(10_000)
    assert b.granted(5) == 5


def test_what_was_granted_since_is_taken_off(two):
    a, b = two()
    first = a.turn(1)
    b.turn(2)
    a.turn(ended=1, alive=True, **told(first, requests=3, requests_reset=10_000))
    assert b.granted(5) == 1


def test_headers_of_a_slow_answer_are_old(two, clock):
    """What was left when the request arrived has been filled up since."""
    a, _ = two()
    first = a.turn(1)
    clock.go_on(30_000)
    a.turn(50)
    assert a.granted(5, ended=1, alive=True, **told(first, requests=3, requests_reset=10_000)) == 5


def test_older_words_do_not_replace_newer_ones(two):
    a, b = two()
    first, second = a.turn(1), b.turn(1)
    b.turn(ended=1, alive=True, **told(second, requests=1, requests_reset=10_000))
    a.turn(ended=1, alive=True, **told(first, requests=100, requests_reset=10_000))
    assert a.granted(5) == 1


def test_tokens_left_there_limit_here_and_large_requests_are_clamped(two, clock):
    a, _ = two()
    first = a.turn([(10, 10)])
    left = told(first, tokens=100, tokens_reset=1_000, tokens_limit=100)
    assert a.granted([(60, 20), (20, 20)], ended=1, alive=True, **left) == 1
    second = a.turn()
    left = told(second, tokens=100, tokens_reset=1_000, tokens_limit=100)
    assert a.granted([(900, 900)], alive=True, **left) == 1
