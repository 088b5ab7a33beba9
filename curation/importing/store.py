"""Many rows into the database at once, each content once."""

import json
from array import array
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from django.db import connection, transaction

from curation.models import Pair, Project, Prompt, SourceDocument, Tally
from curation.models.writing import insert_values

from ..withdrawing import Guard
from .rows import Draft, Source
from .values import same


@dataclass
class Stored:
    """How many of the prompts handed over were new and how many `known`, before or from this file; and the rest."""

    imported: int = 0
    known: int = 0
    documents: int = 0
    pairs: int = 0
    answers: Counter = field(default_factory=Counter)
    withdrawn: int = 0  # pieces of sources that were withdrawn while the file was read


class Store:
    """Puts pieces into one project, a batch a transaction; `answers` (PaidAnswers) takes those that rows carry."""

    def __init__(self, project, answers=None):
        self.project, self.answers, self.guard = project, answers, Guard(project)
        # 8 bytes a prompt: which keys came in what order, to tell repeats in the file from prompts known before it.
        self._seen, self._suspects = array("Q"), array("Q")
        self.first_document = self.last_document = None
        self.may_pair = False

    @transaction.atomic
    def save(self, pieces):
        """Store the pieces of a batch; returns `Stored`. What is known already stays as it is."""
        # Two imports of the same rows in another order would wait for each other for ever; SQLite has one writer.
        Project.objects.select_for_update(no_key=True).get(pk=self.project.pk)
        self.guard.look()
        given = len(pieces)
        pieces = [piece for piece in pieces if not self.guard.stops(piece)]
        stored = self._save(pieces) if pieces else Stored()
        stored.withdrawn = given - len(pieces)
        return stored

    def _save(self, pieces):
        document_ids, documents = self._documents(pieces)
        drafts = {}
        for piece in pieces:
            document = document_ids[piece.source.content_hash] if piece.source else None
            for draft in piece.drafts:
                drafts.setdefault(draft.key, (*draft, document))
        names = (*Draft._fields, "document_id")
        imported = insert_values(Prompt, names, drafts.values(), project_id=self.project.pk)
        Tally.objects.add_prompts(self.project.pk, to_collect=imported)
        self._note(drafts, all_new=imported == len(drafts))
        given = sum(len(piece.drafts) for piece in pieces)
        answered = self._answer(pieces)
        return Stored(imported, given - imported, documents, self._pair(pieces, document_ids), answered)

    def _answer(self, pieces):
        wanted = {}
        for piece in pieces:
            if piece.answer:
                wanted.setdefault(piece.drafts[0].key, []).append(piece.answer)
        return self.answers.store(wanted) if wanted and self.answers else Counter()

    def _documents(self, pieces):
        """({content hash: id}, how many are new) of the pieces' sources."""
        sources = {}
        for piece in pieces:
            if piece.source:
                sources.setdefault(piece.source.content_hash, piece.source)
        new = insert_values(SourceDocument, Source._fields, sources.values(), project_id=self.project.pk)
        known = SourceDocument.objects.filter(project=self.project, content_hash__in=list(sources))
        ids = dict(known.order_by().values_list("content_hash", "pk"))
        if ids:
            self.first_document = min(self.first_document or min(ids.values()), *ids.values())
            self.last_document = max(self.last_document or 0, *ids.values())
        return ids, new

    def _note(self, drafts, all_new):
        """Remember the order of keys, and where stored metadata are other than the file's."""
        place = {key: len(self._seen) + number for number, key in enumerate(drafts)}
        self._seen.extend(int(key[:16], 16) for key in drafts)
        if all_new:
            return
        stored = Prompt.objects.filter(project=self.project, key__in=list(drafts)).order_by()
        column = Draft._fields.index("metadata")
        for key, metadata in stored.values_list("key", "metadata"):
            if not same(metadata, json.loads(drafts[key][column])):
                self._suspects.append(place[key])

    def differs(self):
        """How many prompts were known before this file, with other metadata. A repeat within the file is none."""
        if not self._suspects:
            return 0
        seen, suspects = np.frombuffer(self._seen, dtype=np.uint64), np.frombuffer(self._suspects, dtype=np.uint64)
        places = np.flatnonzero(np.isin(seen, seen[suspects]))
        _, first = np.unique(seen[places], return_index=True)
        return int(np.isin(suspects, places[first]).sum())

    def _pair(self, pieces, document_ids):
        """Pairs of the texts of which both a hypothesis and a methodology were asked; returns how many are new."""
        wanted = []
        for piece in pieces:
            if piece.source and not piece.paired:
                self.may_pair = True  # with prompts of other rows, which only the end of the file can tell
            if piece.paired:
                keys = {draft.task_type: draft.key for draft in piece.drafts}
                document = document_ids[piece.source.content_hash]
                wanted.append((document, keys["hypothesis"], keys["methodology"]))
        if not wanted:
            return 0
        keys = [key for _, *both in wanted for key in both]
        ids = dict(Prompt.objects.filter(project=self.project, key__in=keys).order_by().values_list("key", "pk"))
        # In the order in which `pair_sources` makes them.
        rows = sorted((document, ids[first], ids[second]) for document, first, second in wanted)
        names = ("document_id", "hypothesis_id", "methodology_id")
        return insert_values(Pair, names, rows, project_id=self.project.pk)


# One statement over this many documents: it holds SQLite's write lock, which reviewers wait for.
PAIRING_SPAN = 5000
# The + keeps SQLite from walking through all prompts of the project, by its index, for every span of documents.
PAIR_UP = """
    INSERT INTO {pair} (project_id, document_id, hypothesis_id, methodology_id)
    SELECT %(project)s, document_id,
           MAX(CASE WHEN task_type = 'hypothesis' THEN id END), MAX(CASE WHEN task_type = 'methodology' THEN id END)
    FROM {prompt}
    WHERE +project_id = %(project)s AND document_id BETWEEN %(first)s AND %(last)s
          AND task_type IN ('hypothesis', 'methodology')
    GROUP BY document_id
    HAVING COUNT(CASE WHEN task_type = 'hypothesis' THEN 1 END) = 1
       AND COUNT(CASE WHEN task_type = 'methodology' THEN 1 END) = 1
    ORDER BY document_id
    ON CONFLICT DO NOTHING
"""


def pair_sources(project, first, last, pause=lambda: None):
    """Pair the prompts of every source with exactly one hypothesis and one methodology; returns how many are new.

    Looks at the documents with ids from `first` to `last`; `pause` is called between the statements.
    """
    tables = {"pair": Pair._meta.db_table, "prompt": Prompt._meta.db_table}
    new = 0
    for start in range(first, last + 1, PAIRING_SPAN):
        values = {"project": project.pk, "first": start, "last": min(last, start + PAIRING_SPAN - 1)}
        with connection.cursor() as cursor:
            cursor.execute(PAIR_UP.format(**tables), values)
            new += cursor.rowcount
        pause()
    return new
