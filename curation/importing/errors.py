"""What can be wrong with a file, and with a row of it."""


class ImportRefused(ValueError):
    """A file cannot be imported as it is. Nothing of it was written, unless the message says so.

    `problems` holds one sentence for everything that is wrong, each with what is right.
    """

    def __init__(self, file_name, *problems):
        self.file_name = file_name
        self.problems = list(problems)
        super().__init__("\n".join(f"{file_name}: {problem}" for problem in problems))


class BadRow(Exception):
    """One row cannot be imported; it goes to the rejects file and costs no other row.

    `column` is "" where the row as a whole is meant; `raw` is what a reader could not take apart.
    """

    def __init__(self, column, wrong, right, raw=None):
        self.column, self.wrong, self.right, self.raw = column, wrong, right, raw
        super().__init__(f"{column}: {wrong}; {right}" if column else f"{wrong}; {right}")


def shown(names, most=30):
    """Column names for a message, in quotes; long lists are cut."""
    names = list(names)
    text = ", ".join(repr(name) for name in names[:most]) or "none"
    return text if len(names) <= most else f"{text} and {len(names) - most} more"
