"""Text that every database, file and browser takes: what no text may hold is shown escaped, not lost."""

import re

FORBIDDEN = re.compile("[\0\ud800-\udfff]")


def clean_text(text):
    r"""NUL and lone surrogates escaped (\x00, \ud800), line ends as \n; everything else as it came."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return FORBIDDEN.sub(_escaped, text)


def clean_value(value):
    """`clean_text` for every text in a value out of JSON."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [clean_value(item) for item in value]
    if isinstance(value, dict):
        return {clean_text(str(key)): clean_value(item) for key, item in value.items()}
    return value


def _escaped(match):
    return "\\x00" if match[0] == "\0" else f"\\u{ord(match[0]):04x}"
