"""What was shipped: training rows matched back to the answers they hold, and what should not have been among them."""

import re
from dataclasses import dataclass, field

from curation.importing import ImportRefused
from curation.importing.errors import BadRow

from . import looking
from .attempts import last_words
from .kinds import open_rows
from .known import digest, lines, position
from .training import read_example, split_of

STEPS = re.compile(r"(?:^|\s)(?:step\s*)?\d{1,2}[.):]\s", re.IGNORECASE)
REFUSED = ("reject", "regenerate")
ACCEPTED = re.compile(r"human_?accept(ed)?$", re.IGNORECASE)


@dataclass
class Shipped:
    """All training files of one migration; `base` are the prompts of the filtered dataset, by position."""

    known: object
    findings: object
    base: list
    rows: dict = field(default_factory=dict)  # digest of a row -> the first file it stood in
    inputs: dict = field(default_factory=dict)  # digest of an input -> the first split it stood in
    keys: set = field(default_factory=set)  # of the prompts that may have been shipped
    own: bool = False  # whether any row is this program's, which ships what was accepted and nothing else
    others: dict = field(default_factory=dict)  # prompt key -> which row of another prompt was shipped as it

    def __post_init__(self):
        pks = {answer.pk for answers in self.known.by_text.values() for answer in answers}
        self.words = last_words(pks)

    def read(self, source, file):
        """Match every row of one file; raises ImportRefused where none can be read."""
        reader, seen = open_rows(source.path), {}
        for line, values in reader.rows():
            file.rows += 1
            example = None if isinstance(values, BadRow) else read_example(values)
            if example is None:
                why = str(values) if isinstance(values, BadRow) else "no input and output, no messages, no ### Question"
                file.miss(line, why)
                continue
            answer, why = self._answer(example)
            if answer:
                file.matched += 1
            else:
                file.miss(line, why)
            self._look(source, line, example, answer, seen)

    def _answer(self, example):
        """(the one answer that a row holds, "") or (None, why not)."""
        if not example.output:
            return None, "it has no output"
        found = self.known.by_text.get(digest(example.output), [])
        if not found:
            return None, "no answer with this text"
        asked = digest(example.input)
        same = [each for each in found if asked in self.known.prompts[each.key].inputs]
        keys = {each.key for each in same or found}
        self.keys |= keys
        if len(keys) == 1:
            return (same or found)[-1], ""
        return None, f"{len(keys)} prompts have this answer, and the input tells none of them"

    def _look(self, source, line, example, answer, seen):
        self.own = self.own or bool(example.meta.get("prompt_key"))
        place = digest(example.input, example.output, str(position(example.meta.get("source_index"))))
        key = answer.key if answer else ""

        def found(code, said=""):
            self.findings.add(code, source.name, line, key, said)

        self._leak(source, line, example, key)
        if self.rows.setdefault(place, source.name) != source.name:
            return  # the same row in another file, such as the Parquet twin: told once
        if place in seen:
            found("duplicate_shipped", f"as in line {seen[place]}")
        seen.setdefault(place, line)
        for code, said in _of_texts(example):
            found(code, said)
        if _is_flat(example, answer):
            found("flattened", example.output)
        if answer:
            self._of_answer(example, answer, found, f"{source.name}, line {line}")

    def _leak(self, source, line, example, key):
        split, asked = split_of(source.name), digest(example.input)
        if split and example.input:
            first = self.inputs.setdefault(asked, split)
            if first != split:
                said = f"in {first} and in {split}"
                self.findings.add("split_leak", source.name, line, key, said, once=(asked, split))

    def _of_answer(self, example, answer, found, where):
        word = self.words.get(answer.pk)
        repaired = self.known.newest[answer.key] > answer.attempt
        if word in REFUSED:
            found("rejected_shipped", word)
        if word in REFUSED and repaired:
            found("original_beside_repair", f"attempt {answer.attempt} of {self.known.newest[answer.key]}")
        if ACCEPTED.match(str(example.meta.get("quality", ""))) and word != "accept":
            found("unaccepted_as_accepted", said_of(word) if self.words else "there are no labels")
        place = position(example.meta.get("source_index"))
        if self.base and place is not None:
            there = self.base[place] if 0 <= place < len(self.base) else ""
            if there != answer.key:
                found("wrong_source_index", f"{place} is {there[:12] or 'no row'}")
                self.others.setdefault(there, f"{where}, is another row in its place (source_index {place})")

    def lost(self, sources, verdicts_of):
        """Note the rows of the filtered dataset that nobody refused and no training file has."""
        if self.own:
            return
        for name, line, key in sources:
            if key and key not in self.keys and verdicts_of(key) not in REFUSED:
                self.findings.add("good_row_lost", name, line, key, self.others.get(key, "in no training file"))


def said_of(word):
    """What shows that nobody accepted, or ordered, something: the last word of people on it, if there is any."""
    return f"its last word is {word}" if word else "no label on it"


def _of_texts(example):
    """(code, words) of what is wrong with the texts alone."""
    asked, answered = example.input, example.output
    if example.nan or looking.is_nan(asked) or looking.is_nan(answered):
        yield "nan_shipped", answered or asked
    elif not asked or not answered:
        yield "empty_shipped", asked or answered
    code = looking.no_answer(answered)
    if code:
        yield f"{code}_shipped", answered
    if looking.gap_in(asked) or looking.gap_in(answered):
        yield "unresolved_shipped", looking.gap_in(asked) or looking.gap_in(answered)
    if not code and looking.declines(answered):
        yield "refusal_shipped", looking.declines(answered)
    if looking.cites(answered):
        yield "citation_shipped", looking.cites(answered)


def _is_flat(example, answer):
    if answer:
        return answer.lines > lines(example.output)
    return lines(example.output) == 1 and len(STEPS.findall(example.output)) >= 3


def read_all(sources, shipped, report):
    """Match the rows of every training file; one that cannot be read is told and left."""
    for source in sources:
        file = report.file(source.name, source.kind)
        try:
            shipped.read(source, file)
        except ImportRefused as refused:
            file.refused = " ".join(refused.problems)
