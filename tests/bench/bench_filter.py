"""Answers a second from database to stored verdicts, beside other tools over Parquet files: `make bench-filter`.

200,000 made answers of about 150 words. Each contestant runs in a process of its own; the stage with one and with two
jobs. On PostgreSQL: `python -m tests.with_postgres python -m tests.bench.bench_filter`.
"""

import argparse
import os
import time
from itertools import islice
from pathlib import Path

from tests.bench import contestants, filter_texts, rivals
from tests.bench.contestants import peak_mb
from tests.bench.installation import installation

PORTION = 5000  # answers stored in one transaction
WARM_UP = 200


def main():
    """The table of rates and memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000, help="answers (default 200,000)")
    parser.add_argument("--all-rules", type=int, default=20_000, help="answers for all rules together (default 20,000)")
    parser.add_argument("--only", default="", help="contestants whose name contains this")
    options = parser.parse_args()
    with installation() as directory:
        print(f"load {os.getloadavg()[0]:.1f}, {options.rows:,} answers", flush=True)
        source = Path(directory, "answers.parquet")
        print(f"  {write_parquet(source, options.rows):.0f} words an answer", flush=True)
        table(dict(contest(source, options)))


def contest(source, options):
    """(name, what it measured) of each contestant; the stage's two numbers stand between the others'.

    What is slow gets a tenth of the answers, which changes no rate.
    """
    tenth = source.with_name("tenth.parquet")
    write_parquet(tenth, options.rows // 10)
    runs = {
        "pyarrow": lambda: rival("pyarrow", source, options.rows),
        "stage, one process": lambda: stage(options.rows, processes=1),
        "polars": lambda: rival("polars", source, options.rows),
        "stage, two processes": lambda: stage(options.rows, processes=2),
        "duckdb": lambda: rival("duckdb", source, options.rows),
        "pyarrow, again": lambda: rival("pyarrow", source, options.rows),
        "pandas, row by row": lambda: rival("pandas, row by row", tenth, options.rows // 10),
        "stage, one process, a tenth": lambda: stage(options.rows // 10, processes=1),
        "stage, all rules, one process": lambda: stage(options.all_rules, processes=1, rules={}),
    }
    for name, run in runs.items():
        if options.only in name:
            result = run()
            print(f"  {name}: {result['rate']:,.0f} a second, {result['passed']:,} pass", flush=True)
            yield name, result


def table(measured):
    """As Markdown, with ratios to pyarrow's better run."""
    base = max((each["rate"] for name, each in measured.items() if name.startswith("pyarrow")), default=None)
    print("\n| contestant | answers a second | to pyarrow | CPU µs an answer | peak RSS | of it mapped files |")
    print("|---|---|---|---|---|---|")
    for name, each in measured.items():
        ratio = f"{each['rate'] / base:.2f}" if base else "–"
        cpu, peak, mapped = f"{each['cpu_us']:.0f}", f"{each['peak_mb']:.0f} MB", f"{each['mapped_mb']:.0f} MB"
        print(f"| {name} | {each['rate']:,.0f} | {ratio} | {cpu} | {peak} | {mapped} |")
    print(f"\nLoad at the end: {os.getloadavg()[0]:.1f}.", flush=True)


# -- in processes of their own ------------------------------------------------------------------------------------


def together(jobs, rows):
    """Run children that start at the same moment; the last one counts."""
    results = contestants.together(jobs)
    seconds, cpu = contestants.slowest(results)
    most = {name: max(each[name] for each in results) for name in ("peak_mb", "mapped_mb")}
    return {"rate": rows / seconds, "cpu_us": 1e6 * cpu / rows, **most, "passed": results[0]["passed"]}


def child(pipe, work):
    """Say that all is loaded, wait for the start, work, send what it took."""
    pipe.send("ready")
    pipe.recv()
    began, cpu = time.perf_counter(), time.process_time()
    passed = work()
    measured = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    pipe.send({**measured, "peak_mb": peak_mb(), "mapped_mb": mapped_mb(), "passed": passed})


