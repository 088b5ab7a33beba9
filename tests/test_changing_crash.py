"""Workers killed in the middle of a bulk action and of taking it back: each prompt is changed once."""

import pytest

from curation import changing, tallies
from curation.models import Change, Event, Prompt, State
from pipeline import jobs
from tests import factories
from tests.running import ended, kill_with_its_child
from tests.services import PATIENCE_SECONDS, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PROMPTS = 2600


@pytest.fixture
def project():
    made = factories.project(paired=False)
    factories.many_prompts(made, [f"Passage {number}." for number in range(PROMPTS)])
    Prompt.objects.filter(project=made).move(
        State.PARKED, "parked", parked_from=State.TO_COLLECT, error_class="server", error_detail="HTTP 500"
    )
    return made


def begin(project, manager):
    change = changing.begin(project, "retry", {"query": "", "reason": "", "people": []}, manager)
    run = jobs.start(project, "bulk", {"change": change.pk}, by=manager)
    Change.objects.filter(pk=change.pk).update(run=run)
    return change, run


def killed_halfway(run, start_worker):
    """Let a worker do some of the run, kill it, and let another one end it."""
    victim = start_worker()

    def some_is_done():
        run.refresh_from_db()
        return run.done

    wait_until(some_is_done, "some of it is done", 4 * PATIENCE_SECONDS)
    kill_with_its_child(victim)
    other = start_worker()
    wait_until(lambda: ended(run), "the run ends", 4 * PATIENCE_SECONDS)
    other.terminate()
    other.wait()
    assert (run.state, run.done, run.total) == ("finished", PROMPTS, PROMPTS)


def test_each_prompt_is_changed_once_and_goes_back_once(project, start_worker):
    manager = factories.member(project, "manager")
    change, run = begin(project, manager)
    killed_halfway(run, start_worker)
    assert run.counters == {"changed": PROMPTS}
    assert change.items.count() == PROMPTS
    assert Event.objects.filter(kind="unparked").count() == PROMPTS
    assert project.prompts.in_state(State.TO_COLLECT).count() == PROMPTS

    undo = jobs.start(project, "bulk", {"change": change.pk, "undo": True}, by=manager)
    killed_halfway(undo, start_worker)
    assert undo.counters == {"taken_back": PROMPTS}
    assert Event.objects.filter(kind="change_taken_back").count() == PROMPTS
    assert project.prompts.filter(state=State.PARKED, error_detail="HTTP 500").count() == PROMPTS
    assert tallies.states(project) == tallies.counted(project)[0]
