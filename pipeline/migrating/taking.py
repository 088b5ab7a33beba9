"""Files of inputs and outputs into the project, through the import, with a word on every row."""

from collections import Counter
from dataclasses import dataclass, field

from curation.importing import ImportRefused, import_plan, prepare
from curation.importing.errors import BadRow
from curation.importing.outputs import JUDGED
from curation.importing.plan import look
from curation.withdrawing.guard import Guard
from pipeline.stages.importing import answer_reader, read_scores

from . import looking
from .encodings import encoding_of
from .kinds import OUTPUTS, columns_of
from .known import KnownAnswer, digest, lines

WHOLE = 16_000_000  # a prompt of the scripts is as long as it is: cut, it would be another prompt
FILTERED = ("filtered", "gated")
YES = (True, 1, "True", "true", "1")


@dataclass
class Extra:
    """An answer of a prompt that has another one already; `repaired`: the scripts made it in place of that.

    Of several of one prompt in a file each has its `turn`, from 0: what people said of one comes before the next.
    """

    line: int
    key: str
    answer: object
    repaired: bool
    turn: int = 0


@dataclass
class Taken:
    """What a file left to do once its rows are in: further answers, scores of known answers; and its rows' prompts."""

    extras: list = field(default_factory=list)
    scores: list = field(default_factory=list)  # (response id, the row's metadata)
    repairs: list = field(default_factory=list)  # (row, digest of prompt and answer) of each repair
    known_repairs: list = field(default_factory=list)  # ids of those that were here before
    rows: list = field(default_factory=list)  # (row, key of its prompt or "") in order


def open_file(source, config):
    """The import's `Plan` for a file of inputs or outputs; raises ImportRefused.

    The columns that the configuration names hold where the file has them; else the names of the columns tell.
    """
    columns = columns_of(source.path)
    output = next((name for name in (config.defaults.output_column, *OUTPUTS) if name and name in columns), None)
    chosen = {"output": output} if output and source.kind != "inputs" else {}
    types = {"task_type", "template_name", config.defaults.task_type_column}
    whole = {"passage_chars": WHOLE} if columns & types else {}
    whole["encoding"] = encoding_of(source.path)
    if look(source.path, chosen, defaults=config.columns, **whole).problems:
        return prepare(source.path, chosen, **whole)
    return prepare(source.path, chosen, defaults=config.columns, **whole)


def take(project, known, source, config, file, findings):
    """Import the rows of `source`, each counted in `file`; returns what is `Taken`. Raises ImportRefused."""
    watch = _Watch(open_file(source, config), known, source, file, findings)
    try:
        import_plan(project, watch, read_answer=answer_reader(project), read_scores=read_scores)
    except ImportRefused as refused:
        file.refused = " ".join(refused.problems)
    return watch.taken


def foresee(known, source, config):
    """(key, task type, context, text) of the answers in a file that is taken in later; of one nobody can read none."""
    found = {}
    try:
        plan = open_file(source, config)
        convert = plan.converter()
        for _, values in plan.reader.rows():
            try:
                piece = convert(values)[0]
            except BadRow:
                continue
            draft = piece.drafts[0]
            if piece.answer:
                key = known.key_of(draft) or draft.key
                said = (key, draft.task_type, draft.context, piece.answer.text)
                found.setdefault(digest(key, piece.answer.text), said)
    except ImportRefused:
        return []  # told when its turn comes
    return list(found.values())


