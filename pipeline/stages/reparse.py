"""Parse again: stored replies are read by today's parser and renderer, without any call.

Where text or fields come out differently, the prompt gets a new attempt of the same calls and goes to the filters.
"""

from collections import Counter
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Q, Subquery
from django.utils import timezone

from curation.models import Call, Event, Project, Prompt, Resolution, ReviewClaim, Run, State, TeacherResponse
from curation.models.locking import update_in_order
from curation.reviewing.units import hold_units
from pipeline import answers, ledger
from pipeline.answers import why_not_a_completion
from pipeline.asks import Ticket
from pipeline.teachers import Reply

from .reading import READ, read_call

BATCH = 200
# Who sent a prompt back or away; by anything else it was a person, an order or a hypothesis, and that still holds.
MACHINES = ("filtered", "gated", "attempts_used_up", "same_reason_again")


@dataclass
class Found:
    """One prompt, its answers of the current attempt as they are read now, and what became of them."""

    prompt: Prompt
    readings: list = field(default_factory=list)  # (response, fields as of today)
    verdict: str = "unchanged"

    @property
    def changed(self):
        """Whether any answer is read otherwise."""
        return self.verdict in ("changed", "now_readable")


def chosen(project, *, everything=False):
    """Prompts whose current answer has its reply stored and was read by an older parser or renderer, or not well.

    `everything` takes those too that today's versions have read.
    """
    rows = Prompt.objects.filter(project=project, current_response__call__state="answered")
    rows = rows.filter(withdrawal=None).exclude(state=State.TO_COLLECT)  # these wait for another answer
    if everything:
        return rows
    older = Q(current_response__parser__lt=answers.PARSER_VERSION)
    older |= Q(current_response__renderer__lt=answers.RENDERER_VERSION)
    return rows.filter(older | ~Q(current_response__parse_error=""))


def readable_now(project):
    """Failed calls of parked prompts whose stored reply was taken for no answer, and is one by today's reading."""
    calls = Call.objects.filter(
        state=Call.State.FAILED,
        error_class="not_a_completion",
        parked_prompts__project=project,
        parked_prompts__state=State.PARKED,
    )
    calls = calls.exclude(raw_reply="").distinct().order_by("pk")
    return [call for call in calls.iterator(BATCH) if not why_not_a_completion(call.raw_reply)]


def is_needed(project, *, everything=False):
    """Whether parsing again has anything to look at."""
    return chosen(project, everything=everything).exists() or bool(readable_now(project))


def look(project, *, everything=False):
    """(Counter of verdicts, keys of decided prompts that would be read otherwise), writing nothing."""
    counted, decided, after = Counter({"replies_readable": len(readable_now(project))}), [], 0
    while found := _read(project, everything, after):
        after = found[-1].prompt.pk
        counted.update(each.verdict for each in found)
        decided += [each.prompt.key for each in found if each.verdict == "would_change"]
    return +counted, decided


def work(run, should_stop=lambda: False):
    """Parse again what `run` is for, batch by batch; a killed worker's successor goes on behind the last one."""
    if not run.begin():
        return "ended"
    everything = bool(run.parameters.get("all"))
    _take_up(run, readable_now(run.project))
    if not run.total:
        Run.objects.filter(pk=run.pk).update(total=chosen(run.project, everything=everything).count())
    while True:
        if run.seen():
            run.end(Run.State.CANCELLED)
            return "ended"
        if should_stop():
            return "stopped"
        if not _parse_some(run, everything):
            break
    _tell(run)
    run.end(Run.State.FINISHED)
    return "ended"


def _parse_some(run, everything):
    """One batch: read outside of any transaction, then store what is still as it was; False where none is left."""
    after = Run.objects.values_list("versions", flat=True).get(pk=run.pk).get("reparse", {}).get("after", 0)
    found = _read(run.project, everything, after)
    if not found:
        return False
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=run.project_id)
        hold_units(run.project, [each.prompt.pk for each in found if each.changed])
        row = Run.objects.select_for_update(no_key=True).get(pk=run.pk)
        if row.versions.get("reparse", {}).get("after", 0) != after:
            return True  # another worker was here meanwhile
        _store(run, found)
        row.versions["reparse"] = {"after": found[-1].prompt.pk}
        row.save(update_fields=["versions"])
        run.count(done=len(found), **Counter(each.verdict for each in found))
    return True


def _take_up(run, calls):
    """Let failed calls count as what they are, answered; their prompts wait again and get the answer without a call."""
    for call in calls:
        reply = Reply(call.raw_reply, call.http_status, call.latency_ms, sends=0)
        with transaction.atomic():
            parked = run.project.prompts.filter(failed_call=call, error_class="not_a_completion")
            parked.lock()
            ledger.record([(Ticket(call.pk), reply)], run)
            parked.unpark(actor=None, reason="Its reply can be read now.")
            run.count(replies_readable=1)


# -- reading --------------------------------------------------------------------------------------------------------


def _read(project, everything, after):
    """The next prompts behind the id `after`, each as it is read today."""
    rows = chosen(project, everything=everything).filter(pk__gt=after).order_by("pk")
    prompts = list(rows.select_related("current_response")[:BATCH])
    ids = [prompt.pk for prompt in prompts]
    held = _held(ids)
    found = {prompt.pk: Found(prompt) for prompt in prompts}
    candidates = TeacherResponse.objects.filter(
        prompt__in=ids, call__state="answered", attempt=F("prompt__current_response__attempt")
    )
    for response in candidates.select_related("call").order_by("candidate"):
        each = found[response.prompt_id]
        each.readings.append((response, read_call(response.call, each.prompt.task_type)))
    for each in found.values():
        each.verdict = _verdict(each)
        if each.changed and each.prompt.pk in held:
            each.verdict = held[each.prompt.pk]
    return list(found.values())


