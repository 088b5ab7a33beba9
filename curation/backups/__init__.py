"""The whole record and its files in a folder, and back: on the same database or the other one.

A table is a gzipped file of JSON Lines, as Django's own serializer writes it. Log-ins, the queue, logs, the signing key
and API keys are no part of it.
"""

from .reading import restore
from .tables import BadBackup
from .writing import back_up, told_of_links

__all__ = ["BadBackup", "back_up", "restore", "told_of_links"]
