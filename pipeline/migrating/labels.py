"""The scripts' labels into decisions: matched by what they quote; a person's last word holds, earlier ones stay."""

import hashlib
import json
import tempfile
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path

from django.db import transaction

from curation import annotations
from curation.importing import ImportRefused
from curation.importing.errors import BadRow
from curation.models import Annotation, Membership, Prompt, State, TeacherResponse
from curation.reviewing import newest_own

from .kinds import open_rows
from .known import digest, position
from .label_rows import moment, read_row, time_of

MOST_NAMES = 10


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
        when = time_of(source.path)
        for line, values in reader.rows():
            file.rows += 1
            try:
                row = read_row(values, source.path, config)
            except BadRow as bad:
                file.miss(line, str(bad))
                continue
            at = moment(row.get("timestamp")) or when
            row["timestamp"] = at.isoformat()
            self.rows.append(Label(file, line, row, at, position(values.get("index"))))

    def bring(self, known, *, finally_=False):
        """Take in the labels on answers that hold at this moment; `finally_` also all others, which are told then."""
        wanted = []
        for label in self.rows:
            if label.done:
                continue
            answer, why = self.answer(known, label.row)
            if answer and (answer.current or finally_):
                wanted.append((label, answer))
            elif finally_ and not answer:
                label.done = True
                label.file.miss(label.line, why)
        wanted.sort(key=lambda each: each[0].at)  # of several people the first decide, in whatever file they stand
        self._order(wanted)
        self._open({answer.key for label, answer in wanted if answer.current and not label.done})
        self._store_former(wanted)
        self._store([(label, answer) for label, answer in wanted if not label.done])

    def _order(self, wanted):
        """Find each person's last word on each answer; of two at one moment the later row is."""
        last = {}
        for label, answer in wanted:
            if label.row.get("current") is False:  # our own export says that it stands no more
                label.last = False
                continue
            place = (answer.pk, self.person(label).pk)
            former = last.get(place)
            if former and (former.at, former.row["action"]) == (label.at, label.row["action"]):
                label.repeated = label.done = True  # each saving of a session wrote all of its labels again
                label.file.matched += 1
                continue
            if former:
                former.last = False
            last[place] = label

    def person(self, label):
        """Whose word a label is: the member's that it names, else the one's who stands for all others."""
        return self._members().get(label.row.get("reviewer"), self.reviewer)

    def strangers(self, known):
        """A sentence on labels that name people without a say in this project; "" for none."""
        taken = [label for label in self.rows if self.person(label) == self.reviewer]
        names = [label.row.get("reviewer") or "" for label in taken]
        strangers = sorted({name[:60] for name in names if name not in ("", *self._members())})
        if not strangers:
            return ""
        said = {}
        for label, name in zip(taken, names, strict=True):
            answer, _ = self.answer(known, label.row)
            if answer:
                said.setdefault(answer.pk, {})[name] = label.row["action"]
        differ = sum(len(set(actions.values())) > 1 for actions in said.values())
        more = f" and {len(strangers) - MOST_NAMES} more" if strangers[MOST_NAMES:] else ""
        named = _labels(sum(name[:60] in strangers for name in names))
        last = f"whose last word holds{f', as on {_answers(differ)} on which people differ' if differ else ''}"
        return (
            f"{named} {', '.join(strangers[:MOST_NAMES])}{more}, who review nothing in this project: they are taken as "
            f"{self.reviewer.get_username()}'s, {last}. Make them reviewers before, and each keeps their own."
        )

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
        reviewer = self.person(label)
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
            origin=self._place(label)[:200],
        )
        return True

    @cache  # noqa: B019  one of these lives as long as one migration
    def _members(self):
        may = Membership.objects.filter(project=self.project, role__in=("reviewer", "manager")).select_related("user")
        return {member.user.get_username(): member.user for member in may}

    def _place(self, label):
        """Where a label stands, and the name of a stranger: it would be lost else."""
        name = label.row.get("reviewer")
        stranger = f" ({name[:60]})" if name and name not in self._members() else ""
        return f"{label.file.name}, line {label.line}{stranger}"

    def _store(self, wanted):
        """Hand the last words to the import of annotations, in the order of their times."""
        quoted = _quoted([answer.pk for _, answer in wanted])
        labels = [label for label, _ in wanted]

        def hear(number, said):
            label, file = labels[number - 1], labels[number - 1].file
            label.done = True
            if said == annotations.STORED:
                file.imported += 1
                file.counts["decisions"] += 1
            elif said == annotations.KNOWN:
                file.matched += 1
            else:
                file.miss(label.line, said)

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "labels.jsonl")
            with path.open("w", encoding="utf-8") as stream:
                stream.writelines(json.dumps(label.row | quoted[answer.pk]) + "\n" for label, answer in wanted)
            place = lambda number: self._place(labels[number - 1])  # noqa: E731
            annotations.bring(self.project, path, self.reviewer, place=place, hear=hear)


def _quoted(responses):
    """{response id: what a row must say to mean it}: the label quotes the text as it was, not as it is stored."""
    names = {"prompt_key": "prompt__key", "task_type": "prompt__task_type", "context": "prompt__context"}
    names["teacher_output"] = "text"
    rows = TeacherResponse.objects.filter(pk__in=responses).values_list("pk", *names.values())
    return {pk: dict(zip(names, said, strict=True)) for pk, *said in rows}


def _labels(number):
    return f"{number:,} labels name" if number != 1 else "1 label names"


def _answers(number):
    return f"{number:,} answer{'s' if number != 1 else ''}"


def read_all(sources, labels, report, config):
    """Read every file of labels; one that cannot be read at all is told and left."""
    for source in sources:
        file = report.file(source.name, source.kind)
        try:
            labels.read(source, file, config)
        except ImportRefused as refused:
            file.refused = " ".join(refused.problems)
