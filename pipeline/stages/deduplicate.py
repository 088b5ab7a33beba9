"""Deduplicate: fingerprint what is new, put near-duplicates into clusters, and note who comes first. No state moves."""

from curation.models import Run
from pipeline.resemblance import fingerprints, leaks

KINDS = (fingerprints.PROMPT, fingerprints.RESPONSE)


class Stopped(Exception):
    """Asked to stop; what was found so far is stored, and the next look goes on from there."""


def bring_up_to_date(project, should_stop=lambda: False, *, prompts=None, step=lambda kind, number: None):
    """Look for near-duplicates and leaks among what is new in `project`; returns {what: how many}.

    Responses are looked at once past the gate; `prompts` names others. `step` hears how many texts were read. Raises
    Stopped when `should_stop` says so.
    """
    project.refresh_from_db(fields=["near_duplicate_percent", "paired"])
    done = {"leaks": leaks.check(project, _or_stop(should_stop))}
    if not project.near_duplicate_percent:
        return done
    fingerprints.forget_other_methods(project)
    for kind, those in fingerprints.missing(project, prompts).items():
        for number in fingerprints.take(project, kind, those, should_stop):
            done[kind] = done.get(kind, 0) + number
            step(kind, number)
    for kind in KINDS:
        _or_stop(should_stop)()
        fingerprints.join(project, kind)
    fingerprints.put_in_order(project)
    return done


def _or_stop(should_stop):
    def look():
        if should_stop():
            raise Stopped

    return look


def work(run, should_stop=lambda: False):
    """Look for near-duplicates as a run; a killed one's successor finds what is stored and goes on."""
    if not run.begin():
        return "ended"
    project = run.project
    Run.objects.filter(pk=run.pk).update(total=_waiting(project), done=0, counters={})

    def halted():
        return run.seen() or should_stop()

    def step(kind, number):
        run.count(done=number, **{f"{kind}s_read": number})

    try:
        bring_up_to_date(project, halted, step=step)
    except Stopped:
        if run.seen():
            run.end(Run.State.CANCELLED)
            return "ended"
        return "stopped"
    tell(run)
    run.end(Run.State.FINISHED)
    return "ended"


def _waiting(project):
    return sum(those.count() for those in fingerprints.missing(project).values())


def tell(run):
    """Say on the run what was found."""
    percent, found = run.project.near_duplicate_percent, fingerprints.sizes(run.project, fingerprints.RESPONSE)
    if not found:
        run.say(f"No two answers share {percent} %.")
        return
    number, behind = sum(found.values()), sum((size - 1) * number for size, number in found.items())
    run.say(
        f"{number:,} cluster{'' if number == 1 else 's'} of answers that share at least {percent} %: "
        f"{behind:,} {'answer stands' if behind == 1 else 'answers stand'} behind a better one."
    )
