"""From a file to the database, in batches, and what became of every row."""

import time
from dataclasses import asdict, dataclass, field
from itertools import islice

from django.db import connection

from curation.models import Event

from .errors import BadRow, ImportRefused
from .outputs import PaidAnswers, link_methods
from .plan import prepare
from .rejects import Rejects
from .store import Store, pair_sources

BATCH_PROMPTS = 2000
BATCH_CHARS = 8_000_000
PROGRESS_ROWS = 1000
# Between its transactions a bulk import leaves SQLite's one write lock to reviewers for this long.
PAUSE_SECONDS = 0.02


@dataclass
class ImportReport:
    """What became of a file. `rows` and `rejected` count its rows; the other numbers count prompts, sources, pairs."""

    file: str
    rows: int = 0
    imported: int = 0
    unchanged: int = 0
    differs: int = 0
    rejected: int = 0
    documents: int = 0
    pairs: int = 0
    answers: int = 0
    answers_unchanged: int = 0
    answers_differ: int = 0
    answers_left: int = 0
    no_answers: int = 0
    problems: list = field(default_factory=list)
    rejects_path: str = ""

    def __str__(self):
        said = f"imported {self.imported}, unchanged {self.unchanged}, differs {self.differs}, rejected {self.rejected}"
        return f"{said}; {self._answers()}" if self._answers() else said

    def _answers(self):
        """What became of the file's answers, in words; "" where it has none."""
        counted = {
            "imported": self.answers,
            "unchanged": self.answers_unchanged,
            "of prompts that have another": self.answers_differ,
            "left because their prompts are in work or rejected": self.answers_left,
        }
        said = ", ".join(f"{number} {words}" for words, number in counted.items() if number)
        refused = f"{self.no_answers} texts that are no answers" if self.no_answers else ""
        return "; ".join(part for part in (said and f"answers: {said}", refused) if part)

    def counts(self):
        """The numbers by name."""
        return {name: value for name, value in asdict(self).items() if isinstance(value, int)}


class _Batch:
    """Pieces that wait for their transaction."""

    def __init__(self):
        self.pieces, self._prompts, self._chars = [], 0, 0

    def add(self, piece):
        self.pieces.append(piece)
        self._prompts += len(piece.drafts)
        for draft in piece.drafts:
            self._chars += len(draft.user_prompt) + len(draft.context) + len(draft.metadata)
        self._chars += len(piece.answer.text) if piece.answer else 0

    @property
    def full(self):
        return self._prompts >= BATCH_PROMPTS or self._chars >= BATCH_CHARS


def import_file(
    project,
    path,
    mapping=None,
    *,
    limit=None,
    progress=None,
    rejects_path=None,
    actor=None,
    run=None,
    read_answer=None,
    read_scores=None,
    **options,
):
    """Import one file into `project`: `prepare` with `options`, then `import_plan`; returns an `ImportReport`.

    Raises ImportRefused before anything is written.
    """
    plan = prepare(path, mapping, **options)
    return import_plan(
        project,
        plan,
        limit=limit,
        progress=progress,
        rejects_path=rejects_path,
        actor=actor,
        run=run,
        read_answer=read_answer,
        read_scores=read_scores,
    )


def import_plan(
    project,
    plan,
    *,
    limit=None,
    progress=None,
    rejects_path=None,
    actor=None,
    run=None,
    read_answer=None,
    read_scores=None,
):
    """Import the rows of a prepared file, at most its first `limit`; returns an `ImportReport`.

    `progress(done, total)` is called between batches with the rows done and the rows in all (None where nobody knows,
    an estimate for CSV and JSON Lines). What it raises ends the import; what was stored until then stays, and
    importing the file again goes on from there. Rejected rows go to `rejects_path` as JSON Lines.

    `read_answer(prompt, text)` gives the fields of the response for an answer that the file holds, where it is to be
    read as a teacher's reply; without it, its text is taken as it is. `read_scores(metadata)` gives the fields of the
    JudgeScores that stand beside the answer; without it, they stay in its metadata alone.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"{limit} rows is nothing to do; leave the limit out for all")
    report = ImportReport(plan.file.name)
    store = Store(project, PaidAnswers(project, read_answer, read_scores=read_scores, run=run, actor=actor))
    with Rejects(rejects_path, plan.file.name) as rejects:
        try:
            _store_rows(plan, store, report, rejects, limit, progress or (lambda done, total: None))
        except ImportRefused as refused:
            raise plan.file.refuse(*refused.problems, f"The {report.rows} rows before are imported.") from refused
    _bring_together(project, store, report)
    report.differs = store.differs()
    report.unchanged -= report.differs
    report.rejected, report.problems = rejects.count, rejects.sentences + report.problems
    report.rejects_path = str(rejects_path) if rejects_path and rejects.count else ""
    detail = {"file": report.file, **report.counts()}
    if not (run and Event.objects.filter(kind="import", run=run).exists()):  # killed behind it, it is begun again
        Event.objects.create(project=project, kind="import", actor=actor, run=run, detail=detail)
    return report


def _bring_together(project, store, report):
    """Pair what came of one source, and tell each method's answer which hypothesis it tests."""
    if store.may_pair:
        report.pairs += pair_sources(project, store.first_document, store.last_document, pause)
    if report.answers:
        link_methods(project)


def _store_rows(plan, store, report, rejects, limit, progress):
    convert, batch, told = plan.converter(), _Batch(), 0
    total = plan.reader.total
    if total and limit:
        total = min(total, limit)
    for line, values in islice(plan.reader.rows(), limit):
        report.rows += 1
        try:
            pieces = convert(values)
            _refuse_withdrawn(store.guard, pieces)
        except BadRow as bad:
            rejects.add(plan.reader.place, line, values, bad)
            continue
        _note_no_answer(report, plan, line, pieces)
        for piece in pieces:
            batch.add(piece)
            if batch.full:
                _save(store, batch, report, rejects)
                batch = _Batch()
        if report.rows - told >= PROGRESS_ROWS:
            progress(report.rows, total)
            told = report.rows
    _save(store, batch, report, rejects)
    progress(report.rows, report.rows)


def _note_no_answer(report, plan, line, pieces):
    why = pieces[0].no_answer if pieces else ""
    report.no_answers += bool(why)
    if why and len(report.problems) < Rejects.KEPT:
        report.problems.append(f"{plan.file.name}, {plan.reader.place} {line}: {why}")


def _refuse_withdrawn(guard, pieces):
    withdrawal = next(filter(None, (guard.stops(piece) for piece in pieces)), None)
    if withdrawal:
        wrong = f"{withdrawal} was withdrawn ({withdrawal.reason})"
        raise BadRow("locator" if withdrawal.kind == "source" else "licence", wrong, "it does not come in again")


def _save(store, batch, report, rejects):
    if not batch.pieces:
        return
    stored = store.save(batch.pieces)
    if stored.withdrawn:
        rejects.count += stored.withdrawn
        rejects.sentences.append(f"{report.file}: {stored.withdrawn} passages of sources that were withdrawn meanwhile")
    report.imported += stored.imported
    report.unchanged += stored.known
    report.documents += stored.documents
    report.pairs += stored.pairs
    report.answers += stored.answers["stored"]
    report.answers_unchanged += stored.answers["unchanged"]
    report.answers_differ += stored.answers["differs"]
    report.answers_left += stored.answers["left"]
    pause()


def pause():
    """Let others write; PostgreSQL needs no such courtesy."""
    if connection.vendor == "sqlite":
        time.sleep(PAUSE_SECONDS)
