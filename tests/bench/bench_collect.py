"""Answers a second and peak memory of collection, beside bare loops that store nothing: `make bench-collect`.

A stand-in server answers with 150 words after 50 ms. Every contestant runs in a child process, warmed up, with the same
bodies at concurrency 64; the engine persists everything and keeps to limits. Rounds are interleaved; a ratio is the
median of the rounds' ratios, so that a busy minute of the machine does not decide. On PostgreSQL:
`python -m tests.with_postgres python -m tests.bench.bench_collect`. Where its time goes: `--profile`.
"""

import argparse
import itertools
import os
import random
import statistics
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from tests.bench import contestants
from tests.bench.installation import installation

WORDS = "the of lactate strain catalyst under voltage phase measured rate film cells with at iron".split()  # noqa: SIM905
WARM_UP = 200
BASE = "AsyncOpenAI, default transport"
BARE = {BASE: "openai", "AsyncOpenAI, aiohttp transport": "openai_aiohttp", "aiohttp without SDK": "aiohttp"}
ENGINE = {"engine, one worker": 1, "engine, two workers": 2}

numbers = itertools.count(1)


def main():
    """The table of rates, then that of memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=int, default=2000, help="prompts a round (default 2000)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of every contestant (default 3)")
    parser.add_argument("--only", default="", help="contestants whose name contains this")
    parser.add_argument("--delay-ms", type=float, default=50, help="how long each answer takes (default 50)")
    parser.add_argument("--memory", action="store_true", help="only the peak memory, at a tenth and all of 20,000")
    parser.add_argument("--no-memory", action="store_true", help="only the rates")
    parser.add_argument("--profile", action="store_true", help="only one profiled round of the engine, one worker")
    options = parser.parse_args()
    with installation() as directory, queue(), lean_teacher(options.delay_ms) as url:
        print(f"load {os.getloadavg()[0]:.1f}, data in {directory}, {options.prompts:,} prompts a round", flush=True)
        if options.profile:
            engine_round(url, options.prompts, workers=1, profiled=True)
            return
        if not options.memory:
            rates(url, options)
        if not options.no_memory:
            memory(url, 10 * options.prompts)


@contextmanager
def queue():
    """The embedded Valkey, which keeps the limits."""
    from django.conf import settings

    from pipeline.embedded import valkey

    server = valkey.start(Path(settings.VALKEY_SOCKET).parent, settings.VALKEY_SOCKET)
    try:
        yield
    finally:
        server.terminate()
        server.wait()


@contextmanager
def lean_teacher(delay_ms):
    """The lean stand-in in a process of its own; gives its base URL."""
    command = [sys.executable, "-m", "tests.bench.lean_server", "--delay-ms", str(delay_ms)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


# -- rates --------------------------------------------------------------------------------------------------------


def rates(url, options):
    """Every contestant in every round; prints each and the table."""
    measured = {name: [] for name in [*ENGINE, *BARE] if options.only in name}
    for number in range(1, options.rounds + 1):
        for name in measured:
            if name in ENGINE:
                result = engine_round(url, options.prompts, workers=ENGINE[name])
            else:
                result = bare_round(url, options.prompts, BARE[name])
            measured[name].append(result)
            print(f"  round {number}, {name}: {result['rate']:,.0f} a second", flush=True)
    table(measured)


def table(measured):
    """Medians, as Markdown; CPU is what the contestant's own processes used."""
    print(f"\n| contestant | answers a second | to {BASE} | CPU ms an answer |\n|---|---|---|---|")
    for name, results in measured.items():
        rate = statistics.median(each["rate"] for each in results)
        share = "–"
        if BASE in measured:
            pairs = zip(results, measured[BASE], strict=True)
            share = f"{statistics.median(each['rate'] / base['rate'] for each, base in pairs):.2f}"
        cpu = statistics.median(each["cpu_ms"] for each in results)
        print(f"| {name} | {rate:,.0f} | {share} | {cpu:.2f} |")
    one, two = (measured.get(name) for name in ENGINE)
    if one and two:
        gain = statistics.median(b["rate"] / a["rate"] for a, b in zip(one, two, strict=True))
        print(f"\nTwo workers to one: {gain:.2f}. Load at the end: {os.getloadavg()[0]:.1f}.", flush=True)


