"""What was withdrawn does not come in again with a file."""

import json

from ..models import Withdrawal
from ..models.document import IN_METADATA
from .chosen import groups_of, names, same_source

Kind = Withdrawal.Kind


class Guard:
    """The withdrawn sources and licences of a project, as they were when it last looked."""

    def __init__(self, project):
        self.project = project
        self.look()

    def look(self):
        """See what was withdrawn meanwhile."""
        rows = list(Withdrawal.objects.filter(project=self.project).exclude(kind=Kind.ROW))
        self._named = names(rows)
        self._groups = {group: row for row in rows if row.kind == Kind.SOURCE for group in groups_of(row.value)}
        self._licences = {value: row for (kind, value), row in self._named.items() if kind == Kind.LICENCE}

    def stops(self, piece):
        """The Withdrawal that keeps a piece of an import (its `source` and `drafts`) out, or None."""
        if not self._named:
            return None
        source = piece.source
        if source is None:  # the locator of a prompt without a source text is its group alone
            return next(filter(None, map(self._by_draft, piece.drafts)), None)
        by_locator = self._named.get((Kind.SOURCE, same_source(source.locator))) if source.locator else None
        return by_locator or self._licences.get(source.licence.strip().casefold())

    def _by_draft(self, draft):
        """What keeps a prompt without a source text out: its group, or the licence that its row says."""
        if draft.group_key in self._groups or not self._licences:
            return self._groups.get(draft.group_key)
        said = json.loads(draft.metadata)
        found = (self._licences.get(str(said.get(name) or "").strip().casefold()) for name in IN_METADATA["licence"])
        return next(filter(None, found), None)
