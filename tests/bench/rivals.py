"""What bench_filter compares the stage with: the classic rules over Parquet files, as other tools can express them.

Each is a function (source, target): it reads the column `text` and `tokens`, and writes them with one boolean column a
rule and `passes`. Their patterns take what RE2 and Rust's regex take: no lookaround, so an interval [1, 2] or an index
x[0] is a citation to them, and every noun "culture" a verb.
"""

import re

from pipeline.filters.brackets import NUMBERS
from pipeline.filters.citations import ET_AL, REFERENCES
from pipeline.filters.inflection import IRREGULAR, past_and_ing, spellings, third_person
from pipeline.filters.refusals import AGAINST_POLICY, ANYWHERE, LABEL, LEAD_IN, OPENINGS, START
from pipeline.filters.verbs import DEFAULT_VERBS

LEAST_CHARACTERS, MOST_CHARACTERS, LEAST_TOKENS = 120, 4000, 80
CLASSIC = {
    "min_char_length": LEAST_CHARACTERS,
    "max_char_length": MOST_CHARACTERS,
    "min_token_length": LEAST_TOKENS,
    "require_action_verb": True,
    "ban_citations": True,
    "ban_refusals": True,
}


def _forms(verb):
    return [verb, third_person(verb), *past_and_ing(verb), *IRREGULAR.get(verb, [])]


_NAME = r"[A-ZÀ-ÖØ-Þ][\w'’-]+"
_YEAR = r"(?:1[89]|20)\d\d[a-z]?\b"
_AUTHORS = rf"{_NAME}(?:(?:,\s*|,?\s+(?:and|&)\s+){_NAME}){{0,6}}(?:,?\s+et\s+al\b\.?)?"
# Repetitions with a limit make these engines slow; without one they find the same.
_LEAD_IN = re.sub(r"\{0,\d+\}", "*", LEAD_IN)
_OPENINGS, _ANYWHERE = ("|".join(each).replace(LEAD_IN, _LEAD_IN) for each in (OPENINGS, ANYWHERE))

VERB = rf"(?i)\b(?:{'|'.join(sorted({form for v in DEFAULT_VERBS for s in spellings(v) for form in _forms(s)}))})\b"
CITATION = "|".join(
    [
        r"(?i:\bdoi\s*[:=]?\s*10\b|\bdoi\.org/|\b10\.\d{4,9}/|\barxiv\s*:\s*(?:\d{4}\.\d{4,5}|[a-z-]+/\d{7}))",
        r"(?i:\bpm(?:id|cid)\s*:?\s*(?:pmc)?\d+)",
        f"(?i:{REFERENCES.pattern})",
        NUMBERS.pattern,
        rf"[(\[](?:see|e\.g\.|cf\.|i\.e\.|as in|reviewed (?:in|by)|[,;]|\s)*{_AUTHORS},?\s+\(?{_YEAR}",
        rf"{_NAME}\s+(?:and|&)\s+{_NAME}\s*\(\s*{_YEAR}\s*\)|\b(?:by|to|see)\s+{_NAME}\s*\(\s*{_YEAR}\s*\)",
        rf"{_NAME},?\s+et\s+al\b",
    ]
)
REFUSAL = rf"(?i)\A[\s>*#_\"'“(\-]*{LABEL}(?:{_OPENINGS})|{START}{LABEL}(?:{_ANYWHERE})|{AGAINST_POLICY}"
assert ET_AL  # the same name is looked for by _NAME


def pyarrow(source, target):
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(source)
    text, length = table["text"], pc.utf8_length(pc.utf8_trim_whitespace(table["text"]))
    columns = {
        "min_char_length": pc.greater_equal(length, LEAST_CHARACTERS),
        "max_char_length": pc.less_equal(length, MOST_CHARACTERS),
        "min_token_length": pc.greater_equal(table["tokens"], LEAST_TOKENS),
        "require_action_verb": pc.match_substring_regex(text, VERB),
        "ban_citations": pc.invert(pc.match_substring_regex(text, CITATION)),
        "refusal": pc.invert(pc.match_substring_regex(text, REFUSAL)),
    }
    passes = None
    for name, column in columns.items():
        table = table.append_column(name, column)
        passes = column if passes is None else pc.and_(passes, column)
    pq.write_table(table.append_column("passes", passes), target)
    return pc.sum(passes).as_py()


def polars(source, target):
    import polars as pl

    text, length = pl.col("text"), pl.col("text").str.strip_chars().str.len_chars()
    rules = {
        "min_char_length": length >= LEAST_CHARACTERS,
        "max_char_length": length <= MOST_CHARACTERS,
        "min_token_length": pl.col("tokens") >= LEAST_TOKENS,
        "require_action_verb": text.str.contains(VERB),
        "ban_citations": ~text.str.contains(CITATION),
        "refusal": ~text.str.contains(REFUSAL),
    }
    table = pl.scan_parquet(source).with_columns(**rules).with_columns(passes=pl.all_horizontal(*rules)).collect()
    table.write_parquet(target)
    return table["passes"].sum()


def duckdb(source, target):
    import duckdb as engine

    rules = {
        "min_char_length": f"length(trim(text)) >= {LEAST_CHARACTERS}",
        "max_char_length": f"length(trim(text)) <= {MOST_CHARACTERS}",
        "min_token_length": f"tokens >= {LEAST_TOKENS}",
        "require_action_verb": f"regexp_matches(text, {_quoted(VERB)})",
        "ban_citations": f"NOT regexp_matches(text, {_quoted(CITATION)})",
        "refusal": f"NOT regexp_matches(text, {_quoted(REFUSAL)})",
    }
    columns = ", ".join(f"{expression} AS {name}" for name, expression in rules.items())
    with engine.connect() as connection:
        connection.execute(
            f"COPY (SELECT *, {' AND '.join(rules)} AS passes FROM (SELECT *, {columns} FROM '{source}')) "
            f"TO '{target}' (FORMAT parquet)"
        )
        return connection.execute(f"SELECT sum(passes::int) FROM '{target}'").fetchone()[0]


def _quoted(pattern):
    return "'" + pattern.replace("'", "''") + "'"


def row_by_row(source, target):
    """The earlier scripts' way: a frame, a loop over its rows, one function a rule."""
    import pandas as pd

    frame = pd.read_parquet(source)
    verb, citation, refusal = (re.compile(pattern) for pattern in (VERB, CITATION, REFUSAL))
    rows = []
    for _, row in frame.iterrows():
        text = str(row["text"]).strip()
        found = {
            "min_char_length": len(text) >= LEAST_CHARACTERS,
            "max_char_length": len(text) <= MOST_CHARACTERS,
            "min_token_length": row["tokens"] >= LEAST_TOKENS,
            "require_action_verb": bool(verb.search(text)),
            "ban_citations": not citation.search(text),
            "refusal": not refusal.search(text),
        }
        rows.append({**row.to_dict(), **found, "passes": all(found.values())})
    result = pd.DataFrame(rows)
    result.to_parquet(target, index=False)
    return int(result["passes"].sum())


RIVALS = {"pyarrow": pyarrow, "polars": polars, "duckdb": duckdb, "pandas, row by row": row_by_row}
