"""Does a release hold what its readers need? Looked at in the files as written, before anybody gets them."""

from dataclasses import dataclass, field


@dataclass
class Report:
    """`problems` keep a release a draft, `remarks` do not; both are sentences. `figures` are for pages and cards."""

    problems: list = field(default_factory=list)
    remarks: list = field(default_factory=list)
    figures: dict = field(default_factory=dict)


def check(directory, *, targets=None, should_stop=lambda: False):
    """Look at the finished files of a release in a child process; returns a Report.

    `targets` are {name: limit in tokens} of the recipe: what a named target asks of its files becomes a problem.
    """
    return Report()
