"""A child process of `check`: `python -m pipeline.releasing.checking DIR CACHE TARGETS PARENT CHECK...`.

Prints {name of a check: its Report}.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from pipeline.embedded.tied import die_with_parent
from pipeline.releasing.checking import Report, files, loading, schemas

BY_NAME = {"files": files.check, "schemas": schemas.check, "loading": loading.check}


def main(directory, cache, targets, names):
    """The named checks in turn; what one finds does not keep the next from looking."""
    said = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    reports = {name: Report() for name in names}
    for name, report in reports.items():
        BY_NAME[name](directory, said, report, cache=cache, targets=targets)
    print(json.dumps({name: asdict(report) for name, report in reports.items()}, ensure_ascii=False))


if __name__ == "__main__":
    die_with_parent(int(sys.argv[4]))
    main(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[5:])
