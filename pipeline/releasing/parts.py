"""The files of one format and split: does each row stand where it should, and do JSON Lines say what Parquet says?"""

from pathlib import PurePosixPath

from pydantic_core import to_json

from pipeline.formats import FORMATS

from . import proof, rebuilding
from .standing import BATCH, MAIN, MAIN_SCHEMAS, Different, has_its_id, main_tables, parquet

SAME = ("prompt_key", "group", "status", "teacher", "attempt", "locator", "licence")  # in both of them


def parts(entries):
    """[(format, split)] of the entries of a manifest, formats in their own order."""
    found = {(str(entry.get("format")), entry["split"]) for entry in entries}
    unknown = sorted({name for name, _ in found} - FORMATS.keys())
    if unknown:
        raise Different(f"The manifest names files of {', '.join(unknown)}; formats are {', '.join(FORMATS)}.")
    order = list(FORMATS)
    return sorted(found, key=lambda each: (order.index(each[0]), each[1]))


class Part:
    """The files of one format and split. `asked` learns {row id: sha256 of its question} from the main format."""

    def __init__(self, directory, entries, name, split, counted, asked):
        self.directory, self.format, self.split = directory, FORMATS[name], split
        self.counted, self.asked = counted, asked
        self.proofs = [proof.NAME] if (directory / proof.NAME).is_file() else []
        self.mains = [entry["path"] for entry in main_tables(entries) if entry["split"] == split]
        self.proofs = self.proofs or self.mains
        own = [entry for entry in entries if entry.get("format") == name and entry["split"] == split]
        self.tables = [entry for entry in own if entry["path"].endswith(".parquet")]
        self.texts = [entry for entry in own if entry["path"].endswith(".jsonl")]
        self.seen, self.last, self.own = 0, "", set()

    def verify(self):
        """The number of its rows; raises Different at the first that is not what it should be."""
        if not self.tables:
            raise Different(f"{self.format.name}, {self.split}: JSON Lines without Parquet.")
        proven = _proven(self.directory, self.proofs, self.split)
        self.accepted = _Accepted(self.directory, self.mains)
        lines = [_Lines(self.directory, entry, self._makes(entry)) for entry in self.texts]
        for entry in self.tables:
            before = self.seen
            for batch in parquet(self.directory, entry["path"], self.format.schema).iter_batches(BATCH):
                columns = batch.to_pydict()
                self._rows_stand(entry["path"], self.seen - before, columns, proven)
                self.seen += len(columns["id"])
                for each in lines:
                    each.hold(columns)
            if self.seen - before != entry.get("rows"):
                found, said = f"{self.seen - before:,}", entry.get("rows")
                raise Different(f"{entry['path']} has {found} rows, the manifest says {said}.")
            if self.seen == before:
                raise Different(f"{entry['path']} has no rows; a release has no such file.")
        for each in lines:
            each.end()
        if self.format.name in rebuilding.WHOLE and self.seen != len(proven):
            has = f"{self.split} has {self.seen:,} rows of {self.format.name}"
            raise Different(f"{has}, {self.proofs[0]} has {len(proven):,}.")
        return self.seen

    def _makes(self, entry):
        """The function that makes the lines of a JSON Lines file from columns."""
        suffix = PurePosixPath(entry["path"]).name.removesuffix(".jsonl").partition(".")[2]
        if suffix and suffix not in self.format.beside:
            raise Different(f"{entry['path']}: the format {self.format.name} has no lines of {suffix!r}.")
        return self.format.beside[suffix] if suffix else self.format.lines

    def _rows_stand(self, path, before, columns, proven):
        """Each is in the right split, stands on accepted rows, and is what its format makes of them."""
        rows = zip(*columns.values(), strict=True)
        rows = [dict(zip(columns, values, strict=True)) for values in rows]
        ids, is_main = self.format.row_ids(columns), self.format.name == MAIN
        for number, (row, own) in enumerate(zip(rows, ids, strict=True), before + 1):
            where = f"{path}, row {number:,}"
            self._row_stands(where, row, own, proven)
            if is_main:
                self._is_main_row(where, row, proven[row["id"]])
        try:
            if is_main:
                self._learn(rebuilding.accepted(columns))
            else:
                self._compare(path, before, columns, rows, ids, proven)
        except rebuilding.NotMade as error:
            raise Different(f"{path}, row {before + error.place + 1:,} {error}.") from None

    def _row_stands(self, where, row, ids, proven):
        if row["split"] != self.split:
            raise Different(f"{where} says split {row['split']!r}, in a file of {self.split}.")
        for each in ids:
            if each not in proven:
                raise Different(f"{where} stands on {each}, which {proof.NAME} does not have in {self.split}.")
        if ids[0] != self.last:
            self.own = set()
        repeated = self.own and (self.format.name not in rebuilding.REPEATED or row["id"] in self.own)
        if ids[0] < self.last or repeated:
            raise Different(f"{where} is there twice, or not in its place: rows are sorted by the row they stand on.")
        self.last = ids[0]
        self.own.add(row["id"])

    def _is_main_row(self, where, row, known):
        """It holds the very text that rows.parquet proves, and says of itself what that says."""
        if row["messages"] and proof.sha256(row["messages"][-1]["content"]) != known["text_sha256"]:
            raise Different(f"{where} does not hold the text of {row['id']} whose sha256 is in {proof.NAME}.")
        _is_the_row(where, row, known)
        for column, counter in self.counted.items():
            counter[row[column]] += 1

    def _learn(self, records):
        self.asked.update((each.id, proof.sha256(each.user)) for each in records)

    def _compare(self, path, before, columns, rows, ids, proven):
        """Raises Different, or NotMade, where a row is not what the format makes of the accepted ones."""
        records, partners = [], []
        for number, own in enumerate(ids, before + 1):
            record = self.accepted.take(own[0])
            if record is None:
                raise Different(f"{path}, row {number:,} stands on {own[0]}, which {MAIN} does not have there.")
            records.append(record)
        if self.format.name == "pairs":
            partners = [
                self._partner(f"{path}, row {number:,}", row, proven[row["methodology_id"]])
                for number, row in enumerate(rows, before + 1)
            ]
        rebuilding.compare(self.format.name, columns, records, partners)

    def _partner(self, where, row, known):
        said = {name: known[name] for name in ("prompt_key", "status", "teacher", "attempt")}
        if "teacher_text_sha256" in known:
            said["edited"] = known["text_sha256"] != known["teacher_text_sha256"]
        found = rebuilding.partner_of(row, said)
        if proof.sha256(found.text) != known["text_sha256"]:
            raise Different(f"{where} does not hold the text of {found.id} whose sha256 is in {proof.NAME}.")
        if proof.sha256(found.user) != self.asked.get(found.id):
            raise Different(f"{where} has another question than {MAIN} for {found.id}.")
        return found


