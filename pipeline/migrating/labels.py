"""The scripts' labels into decisions: matched by what they quote; a person's last word holds, earlier ones stay."""

import hashlib
import json
import re
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from curation import annotations
from curation.annotations.bringing import EARLIEST
from curation.importing import ImportRefused
from curation.importing.errors import BadRow
from curation.importing.values import json_cell
from curation.models import Annotation, Membership, Prompt, State, TeacherResponse
from curation.models.review import Action
from curation.reviewing import newest_own

from .finding import OUTPUTS, open_rows
from .known import digest, position

NAMED = {"accepted": Action.ACCEPT, "rejected": Action.REJECT, "regenerate": Action.REGENERATE}
STAMP = re.compile(r"(\d{8})[_-](\d{6})")
WORDS = {"accepted": "accept", "rejected": "reject", "regenerated": "regenerate"}
LINE = re.compile(r", line (\d+): (.*)$", re.DOTALL)


@dataclass
class Label:
    """One row: what it quotes, what it says, and what became of it.

    `last`: the person said nothing on it later. `repeated`: the same word of the same moment stands before it.
    """

    file: object
    line: int
    row: dict
    at: datetime
    index: int | None = None
    last: bool = True
    repeated: bool = False
    done: bool = False


@dataclass(eq=False)
class Labels:
    """All labels of all files, in the order in which they were given."""

    project: object
    reviewer: object
    rows: list = field(default_factory=list)

    def read(self, source, file, config):
        """Add the rows of one file; raises ImportRefused where none can be read."""
        reader = open_rows(source.path)
        when = _time_of(source.path)
        for line, values in reader.rows():
            file.rows += 1
            try:
                row = _row(values, source.path, config)
            except BadRow as bad:
                file.miss(line, str(bad))
                continue
            at = _moment(row.get("timestamp")) or when
            row["timestamp"] = at.isoformat()
            self.rows.append(Label(file, line, row, at, position(values.get("index"))))

    def order(self):
        """Find each person's last word on each answer; of two at one moment the later row is."""
        last = {}
        for label in sorted(self.rows, key=lambda each: each.at):
            row = label.row
            if row.get("current") is False:  # our own export says that it stands no more
                label.last = False
                continue
            place = (digest(row["task_type"], row["context"], row["teacher_output"]), row.get("reviewer"))
            former = last.get(place)
            if former and (former.at, former.row["action"]) == (label.at, row["action"]):
                label.repeated = True  # each saving of a session wrote all of its labels again
                continue
            if former:
                former.last = False
            last[place] = label

    def bring(self, known, *, finally_=False):
        """Take in the labels on answers that hold at this moment; `finally_` also all others, which are told then."""
        wanted = []
        for label in self.rows:
            if label.done:
                continue
            answer, why = self.answer(known, label.row)
            if answer and label.repeated:
                label.done = True
                label.file.matched += 1
            elif answer and (answer.current or finally_):
                wanted.append((label, answer))
            elif finally_:
                label.done = True
                label.file.miss(label.line, why)
        self._open({answer.key for label, answer in wanted if answer.current})
        self._store_former(wanted)
        self._store([(label, answer) for label, answer in wanted if not label.done])

    def answer(self, known, row):
        """(the one answer that a row quotes, "") or (None, why not)."""
        found = known.by_label.get(digest(row["task_type"], row["context"], row["teacher_output"]))
        found = found or known.by_text.get(digest(row["teacher_output"]), [])
        if row.get("prompt_key"):
            found = [answer for answer in found if answer.key == row["prompt_key"]]
        if len(found) == 1 and found[0].pk is None:
            return None, "the answer comes with a later file"
        if len(found) == 1:
            return found[0], ""
        alike = f"{len(found)} answers with this text; prompt_key tells them apart"
        return None, alike if found else "no answer with this text"

    def _open(self, keys):
        """What was decided elsewhere is with people: the filters do not ask about it first."""
        prompts = Prompt.objects.filter(project=self.project, key__in=keys).free()
        for state in (State.TO_FILTER, State.TO_JUDGE):
            prompts.move(State.TO_REVIEW, "labels_imported", source=state)

    @transaction.atomic
    def _store_former(self, wanted):
        """Earlier words of the same person stay on record, and count no more."""
        for label, answer in wanted:
            if label.last:
                continue
            label.done = True
            if self._keep_former(label, answer):
                label.file.imported += 1
                label.file.counts["former_decisions"] += 1
            else:
                label.file.matched += 1

    def _keep_former(self, label, answer):
        key = hashlib.sha256(json.dumps(label.row, sort_keys=True).encode()).hexdigest()
        reviewer = self._members().get(label.row.get("reviewer"), self.reviewer)
        own = Annotation.objects.filter(response=answer.pk, reviewer=reviewer)
        if own.filter(created_at=label.at, action=label.row["action"]).exists():
            return False
        newest = newest_own(answer.pk, reviewer)
        if newest and newest.current:
            return False  # decided here since: history is not rewritten
        Annotation.objects.decide(
            self.project,
            response_id=answer.pk,
            reviewer=reviewer,
            version=newest.version + 1 if newest else 1,
            current=False,
            action=label.row["action"],
            idempotency_key=key,
            created_at=label.at,
            origin=f"{label.file.name}, line {label.line}"[:200],
        )
        return True

    @cache  # noqa: B019  one of these lives as long as one migration
    def _members(self):
        may = Membership.objects.filter(project=self.project, role__in=("reviewer", "manager")).select_related("user")
        return {member.user.get_username(): member.user for member in may}

    def _store(self, wanted):
        """Hand the last words to the import of annotations, file by file, each on its own line."""
        quoted = _quoted([answer.pk for _, answer in wanted])
        files = {}
        for label, answer in wanted:
            files.setdefault(label.file.name, {})[label.line] = (label, answer)
        for name, rows in files.items():
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "labels.jsonl")
                with path.open("w", encoding="utf-8") as stream:
                    for line in range(1, max(rows) + 1):
                        label = rows.get(line)
                        stream.write(json.dumps(label[0].row | quoted[label[1].pk]) + "\n" if label else "\n")
                report = annotations.bring(self.project, path, self.reviewer, name=name)
            self._tell(report, rows)

    def _tell(self, report, rows):
        file = next(iter(rows.values()))[0].file
        missed = {}
        for problem in report.problems:
            line, why = LINE.search(problem).groups()
            missed[int(line)] = why
        for line, (label, _) in rows.items():
            label.done = True
            if line in missed:
                file.miss(line, missed[line])
        file.unmatched += report.unmatched - len(missed)
        file.imported += report.stored
        file.counts["decisions"] += report.stored
        file.matched += report.known


