"""From answered calls to stored responses: what collect and regenerate share.

An attempt is one answer or several: candidates, from several teachers or several times from one. It is stored whole
once all its calls ended.
"""

from itertools import count, islice

from curation.models import Call, Prompt, State, TeacherResponse
from curation.models.response import LONGER
from curation.models.writing import insert_rows, update_rows
from pipeline import answers, teachers
from pipeline.answers.completions import read_completion
from pipeline.asks import Ask

from .adapting import learn
from .composing import hypotheses_of
from .reading import read_call
from .sending import park, send_on


def asks_for(wanted, samples, task_type, notes):
    """{name: Ask} for `samples` answers of each teacher in `wanted` to the messages in `notes`, in this order."""
    asks, taken = {}, set(notes["earlier"])
    for teacher in wanted:
        for ask in _asks(teacher, task_type, notes, taken, samples):
            asks[f"answer-{len(asks) + 1}" if asks else "answer"] = ask
    return asks


def _asks(teacher, task_type, notes, taken, number):
    """`number` Asks of one teacher, by schema where the task has one; adds to `taken` what they ask.

    Where these very messages were answered before for this prompt, another answer is bought: an attempt that gets the
    stored one again would be none.
    """
    schema = answers.schema_for(task_type, **teacher.profile.get("answer_schema", {}))
    named = (task_type, schema) if schema else None
    parameters = notes.get("parameters")
    body = teachers.payload(teacher, notes["system"], notes["user"], schema=named, parameters=parameters)
    return _free(teacher, body, taken, number)


def _free(teacher, body, taken, number=1):
    """Asks of `body` with the first samples that are not taken."""
    first = Ask(teacher, body)
    digest = first.payload_hash
    samples = list(islice((sample for sample in count() if (digest, sample) not in taken), number))
    taken |= {(digest, sample) for sample in samples}
    return [first.again(sample) for sample in samples]


def next_attempts(prompt_list, *, fresh=False):
    """{prompt id: {"attempt": number of its next attempt, "earlier": (payload hash, sample) of its former calls}}.

    A run that takes nothing bought before (`fresh`) counts from 0 and is given samples above all others by the ledger.
    """
    found = {prompt.pk: {"attempt": 1, "earlier": set()} for prompt in prompt_list}
    rows = TeacherResponse.objects.filter(prompt__in=found)
    for pk, attempt, *call in rows.values_list("prompt_id", "attempt", "call__payload_hash", "call__sample_index"):
        found[pk]["attempt"] = max(found[pk]["attempt"], attempt + 1)
        if not fresh:
            found[pk]["earlier"].add(tuple(call))
    return found


def composed(run, asked):
    """The works among `asked`, [(prompt, its Work, why it has none)]; the other prompts are parked with the reason."""
    works = []
    for prompt, work, trouble in asked:
        if trouble:
            prompt.park("cannot_compose", trouble, run=run)
            run.count(done=1, parked=1, last_error=trouble)
        else:
            works.append(work)
    return works


def read_answers(works):
    """Read what was answered before a transaction is open: where there is one writer at a time, others wait for it."""
    for each in works:
        answered = [call for call in each.calls.values() if call.state == Call.State.ANSWERED]
        each.notes["read"] = {call.pk: read_call(call, each.prompt.task_type) for call in answered}


def save_answers(run, works, *, source, kind):
    """Store what was answered as responses and send the prompts to the filters.

    A prompt is parked where not one of its calls was answered. Returns works that ask for more: in another structure,
    or for a longer answer. A second save of the same attempt changes nothing.
    """
    more = {each.prompt.pk for each in works if _ask_more(each)}
    ended = [each for each in works if each.prompt.pk not in more]
    for each in ended:
        each.notes["answers"] = _answered(each)
    park(run, [each for each in ended if not each.notes["answers"]])
    answered = _let_outdated_go([each for each in ended if each.notes["answers"]])
    _store(run, answered, source=source, kind=kind)
    return [each for each in works if each.prompt.pk in more]


# -- what is asked for besides ------------------------------------------------------------------------------------


def _ask_more(each):
    """Add what is to be asked besides, or in another way, to a work whose calls ended; returns whether there is any."""
    longer = each.notes.setdefault("longer", {})
    again = [name for name, call in each.calls.items() if learn(each.asks[name], call)]
    for name in again:
        teacher, taken = each.asks[name].teacher, _taken(each)
        (ask,) = _asks(teacher, each.prompt.task_type, each.notes, taken, 1)
        each.asks[name] = (name in longer.values() and _longer(ask, taken)) or ask
        del each.calls[name]
    cut_off = [name for name, call in each.calls.items() if _is_cut_off(call)]
    for name in cut_off:
        ask = None if name in longer or name in longer.values() else _longer(each.asks[name], _taken(each))
        if ask:
            longer[name] = f"{name}-longer"
            each.asks[longer[name]] = ask
            each.optional.add(longer[name])
            again.append(name)
    return bool(again)


def _longer(ask, taken):
    """The same question with more room for the answer; None where its body sets no limit, or the model has no more."""
    body = teachers.bigger(ask.body, teachers.profile_of(ask.teacher).get("most_tokens"))
    return _free(ask.teacher, body, taken)[0] if body else None


def _taken(each):
    return {*each.notes["earlier"], *(ask.identity for ask in each.asks.values())}


