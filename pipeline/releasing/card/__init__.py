"""The dataset card of a release: README.md with the YAML that `datasets.load_dataset` reads, and what people ask first.

It holds no clock and no key, so that the same content gives the same bytes.
"""

import yaml

from pipeline.releasing import readers

from .body import body
from .figures import figures_of
from .head import head, splits_of
from .made import made_with

CARD = "README.md"

__all__ = ["CARD", "made_with", "write"]


def write(release, directory):
    """Write README.md and dataset_info.json for the finished files in `directory`, rows.parquet among them.

    Takes the release's counts, label, recipe, base, audit, report (its lengths) and the versions in its manifest.
    """
    files, figures = splits_of(directory), figures_of(release, directory)
    top = yaml.safe_dump(head(release, figures, files), sort_keys=False, allow_unicode=True, width=120)
    (directory / CARD).write_text(f"---\n{top}---\n\n{body(release, figures, files)}\n", encoding="utf-8")
    lines = [{"path": path.relative_to(directory).as_posix()} for path in sorted(directory.glob("jsonl/*/*.jsonl"))]
    readers.write_dataset_info(directory, readers.called(release.project), lines)
