"""A run by batches: what waits is handed over in files, looked at from time to time, and saved when the answers come.

One call of `work` is one look: whoever calls it (the queue's scheduler, a command) comes back until it says "ended".
All that it knows stands in the database, each step stored before the next one begins, so that a kill at any moment
loses nothing: a batch's own key is stored first and travels with it, and what may have been created without our
knowing is looked for by that key before anything is created again.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from curation.models import Batch, Prompt, Run
from curation.reviewing import settle
from pipeline import teachers
from pipeline.outages import LOST
from pipeline.teachers.batches import BatchDesk, BatchTrouble, NoBatchMode

from . import batch_filling, batch_reading
from .sending import left_waiting
from .working import StopRun

BUNCH = 200  # prompts that are prepared and reserved in one go
STAGES = ("collect", "judge", "regenerate")

log = logging.getLogger(__name__)


def work(run, stage, should_stop=lambda: False):
    """Look at the run's batches once and hand over what waits.

    Returns "ended", "stopped" when `should_stop` said so, or "waiting" when it is to be called again after a while.
    """
    if not run.begin():
        return "ended"
    settle(run.project)
    try:
        with BatchDesk() as desk:
            return _Look(run, stage, should_stop, desk).take()
    except StopRun as stop:
        _abandon(run, str(stop))
        run.end(Run.State.FAILED, error=str(stop))
        return "ended"
    except LOST:
        raise  # no failure of the run's: whoever called waits for the database and calls again
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        if open_batches(run).filter(state=Batch.State.SUBMITTED).exists() and not run.seen():
            # Its answers are paid for: the run lives on, and whoever mends the cause finds them.
            log.exception("%s: a look at its batches failed", run)
            run.count(last_error=said)
            return "waiting"
        _abandon(run, said)
        run.end(Run.State.FAILED, error=said)
        raise


def open_batches(run):
    """The run's batches that may still bring answers."""
    return Batch.objects.filter(run=run, state__in=Batch.OPEN).order_by("pk")


def _abandon(run, why):
    for batch in open_batches(run):
        batch_reading.abandon(batch, why)