class _Accepted:
    """The accepted rows of a split as Records, by its files of `messages`, one after the other."""

    def __init__(self, directory, paths):
        self._now, self._coming = None, self._read(directory, paths)

    @staticmethod
    def _read(directory, paths):
        for path in paths:
            for batch in parquet(directory, path, *MAIN_SCHEMAS).iter_batches(BATCH):
                yield from rebuilding.records_of(batch.to_pydict())

    def take(self, row):
        """The Record of a row id, which must not come before the one that was taken last; None where there is none."""
        while self._now is None or self._now.id < row:
            self._now = next(self._coming, None)
            if self._now is None:
                return None
        return self._now if self._now.id == row else None


def _proven(directory, names, split):
    """{row id: its columns of SAME and its sha256s} of a split, by rows.parquet or, without one, by the rows."""
    if names == [proof.NAME]:
        columns = ["id", "split", *SAME, "text_sha256", "teacher_text_sha256"]
        batches = parquet(directory, proof.NAME, proof.SCHEMA).iter_batches(BATCH, columns=columns)
        return {row["id"]: row for batch in batches for row in batch.to_pylist() if row["split"] == split}
    return {
        row["id"]: {name: row[name] for name in SAME} | {"text_sha256": proof.sha256(row["messages"][-1]["content"])}
        for name in names
        for batch in parquet(directory, name, *MAIN_SCHEMAS).iter_batches(BATCH)
        for row in batch.to_pylist()
    }


def _is_the_row(where, row, known):
    has_its_id(where, row)
    for name in SAME:
        if row[name] != known[name]:
            raise Different(f"{where}: {name} is {row[name]!r}, {proof.NAME} says {known[name]!r}.")
    teachers = known.get("teacher_text_sha256")
    if teachers and row["edited"] != (known["text_sha256"] != teachers):
        raise Different(f"{where}: edited is {row['edited']}; the sha256 of its texts in {proof.NAME} say otherwise.")


class _Lines:
    """A JSON Lines file beside the columns that it was made of."""

    def __init__(self, directory, entry, makes):
        self.path, self.makes, self.rows, self.number = entry["path"], makes, entry.get("rows"), 0
        if not (directory / self.path).is_file():
            raise Different(f"{self.path} is missing.")
        # Open for as long as the batches of its Parquet file come: closed by end(), or when a difference ends it all.
        self.file = open(directory / self.path, "rb")  # noqa: SIM115

    def hold(self, columns):
        """Raises Different at the first line that is not the one which the columns make."""
        for line in self.makes(columns):
            self.number += 1
            if self.file.readline() != to_json(line) + b"\n":
                raise Different(f"{self.path}, line {self.number:,} is not what the Parquet file makes of that row.")

    def end(self):
        """Raises Different where the file goes on, or has another number of lines than the manifest says."""
        with self.file:
            if self.file.readline():
                raise Different(f"{self.path} goes on after line {self.number:,}, the last of the Parquet file.")
        if self.rows is not None and self.rows != self.number:
            raise Different(f"{self.path} has {self.number:,} lines, the manifest says {self.rows}.")
