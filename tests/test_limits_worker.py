"""The Limiter in its event loop, with a real Valkey: order, endings, a Valkey that goes away and comes back."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis

from pipeline.embedded import valkey as embedded_valkey
from pipeline.limits import Allowance, EndpointDown, Limiter, watch
from tests.limits import Clock
from tests.services import PATIENCE_SECONDS, PRODUCT_DIR, has_ended, product_environment, wait_until

TEACHER = SimpleNamespace(pk=1, concurrency=4)


def allowance(**changes):
    return Allowance(**{"key": "teacher:1", "concurrency": 4, "name": "Bench teacher"} | changes)


@asynccontextmanager
async def limiter(**options):
    """A Limiter that is closed at the end."""
    made = Limiter(**options)
    try:
        yield made
    finally:
        await made.close()


def play(scene):
    """Run a scene to its end, which leaves no task behind."""

    async def whole():
        await scene()
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(whole())


async def soon(happened):
    """Wait until `happened()`; fails when patience ends."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not happened():
            await asyncio.sleep(0.01)


async def waits(coroutine):
    """The task of what must not come to an end yet."""
    task = asyncio.create_task(coroutine)
    done, _ = await asyncio.wait([task], timeout=0.3)
    assert not done
    return task


def test_those_who_wait_go_in_the_order_they_came():
    went = []

    async def one(each, number):
        permit = await each.acquire(allowance(concurrency=3), 1, 1)
        went.append(number)
        await asyncio.sleep(0.001)
        permit.done("answered")

    async def scene():
        async with limiter() as each:
            await asyncio.gather(*[one(each, number) for number in range(200)])

    play(scene)
    assert went == list(range(200))


def test_never_more_at_once_than_allowed_by_two_limiters():
    now = most = 0

    async def one(each):
        nonlocal now, most
        permit = await each.acquire(allowance(concurrency=5), 1, 1)
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.002)
        now -= 1
        permit.done("answered")

    async def scene():
        async with limiter() as a, limiter() as b:
            await asyncio.gather(*[one(each) for each in (a, b) * 100])

    play(scene)
    assert most <= 5


@pytest.mark.parametrize("outcome", ["answered", "rate_limited", "failing", "refused", "unsent"])
def test_every_outcome_frees_its_slot(outcome):
    async def scene():
        async with limiter() as each:
            for _ in range(3):
                (await each.acquire(allowance(concurrency=1), 1, 1)).done(outcome)
            await soon(lambda: watch(TEACHER).in_flight == 0)
            assert watch(TEACHER).requests == (0 if outcome == "unsent" else 3)

    play(scene)


def test_an_unknown_outcome_is_refused():
    async def scene():
        async with limiter() as each:
            permit = await each.acquire(allowance(), 1, 1)
            with pytest.raises(ValueError, match="'lost' is no outcome; outcomes are answered, "):
                permit.done("lost")

    play(scene)


def test_a_second_ending_says_nothing():
    async def scene():
        async with limiter() as each:
            permit = await each.acquire(allowance(), 1, 1)
            permit.done("unsent")
            permit.done("unsent")
            await soon(lambda: watch(TEACHER).in_flight == 0)
            held = [await each.acquire(allowance(concurrency=1), 1, 1)]
            await cancelled(await waits(each.acquire(allowance(concurrency=1), 1, 1)))
            held[0].done("answered")

    play(scene)


async def cancelled(task):
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_who_gives_up_while_waiting_holds_nobody_up():
    async def scene():
        async with limiter() as each:
            one = allowance(concurrency=1)
            held = await each.acquire(one, 1, 1)
            impatient = [await waits(each.acquire(one, 1, 1)) for _ in range(2)]
            patient = asyncio.create_task(each.acquire(one, 1, 1))
            for task in impatient:
                await cancelled(task)
            held.done("answered")
            (await patient).done("answered")
            assert each.trouble == ""

    play(scene)


def test_who_gives_up_at_the_moment_of_the_grant_gives_it_back():
    async def scene():
        async with limiter() as each:
            for number in range(60):
                task = asyncio.create_task(each.acquire(allowance(concurrency=1), 1, 1))
                await asyncio.sleep(0.0005 * (number % 30))
                await cancelled(task)
                if not task.cancelled():
                    task.result().done("unsent")
            (await each.acquire(allowance(concurrency=1), 1, 1)).done("answered")

    play(scene)


