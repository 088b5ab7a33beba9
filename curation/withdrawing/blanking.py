"""Blanking what was withdrawn, for legal deletion: every text goes; keys, hashes, numbers, verdicts and dates stay.

Titles and locators stay as well: they name what was withdrawn.
"""

import json

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from ..models import (
    Annotation,
    AuditItem,
    BatchItem,
    Call,
    Change,
    Comment,
    Complaint,
    Draft,
    Event,
    FilterResult,
    Fingerprint,
    Flag,
    GateResult,
    Gold,
    JudgeScore,
    Overlap,
    Project,
    Prompt,
    Resolution,
    Run,
    SourceDocument,
    TeacherResponse,
    Tombstone,
)
from ..models.locking import update_in_order
from ..models.response import LONGER
from ..models.writing import update_rows
from .chosen import documents
from .deeds import taken_before, waiting
from .needles import Needles, words_of

PORTION = 200
AT_ONCE = 2000
PURGED = "(purged)"  # in place of a text that may not be empty
CODES = ("rule", "name", "code", "rubric", "version", "dimension", "kind")  # whose values are no words of a text
TYPED = ("reason", "error", "comment", "words", "reasons")  # in the detail of an event: typed, or quoted


def why_not_blank(withdrawal, but_for=None):
    """Why the texts of a withdrawal cannot be blanked now, in a sentence; "" where they can.

    Any run of the project may hold some of them; `but_for` is the one that is to blank them.
    """
    left = waiting(withdrawal).count()
    if left:
        return f"{left:,} prompts of it are not withdrawn yet: go on with the withdrawal first."
    live = Run.objects.live().filter(project=withdrawal.project)
    other = live.exclude(pk=but_for.pk).first() if but_for else live.first()
    return f"{other} may hold texts of it: purge when it has ended, or cancel it." if other else ""


def telling_words(withdrawal):
    """(words by which copies of its texts are known, how many of its texts have none).

    A text has none where it is too short, or where its question alone is known and others ask in the same words.
    """
    texts = _documents(withdrawal).exclude(text="").values_list("text", flat=True)
    found = [words_of(text) for text in texts.iterator(chunk_size=AT_ONCE)]
    own, questions = withdrawal.prompts.exclude(context="", user_prompt=""), []
    for context, user in own.values_list("context", "user_prompt").iterator(chunk_size=AT_ONCE):
        (found if context else questions).append(words_of(context or user))
    shared = _asked_by_others(withdrawal.project, {*questions} - {""})
    found += ["" if each in shared else each for each in questions]
    return sorted({*found} - {""}), found.count("")


def _asked_by_others(project, words):
    """Those of `words` that stand in a question which was not withdrawn."""
    several, shared = Needles(words), set()
    others = project.prompts.filter(withdrawal=None).exclude(user_prompt="").values_list("user_prompt", flat=True)
    for question in others.iterator(chunk_size=AT_ONCE) if words else ():
        if several.stand_in(question.encode()):
            shared |= {each for each in words if each in question}
    return shared


def _documents(withdrawal):
    """Its source documents; those that a withdrawn row alone was about."""
    project = withdrawal.project
    named = documents(project, withdrawal.kind, withdrawal.value)
    others = Prompt.objects.filter(document=OuterRef("pk"), withdrawal=None)
    about = SourceDocument.objects.filter(pk__in=withdrawal.prompts.values("document")).exclude(Exists(others))
    return SourceDocument.objects.filter(Q(pk__in=named.values("pk")) | Q(pk__in=about.values("pk")), project=project)


# -- what others withdrew before ---------------------------------------------------------------------------------------


def taken(withdrawal):
    """Every withdrawn prompt that it speaks of: its own, and those that another withdrawal had taken before it."""
    before = taken_before(withdrawal).filter(withdrawal__purged_at=None)
    return Prompt.objects.filter(Q(withdrawal=withdrawal) | Q(pk__in=before.values("pk")), project=withdrawal.project)


def take_over(withdrawal):
    """Make what another withdrawal had taken before its own: who purges a source purges all that is about it.

    What another one purged is blank already, and stays that one's.
    """
    before = taken_before(withdrawal).filter(withdrawal__purged_at=None).order_by("pk")
    while ids := list(before.values_list("pk", flat=True)[:PORTION]):
        with transaction.atomic():
            Project.objects.select_for_update(no_key=True).get(pk=withdrawal.project_id)  # whoever buries waits
            Prompt.objects.filter(pk__in=ids).lock()
            Tombstone.objects.filter(prompt__in=ids).update(withdrawal=withdrawal)
            Prompt.objects.filter(pk__in=ids).update(withdrawal=withdrawal)


# -- portion by portion ----------------------------------------------------------------------------------------------


def blank_prompts(withdrawal, count=lambda number: None):
    """Blank its prompts and all that was said of them, a portion a transaction; again, it does the same again.

    `count` hears how many were done, and may raise.
    """
    after = 0
    while ids := list(withdrawal.prompts.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:PORTION]):
        after = ids[-1]
        with transaction.atomic():
            _blank(ids)
            count(len(ids))


