"""Accepted rows -> training records in every format -> files. Pure: the same records always give the same bytes."""

from .chat import MESSAGES, MESSAGES_SCHEMA, PAIRS, to_messages
from .files import (
    combined_sha256,
    file_sha256,
    jsonl_bytes,
    refuse_in_release,
    replacing,
    text_lines,
    write_parquet,
)
from .instructions import ALPACA, PROMPT_COMPLETION, SHAREGPT
from .preferences import KTO, PREFERENCE
from .record import Batch, Format, Options, Record, Refused, row_id

RELEASE_SCHEMA = MESSAGES_SCHEMA
IN_ORDER = (MESSAGES, PROMPT_COMPLETION, PAIRS, SHAREGPT, ALPACA, PREFERENCE, KTO)
FORMATS = {each.name: each for each in IN_ORDER}

__all__ = [
    "FORMATS",
    "RELEASE_SCHEMA",
    "Batch",
    "Format",
    "Options",
    "Record",
    "Refused",
    "combined_sha256",
    "file_sha256",
    "jsonl_bytes",
    "refuse_in_release",
    "replacing",
    "row_id",
    "text_lines",
    "to_messages",
    "write_parquet",
]
