"""What other filter rules would do to a project's answers, told before they are applied; nothing is written.

`sample_of` draws what was measured, `would` says what flips under other rules, `values_of` and `bins` draw a rule.
"""

from .bins import bins, span
from .columns import refuse_slow_patterns, values_of
from .drawing import forget, in_force, sample_of
from .sample import Sample
from .trial import Effect, Example, Trial, would

__all__ = [
    "Effect",
    "Example",
    "Sample",
    "Trial",
    "bins",
    "forget",
    "in_force",
    "refuse_slow_patterns",
    "sample_of",
    "span",
    "values_of",
    "would",
]
