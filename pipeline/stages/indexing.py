"""The search index behind what runs write: brought up to date when a run ended, and when a long one is far ahead."""

from curation import searching
from curation.importing.load import PAUSE_SECONDS

PORTION = 1000  # prompts between two looks at whether to stop


def bring_up_to_date(should_stop=lambda: False):
    """Take up every mark; asked to stop, leave the rest to the next run or worker. A search goes without them meanwhile
    where they are few, as it reads their texts itself.
    """
    while not should_stop() and searching.catch_up(PORTION, PAUSE_SECONDS):
        pass


def keep_up():
    """Within a run: take up some marks where a search could no longer read what is marked."""
    if searching.unread():
        searching.catch_up(PORTION)
