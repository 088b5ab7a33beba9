"""Ask again: put chosen prompts back to be collected, where today's payload is another than the one they answered."""

import random
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from curation.models import Project, Prompt, ReviewClaim, Run, State, TeacherResponse
from curation.reviewing.units import hold_units

from . import collect
from .again_filter import AgainFilter, WrongFilter
from .composing import only_looking
from .working import StopRun

__all__ = ["AgainFilter", "AgainQuote", "WrongFilter", "put_back", "quote_again"]

BATCH = 200
EXACT = 2000  # prompts that a quote composes; of more it composes a random sample


@dataclass
class AgainQuote:
    """What asking again would touch, in prompts. `sampled` is 0, or how many were looked at to estimate the rest."""

    chosen: int = 0
    asked: int = 0
    same: int = 0
    cannot_compose: int = 0
    held: int = 0
    claimed: int = 0
    decided_left: int = 0
    imported_left: int = 0
    withdrawn_left: int = 0
    sampled: int = 0

    @property
    def sentences(self):
        """The quote in words, one sentence each."""
        about = "about " if self.sampled else ""
        said = [f"{_prompts(self.chosen)} chosen: {about}{self.asked:,} would be asked again."]
        if self.same:
            said.append(f"{about}{self.same:,} would be sent the very request that they answered: left as they are.")
        if self.cannot_compose:
            said.append(f"{about}{self.cannot_compose:,} cannot be composed by today's templates: left as they are.")
        if self.held:
            said.append(f"{self.held:,} in the hands of another run: left.")
        if self.claimed:
            said.append(f"{self.claimed:,} open in front of a reviewer: left.")
        if self.decided_left:
            said.append(
                f"{self.decided_left:,} more, accepted, rejected or decided by a person: left, unless a state, a key "
                "or decided=yes names them."
            )
        if self.imported_left:
            said.append(
                f"{self.imported_left:,} more with imported answers, of which nobody knows the request: left, unless "
                "the model that answered or a key names them, or fresh answers are asked for."
            )
        if self.withdrawn_left:
            said.append(f"{self.withdrawn_left:,} more, withdrawn for good: left.")
        if self.sampled:
            said.append(f"Estimated from {self.sampled:,} of them, taken at random.")
        return [sentence[:1].upper() + sentence[1:] for sentence in said]


def _prompts(number):
    return "1 prompt is" if number == 1 else f"{number:,} prompts are"


def quote_again(project, wanted, parameters=None):
    """The `AgainQuote` of `wanted` (an AgainFilter) under a run's `parameters`: exact up to EXACT prompts, else by a
    random sample. Asks nobody and moves nothing.
    """
    run = Run(project=project, stage=Run.Stage.COLLECT, parameters=(parameters or {}) | {"again": wanted.as_json()})
    chosen = _chosen(run, wanted)
    ids = list(chosen.filter(in_run=False, claimed=False).values_list("pk", flat=True))
    looked = ids if len(ids) <= EXACT else random.sample(ids, EXACT)
    sorted_out = {"ask": 0, "same": 0, "broken": 0}
    with only_looking():
        for start in range(0, len(looked), BATCH):
            for _, verdict in _sort_out(run, _load(run, looked[start : start + BATCH])):
                sorted_out[verdict] += 1
    share = len(ids) / len(looked) if looked else 0
    return AgainQuote(
        chosen=chosen.count(),
        asked=round(sorted_out["ask"] * share),
        same=round(sorted_out["same"] * share),
        cannot_compose=round(sorted_out["broken"] * share),
        held=chosen.filter(in_run=True).count(),
        claimed=chosen.filter(in_run=False, claimed=True).count(),
        decided_left=wanted.left_as_decided(project).count(),
        imported_left=0 if _fresh(run) else wanted.left_as_imported(project).count(),
        withdrawn_left=wanted.left_as_withdrawn(project).count(),
        sampled=len(looked) if len(looked) < len(ids) else 0,
    )


def put_back(run, should_stop=lambda: False):
    """Send the prompts that `run.parameters["again"]` chooses back to be collected by it, those that would be sent
    another payload; returns whether that is finished. Nothing to do for any other run.

    Works in batches, each in one transaction with a note in `run.versions["again"]` of how far it is, so that a
    killed worker's successor, or a second worker, goes on behind it.
    """
    if "again" not in run.parameters or not run.begin():
        return True
    try:
        while not (run.seen() or _is_done(run)):
            if should_stop():
                return False
            _put_back_some(run)
    except StopRun as stop:
        run.end(Run.State.FAILED, error=str(stop))
    return True


def _is_done(run):
    run.refresh_from_db(fields=["versions", "total"])
    return run.versions.get("again", {}).get("done", False)