def test_usage_headers_and_waits_reach_the_others():
    async def scene():
        async with limiter() as a, limiter() as b:
            limits = allowance(input_tokens_per_minute=1000, output_tokens_per_minute=1000)
            permit = await a.acquire(limits, 5000, 200)  # larger than the limit: counts as 1000
            assert watch(TEACHER).input_tokens == 1000
            permit.done("answered", input_tokens=100, output_tokens=50)
            await soon(lambda: (watch(TEACHER).input_tokens, watch(TEACHER).output_tokens) == (100, 50))
            headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1h"}
            (await a.acquire(limits, 1, 1)).done("answered", headers=headers)
            await soon(lambda: watch(TEACHER).in_flight == 0)
            await cancelled(await waits(b.acquire(limits, 1, 1)))

    play(scene)


@pytest.mark.parametrize("usage", [10**40, -5, None])
def test_absurd_usage_breaks_nothing(usage):
    async def scene():
        async with limiter() as each:
            for _ in range(2):
                (await each.acquire(allowance(), 1, 1)).done("answered", input_tokens=usage, output_tokens=usage)
            await soon(lambda: watch(TEACHER).in_flight == 0)

    play(scene)


@pytest.mark.parametrize("wait", [float("nan"), float("inf"), -1, 0, None])
def test_a_wait_that_is_none_holds_nobody_up(wait):
    async def scene():
        async with limiter() as each:
            (await each.acquire(allowance(), 1, 1)).done("rate_limited", retry_after=wait)
            (await each.acquire(allowance(), 1, 1)).done("answered")

    play(scene)


def test_an_endpoints_wait_is_told_and_ends():
    async def scene():
        clock = Clock()
        async with limiter(clock=clock) as each:
            (await each.acquire(allowance(), 1, 1)).done("rate_limited", retry_after=300)
            waiting = await waits(each.acquire(allowance(), 1, 1))
            assert each.trouble.startswith("Bench teacher asked to wait until 20")
            clock.go_on(300_000)
            (await waiting).done("answered")
            assert each.trouble == ""

    play(scene)


def test_nobody_waits_for_an_endpoint_that_asks_for_hours():
    async def scene():
        async with limiter() as each:
            (await each.acquire(allowance(), 1, 1)).done("rate_limited", retry_after=7200)
            with pytest.raises(EndpointDown, match="Bench teacher asks not to be asked before 20"):
                await each.acquire(allowance(), 1, 1)

    play(scene)


async def fail(each, times):
    for _ in range(times):
        (await each.acquire(allowance(), 1, 1)).done("failing")


def test_an_endpoint_that_only_fails_is_given_up_in_the_end(settings):
    settings.ENDPOINT_PATIENCE_SECONDS = 0.5

    async def scene():
        async with limiter() as each:
            with pytest.raises(EndpointDown, match=r"Bench teacher has failed \d+ times in a row since 20.*, without"):
                await fail(each, 1000)

    play(scene)


def test_a_new_run_finds_out_for_itself_whether_the_endpoint_is_up_again(settings):
    settings.ENDPOINT_PATIENCE_SECONDS = 0.5

    async def scene():
        async with limiter() as each:
            with pytest.raises(EndpointDown):
                await fail(each, 1000)
        async with limiter() as each:
            (await each.acquire(allowance(), 1, 1)).done("answered")
            (await each.acquire(allowance(), 1, 1)).done("answered")

    play(scene)


def test_a_failing_endpoint_is_told(settings):
    settings.BREAKER_PAUSE_SECONDS = 600

    async def scene():
        async with limiter() as each:
            await fail(each, 10)
            waiting = await waits(each.acquire(allowance(), 1, 1))
            assert each.trouble.startswith("Bench teacher has failed 10 times in a row since 20")
            assert watch(TEACHER).down_until
            assert watch(TEACHER).failures == 10
            await cancelled(waiting)

    play(scene)


# -- Valkey goes and comes --------------------------------------------------------------------------------------------


class Server:
    """A Valkey of the test's own."""

    def __init__(self, folder):
        self.folder, self.socket = folder, str(folder / "valkey.sock")
        self.process = None

    @property
    def url(self):
        return f"unix://{self.socket}?db=0"

    @property
    def client(self):
        return redis.Redis(unix_socket_path=self.socket)

    def start(self):
        self.process = embedded_valkey.start(self.folder, self.socket)

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server(settings):
    with tempfile.TemporaryDirectory(prefix="nexa-valkey-") as name:
        server = Server(Path(name))
        settings.REDIS_URL = server.url
        yield server
        if server.process:
            server.kill()


