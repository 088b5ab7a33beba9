"""rows.parquet: what stands behind each row of a release. Prompt, answer, rules, decisions and source, by hashes."""

import hashlib
import hmac
import json
from collections import namedtuple
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter

import numpy as np
import pyarrow as pa
from django.contrib.auth import get_user_model
from django.db.models import Case, F, FilteredRelation, Q, TextField, When
from django.db.models.functions import Cast, Length

from curation.models import Annotation, FilterResult, GateResult, TeacherResponse

from .provenance import Versions, newest, templates_of

NAME = "rows.parquet"
SHA256 = "S64"


def _field(name, kind=None):
    return pa.field(name, kind or pa.string(), nullable=False)


def _list(kind):
    return pa.list_(_field("element", kind))


DECISION = pa.struct(
    [_field("action"), _field("reviewer"), _field("edited", pa.bool_()), _field("reasons", _list(pa.string()))]
)
TEMPLATE = pa.struct([_field("name"), _field("version", pa.int64()), _field("sha256")])
SCHEMA = pa.schema(
    [
        _field("id"),
        _field("prompt_key"),
        _field("split"),
        _field("group"),
        _field("status"),
        _field("text_sha256"),
        _field("teacher_text_sha256"),
        _field("teacher"),
        _field("model"),
        _field("attempt", pa.int64()),
        _field("candidate", pa.int64()),
        _field("resolved_by"),
        _field("decisions", _list(DECISION)),
        pa.field("gate_score", pa.float64()),  # null: nobody scored it
        _field("filters_sha256"),
        _field("gate_sha256"),
        _field("templates", _list(TEMPLATE)),
        _field("source_sha256"),
        _field("locator"),
        _field("licence"),
        _field("title"),
    ]
)
OF_RECORD = ("id", "prompt_key", "split", "group", "status", "teacher", "attempt", "locator", "licence", "title")


@dataclass(slots=True)
class Known:
    """What the database knows of a released answer beside its Record."""

    model: str
    candidate: int
    templates: list  # of {name, version, sha256}
    source_sha256: str
    prompt_tokens: int | None
    completion_tokens: int | None
    says_text_alone: bool  # the completion tokens are those of the text: no JSON around it, no thinking before it
    sent_alone: bool  # the prompt tokens are those of the user message: no system message beside it
    resolved_by: str = ""
    filters_sha256: str = ""
    gate_sha256: str = ""
    decisions: list | tuple = ()


def columns(records, known):
    """{column: values} of rows.parquet for Records and, in the same order, what `Reader.read` knows of each."""
    found = {name: list(map(attrgetter(name), records)) for name in OF_RECORD}
    found["text_sha256"] = [sha256(record.text) for record in records]
    found["teacher_text_sha256"] = [
        sha256(record.original) if record.edited else text
        for record, text in zip(records, found["text_sha256"], strict=True)
    ]
    found["gate_score"] = [None if record.score is None else record.score + 0.0 for record in records]
    for name in SCHEMA.names:
        if name not in found:
            found[name] = list(map(attrgetter(name), known))
    return found


def table(found):
    """The columns as Arrow, with exactly the schema."""
    return pa.Table.from_arrays([pa.array(found[each.name], each.type) for each in SCHEMA], schema=SCHEMA)


def sha256(text):
    """Hex sha256 of a text's UTF-8 bytes."""
    return hashlib.sha256(text.encode()).hexdigest()


def combined(sources):
    """One sha256 over the content hashes of sources, each once; rows without a document have none."""
    lines = "".join(f"{source}\n" for source in sorted(set(sources) - {""}))
    return sha256(lines)


