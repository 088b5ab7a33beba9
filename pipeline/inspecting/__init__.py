"""What a data set holds, a project's or a file's: its rows, their lengths and times, and what is fit in them."""

from .census import Census, cells_of, census_of, clusters_of
from .counting import Tally
from .keeping import kept
from .looking import RULES, Look
from .rows import Row, rows_of_file, rows_of_project
from .spread import Spread, spread

__all__ = [
    "RULES",
    "Census",
    "Look",
    "Row",
    "Spread",
    "Tally",
    "cells_of",
    "census_of",
    "clusters_of",
    "kept",
    "rows_of_file",
    "rows_of_project",
    "spread",
]
