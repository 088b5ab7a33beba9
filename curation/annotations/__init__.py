"""Decisions in and out: one row for each, as JSON Lines, Parquet or CSV, and back by content."""

from .bringing import KNOWN, STORED, ImportReport, bring
from .reading import Refused, read, squeezed
from .rows import COLUMNS, decisions, rows
from .writing import FORMATS, write

__all__ = [
    "COLUMNS",
    "FORMATS",
    "KNOWN",
    "STORED",
    "ImportReport",
    "Refused",
    "bring",
    "decisions",
    "read",
    "rows",
    "squeezed",
    "write",
]
