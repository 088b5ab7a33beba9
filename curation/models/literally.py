"""`state__literally="to_review"`: the value stands in the statement itself, not beside it as a parameter.

SQLite uses an index over a part of the rows only where the statement says itself that it asks for that part, and an
index over a boolean only where it is compared with a number.
"""

import re

from django.db.models import BooleanField, CharField, Lookup


class Literally(Lookup):
    """Whether a column is this boolean, or this plain word of a program's own."""

    lookup_name = "literally"
    prepare_rhs = False

    def as_sql(self, compiler, connection):
        column, parameters = self.process_lhs(compiler, connection)
        return f"{column} = {self._written(connection)}", parameters

    def _written(self, connection):
        if isinstance(self.rhs, bool):
            return str(self.rhs) if connection.vendor == "postgresql" else str(int(self.rhs))
        if not re.fullmatch(r"[a-z_]+", self.rhs):
            raise ValueError(f"{self.rhs!r} is not written into a statement: only lower-case letters and _ are.")
        return f"'{self.rhs}'"


BooleanField.register_lookup(Literally)
CharField.register_lookup(Literally)
