"""Plain text and Markdown: the whole file is one document."""

import re

from .files import MAX_ROW_CHARS, scan_text

HEADING = re.compile(r"^#\s+(\S.*?)\s*#*\s*$", re.MULTILINE)


class TextReader:
    """One row: the text, the first heading of Markdown as its title, and the file's name as its locator."""

    place = "line"

    def __init__(self, file):
        self.file = file
        self.columns = ["text", "title", "locator"]
        self.total = 1

    def head(self, number=1):
        """The first rows, read without reading all."""
        return list(self.rows())

    def check(self):
        """Read all of it once; raises ImportRefused."""
        scan_text(self.file)
        with self.file.open_text(None) as stream:
            if len(stream.read(MAX_ROW_CHARS + 1)) > MAX_ROW_CHARS:
                raise self.file.refuse(f"A text file may have {MAX_ROW_CHARS:,} characters: cut it into several.")

    def rows(self):
        """(line, {column: value}) of the one row."""
        with self.file.open_text(None) as stream:
            text = stream.read(MAX_ROW_CHARS)
        heading = HEADING.search(text) if self.file.format == "markdown" else None
        yield 1, {"text": text, "title": heading[1] if heading else "", "locator": self.file.name}