def _is_cut_off(call):
    return call.state == Call.State.ANSWERED and call.finish_reason == "length"


def _answered(each):
    """[(name, call)] of what may be stored, a cut-off answer before the longer one; each call once."""
    longer = each.notes["longer"]
    order = [name for first in each.asks if first not in longer.values() for name in (first, longer.get(first))]
    # The first reason comes first, as it is the one that a parked prompt tells.
    each.calls = {name: each.calls[name] for name in order if name in each.calls}
    found = {}
    for name, call in each.calls.items():
        if call.state == Call.State.ANSWERED and not _is_empty(call):
            found.setdefault(call.pk, (name, call))
    return list(found.values())


def _is_empty(call):
    """A content filter that left no text at all: there is nothing to store as an answer."""
    if call.finish_reason != "content_filter":
        return False
    said = read_completion(call.raw_reply)
    if said.content or said.refusal:
        return False
    call.error_class, call.error_detail = "content_filter", "The endpoint's content filter let no text through."
    return True


# -- storing ------------------------------------------------------------------------------------------------------


def _let_outdated_go(works):
    """Leave out methods whose hypothesis got another answer while they were written: they are asked again with it."""
    if not any(each.prompt.project.paired for each in works):
        return works
    ids = [each.prompt.pk for each in works]
    # Held until the methods are stored, so that no newer hypothesis comes in between.
    hypotheses = Prompt.objects.filter(pair_as_hypothesis__methodology__in=ids).order_by("pk")
    list(hypotheses.select_for_update(no_key=True, of=("self",)).values_list("pk"))
    now = {pk: response.pk for pk, response in hypotheses_of([each.prompt for each in works]).items()}
    outdated = {each.prompt.pk for each in works if each.notes["hypothesis"] != now.get(each.prompt.pk)}
    Prompt.objects.filter(pk__in=outdated).let_go()
    return [each for each in works if each.prompt.pk not in outdated]


def _store(run, works, *, source, kind):
    """Store the attempts, point the prompts that still wait for them at their first answers, and send those on."""
    works = {each.prompt.pk: each for each in works}
    locked = Prompt.objects.select_for_update(no_key=True).filter(pk__in=works).order_by("pk")
    waiting = []
    for pk, state, attempts in locked.values_list("pk", "state", "attempts"):
        if state == source:
            prompt = works[pk].prompt
            prompt.attempts = attempts
            waiting.append(prompt)
    _leave_out_stored(works, waiting)
    rows = {pk: _responses(run, each) for pk, each in works.items()}
    names = ("id", "prompt_id", "attempt", "candidate")
    found = insert_rows([row for several in rows.values() for row in several], returning=names)
    if len(found) < sum(map(len, rows.values())):  # another worker stored some of them before
        found = TeacherResponse.objects.filter(prompt__in=works).values_list(*names)
    stored = {(pk, attempt, candidate): response for response, pk, attempt, candidate in found}
    details = {}
    for prompt in waiting:
        notes = works[prompt.pk].notes
        first = next(row for row in rows[prompt.pk] if not row.is_replaced)
        prompt.current_response_id = stored[prompt.pk, first.attempt, first.candidate]
        prompt.attempts += notes.get("counts", 1)
        several = {"candidates": len(rows[prompt.pk])} if len(rows[prompt.pk]) > 1 else {}
        details[prompt.pk] = {"attempt": notes["attempt"]} | several
    update_rows(waiting, ["current_response", "attempts"])
    _count_failed(run, works.values())
    send_on(run, list(details), State.TO_FILTER, kind, source=source, detail=details)


def _leave_out_stored(works, waiting):
    """Of prompts that have left meanwhile, those whose attempt another worker stored: it stays as it was stored."""
    gone = works.keys() - {prompt.pk for prompt in waiting}
    if gone:
        stored = TeacherResponse.objects.filter(prompt__in=gone).values_list("prompt_id", "attempt")
        for pk in {pk for pk, attempt in stored if works[pk].notes["attempt"] == attempt}:
            del works[pk]


def _responses(run, each):
    """The rows of one attempt, numbered in the order of teachers and samples."""
    rows = {name: _response(run, each, call) for name, call in each.notes["answers"]}
    for number, row in enumerate(rows.values()):
        row.candidate = number
    for name, longer in each.notes["longer"].items():
        if name in rows and longer in rows:
            rows[name].metadata[LONGER] = rows[longer].candidate
    return list(rows.values())


def _response(run, each, call):
    notes = each.notes
    return TeacherResponse(
        prompt=each.prompt,
        attempt=notes["attempt"],
        parent_id=notes.get("parent"),
        call=call,
        teacher_id=call.teacher_id,
        run=run,
        hypothesis_id=notes.get("hypothesis"),
        model_id=call.model,
        prompt_tokens=call.prompt_tokens,
        completion_tokens=call.completion_tokens,
        total_tokens=call.total_tokens,
        latency_ms=call.latency_ms,
        sent_user=notes["user"],
        sent_system=notes["system"],
        templates=notes["templates"],
        **(notes.get("read", {}).get(call.pk) or read_call(call, each.prompt.task_type)),
    )


def _count_failed(run, works):
    """Candidates that failed while others answered are counted; a longer try that failed leaves the cut-off answer."""
    failed = sum(
        bool(call.error_class) for each in works for name, call in each.calls.items() if name not in each.optional
    )
    if failed:
        run.count(candidates_failed=failed)
