"""rows.parquet: what stands behind each row of a release. Prompt, answer, rules, decisions and source, by hashes."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa
from django.db.models import TextField
from django.db.models.functions import Cast, Length

from curation.models import Annotation, FilterResult, GateResult, Resolution, TeacherResponse

from .provenance import Versions, newest, templates_of

NAME = "rows.parquet"


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
    found = {name: [getattr(record, name) for record in records] for name in OF_RECORD}
    found["text_sha256"] = [sha256(record.text) for record in records]
    found["teacher_text_sha256"] = [
        sha256(record.original) if record.edited else text
        for record, text in zip(records, found["text_sha256"], strict=True)
    ]
    found["gate_score"] = [None if record.score is None else record.score + 0.0 for record in records]
    for name in SCHEMA.names:
        if name not in found:
            found[name] = [getattr(each, name) for each in known]
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
        self._pseudonyms, self._sources = {}, set()

    def source_hash(self):
        """One sha256 over the sources of everything that was read; see `combined`."""
        return combined(self._sources)

    def read(self, response_ids):
        """[Known] for a batch of up to some thousand response ids, in their order."""
        found = {row[0]: _known(*row[1:]) for row in _responses(response_ids)}
        for response, by in _resolutions(response_ids):
            found[response].resolved_by = by
        filters, gate = newest(FilterResult, response_ids), newest(GateResult, response_ids)
        for name, verdicts in (("filters_sha256", filters), ("gate_sha256", gate)):
            for response, ruleset in verdicts.items():
                setattr(found[response], name, self._sha256_of[ruleset])
        for response, decisions in self._decisions(response_ids).items():
            found[response].decisions = decisions
        known = [found[response] for response in response_ids]
        self._sources.update(each.source_sha256 for each in known)
        self.versions.add(response_ids, filters, gate, [each.templates for each in known])
        return known

    def _decisions(self, ids):
        """{response id: its current decisions, by pseudonym}; what was taken back or replaced is not among them."""
        rows = Annotation.objects.filter(response__in=ids, current=True, purpose=Annotation.Purpose.REVIEW).order_by()
        rows = rows.annotate(why=Cast("reasons", TextField()))
        found = {}
        fields = ("response_id", "action", "reviewer__username", "edited_text", "response__text", "why")
        for response, action, reviewer, edited, text, why in rows.values_list(*fields):
            decision = {
                "action": action,
                "reviewer": self._pseudonym(reviewer),
                "edited": edited is not None and edited != text,
                "reasons": _reasons(why),
            }
            found.setdefault(response, []).append(decision)
        for decisions in found.values():
            decisions.sort(key=lambda each: each["reviewer"])
        return found

    def _pseudonym(self, name):
        if name not in self._pseudonyms:
            self._pseudonyms[name] = pseudonym(self.project, name)
        return self._pseudonyms[name]


def pseudonym(project, name):
    """What a release calls a person: the same in all releases of a project, and told by nobody without its key.

    The seed of the splits would be no key: it stands in the manifest, and names are few enough to try them all.
    """
    return hmac.new(project.pseudonym_key.encode(), name.encode(), hashlib.sha256).hexdigest()[:16]


def _responses(ids):
    rows = (
        TeacherResponse.objects.filter(pk__in=ids)
        .order_by()
        .annotate(used=Cast("templates", TextField()), thinks=Length("thinking"), has_system=Length("sent_system"))
    )
    return rows.values_list(
        *("pk", "model_id", "candidate", "used", "prompt__document__content_hash"),
        *("prompt_tokens", "completion_tokens", "form", "thinks", "has_system"),
    )


def _known(model, candidate, used, source, prompt_tokens, completion_tokens, form, thinks, has_system):
    return Known(
        model=model,
        candidate=candidate,
        templates=_templates(used),
        source_sha256=source or "",
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        says_text_alone=form in ("plain", "imported") and not thinks,
        sent_alone=not has_system,
    )


def _resolutions(ids):
    return Resolution.objects.filter(response__in=ids, current=True).order_by().values_list("response_id", "by")


# The same few texts come again and again: each is parsed once.


@lru_cache(maxsize=4096)
def _templates(text):
    return templates_of(json.loads(text or "{}"))


@lru_cache(maxsize=4096)
def _reasons(text):
    return sorted(str(reason) for reason in json.loads(text or "[]"))