def mapped_mb():
    """Megabytes of files in this process's memory now, libraries and the database's own pages; 0 where unknown."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssFile")) / 1024


def rival(name, source, rows):
    """Another tool over the Parquet file."""
    return together([(run_rival, (name, str(source)))], rows)


def run_rival(pipe, name, source):
    """In the child: its libraries are loaded before the start."""
    __import__({"pandas, row by row": "pandas"}.get(name, name))
    child(pipe, lambda: rivals.RIVALS[name](source, f"{source}.out.parquet"))


def stage(rows, processes, rules=None):
    """The filter stage over a new project of so many answers; what it stored is counted."""
    rules = rivals.CLASSIC if rules is None else rules
    warm_ups = [new_run(WARM_UP, rules) for _ in range(processes)]
    run = new_run(rows, rules)
    result = together([(run_stage, (warm_up.pk, run.pk)) for warm_up in warm_ups], rows)
    check(run, rows)
    return result | {"passed": run.counters["filters_passed"]}


def run_stage(pipe, warm_up_id, run_id):
    """In the child: the worker's job, warmed up."""
    import django

    django.setup()
    from pipeline import jobs

    jobs.work(warm_up_id)
    child(pipe, lambda: jobs.work(run_id))


def check(run, rows):
    """Every answer has one verdict and one event."""
    from curation.models import Event, FilterResult

    run.refresh_from_db()
    stored = FilterResult.objects.filter(run=run).count(), Event.objects.filter(run=run, kind="filtered").count()
    if (run.state, run.done, *stored) != ("finished", rows, rows, rows):
        raise SystemExit(f"{run} {run.state}: {run.done} done, {stored} verdicts and events. {run.error}")


# -- answers ------------------------------------------------------------------------------------------------------


def write_parquet(path, rows):
    """The answers as a Parquet file; returns how many words one has on average."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    made = list(filter_texts.texts(rows))
    columns = dict(zip(("task_type", "text", "tokens"), zip(*made, strict=True), strict=True))
    pq.write_table(pa.table({name: list(values) for name, values in columns.items()}), path)
    return sum(len(text.split()) for _, text, _ in made[:1000]) / len(made[:1000])


def new_run(rows, rules):
    """A run of the filters over so many answers, each of a prompt of its own, in a project of its own."""
    from curation.models import Project, Ruleset, Teacher
    from pipeline import filters, jobs

    number = Project.objects.count() + 1
    project = Project.objects.create(name=f"Bench {number}", slug=f"bench-{number}", near_duplicate_percent=0)
    teacher = Teacher.objects.get_or_create(name="stand-in", base_url="http://127.0.0.1:9/v1", model="stand-in")[0]
    store(project, teacher, filter_texts.texts(rows), number)
    body = filters.rules_to_mapping(filters.stored_rules(rules) if rules else filters.load_rules({}))
    Ruleset.record(project, "filter", body, origin="bench")
    return jobs.prepare(project, "filter")


def store(project, teacher, texts, number):
    """Prompts with a source and an answer each, as collection leaves them; returns how many."""
    stored = 0
    while portion := list(islice(texts, PORTION)):
        _store_portion(project, teacher, portion, f"{number:08x}{stored:08x}")
        stored += len(portion)
    return stored


def _store_portion(project, teacher, portion, name):
    from django.db import transaction
    from django.db.models import OuterRef, Subquery

    from curation.models import Prompt, State, TeacherResponse
    from curation.models.writing import insert_values

    keys = [f"{name}{place:048x}" for place in range(len(portion))]
    prompts = [
        (key, key, task_type, f"Source {key[:16]}. {text[:600]}")
        for key, (task_type, text, _) in zip(keys, portion, strict=True)
    ]
    with transaction.atomic():
        insert_values(Prompt, ("key", "group_key", "task_type", "context"), prompts, project_id=project.pk)
        made = Prompt.objects.filter(project=project, key__startswith=name).order_by("key")
        ids = list(made.values_list("pk", flat=True))
        answers = [(pk, text, tokens) for pk, (_, text, tokens) in zip(ids, portion, strict=True)]
        names = ("prompt_id", "text", "completion_tokens")
        insert_values(TeacherResponse, names, answers, teacher_id=teacher.pk, finish_reason="stop", sent_user="…")
        answer = TeacherResponse.objects.filter(prompt=OuterRef("pk")).values("pk")[:1]
        made.update(current_response=Subquery(answer), attempts=1)
        made.move(State.TO_FILTER, "collected")


if __name__ == "__main__":
    main()