class Reader:
    """Reads what stands behind the answers of a project, in batches; counts the versions of rules as it goes."""

    def __init__(self, project):
        self.project = project
        self.versions = Versions(project)
        self._sha256_of = dict(project.rulesets.values_list("pk", "sha256"))
        self._pseudonyms, self._sources = {}, [np.empty(0, SHA256)]

    def source_hash(self):
        """One sha256 over the sources of everything that was read; see `combined`."""
        return combined(np.unique(np.concatenate(self._sources)).astype(str).tolist())

    def read(self, response_ids, answers=None, gate=None):
        """[Known] for a batch of up to some thousand response ids, in their order.

        What has been read already need not be read again: `answers` are {id: what has the names of ANSWER}, `gate`
        {id: id of the ruleset of its newest gate result}.
        """
        answers = answers_of(response_ids) if answers is None else answers
        found = {response: _known(answers[response]) for response in response_ids}
        ids = frozenset(response_ids)
        filters = newest(FilterResult, ids)
        gate = newest(GateResult, ids) if gate is None else gate
        for name, verdicts in (("filters_sha256", filters), ("gate_sha256", gate)):
            for response, ruleset in verdicts.items():
                setattr(found[response], name, self._sha256_of[ruleset])
        for response, decisions in self._decisions(ids).items():
            found[response].decisions = decisions
        known = [found[response] for response in response_ids]
        self._sources.append(np.array(list({each.source_sha256 for each in known}), SHA256))
        self.versions.add(response_ids, filters, gate, [each.templates for each in known])
        return known

    def _decisions(self, ids):
        """{response id: its current decisions, by pseudonym}; what was taken back or replaced is not among them."""
        rows = Annotation.objects.filter(response__pk__among=ids, current=True, purpose=Annotation.Purpose.REVIEW)
        rows = rows.order_by().annotate(
            why=Cast("reasons", TextField()),
            changed=Case(When(edited_text=None, then=False), default=~Q(edited_text=F("response__text"))),
        )
        found = {}
        for response, *values in rows.values_list("response_id", "action", "reviewer_id", "changed", "why"):
            found.setdefault(response, []).append(values)
        self._learn_names({reviewer for rows in found.values() for _, reviewer, _, _ in rows})
        return {response: self._told(rows) for response, rows in found.items()}

    def _told(self, rows):
        told = [
            {
                "action": action,
                "reviewer": self._pseudonyms[reviewer],
                "edited": bool(changed),
                "reasons": _reasons(why),
            }
            for action, reviewer, changed, why in rows
        ]
        return sorted(told, key=lambda each: each["reviewer"]) if len(told) > 1 else told

    def _learn_names(self, reviewers):
        new = reviewers - self._pseudonyms.keys()
        for pk, name in get_user_model().objects.filter(pk__in=new).values_list("pk", "username") if new else ():
            self._pseudonyms[pk] = pseudonym(self.project, name)


def pseudonym(project, name):
    """What a release calls a person: the same in all releases of a project, and told by nobody without its key.

    The seed of the splits would be no key: it stands in the manifest, and names are few enough to try them all.
    """
    return hmac.new(project.pseudonym_key.encode(), name.encode(), hashlib.sha256).hexdigest()[:16]


# What `Reader.read` takes of an answer: {name: field} of a query that `annotated` prepared.
ANSWER = {
    "model": "model_id",
    "candidate": "candidate",
    "used": "used",
    "source": "prompt__document__content_hash",
    "prompt_tokens": "prompt_tokens",
    "completion_tokens": "completion_tokens",
    "form": "form",
    "thinks": "thinks",
    "has_system": "has_system",
    "by": "held__by",
}
Answer = namedtuple("Answer", ANSWER)
SOME = {"thinks": "thinking", "has_system": "sent_system"}  # whether there is any


def annotated(responses):
    """The queryset with what ANSWER names; `held` is the resolution that holds."""
    held = FilteredRelation("resolutions", condition=Q(resolutions__current=True))
    # Nobody asks how long: as the numbers that they are, Django would convert each.
    some = {name: Length(text, output_field=TextField()) for name, text in SOME.items()}
    return responses.annotate(held=held).annotate(used=Cast("templates", TextField()), **some)


def answers_of(ids):
    """{response id: Answer}"""
    rows = annotated(TeacherResponse.objects.filter(pk__among=ids).order_by())
    return {pk: Answer(*values) for pk, *values in rows.values_list("pk", *ANSWER.values())}


def _known(answer):
    return Known(
        model=answer.model,
        candidate=answer.candidate,
        templates=_templates(answer.used),
        source_sha256=answer.source or "",
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
        says_text_alone=answer.form in ("plain", "imported") and not answer.thinks,
        sent_alone=not answer.has_system,
        resolved_by=answer.by or "",
    )


# The same few texts come again and again: each is parsed once.


@lru_cache(maxsize=4096)
def _templates(text):
    return templates_of(json.loads(text or "{}"))


@lru_cache(maxsize=4096)
def _reasons(text):
    return sorted(str(reason) for reason in json.loads(text or "[]"))
