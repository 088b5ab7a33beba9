"""A prompt's life as plain data: source, calls, rules, scores, decisions, edits, talk, releases, history.

Times are ISO 8601 in UTC, money in USD; what is not known is None. Nothing in it depends on who made the page but what
they may not see yet: judges' words of a blind share, and decisions of others while people are still to decide.
"""

from datetime import UTC

from django.db.models import Prefetch

from ..models import Annotation, Change, State
from ..reviewing import hazards, hidden_from, without_judgements, word_diff

_TELLS_DECISIONS = ("disagreement", "resolved", "attempts_used_up", "resolution_overtaken")
FORMAT = 1  # of the dict; raised where a key changes its meaning


def life_of(project, prompt, member):
    """The life of `prompt` as `member` (a Membership) may read it: a dict that `json.dumps` takes."""
    blind = member.may_review and prompt.pk in hidden_from(member.user, project, [prompt])
    told = member.is_manager or prompt.state != State.TO_REVIEW
    return {
        "format": FORMAT,
        "project": project.slug,
        "key": prompt.key,
        "task_type": prompt.task_type,
        "domain": prompt.domain,
        "state": prompt.state,
        "state_since": _time(prompt.state_changed_at),
        "imported": _time(prompt.created_at),
        "parked": _parked(prompt),
        "source": _source(prompt),
        "prompt": {"user": prompt.user_prompt, "system": prompt.system_prompt, "columns": prompt.metadata},
        "pair": _pair(project, prompt),
        "attempts": [_attempt(row, prompt, blind, told, member) for row in _responses(prompt)],
        "overlaps": [_overlap(row) for row in prompt.overlaps.select_related("evaluation_set", "response")],
        "comments": [_comment(row) for row in prompt.comments.select_related("author", "response")] if told else [],
        "flags": [_flag(row) for row in _flags(prompt, told, member)],
        "changes": [_change(row) for row in _changes(prompt, told, member)],
        "releases": [_release(row) for row in _releases(prompt)],
        "history": [_event(row, blind, told) for row in _events(prompt)],
        "left_out": _left_out(blind, told),
    }


def _flags(prompt, told, member):
    rows = prompt.flags.select_related("raised_by", "cleared_by")
    return rows if told else rows.filter(raised_by=member.user_id)


def _changes(prompt, told, member):
    """Changes of many prompts; one edit made in several answers is a decision of its author."""
    rows = prompt.changes.select_related("change__created_by", "change__undone_by")
    return [
        row for row in rows if told or row.change.kind == Change.Kind.BULK or row.change.created_by_id == member.user_id
    ]


def _releases(prompt):
    return prompt.release_rows.select_related("release").order_by("release__version")


def _events(prompt):
    return prompt.events.select_related("actor", "run").order_by("at", "pk")


def _left_out(blind, told):
    said = []
    if blind:
        said.append("What judges say: this prompt is in the blind share, and you have not decided on it.")
    if not told:
        said.append("Decisions and remarks of others: you read them once the prompt is decided.")
    return said


def _time(value):
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value else None


def _name(user):
    return user.get_username() if user else None


def _parked(prompt):
    if not prompt.parked_from:
        return None
    return {"from": prompt.parked_from, "error_class": prompt.error_class, "error": prompt.error_detail}


def _source(prompt):
    document = prompt.document
    return {
        "title": document.title if document else "",
        "locator": document.locator if document else "",
        "passage": document.passage or None if document else None,
        "licence": document.licence if document else "",
        "text": prompt.context or (document.text if document else ""),
    }


def _pair(project, prompt):
    pair = prompt.pair
    if pair is None:
        return None
    other = pair.methodology_id if pair.hypothesis_id == prompt.pk else pair.hypothesis_id
    partner = project.prompts.get(pk=other)
    return {"key": partner.key, "task_type": partner.task_type, "state": partner.state}


def _responses(prompt):
    return prompt.responses.select_related("teacher", "call", "hypothesis__prompt", "parent").prefetch_related(
        "filter_results__ruleset",
        "gate_results__ruleset",
        "judge_scores__judge",
        Prefetch("annotations", Annotation.objects.select_related("reviewer")),
        "resolutions__decided_by",
    )


def _attempt(row, prompt, blind, told, member):
    hypothesis = row.hypothesis
    return {
        "attempt": row.attempt,
        "candidate": row.candidate + 1,
        "current": row.pk == prompt.current_response_id,
        "answers_attempt": row.parent.attempt if row.parent else None,
        "tests": {"key": hypothesis.prompt.key, "attempt": hypothesis.attempt} if hypothesis else None,
        "model": row.model_id or row.teacher.name,
        "teacher": row.teacher.name,
        "at": _time(row.created_at),
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
        "answered": _time(call.answered_at),
        "reply": call.raw_reply,
    }


def _filters(result):
    return {
        "version": result.ruleset.version,
        "passed": result.passed,
        "failed": result.failed,
        "rules": result.measurements,
        "at": _time(result.created_at),
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
        "at": _time(result.created_at),
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
        "at": _time(score.created_at),
    }


def _decision(row, response):
    return {
        "reviewer": _name(row.reviewer),
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
        "at": _time(row.created_at),
    }


def _resolution(row, response):
    return {
        "by": row.by,
        "decided_by": _name(row.decided_by),
        "action": row.action,
        "current": row.current,
        "reasons": row.reasons,
        "comment": row.comment,
        "edit": _edit(response.text, row.text) if row.edited else None,
        "at": _time(row.created_at),
        "took_effect": _time(row.applied_at),
    }


def _edit(before, after):
    """The text that a person made of an answer, and how: [kind, words] with kind same, added or removed."""
    if after is None:
        return None
    return {"text": after, "diff": [[change.kind, change.text] for change in word_diff(before, after)]}


def _overlap(row):
    return {
        "evaluation_set": row.evaluation_set.name,
        "of": f"attempt {row.response.attempt}" if row.response else "prompt",
        "shared": row.shared,
        "share": row.share,
        "words": row.words,
    }


def _comment(row):
    return {
        "author": _name(row.author),
        "at": _time(row.created_at),
        "attempt": row.response.attempt if row.response else None,
        "text": row.text,
    }


def _flag(row):
    return {
        "note": row.note,
        "raised_by": _name(row.raised_by),
        "raised": _time(row.raised_at),
        "cleared_by": _name(row.cleared_by),
        "cleared": _time(row.cleared_at),
        "answer": row.answer,
    }


def _change(row):
    change = row.change
    return {
        "change": change.pk,
        "kind": change.kind,
        "action": change.action,
        "by": _name(change.created_by),
        "at": _time(change.created_at),
        "taken_back": bool(row.undone),
        "taken_back_by": _name(change.undone_by) if row.undone else None,
    }


def _release(row):
    return {
        "version": row.release.version,
        "state": row.release.state,
        "row_id": row.row_id,
        "split": row.split,
        "at": _time(row.release.created_at),
    }


def _event(row, blind, told):
    row = without_judgements(row) if blind else row
    by_people = row.actor_id or row.kind in _TELLS_DECISIONS
    detail = row.detail if told or not by_people else {k: v for k, v in row.detail.items() if k == "reason"}
    return {
        "at": _time(row.at),
        "kind": row.kind,
        "from": row.from_state,
        "to": row.to_state,
        "by": _name(row.actor),
        "run": row.run_id,
        "detail": detail,
    }
