"""What a migration came to: every row of every file is imported, matched or not, and the faults."""

from collections import Counter
from dataclasses import dataclass, field

from .faults import FAULTS, Findings


@dataclass
class FileReport:
    """One file. Each of its `rows` is counted once: `imported` (brought something new), `matched` or `unmatched`."""

    name: str
    kind: str
    rows: int = 0
    imported: int = 0
    matched: int = 0
    unmatched: int = 0
    refused: str = ""  # why the file as a whole was not read
    counts: Counter = field(default_factory=Counter)  # what the rows brought
    missed: list = field(default_factory=list)  # (line, why)

    def miss(self, line, why):
        """Count a row that matches nothing or cannot be taken, and keep why."""
        self.unmatched += 1
        self.missed.append((line, " ".join(why.split())))

    def as_json(self):
        """Numbers by name."""
        said = {name: getattr(self, name) for name in ("name", "kind", "rows", "imported", "matched", "unmatched")}
        return said | {"refused": self.refused, "counts": dict(sorted(self.counts.items()))}


@dataclass
class Report:
    """The whole of it. `notes` are sentences a person should read; `totals` is what the project holds afterwards."""

    project: str = ""
    dry_run: bool = False
    files: list = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)
    notes: list = field(default_factory=list)
    totals: dict = field(default_factory=dict)

    def file(self, name, kind):
        """A new FileReport in this report."""
        self.files.append(FileReport(name, kind))
        return self.files[-1]

    def unmatched(self):
        """{file, line, why} of every row that matched nothing."""
        return [{"file": each.name, "line": line, "why": why} for each in self.files for line, why in each.missed]

    def as_json(self):
        """The report as data; the same migration gives the same."""
        faults = {
            code: {"count": number, "label": FAULTS[code].label, "examples": self.findings.examples(code)}
            for code, number in self.findings.counts().items()
        }
        return {
            "project": self.project,
            "dry_run": self.dry_run,
            "files": [each.as_json() for each in self.files],
            "faults": faults,
            "notes": self.notes,
            "totals": self.totals,
        }
