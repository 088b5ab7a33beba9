"""`pk__among=ids`: like `__in`, with all ids as one parameter, so that a thousand cost no more to prepare than one."""

import json

from django.db.models import Field, ForeignObject, Lookup


@ForeignObject.register_lookup
@Field.register_lookup
class Among(Lookup):
    """Whether a whole number is among the given ones."""

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler, connection):
        column, parameters = self.process_lhs(compiler, connection)
        if connection.vendor == "postgresql":
            return f"{column} = ANY(%s)", (*parameters, list(self.rhs))
        return f"{column} IN (SELECT value FROM json_each(%s))", (*parameters, json.dumps(list(self.rhs)))
