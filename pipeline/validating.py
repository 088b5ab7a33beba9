"""Is a data set fit to teach from? Counts held against the limits of the earlier validation script; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

PASS, WARN, FAIL = "pass", "warn", "fail"
NAMED = 5  # thin cells that are named in a sentence


class Share(NamedTuple):
    """`fine` of `of` answers."""

    fine: int
    of: int

    @property
    def percent(self):
        """0–100, or None where there was nothing to look at."""
        return 100 * self.fine / self.of if self.of else None

    @property
    def words(self):
        return f"{self.percent:.1f} % of {self.of:,}" if self.of else "none to look at"


@dataclass(frozen=True)
class Limits:
    """What a data set is held to: the last three are per cent of the answers they speak of."""

    min_domains: int = 3
    min_templates: int = 2
    min_per_cell: int = 100
    min_falsifiable: float = 60
    min_method: float = 50
    min_format: float = 90


@dataclass(frozen=True)
class Counts:
    """What was counted of a data set.

    `cells` are {(domain, task type): number} of its answers, or of its prompts where there is no answer. `answered` is
    None for a file that has no column of answers. `duplicates` are prompts that occur again, `repeated` answers with
    the very text of another, `unreadable` rows of a file that are none. `falsifiable` speaks of hypotheses, `method` of
    methodologies, `form` of all answers.
    """

    prompts: int
    answered: int | None
    cells: Mapping = field(default_factory=dict)
    empty: int = 0
    duplicates: int = 0
    repeated: int = 0
    unreadable: int = 0
    falsifiable: Share = Share(0, 0)
    method: Share = Share(0, 0)
    form: Share = Share(0, 0)

    @property
    def domains(self):
        """Domains with a name, in order."""
        return sorted({domain for (domain, _), number in self.cells.items() if domain and number})

    @property
    def task_types(self):
        return sorted({task for (_, task), number in self.cells.items() if task and number})


class Check(NamedTuple):
    """One thing that was looked at: `outcome` is PASS, WARN or FAIL, `says` what was wrong, or what is right."""

    id: str
    label: str
    outcome: str
    found: str
    wanted: str
    says: str


def validate(counts, limits=None):
    """Every Check of `counts`, in the order of the report."""
    limits = limits or Limits()
    return [
        _rows(counts),
        _at_least("domains", "Domains", counts.domains, limits.min_domains),
        _at_least("templates", "Templates (task types)", counts.task_types, limits.min_templates),
        _cells(counts, limits.min_per_cell),
        _none("empty", "Empty answers", counts.empty, "An answer of fewer than ten characters teaches nothing."),
        _none("duplicates", "Duplicate prompts", counts.duplicates, "The same prompt stands in the data again."),
        _repeated(counts),
        _share("falsifiable", "Falsifiable hypotheses", counts.falsifiable, limits.min_falsifiable, "hypothesis"),
        _share("method", "Methods that are there", counts.method, limits.min_method, "methodology"),
        _share("form", "Valid form", counts.form, limits.min_format, "answer"),
    ]


def passes(checks):
    """Whether nothing failed; warnings do not count."""
    return all(check.outcome != FAIL for check in checks)


def _rows(counts):
    bad = f" {counts.unreadable:,} rows could not be read." if counts.unreadable else ""
    found = f"{counts.prompts:,} prompts" if counts.answered is None else f"{counts.answered:,} of {counts.prompts:,}"
    check = Check("answers", "Prompts with an answer", PASS, found, "some", "")
    if not counts.prompts:
        return check._replace(outcome=FAIL, says=f"There is no prompt: there must be some.{bad}")
    if counts.answered is None:
        says = f"There is no column of answers, so the prompts alone were looked at.{bad}"
        return check._replace(outcome=FAIL if bad else WARN, says=says)
    if not counts.answered:
        return check._replace(outcome=FAIL, says=f"No prompt has an answer yet: collect first.{bad}")
    return check._replace(outcome=FAIL if bad else PASS, says=bad.strip() or _completion(counts))


def _completion(counts):
    return f"{100 * counts.answered / counts.prompts:.1f} % of the prompts have an answer."


def _at_least(id, label, names, limit):
    listed = ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
    check = Check(id, label, PASS, f"{len(names):,}", f"at least {limit:,}", f"{listed}." if listed else "")
    if len(names) >= limit:
        return check
    return check._replace(outcome=FAIL, says=f"Only {listed or 'none with a name'}; at least {limit:,} are wanted.")


def _cells(counts, limit):
    """Every task type in every domain: what is thin is learned badly, but is no reason to refuse the data."""
    pairs = [(domain, task) for domain in counts.domains for task in counts.task_types]
    thin = sorted((counts.cells.get(pair, 0), pair) for pair in pairs if counts.cells.get(pair, 0) < limit)
    found = f"{len(pairs) - len(thin):,} of {len(pairs):,}"
    check = Check("cells", "Domain and template together", PASS, found, f"at least {limit:,} each", "")
    if not thin:
        return check._replace(says=f"Every one has {limit:,} or more.") if pairs else check._replace(outcome=WARN)
    named = ", ".join(f"{domain} × {task} {number:,}" for number, (domain, task) in thin[:NAMED])
    more = f" and {len(thin) - NAMED:,} more" if len(thin) > NAMED else ""
    return check._replace(outcome=WARN, says=f"Fewer than {limit:,}: {named}{more}.")


def _none(id, label, number, why):
    check = Check(id, label, PASS, f"{number:,}", "none", "")
    return check._replace(outcome=FAIL, says=why) if number else check


def _repeated(counts):
    check = _none("repeated", "Answers said before", counts.repeated, "The same text answers another prompt too.")
    return check._replace(outcome=WARN) if counts.repeated else check


def _share(id, label, share, limit, what):
    check = Check(id, label, PASS, share.words, f"at least {limit:g} %", "")
    if share.percent is None:
        return check._replace(outcome=WARN, says=f"There is no {what} to look at.")
    if share.percent < limit:
        return check._replace(outcome=FAIL, says=f"{share.fine:,} of {share.of:,}: {limit:g} % or more are wanted.")
    return check