def engine_round(url, prompts, workers, profiled=False):
    """A run over new prompts by so many worker processes; everything it stored is checked."""
    warm_ups = [new_run(url, WARM_UP) for _ in range(workers)]
    run = new_run(url, prompts)
    jobs = [(contestants.engine, (warm_up.pk, run.pk, profiled)) for warm_up in warm_ups]
    result = together(jobs, prompts)
    check(run, prompts)
    return result


def check(run, prompts):
    """Everything was stored, once."""
    run.refresh_from_db()
    stored = run.project.prompts.filter(state="to_filter", current_response__call__state="answered").count()
    calls = run.calls.filter(state="answered", sends=1).count()
    if (run.state, run.done, stored, calls) != ("finished", prompts, prompts, prompts):
        raise SystemExit(f"{run} {run.state}: {run.done} done, {stored} stored, {calls} bought. {run.error}")


def bare_round(url, prompts, loop):
    """The bodies that the engine sent in its last run, asked by a bare loop."""
    bodies = bodies_of(url, prompts)
    return together([(contestants.bare, (url, bodies[:WARM_UP], bodies, loop))], prompts)


def together(jobs, prompts):
    """Run children that start at the same moment; the last one counts."""
    results = contestants.together(jobs)
    seconds, cpu = contestants.slowest(results)
    peak = max(each["peak_mb"] for each in results)
    return {"rate": prompts / seconds, "cpu_ms": 1000 * cpu / prompts, "peak_mb": peak}


# -- memory -------------------------------------------------------------------------------------------------------


def memory(url, prompts):
    """Peak memory of the worker's job at a tenth of `prompts` and at all of them, each in a new process."""
    few, many = prompts // 10, prompts
    peaks = [engine_round(url, number, workers=1)["peak_mb"] for number in (few, many)]
    print(f"\n| prompts | peak RSS of the worker |\n|---|---|\n| {few:,} | {peaks[0]:.0f} MB |")
    print(f"| {many:,} | {peaks[1]:.0f} MB |\n\nRatio: {peaks[1] / peaks[0]:.2f}", flush=True)


# -- prompts ------------------------------------------------------------------------------------------------------


def new_run(url, prompts):
    """A run over so many new prompts of about 1 KB, each with a passage of its own, in a project of its own."""
    from curation.models import Project
    from pipeline import jobs
    from tests import factories

    number = next(numbers)
    project = Project.objects.create(name=f"Bench {number}", slug=f"bench-{number}", paired=False, teacher=teacher(url))
    dice = random.Random(number)
    texts = [f"Source {number}.{each}. " + " ".join(dice.choices(WORDS, k=150)) + "." for each in range(prompts)]
    factories.many_prompts(project, texts)
    return jobs.prepare(project, "collect")


def bodies_of(url, prompts):
    """What the engine would send for so many new prompts."""
    from pipeline.stages import collect

    run = new_run(url, prompts)
    works = collect.prepare(run, list(run.prompts.select_related("project", "document")))
    return [ask.body for work in works for ask in work.asks.values()]


def teacher(url):
    """The stand-in, with a price and with limits that are kept but never reached."""
    from curation.models import Teacher

    limits = dict.fromkeys(("requests_per_minute", "input_tokens_per_minute", "output_tokens_per_minute"), 100_000_000)
    fields = {"base_url": url, "model": "stand-in", "concurrency": contestants.CONCURRENCY, "timeout_seconds": 60}
    prices = {"input_price": "0.15", "output_price": "0.60"}
    return Teacher.objects.get_or_create(name="stand-in", defaults=fields | limits | prices)[0]


if __name__ == "__main__":
    main()
