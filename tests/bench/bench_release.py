"""Rows a second from database to all files of a release, beside pyarrow and orjson writing the same from memory.

Run: `make bench-release`. 200,000 accepted rows of about 150 words in a paired project, the default formats. Each
contestant runs in a process of its own; the stage again over a quarter of the rows, to see whether its memory is flat.
On PostgreSQL: `python -m tests.with_postgres python -m tests.bench.bench_release`.
"""

import argparse
import os
import resource
import time
from pathlib import Path

from tests.bench import contestants, release_data
from tests.bench.contestants import peak_mb
from tests.bench.installation import installation, timed


def main():
    """The table of rates and memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000, help="accepted rows (default 200,000)")
    parser.add_argument("--again", action="store_true", help="one more release after the bare writers")
    parser.add_argument("--profile", action="store_true", help="print where the stage's time goes")
    options = parser.parse_args()
    with installation():
        print(f"load {os.getloadavg()[0]:.1f}, {options.rows:,} rows", flush=True)
        runs = []
        timed("stored", lambda: runs.append(new_run(options.rows)) or options.rows)
        quarter = new_run(options.rows // 4)
        measured = {"release, a quarter of the rows": stage(quarter)}
        measured["release"] = whole = stage(runs[0], options.profile)
        measured["pyarrow and orjson, from memory"] = alone(rival, (whole["folder"], options.rows))
        if options.again:
            measured["release, again"] = stage(new_run(options.rows))
        table(measured, whole["folder"])


def table(measured, folder):
    """As Markdown, with ratios to the bare writers."""
    base = next(each["rate"] for name, each in measured.items() if name.startswith("pyarrow"))
    size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()) / 1e6
    print(f"\nThe files of the release: {size:,.0f} MB.\n")
    print("| contestant | rows a second | to bare writing | with the checks | CPU µs a row | peak RSS |")
    print("|---|---|---|---|---|---|")
    for name, each in measured.items():
        checked = f"{each['checked']:,.0f}" if "checked" in each else "–"
        cells = (name, f"{each['rate']:,.0f}", f"{each['rate'] / base:.2f}", checked, f"{each['cpu_us']:.0f}")
        print(f"| {' | '.join(cells)} | {each['peak_mb']:.0f} MB |")
    for name, each in measured.items():
        if "parts" in each:
            print(f"\n{name}: {', '.join(f'{part} {seconds:.1f} s' for part, seconds in each['parts'].items())}")
    print(f"\nLoad at the end: {os.getloadavg()[0]:.1f}.", flush=True)


def new_run(rows):
    """A run that releases a new project of so many rows, which the search index knows already."""
    from pipeline import jobs

    project = release_data.project_of(rows)
    jobs.index_search()
    return jobs.prepare(project, "package")


def alone(function, arguments):
    """What one child measured."""
    return contestants.together([(function, arguments)])[0]


def stage(run, profiled=False):
    """The release of a run in a child; what it published is counted."""
    from curation.models import Release

    result = alone(run_stage, (run.pk, profiled))
    run.refresh_from_db()
    release = Release.objects.get(run=run)
    if (run.state, release.state) != ("finished", "published"):
        raise SystemExit(f"{run} {run.state}, release {release.state}: {run.error} {release.problems}")
    rows = release.counts["rows"]
    print(f"  release of {rows:,} rows: {result['seconds']:.1f} s, {result['peak_mb']:.0f} MB", flush=True)
    without = result["seconds"] - result["parts"].get("checks", 0)
    return result | {
        "rate": rows / without,
        "checked": rows / result["seconds"],
        "cpu_us": 1e6 * result["cpu"] / rows,
        "folder": str(release.directory),
    }


def run_stage(pipe, run_id, profiled):
    """In the child: a small release warms it up, then the worker's job."""
    import django

    django.setup()
    from pipeline import jobs

    jobs.carry_out(new_run(200))
    from curation.models import Run

    run, parts = Run.objects.select_related("project").get(pk=run_id), timed_parts()
    pipe.send("ready")
    pipe.recv()
    began, cpu = time.perf_counter(), time.process_time()
    if profiled:
        import cProfile
        import pstats

        profile = cProfile.Profile()
        profile.runcall(jobs.carry_out, run)
        pstats.Stats(profile).sort_stats("tottime").print_stats(40)
    else:
        jobs.carry_out(run)
    measured = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu + parts.pop("press", 0)}
    pipe.send(measured | {"peak_mb": peak_mb(), "parts": parts})


def timed_parts():
    """{part of the build: seconds}, filled while it runs; `press` are CPU seconds of the process that makes files."""
    from pipeline.releasing import building, choosing
    from pipeline.stages import package

    parts = {}

    def watch(module, name, part):
        work = getattr(module, name)

        def watched(*args, **options):
            began, of_children = time.perf_counter(), children_cpu()
            try:
                return work(*args, **options)
            finally:
                parts[part] = parts.get(part, 0) + time.perf_counter() - began
                if part == "writing":
                    parts["press"] = children_cpu() - of_children

        setattr(module, name, watched)

    watch(choosing, "choose", "choosing")
    watch(package.splits, "freeze", "splits")
    watch(building, "write", "writing")
    watch(building, "describe", "card and manifest")
    watch(building, "check", "checks")
    watch(package, "_publish", "publishing")
    return parts


def children_cpu():
    """CPU seconds of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def rival(pipe, folder, rows):
    """In the child: the rows of every file in memory, as columns for Parquet and dicts for lines; then written."""
    import orjson
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables, lines = {}, {}
    for path in sorted(Path(folder).rglob("*")):
        name = f"{path.relative_to(folder)}".replace("/", "-")
        if path.suffix == ".parquet":
            file = pq.ParquetFile(path)
            groups = [file.read_row_group(number).to_pydict() for number in range(file.num_row_groups)]
            tables[name] = (file.schema_arrow, groups)
        elif path.suffix == ".jsonl":
            lines[name] = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    target = Path(folder).with_name("bare")
    target.mkdir()
    pipe.send("ready")
    pipe.recv()
    began, cpu = time.perf_counter(), time.process_time()
    for name, (schema, groups) in tables.items():
        options = {"compression": "zstd", "compression_level": 3}
        with pq.ParquetWriter(target / name, schema, **options) as writer:
            for group in groups:
                writer.write_table(pa.Table.from_pydict(group, schema=schema))
    for name, those in lines.items():
        with open(target / name, "wb") as file:
            for line in those:
                file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
    seconds, used = time.perf_counter() - began, time.process_time() - cpu
    pipe.send({"rate": rows / seconds, "cpu_us": 1e6 * used / rows, "peak_mb": peak_mb()})


if __name__ == "__main__":
    main()
