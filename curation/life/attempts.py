"""The answers to a prompt as plain data: each with its call, rules, scores, decisions and edits."""

from datetime import UTC

from django.db.models import Prefetch

from ..models import Annotation
from ..reviewing import hazards, word_diff
from ..reviewing.complaints import with_checks


def iso(value):
    """A time in UTC, ISO 8601."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value else None


def name(user):
    """A person's user name, None for nobody."""
    return user.get_username() if user else None


def answers(prompt):
    """The answers to `prompt`, the first first, with all that was said of them; a fixed number of queries."""
    return prompt.responses.select_related("teacher", "call", "hypothesis__prompt", "parent").prefetch_related(
        "filter_results__ruleset",
        "gate_results__ruleset",
        "judge_scores__judge",
        Prefetch("annotations", Annotation.objects.select_related("reviewer")),
        "resolutions__decided_by",
        with_checks(),
    )


def attempt(row, prompt, blind, told, member):
    """One answer as `member` may read it; without judges where `blind`, without others' decisions unless `told`."""
    hypothesis = row.hypothesis
    return {
        "attempt": row.attempt,
        "candidate": row.candidate + 1,
        "current": row.pk == prompt.current_response_id,
        "answers_attempt": row.parent.attempt if row.parent else None,
        "tests": {"key": hypothesis.prompt.key, "attempt": hypothesis.attempt} if hypothesis else None,
        "model": row.model_id or row.teacher.name,
        "teacher": row.teacher.name,
        "at": iso(row.created_at),
        # An earlier attempt's judges may be quoted in what a later one was asked.
        "sent": {"system": "" if blind and row.attempt > 1 else row.sent_system, "user": row.sent_user},
        "templates": row.templates,
        "call": _call(row),
        "finish_reason": row.finish_reason,
        "text": row.text,
        "fields": row.fields,
        "thinking": row.thinking,
        "refusal": row.refusal,
        "parse_error": row.parse_error,
        "complaints": [
            _complaint(each, told) for each in row.complaints.all() if not (blind and each.source == "gate")
        ],
        "filters": [_filters(each) for each in row.filter_results.all()],
        "gate": [] if blind else [_gate(each) for each in row.gate_results.all()],
        "judges": [] if blind else [_judge(each) for each in row.judge_scores.all()],
        "hazards": hazards(row.judge_scores.all()) if blind else [],
        "decisions": [_decision(each, row) for each in _readable(row, told, member)],
        "resolutions": [_resolution(each, row) for each in row.resolutions.all()] if told else [],
    }


def _readable(row, told, member):
    """Decisions that this reader may see: their own always; checks of reviewers only as a manager."""
    rows = [each for each in row.annotations.all() if told or each.reviewer_id == member.user_id]
    return rows if member.is_manager else [each for each in rows if each.purpose == Annotation.Purpose.REVIEW]


def _complaint(row, told):
    """What the attempt was asked to mend, and whether it did: as measured, and as reviewers say."""
    checks = row.checks.all() if told else ()
    return {
        "source": row.source,
        "code": row.code,
        "words": row.words,
        "addendum": row.addendum,
        "recipes": row.recipes.version if row.recipes else None,
        "met": row.met,
        "reviewers": [{"reviewer": name(each.annotation.reviewer), "met": each.met} for each in checks],
    }


def _call(row):
    call = row.call
    if call is None:
        return None
    return {
        "sha256": call.payload_hash,
        "sample": call.sample_index,
        "state": call.state,
        "prompt_tokens": call.prompt_tokens,
        "completion_tokens": call.completion_tokens,
        "cost_usd": None if call.cost is None else float(call.cost),
        "latency_ms": call.latency_ms,
        "sends": call.sends,
        "answered": iso(call.answered_at),
        "reply": call.raw_reply,
    }


def _filters(result):
    return {
        "version": result.ruleset.version,
        "passed": result.passed,
        "failed": result.failed,
        "rules": result.measurements,
        "at": iso(result.created_at),
    }


def _gate(result):
    return {
        "version": result.ruleset.version,
        "passed": result.passed,
        "score": result.score,
        "pair_score": result.pair_score,
        "reasons": result.reasons,
        "measurements": result.measurements,
        "audit": result.audit,
        "at": iso(result.created_at),
    }


def _judge(score):
    return {
        "rubric": score.rubric,
        "rubric_version": score.rubric_version,
        "judge": score.judge.name,
        "repeat": score.repeat + 1,
        "score": score.score,
        "dimensions": score.dimensions,
        "flags": score.flags,
        "asks_for_a_person": score.requires_human_review,
        "rationale": score.rationale,
        "error": score.error,
        "at": iso(score.created_at),
    }


def _decision(row, response):
    return {
        "reviewer": name(row.reviewer),
        "purpose": row.purpose,
        "version": row.version,
        "current": row.current,
        "surplus": row.surplus,
        "blind": row.blind,
        "action": row.action,
        "reasons": row.reasons,
        "comment": row.comment,
        "edit": _edit(response.text, row.edited_text),
        "seconds": row.seconds,
        "origin": row.origin,
        "at": iso(row.created_at),
    }


def _resolution(row, response):
    return {
        "by": row.by,
        "decided_by": name(row.decided_by),
        "action": row.action,
        "current": row.current,
        "reasons": row.reasons,
        "comment": row.comment,
        "edit": _edit(response.text, row.text) if row.edited else None,
        "at": iso(row.created_at),
        "took_effect": iso(row.applied_at),
    }


def _edit(before, after):
    """The text that a person made of an answer, and how: [kind, words] with kind same, added or removed."""
    if after is None:
        return None
    return {"text": after, "diff": [[change.kind, change.text] for change in word_diff(before, after)]}