def _verdict(each):
    """What a new reading means; an answer that would become unreadable stays as it is, and is counted."""
    verdicts = Counter()
    for number, (response, reading) in enumerate(each.readings):
        if reading["parse_error"] and not response.parse_error:
            verdicts["now_unreadable"] += 1
            each.readings[number] = response, {name: getattr(response, name) for name in READ}
        elif response.parse_error and not reading["parse_error"]:
            verdicts["now_readable"] += 1
        elif any(reading[name] != getattr(response, name) for name in ("text", "fields")):
            verdicts["changed"] += 1
    return next((name for name in ("now_readable", "changed", "now_unreadable") if verdicts[name]), "unchanged")


def _held(ids):
    """{prompt id: why it must stay as it is}, of those that must."""
    prompts = Prompt.objects.filter(pk__in=ids)
    claims = ReviewClaim.objects.filter(prompt=OuterRef("pk"), until__gt=timezone.now())
    last = Event.objects.filter(prompt=OuterRef("pk"), to_state=OuterRef("state")).order_by("-at", "-pk")
    away = prompts.filter(state__in=(State.TO_REGENERATE, State.REJECTED))
    sent_by = away.annotate(by=Subquery(last.values("kind")[:1])).values_list("pk", "by")
    sent_away = [pk for pk, kind in sent_by if kind not in MACHINES]
    methods = Prompt.objects.filter(pair_as_methodology__hypothesis__in=ids, project__paired=True)
    tested = methods.decided_by_people().values_list("pair_as_methodology__hypothesis", flat=True)
    reasons = {
        "left_with_a_reviewer": prompts.filter(Exists(claims)),
        "left_parked": prompts.filter(state=State.PARKED),
        "left_sent_away": prompts.filter(pk__in=sent_away),
        "left_in_another_run": prompts.exclude(pk__in=prompts.free().values("pk")),
        "would_change": prompts.decided_by_people() | prompts.filter(pk__in=list(tested)),
    }
    return {pk: reason for reason, rows in reasons.items() for pk in rows.values_list("pk", flat=True)}


# -- storing --------------------------------------------------------------------------------------------------------


def _store(run, found):
    _note_versions([each for each in found if each.verdict == "unchanged"])
    ids = [each.prompt.pk for each in found if each.changed]
    rows = Prompt.objects.filter(pk__in=ids)  # locked by the caller
    standing = {prompt.pk: (prompt.state, prompt.current_response_id) for prompt in rows}
    held = _held(ids)
    attempts = dict(
        TeacherResponse.objects.filter(prompt__in=ids).order_by().values_list("prompt").annotate(last=Max("attempt"))
    )
    current = {}
    for each in found:
        prompt = each.prompt
        if not each.changed:
            continue
        if prompt.pk in held or standing[prompt.pk] != (prompt.state, prompt.current_response_id):
            each.verdict = held.get(prompt.pk, "left_as_it_moved")
            continue
        current[prompt.pk] = _new_attempt(run, each, attempts[prompt.pk] + 1)
    _send_on(run, found, current)


def _note_versions(unchanged):
    """Answers that are read as before need not be looked at again."""
    ids = [response.pk for each in unchanged for response, _ in each.readings]
    versions = {"renderer": answers.RENDERER_VERSION, "parser": answers.PARSER_VERSION}
    update_in_order(TeacherResponse.objects.filter(pk__in=ids), **versions)


def _new_attempt(run, each, attempt):
    """All answers of the attempt once more, as read today; returns the one that stands for the current one."""
    made = {}
    for old, reading in each.readings:
        kept = {f.attname: getattr(old, f.attname) for f in old._meta.concrete_fields if f.name not in _OWN}
        made[old.pk] = TeacherResponse(**kept | reading, attempt=attempt, parent=old, run=run)
    for response in made.values():
        response.save()
    return made[each.prompt.current_response_id]


_OWN = {"id", "attempt", "parent", "run", "created_at", *READ}


def _send_on(run, found, current):
    prompts = Prompt.objects.filter(pk__in=list(current))
    for pk, response in current.items():
        Prompt.objects.filter(pk=pk).update(current_response=response)
    policy = Resolution.objects.filter(by=Resolution.By.POLICY, current=True, response__prompt__in=list(current))
    policy.update(current=False)  # what the policy had accepted is open again
    again = prompts.filter(state=State.TO_FILTER)
    Event.objects.bulk_create(
        Event(project_id=run.project_id, prompt_id=pk, run=run, kind="reparsed")
        for pk in again.values_list("pk", flat=True)
    )
    prompts.exclude(state=State.TO_FILTER).move(State.TO_FILTER, "reparsed", run=run)
    renewed = [
        each.prompt.pk
        for each in found
        if each.prompt.pk in current
        and each.prompt.task_type == "hypothesis"
        and current[each.prompt.pk].text != each.prompt.current_response.text
    ]
    Prompt.objects.filter(pk__in=renewed).hypothesis_changed(run=run)


def _tell(run):
    run.refresh_from_db(fields=["counters"])
    decided, readable = (run.counters.get(name, 0) for name in ("would_change", "replies_readable"))
    notice = ""
    if readable:
        notice += f"{readable:,} replies that were taken for none are answers: their prompts wait, and cost nothing. "
    if decided:
        notice += (
            f"{decided:,} answers that people decided would be read otherwise; they stay as they are. "
            f"`manage.py reparse_answers --project {run.project.slug} --dry-run` lists them."
        )
    Run.objects.filter(pk=run.pk).update(notice=notice.strip())