class _Look:
    def __init__(self, run, stage, should_stop, desk):
        self.run, self.stage, self.should_stop, self.desk = run, stage, should_stop, desk
        self.known = set()  # open batches of earlier looks
        self.cancelled = False
        self.capped = False
        self.failure = ""

    def take(self):
        self.cancelled = self.run.seen()
        batches = list(open_batches(self.run))
        self.known = {batch.pk for batch in batches}
        self._advance_all(batches)
        self._fill()
        self._advance_all(open_batches(self.run).exclude(state=Batch.State.SUBMITTED))
        if self.should_stop():
            return "stopped"
        if open_batches(self.run).exists():
            return "waiting"
        return self._finish()

    def _finish(self):
        failed = Batch.objects.filter(run=self.run, state=Batch.State.FAILED).order_by("pk").last()
        failure = self.failure or (failed.error if failed else "")
        if self.cancelled:
            self.run.end(Run.State.CANCELLED, error=failure)
            return "ended"
        if failure:
            raise StopRun(failure)
        mine = self.run.prompts.in_state(self.stage.STATE)
        left = mine.filter(lease_until__gt=timezone.now()) if self.capped else self._ready(mine)
        if left.exists():
            return "waiting"  # another run asks the same things, or a look that was killed had them in hand
        self.run.say(" ".join(left_waiting(self.run, capped=self.capped)))
        self.run.end(Run.State.FINISHED)
        return "ended"

    def _over(self):
        """Whether nothing more is wanted: cancelled, or stopped for what a person must mend."""
        self.cancelled = self.cancelled or self.run.seen()
        return bool(self.failure or self.cancelled) or self.run.batches.filter(state=Batch.State.FAILED).exists()

    def _ready(self, prompts):
        """Those that may be asked: a paired methodology waits for its hypothesis."""
        return prompts.partner_ready() if self.stage.STATE in ("to_collect", "to_regenerate") else prompts

    # -- filling ------------------------------------------------------------------------------------------------

    def _fill(self):
        while not (self.capped or self.should_stop() or self._over()):
            waiting = self._ready(self.run.prompts.in_state(self.stage.STATE))
            waiting = waiting.select_related("current_response__teacher", "document")
            prompts = waiting.lease(BUNCH, settings.LEASE_SECONDS)
            if not prompts:
                return
            for prompt in prompts:
                prompt.project = self.run.project
            try:
                works = self.stage.prepare(self.run, prompts)
                self._open_teachers(works)
            except (StopRun, NoBatchMode, teachers.CannotSend, BatchTrouble) as trouble:
                # What is under way is waited for before the run ends for it.
                Prompt.objects.filter(pk__in=[prompt.pk for prompt in prompts]).let_go()
                self._note(trouble)
                return
            self._put(works)

    def _open_teachers(self, works):
        for teacher in {ask.teacher.pk: ask.teacher for work in works for ask in work.asks.values()}.values():
            self.desk.open(teachers.Endpoint.of(teacher))

    def _note(self, trouble):
        if isinstance(trouble, BatchTrouble) and trouble.passes:
            self.run.count(last_error=str(trouble))
        else:
            self.failure = str(trouble)

    def _put(self, works):
        """Put works into batches, and save those that need no answer; what these ask again is put in as well."""
        outcome = batch_filling.put(self.run, works)
        self.capped = self.capped or bool(outcome.too_dear)
        bought = [call for call in outcome.answered if call.run_id != self.run.pk]
        numbers = {
            "reused": len(bought),
            "saved_usd": sum(call.cost or 0 for call in bought),
            "saved_unknown": sum(call.cost is None for call in bought),
            "maybe_paid_twice": outcome.resent,
        }
        self.run.count(**{name: number for name, number in numbers.items() if number})
        if outcome.ready:
            batch_reading.save(self.run, self.stage, outcome.ready, self._put)

    # -- a batch on its way -------------------------------------------------------------------------------------

    def _advance_all(self, batches):
        for batch in batches:
            if not self.should_stop():
                self._advance(batch)

    def _advance(self, batch):
        """The next step of a batch; what fails for a reason that passes is tried again at the next look."""
        endpoint = teachers.Endpoint.of(batch.teacher)
        try:
            if batch.state == Batch.State.SUBMITTED:
                self._look_at(batch, endpoint)
            elif self._over() and not batch.looked_at:
                self._take_back(batch)
            elif batch.pk in self.known and self._found(batch, endpoint):
                return
            elif self._over():
                self._take_back(batch)
            else:
                if batch.state == Batch.State.PREPARED:
                    self._upload(batch, endpoint)
                self._submit(batch, endpoint)
        except (BatchTrouble, teachers.CannotSend) as trouble:
            self._meet(batch, trouble)

    def _meet(self, batch, trouble):
        passes = isinstance(trouble, BatchTrouble) and trouble.passes
        said = f"{batch.teacher.name}: {trouble}"
        overdue = batch.submitted_at and batch.submitted_at < timezone.now() - batch_filling.HOLD
        if batch.state == Batch.State.SUBMITTED and isinstance(trouble, BatchTrouble) and trouble.status == 404:
            self._give_up(batch, f"{batch.teacher.name} knows no batch {batch.remote_id} any more, or not its files.")
        elif batch.state == Batch.State.SUBMITTED and self.cancelled and (overdue or not passes):
            self._give_up(batch, f"It could not be cancelled and may still be paid for. {said}")
        elif passes or batch.state == Batch.State.SUBMITTED:
            self.run.count(last_error=said)  # what is under way is waited for, until somebody mends or cancels
        else:
            self._give_up(batch, said)

    def _upload(self, batch, endpoint):
        with batch_filling.written(batch) as file:
            batch.file_id = self.desk.upload(endpoint, f"nexa-{batch.key}.jsonl", file)
        self._store(batch, state=Batch.State.UPLOADED, file_id=batch.file_id)

    def _submit(self, batch, endpoint):
        # Another process may just be creating it: only one may at a time, and it hears or gives up within a lease.
        free = Q(looked_at=None) | Q(looked_at__lt=timezone.now() - timedelta(seconds=settings.LEASE_SECONDS))
        mine = Batch.objects.filter(free, pk=batch.pk, state=Batch.State.UPLOADED)
        if not mine.update(looked_at=timezone.now()):
            return
        batch.looked_at = timezone.now()
        remote = self.desk.create(endpoint, batch.key, batch.file_id, seconds=settings.LEASE_SECONDS * 0.8)
        self._submitted(batch, remote)

    def _found(self, batch, endpoint):
        """Whether an earlier look created the batch without hearing of it; of several, the oldest is kept."""
        found = self.desk.find(endpoint, batch.key)
        for extra in found[1:]:
            self.run.count(last_error=f"{batch.teacher.name} had {batch} twice: {extra.id} is cancelled.")
            self.desk.cancel(endpoint, extra.id)
        if found:
            self._submitted(batch, found[0])
        return bool(found)

    def _submitted(self, batch, remote):
        self._store(
            batch,
            state=Batch.State.SUBMITTED,
            remote_id=remote.id,
            remote_state=remote.state,
            remote_counts=remote.counts,
            submitted_at=timezone.now(),
            looked_at=timezone.now(),
        )

    def _take_back(self, batch):
        """A batch that is not wanted any more and that the endpoint knows nothing of: it was never sent."""
        if batch.looked_at and batch.looked_at > timezone.now() - timedelta(seconds=settings.LEASE_SECONDS):
            return  # it may just be coming into being
        self._release_rest(batch)
        batch.end(Batch.State.COLLECTED)

    def _look_at(self, batch, endpoint):
        remote = self.desk.look(endpoint, batch.remote_id)
        if self.cancelled and not remote.ended and remote.state != "cancelling":
            remote = self.desk.cancel(endpoint, batch.remote_id)
        self._store(
            batch,
            remote_state=remote.state,
            remote_counts=remote.counts,
            output_file_id=remote.output_file_id,
            error_file_id=remote.error_file_id,
            looked_at=timezone.now(),
        )
        batch_filling.renew(batch)
        if remote.ended:
            self._collect(batch, endpoint, remote)

    # -- a batch that ended -------------------------------------------------------------------------------------

    def _collect(self, batch, endpoint, remote):
        """Store what the files hold, hand complete works on, and let the rest be asked by another batch."""
        received = batch_reading.Received()
        waiting = batch_reading.unanswered(batch)
        for file_id in (remote.output_file_id, remote.error_file_id):
            with self.desk.lines(endpoint, file_id) as lines:
                batch_reading.store(self.run, lines, waiting, received)
        if received.unreadable:
            self.run.count(last_error=f"{batch}: {received.unreadable:,} lines of its files are no JSON.")
        self._release_rest(batch)
        why = batch_reading.why_it_stops(batch, remote, received, self.cancelled)
        batch.end(Batch.State.FAILED if why else Batch.State.COLLECTED, error=why)

    def _give_up(self, batch, why):
        if batch.state == Batch.State.SUBMITTED:
            batch_reading.abandon(batch, why)
            batch_reading.hand_over(self.run, self.stage, batch, self._put)
        else:
            self._release_rest(batch)
            batch.end(Batch.State.FAILED, error=why)

    def _release_rest(self, batch):
        """Calls without an answer are free again, then each work goes on: saved, or back to waiting."""
        batch_reading.release(self.run, batch_reading.unanswered(batch).values())
        batch_reading.hand_over(self.run, self.stage, batch, self._put)

    @staticmethod
    def _store(batch, **values):
        for name, value in values.items():
            setattr(batch, name, value)
        batch.save(update_fields=list(values))
