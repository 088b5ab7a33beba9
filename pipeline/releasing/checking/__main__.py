"""The child process of `check`: `python -m pipeline.releasing.checking DIR CACHE TARGETS PARENT`; prints a Report."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from pipeline.embedded.tied import die_with_parent
from pipeline.releasing.checking import Report, files, loading, schemas

CHECKS = (files.check, schemas.check, loading.check)


def main(directory, cache, targets):
    """Every check in turn; what one finds does not keep the next from looking."""
    report = Report()
    said = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    for check in CHECKS:
        check(directory, said, report, cache=cache, targets=targets)
    print(json.dumps(asdict(report), ensure_ascii=False))


if __name__ == "__main__":
    die_with_parent(int(sys.argv[4]))
    main(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]))