class _Watch:
    """Stands in the place of the plan and its reader, and sees every row on its way in."""

    def __init__(self, plan, known, source, file, findings):
        self.plan, self.known, self.source, self.report, self.findings = plan, known, source, file, findings
        self.file, self.place, self.total = plan.file, plan.reader.place, plan.reader.total
        self.taken, self.line = Taken(), 0
        self._convert, self._guard = plan.converter(), Guard(known.project)
        self._turns = Counter()
        self._seen = {}  # digests of prompt and answer of this file -> its line

    @property
    def reader(self):
        return self

    def rows(self):
        """The rows of the file; remembers where it is."""
        for line, values in self.plan.reader.rows():
            self.line = line
            self.report.rows += 1
            yield line, values

    def converter(self):
        """What turns a row into the pieces to store."""
        return self._row

    def _row(self, values):
        try:
            pieces = self._convert(values)
            self._refuse_withdrawn(pieces)
        except BadRow as bad:
            self._tell_bad(values)
            self.taken.rows.append((self.line, ""))
            self.report.miss(self.line, str(bad))
            raise
        first, *others = pieces
        key = self.known.key_of(first.drafts[0]) or first.drafts[0].key
        self.taken.rows.append((self.line, key))
        self._look(values, key, first)
        if others or len(first.drafts) > 1:
            return self._texts(pieces)
        first = first._replace(drafts=[first.drafts[0]._replace(key=key)])
        return self._answered(values, first) if first.answer else self._asked(first)

    def _refuse_withdrawn(self, pieces):
        withdrawal = next(filter(None, map(self._guard.stops, pieces)), None)
        if withdrawal:
            raise BadRow("", f"{withdrawal} was withdrawn ({withdrawal.reason})", "it does not come in again")

    def _tell_bad(self, values):
        column = self.plan.mapping.get("output")
        if isinstance(values, dict) and column and looking.is_blank(values.get(column)) is False:
            prompt = self.plan.mapping.get("prompt")
            if prompt and (values.get(prompt) is None or looking.is_nan(values.get(prompt))):
                self._found("asked_nan", "", f"{prompt} is empty")

    def _found(self, code, key, said="", once=None):
        self.findings.add(code, self.source.name, self.line, key, said, once)

    def _look(self, values, key, piece):
        """Note what the scripts got wrong in this row."""
        mapping, answered = self.plan.mapping, piece.answer is not None
        if self.source.kind != "inputs" and "output" in mapping and not answered:
            code, said = looking.faults_of_answer(values.get(mapping["output"]))
            if code:
                self._found(code, key, said)
        for code, said in looking.faults_of_prompt(values, mapping, answered):
            once = digest(key, piece.answer.text if answered and code != "unresolved_context" else "")
            if code == "context_not_sent" and "generation_model" in values:
                self.findings.told.add((code, once))  # the batch script, which names its model so, sent both
            self._found(code, key, said, once)
        self._repeated(key, piece)
        if answered and self.source.kind in FILTERED:
            self._look_at_passed(key, piece.answer)
        if answered:
            self._look_at_scores(key, piece.answer)

    def _repeated(self, key, piece):
        place = digest(key, piece.answer.text if piece.answer else "")
        if place in self._seen:
            self._found("duplicate_row", key, f"as in {self.place} {self._seen[place]}")
        self._seen.setdefault(place, self.line)

    def _look_at_passed(self, key, answer):
        for code, said in (
            ("refusal_passed", looking.declines(answer.text)),
            ("citation_passed", looking.cites(answer.text)),
        ):
            if said:
                self._found(code, key, said)

    def _look_at_scores(self, key, answer):
        for score in read_scores(answer.metadata):
            if score.get("error"):
                self._found("judge_unreadable", key, score["error"])
            elif self.source.kind == "gated" and (score["flags"] or score["requires_human_review"]):
                wish = ["requires_human_review"] if score["requires_human_review"] else []
                self._found("flag_ignored", key, ", ".join([*score["flags"], *wish]))

    # -- what becomes of it

    def _texts(self, pieces):
        """A row without a prompt becomes several: new if any of them is."""
        keys = [draft.key for piece in pieces for draft in piece.drafts]
        self._count(any(key not in self.known.prompts for key in keys), keys)
        return pieces

    def _asked(self, piece):
        """A row without an answer brings its prompt alone."""
        key = piece.drafts[0].key
        self._count(key not in self.known.prompts, [key])
        return [piece]

    def _count(self, new, keys):
        if new:
            self.report.imported += 1
            self.report.counts["prompts"] += sum(key not in self.known.prompts for key in dict.fromkeys(keys))
            for key in keys:
                self.known.expect(key)
        else:
            self.report.matched += 1

    def _answered(self, values, piece):
        draft, answer = piece.drafts[0], piece.answer
        bare = piece._replace(answer=None)
        prompt, answer_here = self.known.prompts.get(draft.key), self.known.answers.get(digest(draft.key, answer.text))
        repaired = self.source.kind == "regenerated" or values.get("regenerated") in YES
        if repaired:
            self.taken.repairs.append((self.line, digest(draft.key, answer.text)))
        if answer_here:
            self.report.matched += 1
            self.taken.known_repairs += [answer_here.pk] if repaired and answer_here.pk else []
            self._late_scores(answer_here, answer)
            return [bare]
        if prompt and prompt.withdrawn:
            self.report.miss(self.line, "its prompt was withdrawn; it does not come in again")
            return [bare]
        if prompt and not prompt.answered and not prompt.waits:
            self.report.miss(self.line, "its prompt is in work, or was rejected, before an answer was there")
            return [bare]
        self.report.imported += 1
        self.report.counts["answers"] += 1
        self.report.counts["prompts"] += prompt is None
        self._expect_answer(draft, answer, prompt)
        if prompt and prompt.answered:
            self.taken.extras.append(Extra(self.line, draft.key, answer, repaired, self._turns[draft.key]))
            self._turns[draft.key] += 1
            return [bare]
        self.known.expect(draft.key).answered = True
        return [piece]

    def _expect_answer(self, draft, answer, prompt):
        first = not (prompt and prompt.answered)
        expected = KnownAnswer(None, draft.key, 1, lines(answer.text), first, draft.task_type)
        self.known.answers[digest(draft.key, answer.text)] = expected

    def _late_scores(self, known, answer):
        """A file of the gate brings what judges said of an answer that came without it."""
        if known.pk and any(name in answer.metadata for names in JUDGED.values() for name in names):
            self.taken.scores.append((known.pk, answer.metadata))