def _quoted(responses):
    """{response id: what a row must say to mean it}: the label quotes the text as it was, not as it is stored."""
    names = {"prompt_key": "prompt__key", "task_type": "prompt__task_type", "context": "prompt__context"}
    names["teacher_output"] = "text"
    rows = TeacherResponse.objects.filter(pk__in=responses).values_list("pk", *names.values())
    return {pk: dict(zip(names, said, strict=True)) for pk, *said in rows}


def _row(values, path, config):
    """What a row says, in the words of an annotations file. Raises BadRow."""
    if isinstance(values, BadRow):
        raise values
    row = {str(name): json_cell(str(name), value) for name, value in values.items()}
    output = next((row[name] for name in (config.defaults.output_column, *OUTPUTS, "output") if row.get(name)), None)
    if not isinstance(output, str) or not output.strip():
        raise BadRow("teacher_output", "no answer is quoted", "a label quotes the answer that it is about")
    named = next((action for word, action in NAMED.items() if word in path.name), "")
    action = str(row.get("action") or named).strip().lower()
    action = WORDS.get(action, action)
    if action not in Action.values:
        raise BadRow("action", repr(row.get("action")), f"one of {', '.join(Action.values)} is expected")
    task_type = row.get("task_type") or row.get("template_name") or row.get(config.columns.get("task_type", ""))
    kept = {name: row[name] for name in ("prompt_key", "reviewer", "comment", "edited_text") if _is_text(row.get(name))}
    kept |= {name: row[name] for name in ("purpose", "current") if row.get(name) in ("gold", "repeat", False)}
    kept |= {"reasons": row["reasons"]} if isinstance(row.get("reasons"), list) else {}
    context = row.get("context") or row.get(config.columns.get("context", "")) or ""
    texts = {"task_type": _text(task_type), "context": _text(context), "teacher_output": output}
    return kept | texts | {"action": action, "timestamp": row.get("timestamp")}


def _is_text(value):
    return isinstance(value, str) and bool(value)


def _text(value):
    return value if isinstance(value, str) else ""


def _moment(said):
    """When a row says that it was decided; the scripts wrote UTC without saying so. None if it does not say."""
    if isinstance(said, (int, float)) and not isinstance(said, bool):
        said = _from_epoch(said)
    try:
        at = said if isinstance(said, datetime) else datetime.fromisoformat(str(said))
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return at if EARLIEST <= at <= timezone.now() - timedelta(minutes=1) else None


def _from_epoch(seconds):
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return ""


def _time_of(path):
    """When a file of labels was written: by its name (labels_20251103_120000.jsonl), else by the file itself."""
    found = STAMP.search(path.name)
    at = _moment(_stamped(found)) if found else None
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(microsecond=0)
    return at or min(written, timezone.now().replace(microsecond=0) - timedelta(minutes=1))


def _stamped(found):
    try:
        return datetime.strptime("".join(found.groups()), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return ""


def read_all(sources, labels, report, config):
    """Read every file of labels; one that cannot be read at all is told and left."""
    for source in sources:
        file = report.file(source.name, source.kind)
        try:
            labels.read(source, file, config)
        except ImportRefused as refused:
            file.refused = " ".join(refused.problems)
    labels.order()
