"""The failed ledger: the prompts that an error set aside, by what went wrong, and the way back for them."""

import csv
import json
from dataclasses import dataclass

from django.db.models import Count, Max, OuterRef, Subquery

from curation.models import Event, Prompt, State

# What each class of error means for the prompts that it set aside, and what to see to before they are tried again.
CLASSES = {
    "timeout": ("Timed out", "No answer came in the teacher's time limit, and further tries fared no better."),
    "connection": ("Connection broke", "The endpoint could not be reached, or hung up before it had answered."),
    "rate_limited": ("Rate limited", "The endpoint still asked to wait after every further try."),
    "server_error": ("Server error", "The endpoint failed by itself (5xx), and further tries fared no better."),
    "conflict": ("Conflict", "The endpoint refused for the moment (409), and further tries fared no better."),
    "context_too_long": (
        "Too long",
        "The prompt does not fit the model: shorten it, or choose a model that takes more.",
    ),
    "content_filter": ("Content filter", "The endpoint's content filter let no text through."),
    "bad_request": ("Refused request", "The endpoint does not take the request as it is: see its message."),
    "output_limit": (
        "Limit too large",
        "The model does not write as many tokens as asked for: lower the teacher's max_tokens.",
    ),
    "unsupported_structure": ("Structure refused", "The endpoint takes none of the ways to ask for a structure."),
    "unsupported_parameter": (
        "Parameter refused",
        "The endpoint does not take a parameter: see the teacher's profile.",
    ),
    "not_a_completion": ("No completion", "The endpoint sent something that is no chat completion; it is kept."),
    "reply_too_large": ("Reply too large", "The endpoint sent more than an answer can be; its beginning is kept."),
    "cannot_compose": ("Could not be composed", "The prompt template asks for something that this row lacks."),
    "client_error": ("Our mistake", "Sending failed on our side: see the message."),
    "endpoint_down": ("Endpoint down", "The endpoint only failed, for longer than it is waited for."),
    "quota": ("Quota used up", "The account has nothing left: top it up, then start the run again."),
    "unauthorised": ("Key refused", "The endpoint does not know the key: check the teacher's key variable."),
    "forbidden": ("Forbidden", "The key may not use this model."),
    "unknown_model": ("Unknown model", "The endpoint has no model of this name."),
    "wrong_address": ("Wrong address", "There is no chat endpoint at the teacher's base URL."),
    "no_key": ("No key", "The environment variable of the teacher's key is not set."),
    "embedded_model_down": ("Embedded model down", "The embedded model does not answer."),
}

# What an export holds of each prompt, in this order; CSV leaves the two long ones out.
COLUMNS = (
    *("key", "task_type", "domain", "stage", "error_class", "error", "parked_at", "run"),
    *("teacher", "model", "sends", "http_status", "latency_ms", "payload_hash"),
)
LONG_COLUMNS = ("request", "raw_reply")
FORMULA = ("=", "+", "-", "@", "\t", "\r")

# Which stage takes up again what was set aside in which state.
STAGE_OF = {State.TO_COLLECT: "collect", State.TO_JUDGE: "judge", State.TO_REGENERATE: "regenerate"}


def label(error_class):
    """What a class of error is called."""
    return CLASSES.get(error_class, (error_class.replace("_", " ").capitalize(), ""))[0]


def meaning(error_class):
    """What a class of error means, in a sentence; "" for one that has none."""
    return CLASSES.get(error_class, ("", ""))[1]


def parked(project):
    """The prompts of `project` that an error set aside, each with `parked_run`, the id of the run that did it."""
    set_aside = Event.objects.filter(prompt=OuterRef("pk"), kind="parked").order_by("-at", "-pk")
    return project.prompts.in_state(State.PARKED).annotate(parked_run=Subquery(set_aside.values("run")[:1]))


