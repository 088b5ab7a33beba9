"""Second chances: what was said against an answer, what the recipes do about it, and who is asked next."""

from .chances import Chance, Mend, chances
from .complaints import SOURCES, Said, complaints_of
from .recipes import Reason, from_yaml, has_ladder, load_recipes, reasons, recipes_of, record_recipes, shipped, to_yaml

__all__ = [
    "SOURCES",
    "Chance",
    "Mend",
    "Reason",
    "Said",
    "chances",
    "complaints_of",
    "from_yaml",
    "has_ladder",
    "load_recipes",
    "reasons",
    "recipes_of",
    "record_recipes",
    "shipped",
    "to_yaml",
]
