"""The rows of a format, made again from the accepted rows of `messages`: what a file says otherwise is a difference."""

from dataclasses import replace

from pipeline.formats import FORMATS, Options, Record, Refused
from pipeline.formats.chat import OF_THE_SECOND

MAIN = "messages"
# The system message stands in the conversation that a row is made again from, where its release has it at all.
OPTIONS = Options(system=True)
OF_ROW = (
    *("id", "prompt_key", "task_type", "domain", "group", "split", "status", "teacher", "attempt", "edited"),
    *("locator", "licence"),
)
REPEATED = {"preference", "kto"}  # formats that may have several rows of one accepted row
WHOLE = {MAIN, "prompt_completion", "sharegpt", "alpaca"}  # formats that have each accepted row once


class NotMade(Exception):
    """A row that its format does not make of the accepted row; the message says of what, as the end of a sentence."""

    def __init__(self, place, said):
        super().__init__(said)
        self.place = place  # in the batch


def accepted(columns):
    """The Records of a batch of `messages`; raises NotMade where a row is no conversation as a release has it."""
    records = records_of(columns)
    _compare(columns, FORMATS[MAIN].columns(records, OPTIONS))
    return records


def records_of(columns):
    """The Records of a batch of `messages`, as far as formats know them."""
    rows = zip(*(columns[name] for name in OF_ROW), columns["messages"], strict=True)
    return [_accepted(place, values, turns) for place, (*values, turns) in enumerate(rows)]


def _accepted(place, values, turns):
    if len(turns) not in (2, 3):
        raise NotMade(place, f"has {len(turns)} messages, not a question and its answer")
    system = turns[0]["content"] if len(turns) == 3 else ""
    said = dict(zip(OF_ROW, values, strict=True))
    return Record(user=turns[-2]["content"], system=system, text=turns[-1]["content"], **said)


def compare(kind, columns, records, partners=None):
    """Raises NotMade at the first row of a batch which the format does not make of its Record.

    `records` are by row those of the accepted rows, `partners` of pairs those of their methodologies.
    """
    if kind == "pairs":
        records = [replace(one, partner=other) for one, other in zip(records, partners, strict=True)]
    elif kind == "preference":
        records = [_against(record, row) for record, row in zip(records, _rows(columns), strict=True)]
    elif kind == "kto":
        return _compare(columns, _labelled(columns, records))
    made = FORMATS[kind].columns(records, OPTIONS)
    if len(made["id"]) != len(records):
        sizes = (len(FORMATS[kind].columns([record], OPTIONS)["id"]) for record in records)
        place = next(place for place, size in enumerate(sizes) if size != 1)
        raise NotMade(place, "is made of no accepted row: its worse answer is none, or is the better one")
    return _compare(columns, made)


def _rows(columns):
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _against(record, row):
    """The Record with the worse answer of a row of preferences alone."""
    text = row["rejected"][-1]["content"] if row["rejected"] else ""
    reasons = tuple(row["reasons"])
    if row["kind"] == "edited":
        return replace(record, original=text, reasons=reasons)
    told = (row["rejected_attempt"], row["rejected_teacher"], row["rejected_candidate"])
    return replace(record, refused=(Refused(text, reasons, *told),))


def _labelled(columns, records):
    """The labelled answers made again: each Record gives an accepted and a refused one, of which a row is one."""
    rows, refused = _rows(columns), []
    for record, row in zip(records, rows, strict=True):
        said = row["completion"][-1]["content"] if row["completion"] else ""
        against = Refused(f"not {record.text}") if row["label"] else Refused(said, tuple(row["reasons"]))
        refused.append(replace(record, refused=(against,)))
    made = [FORMATS["kto"].columns([record], OPTIONS) for record in refused]
    places = [0 if row["label"] else 1 for row in rows]
    return {
        name: [each[name][place] if place < len(each[name]) else None for each, place in zip(made, places, strict=True)]
        for name in columns
    }


def _compare(columns, made):
    if columns == made:
        return
    for place in range(len(columns["id"])):
        wrong = [name for name in columns if columns[name][place] != made[name][place]]
        if wrong:
            raise NotMade(place, f"has another {wrong[0]} than is made of that accepted row")


def partner_of(row, known):
    """The methodology's Record of a row of pairs; `known` is what rows.parquet says of it."""
    said = {name: row[f"methodology_{name}"] for name in OF_THE_SECOND} | known
    user, answer = ([""] * 2 + [turn["content"] for turn in row["messages"]])[-2:]
    return Record(user=user, system="", text=answer, **said)
