"""Rank: put what waits for review into the project's order, portion by portion. No state moves."""

import time

from curation.models import Run, State
from curation.models.prompt import AT_ONCE
from curation.reviewing.ranking import put_in_order

BATCH = AT_ONCE // 5
PAUSE_SECONDS = 0.02  # between two portions, so that reviewers get at SQLite's one writer


def work(run, should_stop=lambda: False):
    """Put the queue in order as a run; a killed one's successor goes on behind the last portion."""
    if not run.begin():
        return "ended"
    rows = run.project.prompts.in_state(State.TO_REVIEW).order_by("pk").values_list("pk", flat=True)
    after = run.versions.get("rank", {}).get("after", 0)
    Run.objects.filter(pk=run.pk).update(total=run.done + rows.filter(pk__gt=after).count())
    while ids := list(rows.filter(pk__gt=after)[:BATCH]):
        if run.seen():
            run.end(Run.State.CANCELLED)
            return "ended"
        if should_stop():
            return "stopped"
        run.project.refresh_from_db()  # the order may be another one by now
        changed, after = put_in_order(run.project, ids), ids[-1]
        Run.objects.filter(pk=run.pk).update(versions={"rank": {"after": after}})
        run.count(done=len(ids), ranks_changed=changed)
        time.sleep(PAUSE_SECONDS)
    run.end(Run.State.FINISHED)
    return "ended"
