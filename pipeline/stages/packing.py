"""A work's notes as JSON and back: what a stage must know when the answer comes, hours later and in another process.

What JSON has no word for is an object with the one key `$`: a row by its model and primary key, a tuple, a set, a dict
whose keys are no texts.
"""

from django.apps import apps
from django.db.models import Model


def pack(value):
    """`value` as JSON takes it; raises TypeError for what it has no form for."""
    if isinstance(value, Model):
        return {"$": "row", "model": value._meta.label, "pk": value.pk}
    if isinstance(value, dict):
        if all(isinstance(key, str) for key in value) and "$" not in value:
            return {key: pack(each) for key, each in value.items()}
        return {"$": "dict", "items": [[pack(key), pack(each)] for key, each in value.items()]}
    if isinstance(value, (tuple, set, frozenset)):
        kind = "tuple" if isinstance(value, tuple) else "set"
        return {"$": kind, "items": [pack(each) for each in value]}
    if isinstance(value, list):
        return [pack(each) for each in value]
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, str):  # a TextChoices member
        return str(value)
    raise TypeError(f"{value!r} in a work's notes cannot be kept until a batch is answered.")


class Unpacker:
    """Unpacks many values; a row that several of them name is read once."""

    def __init__(self):
        self._rows = {}

    def unpack(self, value):
        """What `pack` was given; rows as they are now. Raises DoesNotExist for one that is gone."""
        if isinstance(value, list):
            return [self.unpack(each) for each in value]
        if not isinstance(value, dict):
            return value
        kind = value.get("$")
        if kind is None:
            return {key: self.unpack(each) for key, each in value.items()}
        if kind == "row":
            return self._row(value["model"], value["pk"])
        items = [self.unpack(each) for each in value["items"]]
        return {"tuple": tuple, "set": set, "dict": dict}[kind](items)

    def _row(self, label, pk):
        if (label, pk) not in self._rows:
            self._rows[(label, pk)] = apps.get_model(label)._base_manager.get(pk=pk)
        return self._rows[(label, pk)]
