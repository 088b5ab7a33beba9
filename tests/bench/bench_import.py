"""How fast a large file is imported, and in how much memory. Run: python -m tests.bench.bench_import [--rows N].

Makes the file in a temporary directory, imports it twice into a new database in a process of its own (SQLite, or
the one that DATABASE_URL names, as in `python -m tests.with_postgres python -m tests.bench.bench_import`), and prints
rows a second and the process' peak memory.
"""

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

WORDS = "the of lactate strain catalyst under voltage phase measured rate film cells with at iron".split()  # noqa: SIM905
CHUNK = 10_000


def made_rows(number, kind):
    """Rows of about 1 KB, in chunks: `prompts` with prompt, context and metadata, `texts` with a text alone."""
    random.seed(1)
    for start in range(0, number, CHUNK):
        rows = []
        for n in range(start, min(start + CHUNK, number)):
            text = f"Source {n}. " + " ".join(random.choices(WORDS, k=130))
            row = {"id": f"sample_{n:06d}", "domain": "chemistry", "score": n / 7, "source_file": f"part-{n % 50}.json"}
            if kind == "prompts":
                row |= {"user_prompt": f"State one hypothesis about source {n}.", "context": text}
                row |= {"template_name": "hypothesis" if n % 2 else "methodology"}
            else:
                row |= {"text": text, "doi": f"10.1000/{n // 3}"}
            rows.append(row)
        yield rows


def write(path, number, kind, row_group):
    """The file, in the format that its name says."""
    if path.suffix == ".parquet":
        schema = pa.Table.from_pylist(next(made_rows(1, kind))).schema
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            held = []
            for rows in made_rows(number, kind):
                held.append(pa.Table.from_pylist(rows, schema))
                if sum(map(len, held)) >= row_group:
                    writer.write_table(pa.concat_tables(held), row_group_size=row_group)
                    held = []
            if held:
                writer.write_table(pa.concat_tables(held), row_group_size=row_group)
        return
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, next(made_rows(1, kind))[0]) if path.suffix == ".csv" else None
        if table:
            table.writeheader()
        for rows in made_rows(number, kind):
            if table:
                table.writerows(rows)
            else:
                stream.writelines(json.dumps(row) + "\n" for row in rows)


def import_twice(path):
    """The child process: import, import again, print what it took."""
    import django

    django.setup()
    from django.core.management import call_command

    from curation.importing import import_file
    from curation.models import Project

    call_command("migrate", verbosity=0)
    Project.objects.filter(slug="bench").delete()
    project = Project.objects.create(slug="bench", name="Bench")
    before = peak_mb()
    for turn in ("first", "again"):
        started, worked = time.perf_counter(), time.process_time()
        report = import_file(project, path)
        seconds = time.perf_counter() - started
        worked = time.process_time() - worked
        print(
            f"  {turn}: {report.rows / seconds:,.0f} rows/s, {seconds:.1f} s ({worked:.1f} s of CPU), "
            f"peak {peak_mb()} MB (before {before} MB); {report}; {report.pairs} pairs",
            flush=True,
        )


def peak_mb():
    """Peak resident memory of this program; unlike ru_maxrss it leaves out the process that started it."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


def main():
    """Make each file asked for and import it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--kind", nargs="+", default=["prompts", "texts"], choices=["prompts", "texts"])
    parser.add_argument("--format", nargs="+", default=["parquet"], choices=["parquet", "csv", "jsonl"])
    parser.add_argument("--row-group", type=int, default=50_000, help="rows of a Parquet row group")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return import_twice(options.child)
    for kind in options.kind:
        for suffix in options.format:
            with tempfile.TemporaryDirectory(prefix="nexa-bench-") as directory:
                path = Path(directory, f"bench.{suffix}")
                write(path, options.rows, kind, options.row_group)
                size = path.stat().st_size / 1e6
                print(f"{options.rows:,} {kind}, {suffix}, {size:.0f} MB, {_database()}", flush=True)
                environment = {"DATA_DIR": directory, "DJANGO_SETTINGS_MODULE": "distill_site.settings"}
                command = [sys.executable, "-m", "tests.bench.bench_import", "--child", str(path)]
                subprocess.run(command, check=True, env=os.environ | environment)
    return None


def _database():
    return "PostgreSQL" if os.environ.get("DATABASE_URL", "").startswith("postgres") else "SQLite"


if __name__ == "__main__":
    main()
