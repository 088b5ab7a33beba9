"""From answered calls to stored responses: what collect and regenerate share."""

from curation.models import Call, Prompt, State, TeacherResponse
from pipeline import answers, ledger, teachers

from .composing import hypotheses_of
from .plainer import learn_plainer
from .sending import park, send_on


def ask_teacher(teacher, task_type, notes):
    """The Ask for one answer to the messages in `notes`, by schema where the task has one.

    Where these very messages were answered before for this prompt, another answer is bought: an attempt that gets the
    stored one again would be none.
    """
    schema = answers.schema_for(task_type, **teacher.profile.get("answer_schema", {}))
    named = (task_type, schema) if schema else None
    ask = ledger.Ask(teacher, teachers.payload(teacher, notes["system"], notes["user"], schema=named))
    ask.sample = notes["earlier"].count(ask.payload_hash)
    return ask


def next_attempts(prompt_list):
    """{prompt id: {"attempt": number of its next attempt, "earlier": payload hashes of its former ones}}."""
    found = {prompt.pk: {"attempt": 1, "earlier": []} for prompt in prompt_list}
    rows = TeacherResponse.objects.filter(prompt__in=found).values_list("prompt_id", "attempt", "call__payload_hash")
    for pk, attempt, payload_hash in rows:
        found[pk]["attempt"] = max(found[pk]["attempt"], attempt + 1)
        found[pk]["earlier"].append(payload_hash)
    return found


def save_answers(run, works, *, source, kind):
    """Store each answer as a response and send its prompt to the filters; park those whose call failed.

    Returns works to ask again in another structure. A second save of the same attempt changes nothing.
    """
    again = [each for each in works if _ask_plainer(each)]
    failed = [
        each for each in works if each not in again and any(c.state == Call.State.FAILED for c in each.calls.values())
    ]
    empty = [each for each in works if each not in again and each not in failed and _filtered_empty(each)]
    park(run, failed + empty)
    answered = _let_outdated_go([each for each in works if each not in again + failed + empty])
    TeacherResponse.objects.bulk_create([_response(run, each) for each in answered], ignore_conflicts=True)
    stored = {
        (r.prompt_id, r.attempt): r.pk
        for r in TeacherResponse.objects.filter(prompt__in=[w.prompt.pk for w in answered]).only("prompt_id", "attempt")
    }
    current = {each.prompt.pk: stored[(each.prompt.pk, each.notes["attempt"])] for each in answered}
    _make_current(run, answered, current, source=source, kind=kind)
    return again


def _let_outdated_go(works):
    """Leave out methods whose hypothesis got another answer while they were written: they are asked again with it."""
    ids = [each.prompt.pk for each in works]
    # Held until the methods are stored, so that no newer hypothesis comes in between.
    hypotheses = Prompt.objects.filter(pair_as_hypothesis__methodology__in=ids).order_by("pk")
    list(hypotheses.select_for_update(no_key=True, of=("self",)).values_list("pk"))
    now = {pk: response.pk for pk, response in hypotheses_of([each.prompt for each in works]).items()}
    outdated = [each for each in works if each.notes["hypothesis"] != now.get(each.prompt.pk)]
    Prompt.objects.filter(pk__in=[each.prompt.pk for each in outdated]).let_go()
    return [each for each in works if each not in outdated]


def _make_current(run, works, current, *, source, kind):
    """Point the prompts at their new responses while they still wait for them, then send them on."""
    by_id = {each.prompt.pk: each for each in works}
    rows = list(Prompt.objects.select_for_update().filter(pk__in=current, state=source))
    for prompt in rows:
        prompt.current_response_id = current[prompt.pk]
        prompt.attempts += by_id[prompt.pk].notes.get("counts", 1)
    Prompt.objects.bulk_update(rows, ["current_response", "attempts"], batch_size=200)
    details = {prompt.pk: {"attempt": by_id[prompt.pk].notes["attempt"]} for prompt in rows}
    send_on(run, [prompt.pk for prompt in rows], State.TO_FILTER, kind, source=source, detail=details)


def _response(run, each):
    call, notes = each.calls["answer"], each.notes
    content, refusal, finish_reason = ledger.message_of(call)
    parsed = answers.parse_answer(content, each.prompt.task_type)
    return TeacherResponse(
        prompt=each.prompt,
        attempt=notes["attempt"],
        parent_id=notes.get("parent"),
        call=call,
        teacher_id=call.teacher_id,
        run=run,
        hypothesis_id=notes.get("hypothesis"),
        text=parsed.text or answers.clean_text(refusal),
        fields=parsed.fields,
        form=parsed.form,
        parse_error=parsed.error,
        thinking=parsed.thinking,
        refusal=answers.clean_text(refusal),
        finish_reason=finish_reason[:40],
        model_id=call.model,
        prompt_tokens=call.prompt_tokens,
        completion_tokens=call.completion_tokens,
        total_tokens=call.total_tokens,
        latency_ms=call.latency_ms,
        sent_user=notes["user"],
        sent_system=notes["system"],
        templates=notes["templates"],
        renderer=answers.RENDERER_VERSION,
    )


def _filtered_empty(each):
    """A content filter that left no text at all: there is nothing to store as an answer."""
    call = each.calls["answer"]
    content, refusal, finish_reason = ledger.message_of(call)
    if finish_reason != "content_filter" or content or refusal:
        return False
    call.error_class, call.error_detail = "content_filter", "The endpoint's content filter let no text through."
    return True


def _ask_plainer(each):
    """Where the endpoint takes no schema, ask this work again in the next simpler way."""
    ask = each.asks["answer"]
    if not learn_plainer(ask, each.calls["answer"]):
        return False
    each.asks["answer"] = ask_teacher(ask.teacher, each.prompt.task_type, each.notes)
    each.calls.clear()
    return True
