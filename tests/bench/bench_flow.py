"""How fast prompts go from a file to a release against the stand-in teacher. Run: python -m tests.bench.bench_flow.

Reads `--file`, or makes texts of about 1 KB; the work runs in this process, without a queue. On PostgreSQL:
`python -m tests.with_postgres python -m tests.bench.bench_flow`.
"""

import argparse
import json
import random
from pathlib import Path

from tests.bench.installation import installation, stand_in_teacher, timed

WORDS = "the of lactate strain catalyst under voltage phase measured rate film cells with at iron".split()  # noqa: SIM905


def made_file(directory, rows):
    """Texts of about 1 KB, one a line."""
    dice, path = random.Random(1), Path(directory, "texts.jsonl")
    with path.open("w") as lines:
        for number in range(rows):
            text = f"Source {number}. " + " ".join(dice.choices(WORDS, k=150)) + "."
            lines.write(json.dumps({"text": text, "domain": "chemistry", "doi": f"10.1000/{number}"}) + "\n")
    return path


def main():
    """Import, collect, filter, judge, package; counts per state at the end."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file", type=Path, help="what to import instead of made texts")
    parser.add_argument("--rows", type=int, default=1000, help="rows; each makes two prompts (default 1000)")
    parser.add_argument("--delay-ms", type=float, default=50, help="how long each answer takes (default 50)")
    parser.add_argument("--concurrency", type=int, default=64)
    options = parser.parse_args()
    with installation() as directory, stand_in_teacher(options.delay_ms) as url:
        flow(options.file or made_file(directory, options.rows), url, options)


def flow(path, url, options):
    """The stages one after the other, each timed."""
    from curation.importing import import_file
    from curation.models import Project, Teacher, TeacherResponse

    teacher = Teacher.objects.create(name="stand-in", base_url=url, model="stand-in", concurrency=options.concurrency)
    roles = dict.fromkeys(("teacher", "regen_teacher", "judge_factuality", "judge_reasoning"), teacher)
    project = Project.objects.create(name="Bench", slug="bench", auto_accept_percent=99, **roles)
    timed("import", lambda: import_file(project, path, limit=options.rows).imported)
    # A method is asked once its hypothesis has passed: hence two rounds.
    for kind in ("hypotheses", "methods"):
        for name in ("collect", "filter", "judge"):
            timed(f"{name} {kind}", lambda name=name: stage(project, name))
    timed("package", lambda: stage(project, "package", {"include": "accepted"}))
    print("  " + json.dumps(project.prompts.state_counts()))
    print(f"  release: {json.dumps(project.releases.first().counts, ensure_ascii=False)[:300]}")
    for response in TeacherResponse.objects.filter(prompt__project=project).order_by("pk")[:3]:
        print(f"  {response.prompt.task_type}: {response.text[:200]!r}")


def stage(project, name, parameters=None):
    """A run in this process; returns how many prompts it did."""
    from pipeline import jobs

    run = jobs.prepare(project, name, parameters)
    jobs.carry_out(run)
    run.refresh_from_db()
    if run.state != "finished":
        raise SystemExit(f"{run} {run.state}: {run.error}")
    print(f"    {run.counters} {run.last_error}")
    return run.done


if __name__ == "__main__":
    main()
