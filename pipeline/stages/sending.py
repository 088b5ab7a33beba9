"""Sending prompts on: what a run still has to do with them, and how it is counted."""

from collections import Counter

from curation.models import Prompt, State
from curation.models.state import MACHINE_STATES
from curation.reviewing import ranking

# Which states a run of each kind works on; a prompt that reaches another one has left the run.
HANDLES = {
    "collect": (State.TO_COLLECT,),
    "filter": (State.TO_FILTER,),
    "judge": (State.TO_JUDGE,),
    "regenerate": (State.TO_REGENERATE,),
    "pipeline": (State.TO_COLLECT, State.TO_FILTER, State.TO_JUDGE),
}


def send_on(run, prompt_ids, target, kind, *, source, detail=None, **changes):
    """Move prompts to `target` for `run` and count them; returns the ids that moved."""
    return send_many(run, [(prompt_ids, target, detail)], kind, source=source, **changes)[0]


def send_many(run, departures, kind, *, source, counts=lambda moved: {}, **changes):
    """Move prompts to several targets: (ids, target, detail) each; returns the ids that moved to each.

    They are counted in one go, with what `counts` says of those lists.
    """
    moved, done, numbers = [], 0, Counter()
    for ids, target, detail in departures:
        stays = target in HANDLES.get(run.stage, ())
        chosen = Prompt.objects.filter(pk__among=set(ids))
        options = {"source": source, "run": run, "detail": detail, "keep_run": stays}
        moved.append(chosen.move(target, kind, **options, **changes) if ids else [])
        if target not in MACHINE_STATES:
            ranking.arrived(run.project, moved[-1])
        done += 0 if stays else len(moved[-1])
        numbers[str(target)] += len(moved[-1])
    if numbers.total():
        run.count(done=done, **numbers, **counts(moved))
    return moved


def park(run, works):
    """Set aside works whose call failed, each with its own reason."""
    for each in works:
        call = next(call for call in each.calls.values() if call.error_class)
        each.prompt.park(call.error_class, call.error_detail or call.error_class, run=run, call=call)
    if works:
        ranking.arrived(run.project, [each.prompt.pk for each in works])
        run.count(done=len(works), parked=len(works), last_error=f"{works[-1].prompt}: {call.error_detail}")


def left_waiting(run, *, capped):
    """Why prompts keep waiting at the end of `run`, as sentences: for more than its cap, or for their hypotheses."""
    left = run.prompts.in_state(*HANDLES[run.stage])
    asked = left.in_state(State.TO_COLLECT, State.TO_REGENERATE)
    held = asked.count() - asked.partner_ready().count()
    said = [_cap_reached(run, left.count() - held)] if capped else []
    if held:
        wait = "1 prompt waits for its hypothesis" if held == 1 else f"{held:,} prompts wait for their hypotheses"
        said.append(f"{wait}, which must pass filters and SampleGate first.")
    return said


def _cap_reached(run, waiting):
    caps = [f"{run.cap_usd:,.2f} USD" if run.cap_usd is not None else ""]
    caps += [f"{run.cap_tokens:,} tokens" if run.cap_tokens is not None else ""]
    return f"The cap of {' and '.join(filter(None, caps))} is reached: {waiting:,} prompts keep waiting."
