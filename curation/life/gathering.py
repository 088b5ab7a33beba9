"""A prompt's life as plain data: source, calls, rules, scores, decisions, edits, talk, releases, history.

Times are ISO 8601 in UTC, money in USD; what is not known is None. Nothing in it depends on who made the page but what
they may not see yet: judges' words of a blind share, and decisions of others while people are still to decide.
"""

from ..models import Change, State
from ..models.document import said_of_source
from ..reviewing import hidden_from, without_judgements
from .attempts import answers, attempt, iso, name

_TELLS_DECISIONS = (*("disagreement", "resolved", "attempts_used_up", "same_reason_again", "resolution_overtaken"),)
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
        "state_since": iso(prompt.state_changed_at),
        "imported": iso(prompt.created_at),
        "parked": _parked(prompt),
        "source": _source(prompt),
        "prompt": {"user": prompt.user_prompt, "system": prompt.system_prompt, "columns": prompt.metadata},
        "pair": _pair(project, prompt),
        "attempts": [attempt(row, prompt, blind, told, member) for row in answers(prompt)],
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


def _parked(prompt):
    if not prompt.parked_from:
        return None
    return {"from": prompt.parked_from, "error_class": prompt.error_class, "error": prompt.error_detail}


def _source(prompt):
    document, said = prompt.document, said_of_source(prompt.metadata)
    return {
        "title": (document and document.title) or said["title"],
        "locator": (document and document.locator) or said["locator"],
        "passage": document.passage or None if document else None,
        "licence": (document and document.licence) or said["licence"],
        "text": prompt.context or (document.text if document else ""),
    }


def _pair(project, prompt):
    pair = prompt.pair
    if pair is None:
        return None
    other = pair.methodology_id if pair.hypothesis_id == prompt.pk else pair.hypothesis_id
    partner = project.prompts.get(pk=other)
    return {"key": partner.key, "task_type": partner.task_type, "state": partner.state}


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
        "author": name(row.author),
        "at": iso(row.created_at),
        "attempt": row.response.attempt if row.response else None,
        "text": row.text,
    }


def _flag(row):
    return {
        "note": row.note,
        "raised_by": name(row.raised_by),
        "raised": iso(row.raised_at),
        "cleared_by": name(row.cleared_by),
        "cleared": iso(row.cleared_at),
        "answer": row.answer,
    }


def _change(row):
    change = row.change
    return {
        "change": change.pk,
        "kind": change.kind,
        "action": change.action,
        "by": name(change.created_by),
        "at": iso(change.created_at),
        "taken_back": bool(row.undone),
        "taken_back_by": name(change.undone_by) if row.undone else None,
    }


def _release(row):
    return {
        "version": row.release.version,
        "state": row.release.state,
        "row_id": row.row_id,
        "split": row.split,
        "at": iso(row.release.created_at),
    }


def _event(row, blind, told):
    row = without_judgements(row) if blind else row
    by_people = row.actor_id or row.kind in _TELLS_DECISIONS
    detail = row.detail if told or not by_people else {k: v for k, v in row.detail.items() if k == "reason"}
    return {
        "at": iso(row.at),
        "kind": row.kind,
        "from": row.from_state,
        "to": row.to_state,
        "by": name(row.actor),
        "run": row.run_id,
        "detail": detail,
    }