def test_it_waits_for_a_valkey_that_is_away_and_goes_on(server):
    async def scene():
        async with limiter() as each:
            waiting = [await waits(each.acquire(allowance(), 1, 1)) for _ in range(2)]
            assert each.trouble.startswith("Valkey does not answer (")
            assert not watch(TEACHER)
            server.start()
            for permit in await asyncio.gather(*waiting):
                permit.done("answered")
            assert each.trouble == ""
            server.kill()
            waiting = await waits(each.acquire(allowance(), 1, 1))
            assert each.trouble
            server.start()
            (await waiting).done("answered")

    play(scene)


def test_an_address_that_is_none_is_no_wait():
    async def scene():
        async with limiter(url="valkey.example.org:6379") as each:
            with pytest.raises(ValueError, match="scheme"):
                await each.acquire(allowance(), 1, 1)

    play(scene)


def test_a_valkey_that_refuses_is_told(server):
    server.start()
    server.client.config_set("maxmemory", "1mb")

    async def scene():
        async with limiter() as each:
            waiting = await waits(each.acquire(allowance(), 1, 1))
            assert each.trouble.startswith("Valkey refuses to keep the limits (")
            server.client.config_set("maxmemory", "0")
            (await waiting).done("answered")

    play(scene)


def test_a_limiter_closes_while_valkey_is_away(server):
    async def scene():
        async with limiter() as each:
            task = await waits(each.acquire(allowance(), 1, 1))
        assert task.cancelled()

    play(scene)


def test_endings_that_valkey_did_not_hear_are_told_later(server):
    server.start()

    async def scene():
        async with limiter() as each:
            permits = [await each.acquire(allowance(), 10, 10) for _ in range(4)]
            server.kill()
            for permit in permits:
                permit.done("answered", input_tokens=20, output_tokens=5)
            await asyncio.sleep(0.1)
            server.start()
            await soon(lambda: (watch(TEACHER).input_tokens, watch(TEACHER).in_flight) == (80, 0))
            assert watch(TEACHER).output_tokens == 20

    play(scene)


def test_a_valkey_that_lost_its_data_is_told_what_was_granted(server):
    """Without that, the minute's requests could be sent twice."""
    server.start()

    async def scene():
        limits = allowance(requests_per_minute=40, input_tokens_per_minute=1000)
        async with limiter() as a, limiter() as b:
            for each in (a, b):
                for _ in range(2):
                    (await each.acquire(limits, 10, 0)).done("answered", input_tokens=10, output_tokens=7)
            server.client.flushall()
            for each in (a, b):
                (await each.acquire(limits, 10, 0)).done("answered", input_tokens=10, output_tokens=7)
            await soon(lambda: (watch(TEACHER).requests, watch(TEACHER).output_tokens) == (6, 42))
            assert watch(TEACHER).input_tokens == 60

    play(scene)


def test_a_script_that_valkey_forgot_is_sent_again(server):
    server.start()

    async def scene():
        async with limiter() as each:
            for _ in range(2):
                (await each.acquire(allowance(), 1, 1)).done("answered")
                server.client.script_flush()

    play(scene)


# -- workers that are killed ------------------------------------------------------------------------------------------

HOLDS_ALL = """
    import asyncio, django
    django.setup()
    from pipeline.limits import Allowance, Limiter

    async def main():
        limiter = Limiter()
        for _ in range(4):
            await limiter.acquire(Allowance("teacher:1", 4), 1, 1)
        print("holds", flush=True)
        await asyncio.sleep(600)

    asyncio.run(main())
"""


def test_slots_of_a_killed_worker_come_back(db):
    command = [sys.executable, "-c", textwrap.dedent(HOLDS_ALL)]
    process = subprocess.Popen(command, cwd=PRODUCT_DIR, env=product_environment(), stdout=subprocess.PIPE)
    process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wait_until(lambda: has_ended(process.pid), "the worker dies")

    async def scene():
        async with limiter() as each:
            waiting = await waits(each.acquire(allowance(), 1, 1))
            async with asyncio.timeout(PATIENCE_SECONDS):
                (await waiting).done("answered")

    play(scene)
