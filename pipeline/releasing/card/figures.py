"""What a dataset card tells in numbers: counted from a release's rows.parquet, but for refused attempts and terms."""

from collections import Counter
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.db.models import Count, Exists, OuterRef, Q

from curation.agreement.alpha import alpha_of_kinds
from curation.models import Annotation, Teacher, TeacherResponse
from pipeline.releasing.proof import NAME as ROWS

BATCH = 5000
COLUMNS = ("licence", "locator", "teacher", "model", "gate_score", "decisions", "prompt_key", "attempt")
ACTIONS = ("accept", "regenerate", "reject")
EMBEDDED_TERMS = "SmolLM2-135M-Instruct, Apache-2.0"


@dataclass
class Figures:
    """Counts over the rows of rows.parquet; `scores` are SampleGate's, of the rows that have one, sorted."""

    rows: int = 0
    licences: Counter = field(default_factory=Counter)
    sources: int = 0
    unlocated: int = 0
    teachers: Counter = field(default_factory=Counter)  # by (name, model)
    terms: dict = field(default_factory=dict)  # {model: [what its providers say]}
    scores: list = field(default_factory=list)
    people: Counter = field(default_factory=Counter)  # by the number of people who decided
    several: int = 0
    alike: int = 0  # of `several`, those on which all named the same action
    kinds: Counter = field(default_factory=Counter)  # of ACTIONS, how often each was named: answers, if by several
    agreement: str = ""


def figures_of(release, directory):
    """The Figures of a release whose files lie in `directory`."""
    found, locators = Figures(), set()
    for batch in _read(directory):
        found.rows += batch.num_rows
        found.licences.update(_counted(batch, "licence"))
        model = "model" if "model" in batch.schema.names else "teacher"
        pairs = batch.group_by(["teacher", model] if model != "teacher" else ["teacher"]).aggregate([([], "count_all")])
        for row in pairs.to_pylist():
            found.teachers[row["teacher"], row[model]] += row["count_all"]
        of_locators = _counted(batch, "locator")
        found.unlocated += of_locators.pop("", 0)
        locators |= of_locators.keys()
        if "gate_score" in batch.schema.names:
            found.scores += batch["gate_score"].drop_null().to_pylist()
        if "decisions" in batch.schema.names:
            _count_decisions(found, batch["decisions"])
            _count_refused(found, release.project, batch)
    found.sources = len(locators)
    found.scores.sort()
    found.terms = _terms(release.project, {model for _, model in found.teachers})
    found.agreement = _agreement(found.kinds)
    return found


def _read(directory):
    """Some rows at a time, as tables; of a release from before rows.parquet those that its messages have."""
    paths = [directory / ROWS] if (directory / ROWS).is_file() else sorted((directory / "data").glob("*.parquet"))
    for path in paths:
        file = pq.ParquetFile(path)
        names = [name for name in COLUMNS if name in file.schema_arrow.names]
        for batch in file.iter_batches(BATCH, columns=names):
            yield pa.Table.from_batches([batch])


def _counted(table, name):
    """{value: rows} of a column."""
    found = table.group_by(name).aggregate([([], "count_all")])
    return dict(zip(found[name].to_pylist(), found["count_all"].to_pylist(), strict=True))


def _count_decisions(found, column):
    """Count the people of each row; one by one only where there are several."""
    lengths = pc.list_value_length(column)
    for length, rows in _counted(pa.table({"length": lengths}), "length").items():
        if length < 2:
            found.people[length] += rows
    for decisions in column.filter(pc.greater(lengths, 1)).to_pylist():
        people = len({each["reviewer"] for each in decisions})
        found.people[people] += 1
        if people > 1:
            found.several += 1
            found.alike += len({each["action"] for each in decisions}) == 1
            actions = [each["action"] for each in decisions]
            found.kinds[tuple(map(actions.count, ACTIONS))] += 1


def _count_refused(found, project, rows):
    """Count what several people named of the earlier attempts at these rows' prompts: among accepted ones alone nobody
    would differ."""
    later = rows.filter(pc.greater(rows["attempt"], 1)) if "attempt" in rows.schema.names else rows.slice(0, 0)
    keys = dict(zip(later["prompt_key"].to_pylist(), later["attempt"].to_pylist(), strict=True)) if len(later) else {}
    if not keys:
        return
    prompts = project.prompts.filter(key__among=list(keys)).values_list("pk", "key")
    attempt_of = {pk: keys[key] for pk, key in prompts.order_by()}
    answers = TeacherResponse.objects.filter(prompt__among=list(attempt_of)).order_by()
    earlier = [pk for pk, prompt, n in answers.values_list("pk", "prompt", "attempt") if n < attempt_of[prompt]]
    given = Annotation.objects.filter(response__among=earlier, purpose=Annotation.Purpose.REVIEW, current=True)
    numbers = {action: Count("pk", filter=Q(action=action)) for action in ACTIONS}
    several = given.order_by().values("response").annotate(n=Count("pk"), **numbers).filter(n__gt=1)
    found.kinds.update(map(tuple, several.values_list(*ACTIONS)))


def _terms(project, models):
    """{model: [terms, sorted]} of the teachers that answered in this project; those who say nothing are left out."""
    answered = Exists(TeacherResponse.objects.filter(teacher=OuterRef("pk"), prompt__project=project))
    found = {}
    for teacher in Teacher.objects.filter(answered, model__in=models):
        terms = " ".join(teacher.terms.split()) or (EMBEDDED_TERMS if teacher.kind == Teacher.Kind.EMBEDDED else "")
        if terms:
            found.setdefault(teacher.model, set()).add(terms)
    return {model: sorted(terms) for model, terms in found.items()}


def _agreement(kinds):
    """How far people agree on the answers to this release's questions, in a line; "" where no two decided on one."""
    alpha = alpha_of_kinds(kinds)
    if not alpha.n:
        return ""
    between = f" (95 % interval {alpha.interval[0]:.2f} to {alpha.interval[1]:.2f})" if alpha.interval else ""
    about = f"{alpha.n:,} answers to the questions of this release, refused attempts included"
    return f"Krippendorff's alpha of accept, regenerate and reject over {about}: {alpha.text}{between}"