@dataclass
class ClassCount:
    """How many prompts an error of one class set aside, the newest of them, and its message."""

    error_class: str
    number: int = 0
    latest: object = None
    message: str = ""

    @property
    def label(self):
        return label(self.error_class)

    @property
    def meaning(self):
        return meaning(self.error_class)


def by_class(prompts):
    """[ClassCount] of these parked prompts, the most frequent first; two queries."""
    counted = prompts.order_by().values("error_class").annotate(n=Count("pk"), latest=Max("state_changed_at"))
    found = {row["error_class"]: ClassCount(row["error_class"], row["n"], row["latest"]) for row in counted}
    newest = prompts.filter(state_changed_at__in=[each.latest for each in found.values()])
    for error_class, at, message in newest.values_list("error_class", "state_changed_at", "error_detail"):
        if found[error_class].latest == at:
            found[error_class].message = message
    return sorted(found.values(), key=lambda each: (-each.number, each.error_class))


def teachers_of(prompts):
    """[(id, name)] of the teachers whose calls failed for these prompts."""
    rows = prompts.order_by().exclude(failed_call=None)
    return sorted(rows.values_list("failed_call__teacher", "failed_call__teacher__name").distinct(), key=lambda r: r[1])


def put_back(prompts, *, actor, most=None, reason=""):
    """Put parked prompts back where each was, the oldest first, at most `most`; returns {stage: prompts put back}."""
    chosen = list(prompts.order_by("pk").values_list("pk", "parked_from")[:most])
    back = {}
    for origin in sorted({state for _, state in chosen}):
        ids = [pk for pk, state in chosen if state == origin]
        for start in range(0, len(ids), 1000):
            moved = Prompt.objects.filter(pk__in=ids[start : start + 1000]).unpark(actor=actor, reason=reason)
            stage = STAGE_OF.get(origin, origin)
            back[stage] = back.get(stage, 0) + moved
    return {stage: number for stage, number in back.items() if number}


# -- export ---------------------------------------------------------------------------------------------------------


def rows(prompts, *, long=False):
    """One dict for each parked prompt, read a portion at a time: COLUMNS, with `long` also LONG_COLUMNS.

    The API key is not among them: it is in neither the request as stored nor the reply.
    """
    prompts = prompts.select_related("failed_call__teacher")
    if not long:
        prompts = prompts.defer(*(f"failed_call__{name}" for name in LONG_COLUMNS))
    for prompt in prompts.iterator(chunk_size=200):
        call = prompt.failed_call
        row = {
            "key": prompt.key,
            "task_type": prompt.task_type,
            "domain": prompt.domain,
            "stage": STAGE_OF.get(prompt.parked_from, prompt.parked_from),
            "error_class": prompt.error_class,
            "error": prompt.error_detail,
            "parked_at": prompt.state_changed_at.isoformat(),
            "run": prompt.parked_run,
            "teacher": call and call.teacher.name,
            "model": call and call.model,
            "sends": call and call.sends,
            "http_status": call and call.http_status,
            "latency_ms": call and call.latency_ms,
            "payload_hash": call and call.payload_hash,
        }
        yield row | {name: call and getattr(call, name) for name in LONG_COLUMNS} if long else row


def as_json_lines(prompts):
    """Lines of JSON, one a prompt, with the request as it was sent and the reply as it came."""
    for row in rows(prompts, long=True):
        yield json.dumps(row, ensure_ascii=False) + "\n"


def as_csv(prompts):
    """Lines of CSV for a spreadsheet; a text that one would take for a formula begins with an apostrophe."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for row in rows(prompts):
        yield writer.writerow([_harmless(row[name]) for name in COLUMNS])


FORMATS = {"jsonl": ("application/x-ndjson", as_json_lines), "csv": ("text/csv; charset=utf-8", as_csv)}


def _harmless(value):
    if isinstance(value, str) and value.startswith(FORMULA):
        return "'" + value
    return "" if value is None else value


class _Echo:
    """A file that hands each line back instead of keeping it."""

    def write(self, line):
        return line
