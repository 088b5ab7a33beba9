"""What was withdrawn does not come in again with a file."""

from ..models import Withdrawal
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

    def stops(self, piece):
        """The Withdrawal that keeps a piece of an import (its `source` and `drafts`) out, or None."""
        if not self._named:
            return None
        source = piece.source
        if source is None:  # the locator of a prompt without a source text is its group alone
            return next((self._groups[each.group_key] for each in piece.drafts if each.group_key in self._groups), None)
        by_locator = self._named.get((Kind.SOURCE, same_source(source.locator))) if source.locator else None
        return by_locator or (self._named.get((Kind.LICENCE, source.licence.casefold())) if source.licence else None)
