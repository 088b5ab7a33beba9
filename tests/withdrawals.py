"""What tests of withdrawals share: prompts about a source, what a run withdraws, releases that hold rows."""

from curation import withdrawing
from curation.models import ReleaseRow, State
from pipeline import formats, jobs
from tests import factories


def about(project, locator, state=State.ACCEPTED, **fields):
    """A prompt about the source of this locator."""
    document = factories.document(project, locator=locator, **fields)
    return factories.prompt(project, state, document=document)


def withdraw(project, kind, value, reason="Retracted by its authors.", by=None):
    """As a run would: the withdrawal, with every prompt taken."""
    withdrawal = withdrawing.begin(project, kind, value, reason, by)
    run = jobs.prepare(project, "withdraw", {"withdrawal": withdrawal.pk}, by)
    assert jobs.carry_out(run) == "ended"
    run.refresh_from_db()
    assert run.state == "finished", run.error
    return withdrawal


def hold(release, *prompts):
    """Rows of a release that hold these prompts."""
    for prompt in prompts:
        response = prompt.current_response
        row_id = formats.row_id(prompt.key, response.text)
        ReleaseRow.objects.create(release=release, prompt=prompt, response=response, row_id=row_id, split="train")


def state_of(prompt):
    """The state that a prompt is in by now."""
    prompt.refresh_from_db()
    return prompt.state
