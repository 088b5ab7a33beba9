"""Accepted rows -> training records in every format -> files. Pure: the same records always give the same bytes."""

from .chat import MESSAGES, MESSAGES_SCHEMA, to_messages
from .files import combined_sha256, file_sha256, jsonl_bytes, replacing, write_parquet
from .record import Format, Options, Record, Refused, row_id

RELEASE_SCHEMA = MESSAGES_SCHEMA
FORMATS = {each.name: each for each in (MESSAGES,)}

__all__ = [
    "FORMATS",
    "RELEASE_SCHEMA",
    "Format",
    "Options",
    "Record",
    "Refused",
    "combined_sha256",
    "file_sha256",
    "jsonl_bytes",
    "replacing",
    "row_id",
    "to_messages",
    "write_parquet",
]
