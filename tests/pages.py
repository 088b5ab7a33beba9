"""What tests of pages share: how a page reads, and how HTMX asks."""

import re

HTMX = {"HX-Request": "true"}


def text(response):
    """A page as words, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())
