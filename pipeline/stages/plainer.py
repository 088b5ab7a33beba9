"""The former name of what `adapting` does."""

from .adapting import learn as learn_plainer

__all__ = ["learn_plainer"]
