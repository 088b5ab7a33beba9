"""An annotations file as orders: every row whose action is not accept sends its prompt to regeneration.

A row is matched to the response with the same task type, context and teacher output, runs of white space equal. A row
that matches none or several is reported, never guessed, and never taken by its position.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import transaction

from curation.annotations import read, squeezed
from curation.models import Annotation, Prompt, Resolution, State


@dataclass
class OrdersReport:
    ordered: int = 0
    waiting: int = 0
    accepted: int = 0
    problems: list = field(default_factory=list)

    def __str__(self):
        return (
            f"{self.ordered:,} ordered to regenerate, {self.waiting:,} were waiting for it already, "
            f"{self.accepted:,} accepted, {len(self.problems):,} not matched"
        )


def order_regeneration(project, path, *, dry_run=False):
    """Order what the rows of the JSONL file at `path` ask for; returns an OrdersReport.

    Raises curation.annotations.Refused for a file with wrong lines; nothing was ordered then.
    """
    report = OrdersReport()
    # The last word on an answer counts: a later accept takes an earlier reject of the same file back.
    last = {
        _identity(row["task_type"], row.get("context"), row["teacher_output"]): (number, row)
        for number, row in read(path, str(path))
    }
    wanted = {identity: order for identity, order in last.items() if order[1]["action"] != "accept"}
    report.accepted = len(last) - len(wanted)
    found = _find(project, wanted)
    for identity, (number, row) in wanted.items():
        matches = found.get(identity, [])
        if len(matches) != 1:
            what = "no response" if not matches else f"{len(matches)} responses"
            report.problems.append(f"{path}, line {number}: {what} with this task type, context and teacher output.")
        elif _accepted_since(matches[0], row):
            report.problems.append(
                f"{path}, line {number}: accepted since; reopen it on its page to have it asked again."
            )
        elif not dry_run:
            _order(matches[0], row, report)
        else:
            report.ordered += 1
    return report


def _identity(task_type, context, output):
    return squeezed(task_type), squeezed(context), squeezed(output)


def _find(project, wanted):
    """{identity: [prompts]} of the current responses that the rows speak of."""
    found = {}
    prompts = Prompt.objects.filter(project=project, current_response__isnull=False).select_related("current_response")
    for prompt in prompts.iterator(chunk_size=2000):
        identity = _identity(prompt.task_type, prompt.context, prompt.current_response.text)
        if identity in wanted:
            found.setdefault(identity, []).append(prompt)
    return found


def _accepted_since(prompt, row):
    """Whether people accepted this answer after the row was written, or at a time that the row does not tell."""
    if prompt.state != State.ACCEPTED:
        return False
    accepted = Resolution.objects.filter(response=prompt.current_response_id, current=True, action="accept").first()
    try:
        written = datetime.fromisoformat(str(row.get("timestamp")))
    except ValueError:
        return True
    written = written if written.tzinfo else written.replace(tzinfo=UTC)  # the scripts wrote UTC without saying so
    return bool(accepted) and accepted.created_at > written


@transaction.atomic
def _order(prompt, row, report):
    """Send one prompt to regeneration, also over an earlier reject; what was decided stays as history."""
    if prompt.state == State.TO_REGENERATE:
        report.waiting += 1
        return
    detail = {
        "response": prompt.current_response_id,
        "action": row["action"],
        "reasons": [text for text in [*_texts(row.get("reasons")), row.get("comment")] if text],
    }
    mended = {"parked_from": "", "error_class": "", "error_detail": "", "failed_call": None}
    if prompt.go(State.TO_REGENERATE, "regeneration_ordered", source=prompt.state, detail=detail, **mended):
        accepts = Annotation.objects.filter(response=prompt.current_response_id, current=True, action="accept")
        accepts.filter(purpose=Annotation.Purpose.REVIEW).withdraw()
        Resolution.objects.filter(response=prompt.current_response_id, current=True).update(current=False)
        report.ordered += 1
    else:
        why = "was withdrawn for good" if prompt.withdrawal_id else "has moved meanwhile: order it again"
        report.problems.append(f"{prompt} {why}.")


def _texts(value):
    return [str(item) for item in value] if isinstance(value, list) else []