def _put_back_some(run):
    """Look at the next prompts outside of any transaction, then move what is still as it was."""
    after = run.versions.get("again", {}).get("after", 0)
    chosen = _chosen(run, AgainFilter.from_json(run.parameters["again"]))
    found = list(chosen.filter(pk__gt=after).values_list("pk", "in_run", "claimed")[:BATCH])
    ids = [pk for pk, in_run, claimed in found if not (in_run or claimed)]
    verdicts = {"ask": [], "same": [], "broken": []}
    for prompt, verdict in _sort_out(run, _load(run, ids)):
        verdicts[verdict].append(prompt.pk)
    counted = {
        "left_same": len(verdicts["same"]),
        "left_not_composed": len(verdicts["broken"]),
        "left_in_another_run": sum(in_run for _, in_run, _ in found),
        "left_with_a_reviewer": sum(claimed and not in_run for _, in_run, claimed in found),
    }
    wanted = sorted(verdicts["ask"])
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=run.project_id)
        hold_units(run.project, wanted)
        row = Run.objects.select_for_update(no_key=True).get(pk=run.pk)
        if row.versions.get("again", {}).get("after", 0) != after or row.versions.get("again", {}).get("done"):
            return  # another worker was here meanwhile
        room = max(0, (run.parameters.get("limit") or len(wanted) + row.total) - row.total)
        _move(run, wanted[:room])
        full = bool(run.parameters.get("limit")) and len(wanted) >= room
        row.versions["again"] = {"after": found[-1][0] if found else after, "done": full or len(found) < BATCH}
        row.save(update_fields=["versions"])
        run.count(**{name: number for name, number in counted.items() if number})
    if row.versions["again"]["done"]:
        _tell(run)


def _move(run, ids):
    """Put these prompts back and enlist them, those of them that are free and unclaimed still."""
    still = Prompt.objects.filter(pk__in=ids).free().exclude(Exists(_live_claims()))
    ids = list(still.values_list("pk", flat=True))
    Prompt.objects.filter(pk__in=ids).exclude(state=State.TO_COLLECT).move(
        State.TO_COLLECT,
        "asked_again",
        run=run,
        attempts=0,
        parked_from="",
        error_class="",
        error_detail="",
        failed_call=None,
    )
    run.enlist(Prompt.objects.filter(pk__in=ids, state=State.TO_COLLECT))


def _tell(run):
    run.refresh_from_db(fields=["total", "counters"])
    if not run.total:
        left = run.counters.get("left_same", 0)
        notice = f"Nothing to ask: {left:,} chosen prompts would be sent the very request that they answered."
        Run.objects.filter(pk=run.pk).update(notice=notice if left else "Nothing to ask: no prompt was left to choose.")


def choosable(run):
    """The prompts that `run` may put back: those it chooses that no other run holds and no reviewer has open."""
    chosen = _chosen(run, AgainFilter.from_json(run.parameters["again"]))
    return chosen.filter(in_run=False, claimed=False)


def of_another_payload(run, prompts):
    """Those of `prompts` that would be sent another payload than the one they answered."""
    return [prompt for prompt, verdict in _sort_out(run, prompts) if verdict == "ask"]


# -- which, and with what -------------------------------------------------------------------------------------------


def _fresh(run):
    return bool(run.parameters.get("fresh"))


def _live_claims():
    return ReviewClaim.objects.filter(prompt=OuterRef("pk"), until__gt=timezone.now())


def _chosen(run, wanted):
    """The chosen prompts by their id, with `in_run` (another live run holds it) and `claimed` (a reviewer does)."""
    chosen = wanted.prompts(run.project, imported_too=_fresh(run))
    if run.parameters.get("limit"):
        chosen = chosen.partner_ready()  # those that must wait would fill the limit
    elsewhere = Run.objects.live().filter(pk=OuterRef("run_id"))
    return chosen.annotate(in_run=Exists(elsewhere), claimed=Exists(_live_claims())).order_by("pk")


def _load(run, ids):
    prompts = list(Prompt.objects.filter(pk__in=ids).select_related("current_response__teacher", "document"))
    for prompt in prompts:
        prompt.project = run.project
    return prompts


def _sort_out(run, prompts):
    """(prompt, "ask" | "same" | "broken"): whether today's payload is another than those it answered."""
    answered = {}
    rows = TeacherResponse.objects.filter(prompt__in=[p.pk for p in prompts]).exclude(call=None)
    for pk, payload_hash in rows.values_list("prompt_id", "call__payload_hash"):
        answered.setdefault(pk, set()).add(payload_hash)
    for prompt, work, _ in collect.asks_of(run, prompts):
        if work is None:
            yield prompt, "broken"
        else:
            hashes = {ask.payload_hash for ask in work.asks.values()}
            new = _fresh(run) or not hashes <= answered.get(prompt.pk, set())
            yield prompt, "ask" if new else "same"