def _blank(ids):
    Prompt.objects.filter(pk__in=ids).lock()
    Prompt.objects.filter(pk__in=ids).update(
        user_prompt="", context="", system_prompt="", metadata={}, error_detail="", rank=0
    )
    responses = list(TeacherResponse.objects.filter(prompt__in=ids).values_list("pk", flat=True))
    _blank_responses(TeacherResponse.objects.filter(pk__in=responses))
    _blank_people(ids, responses)
    _blank_machines(ids, responses)
    _rewrite(Event.objects.filter(prompt__in=ids).exclude(kind="withdrawn"), "detail", _without_typed)
    for change in Change.objects.filter(kind=Change.Kind.FIX, items__prompt__in=ids).distinct():
        change.detail["words"] = []
        change.save(update_fields=["detail"])


def _blank_responses(rows):
    rows.update(text="", fields=None, parse_error="", thinking="", refusal="", sent_user="", sent_system="")
    _rewrite(rows, "metadata", lambda said: {LONGER: said[LONGER]} if LONGER in said else {})


def _blank_people(ids, responses):
    annotations = Annotation.objects.filter(response__in=responses)
    annotations.exclude(edited_text=None).update(edited_text="")
    annotations.update(comment="")
    Resolution.objects.filter(response__in=responses).update(text="", comment="")
    Draft.objects.filter(response__in=responses).delete()
    Gold.objects.filter(response__in=responses).update(note="")
    Comment.objects.filter(prompt__in=ids).update(text=PURGED)
    Flag.objects.filter(prompt__in=ids).update(note=PURGED)
    Flag.objects.filter(prompt__in=ids).exclude(answer="").update(answer=PURGED)
    AuditItem.objects.filter(prompt__in=ids).update(note="")


def _blank_machines(ids, responses):
    for model in (FilterResult, GateResult):
        _rewrite(model.objects.filter(response__in=responses), "measurements", _without_words)
    scores = JudgeScore.objects.filter(response__in=responses)
    _rewrite(scores, "dimensions", _without_words)
    scores.update(rationale="")
    scores.exclude(error="").update(error=PURGED)
    Complaint.objects.filter(response__in=responses).update(words="")
    Overlap.objects.filter(prompt__in=ids).update(words="")
    Fingerprint.objects.filter(prompt__in=ids).update(signature=b"", cluster=None)
    BatchItem.objects.filter(prompt__in=ids).update(notes={})


def _rewrite(rows, name, rewritten):
    """Write the JSON field `name` of `rows` as `rewritten` gives it, where that is another."""
    changed = []
    for row in rows.only("pk", name):
        value = rewritten(getattr(row, name))
        if value != getattr(row, name):
            setattr(row, name, value)
            changed.append(row)
    update_rows(changed, [name])


def _without_words(value, key=""):
    """JSON without its texts; numbers, names of rules and their like stay."""
    if isinstance(value, dict):
        return {name: _without_words(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_words(inner, key) for inner in value]
    return "" if isinstance(value, str) and key not in CODES else value


def _without_typed(detail):
    return {name: _without_words(value) if name in TYPED else value for name, value in detail.items()}


# -- calls and sources -----------------------------------------------------------------------------------------------


def calls_of(withdrawal):
    """The calls that were bought for its prompts: for their answers, and for what judges said of them."""
    prompts = taken(withdrawal).values("pk")
    responses = TeacherResponse.objects.filter(prompt__in=prompts)
    scores = JudgeScore.objects.filter(response__prompt__in=prompts)
    items = BatchItem.objects.filter(prompt__in=prompts)
    bought = Q(pk__in=responses.values("call")) | Q(pk__in=scores.values("call")) | Q(pk__in=items.values("call"))
    return Call.objects.filter(bought)


def shared_calls(withdrawal):
    """Those of its calls that answer prompts which are neither its own nor purged; they keep their texts."""
    blank = Prompt.objects.filter(Q(pk__in=taken(withdrawal).values("pk")) | Q(withdrawal__purged_at__isnull=False))
    others = TeacherResponse.objects.filter(call=OuterRef("pk")).exclude(prompt__in=blank.values("pk"))
    judged = JudgeScore.objects.filter(call=OuterRef("pk")).exclude(response__prompt__in=blank.values("pk"))
    return calls_of(withdrawal).filter(Exists(others) | Exists(judged))


def _unclaimed_calls(withdrawal, words):
    """Ids of calls that nothing points to, and whose request holds some of these words: their worker was killed."""
    rows, wanted = Call.objects.filter(responses=None, judge_scores=None, batch_items=None), Needles(words)
    rows = rows.filter(project=withdrawal.project)
    for pk, request in rows.values_list("pk", "request").iterator(chunk_size=AT_ONCE):
        if wanted.stand_in(json.dumps(request).encode()):
            yield pk


def blank_calls(withdrawal, words):
    """Blank requests and replies of its calls; returns (how many, how many were left as others need them).

    A call keeps its hash, what it cost and how it ended; asked for once more, it would be bought once more.
    """
    left = list(shared_calls(withdrawal).values_list("pk", flat=True))
    own = list(calls_of(withdrawal).exclude(pk__in=left).values_list("pk", flat=True))
    own += [*_unclaimed_calls(withdrawal, words)] if words else []
    for start in range(0, len(own), AT_ONCE):
        update_in_order(
            Call.objects.filter(pk__in=own[start : start + AT_ONCE]),
            **{"request": {}, "raw_reply": "", "error_detail": "", "error_class": "purged"},
            state=Call.State.FAILED,
        )
    return len(own), len(left)


def blank_documents(withdrawal):
    """Blank the source texts; returns how many. Their hashes stay, so that the same text does not come in anew."""
    return _documents(withdrawal).update(text="")
