"""Contestants in child processes. Those of bench_collect: the engine's job, and bare loops that store nothing.

A contestant is a function of (pipe, url, …): it warms up, sends "ready", waits for "go", works and sends its measure.
"""

import asyncio
import cProfile
import json
import multiprocessing
import pstats
import threading
import time
from pathlib import Path

CONCURRENCY = 64
spawning = multiprocessing.get_context("spawn")


def together(jobs):
    """Run children that start at the same moment: [(contestant, its arguments)]; returns what each measured."""
    children = []
    for function, arguments in jobs:
        here, there = spawning.Pipe()
        child = spawning.Process(target=function, args=(there, *arguments))
        child.start()
        there.close()
        children.append((here, child))
    for pipe, _ in children:
        pipe.recv()
    for pipe, _ in children:
        pipe.send("go")
    results = [pipe.recv() for pipe, _ in children]
    for _, child in children:
        child.join()
    return results


def slowest(results):
    """(seconds until the last child was done, CPU seconds of all of them)."""
    return max(each["seconds"] for each in results), sum(each["cpu"] for each in results)


def engine(pipe, warm_up_id, run_id, profiled=False):
    """A worker's job over a run, as the queue would call it; sends seconds, CPU seconds and peak memory."""
    import django

    django.setup()
    from pipeline import jobs

    jobs.work(warm_up_id)
    with _Profiles() if profiled else _Nothing() as profiles:
        measure(pipe, lambda: jobs.work(run_id))
    if profiled:
        profiles.show()


def measure(pipe, work):
    """Wait for the start, work, send what it took."""
    pipe.send("ready")
    pipe.recv()
    began, cpu = time.perf_counter(), time.process_time()
    work()
    pipe.send({"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, "peak_mb": peak_mb()})


def peak_mb():
    """The most memory this process had, in MB. Not ru_maxrss: a child begins there with its parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def bare(pipe, url, warm_up, bodies, make_loop):
    """A loop that asks for `bodies` at the concurrency and stores nothing; `make_loop` is one of LOOPS."""

    async def main():
        async with LOOPS[make_loop](url) as ask:
            await _all(ask, warm_up)
            pipe.send("ready")
            pipe.recv()
            began, cpu = time.perf_counter(), time.process_time()
            await _all(ask, bodies)
            pipe.send({"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, "peak_mb": peak_mb()})

    asyncio.run(main())


async def _all(ask, bodies):
    waiting = iter(bodies)

    async def lane():
        for body in waiting:
            text = await ask(body)
            assert len(text.split()) > 100, text

    await asyncio.gather(*(lane() for _ in range(CONCURRENCY)))


class _OpenAI:
    """chat.completions.create of the SDK, as its documentation shows it."""

    def __init__(self, url, **options):
        import openai

        self.client = openai.AsyncOpenAI(api_key="none", base_url=url, max_retries=0, **options)

    async def __aenter__(self):
        return self.ask

    async def __aexit__(self, *_):
        await self.client.close()

    async def ask(self, body):
        completion = await self.client.chat.completions.create(**body)
        return completion.choices[0].message.content


def _openai_aiohttp(url):
    import openai

    return _OpenAI(url, http_client=openai.DefaultAioHttpClient())


class _Aiohttp:
    """aiohttp without any SDK; the reply is parsed, since the answer is wanted."""

    def __init__(self, url):
        self.url = f"{url}/chat/completions"

    async def __aenter__(self):
        import aiohttp

        self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self.ask

    async def __aexit__(self, *_):
        await self.session.close()

    async def ask(self, body):
        async with self.session.post(self.url, json=body, headers={"Authorization": "Bearer none"}) as response:
            reply = json.loads(await response.read())
        return reply["choices"][0]["message"]["content"]


LOOPS = {"openai": _OpenAI, "openai_aiohttp": _openai_aiohttp, "aiohttp": _Aiohttp}


class _Nothing:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class _Profiles:
    """cProfile over the job's thread and over every thread it starts; prints both."""

    def __enter__(self):
        self.made, self.run = {"the job": cProfile.Profile()}, threading.Thread.run

        def run(thread):
            profile = self.made.setdefault(f"thread {thread.name}", cProfile.Profile())
            profile.runcall(self.run, thread)

        threading.Thread.run = run
        self.made["the job"].enable()
        return self

    def __exit__(self, *_):
        self.made["the job"].disable()
        threading.Thread.run = self.run

    def show(self):
        for name, profile in self.made.items():
            print(f"\n== {name} ==", flush=True)
            pstats.Stats(profile).sort_stats("tottime").print_stats(45)
