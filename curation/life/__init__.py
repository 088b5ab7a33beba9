"""One prompt's whole life as data and as plain text: what a page shows, a file keeps and a person can read."""

from .gathering import life_of
from .telling import as_text

__all__ = ["as_text", "life_of"]
