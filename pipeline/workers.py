"""RQ workers whose jobs go on by themselves: after a worker is killed, and after it is asked to stop.

A stock worker's death is noticed after some thirteen minutes; here a job's lease is short, every worker looks for
leases that ran out every few seconds, also while its own job runs, and a job dies with its worker. Run them by
`python manage.py rqworker default --worker-class pipeline.workers.ResumableWorker`.

A lease can also run out under a stall of the whole machine, and the job then runs twice: jobs must bear that.
"""

import math
import os
import signal
import threading
from contextlib import contextmanager, suppress
from datetime import timedelta

from rq import Retry, Worker, worker_registration
from rq.intermediate_queue import IntermediateQueue
from rq.registry import clean_registries
from rq.scheduler import RQScheduler
from rq.utils import now

from pipeline.embedded.tied import die_with_parent

LEASE_SECONDS = 15  # a job whose worker was silent for so long is given to another
CHECK_SECONDS = 5  # how often a worker renews its lease and looks for others' that ran out
CLEANING_SECONDS = 10  # how long a worker killed while it looks keeps the others from looking
RECOVER = "pipeline.jobs.recover"  # by name: jobs imports this module, and the worker itself opens no database
STOP_SIGNAL = signal.SIGUSR1
STOPS = {signal.SIGTERM, signal.SIGINT}

# For `enqueue(retry=...)`: a job that takes its worker down again and again is given up in the end.
RETRY_AFTER_DEATH = Retry(max=20)
# For a job to return when it was asked to stop: a stop is nobody's failure, so it has no limit.
RETRY_AFTER_STOP = Retry(max=1_000_000_000, enqueue_at_front=True)

_stop = threading.Event()


def retry_in(seconds):
    """For a job to return when it is to be called again after some seconds: the queue's scheduler does that."""
    return Retry(max=1_000_000_000, interval=max(1, math.ceil(seconds)))


@contextmanager
def stop_on_signal(*signals):
    """Give the Event that is set when the running work is asked to stop; use it in the main thread.

    A worker that must end passes the wish on to its job by STOP_SIGNAL; work without a queue names its own signals,
    as in `stop_on_signal(signal.SIGINT, signal.SIGTERM)`. A job then saves what it has and returns RETRY_AFTER_STOP.
    Code that awaits must look at the Event from time to time: setting it wakes nobody.
    """
    signals = signals or (STOP_SIGNAL,)
    # Where the worker or an outer block listens already, the wish may have come before this block began.
    if not any(signal.getsignal(signum) is _note_stop for signum in signals):
        _stop.clear()
    former = {signum: signal.signal(signum, _note_stop) for signum in signals}
    try:
        yield _stop
    finally:
        for signum, handler in former.items():
            signal.signal(signum, handler)


def _note_stop(signum, frame):
    _stop.set()


def living_workers(queue) -> list[Worker]:
    """Return the workers of this queue that were heard of lately; RQ itself lists a killed one for a minute more."""
    oldest = now() - timedelta(seconds=LEASE_SECONDS)
    return [worker for worker in Worker.all(queue=queue) if worker.last_heartbeat and worker.last_heartbeat > oldest]


class ResumableWorker(Worker):
    """A forking worker with short leases, whose job dies with it and is told when to stop."""

    def __init__(self, *args, **options):
        options["worker_ttl"] = CHECK_SECONDS + 15  # RQ waits for jobs until 15 s before this
        options["job_monitoring_interval"] = CHECK_SECONDS
        options["maintenance_interval"] = CHECK_SECONDS - 1  # due at every wake, not at every other one
        super().__init__(*args, **options)

    def _start_scheduler(self, burst=False, logging_level="INFO", *formats, **named_formats):
        if burst:
            super()._start_scheduler(burst, logging_level, *formats, **named_formats)
            return
        level = self.log.level if logging_level is None else logging_level
        self.scheduler = TiedScheduler(self.queues, connection=self.connection, logging_level=level)
        self.scheduler.acquire_locks(auto_start=True)

    def work(self, *args, **options):
        """Serve the queue; first have the runs taken up again whose jobs were lost with it.

        Always with a scheduler, since that is who brings the looks at batches.
        """
        if self.connection.set(f"{self.queues[0].key}:recovering", self.name, nx=True, ex=CHECK_SECONDS):
            self.queues[0].enqueue(RECOVER, result_ttl=0, failure_ttl=3600)
        return super().work(*args, **(options | {"with_scheduler": True}))

    def get_heartbeat_ttl(self, job, working_time=0.0):
        return LEASE_SECONDS

    def maintain_heartbeats(self, job, execution):
        super().maintain_heartbeats(job, execution)
        if self.should_run_maintenance_tasks:
            self.run_maintenance_tasks()

    def clean_registries(self):
        """Give jobs of dead workers to the queue again, one worker at a time.

        RQ's own lock lives 15 minutes after a worker that is killed while it holds it.
        """
        for queue in self.queues:
            if self.connection.set(queue.registry_cleaning_key, self.name, nx=True, ex=CLEANING_SECONDS):
                clean_registries(queue, self._exc_handlers)
                worker_registration.clean_worker_registry(queue)
                HandoverQueue(queue.key, connection=self.connection).cleanup(self, queue)
                self.connection.delete(queue.registry_cleaning_key)
        self.last_cleaned_at = now()

    def clean_group_registries(self):
        """Nothing: our jobs belong to no groups, and RQ would log a line about it every few seconds."""

    def fork_work_horse(self, job, queue):
        # A wish to stop that comes while the horse is being born waits until its handler stands.
        signal.pthread_sigmask(signal.SIG_BLOCK, {STOP_SIGNAL})
        try:
            super().fork_work_horse(job, queue)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {STOP_SIGNAL})
        if self._stop_requested:
            self._ask_horse_to_stop()

    def main_work_horse(self, job, queue):
        die_with_parent(self.pid)
        super().main_work_horse(job, queue)

    def setup_work_horse_signals(self):
        super().setup_work_horse_signals()
        # SIGTERM too: a service manager may send it to worker and horse alike.
        signal.signal(signal.SIGTERM, _note_stop)
        signal.signal(STOP_SIGNAL, _note_stop)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {STOP_SIGNAL})

    def handle_warm_shutdown_request(self):
        super().handle_warm_shutdown_request()
        self._ask_horse_to_stop()

    def _ask_horse_to_stop(self):
        if self.horse_pid:
            with suppress(ProcessLookupError):  # it has just finished
                os.kill(self.horse_pid, STOP_SIGNAL)


class TiedScheduler(RQScheduler):
    """The queue's scheduler, one for all workers: a child of the worker that got the lock, which dies with it.

    Another worker's takes its place about a minute after that.
    """

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.worker_pid = os.getpid()

    def start(self):
        # A wish to stop that comes while the child is being born waits until its handlers stand: the worker would else
        # wait for ever for a child that took the wish for its parent's.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
        try:
            return super().start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)

    def work(self):
        die_with_parent(self.worker_pid)
        super().work()

    def _install_signal_handlers(self):
        super()._install_signal_handlers()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)


class HandoverQueue(IntermediateQueue):
    """Where a job stands between the queue and its worker; one left there by a worker that died is found in a lease.

    RQ takes a minute for that, and remembers a job that it once saw there for a day, in which a second look at the
    wrong moment would put a running job into the queue again.
    """

    def set_first_seen(self, job_id):
        key = self.get_first_seen_key(job_id)
        return bool(self.connection.set(key, now().timestamp(), nx=True, ex=2 * LEASE_SECONDS))

    def should_be_cleaned_up(self, job_id):
        first_seen = self.get_first_seen(job_id)
        return first_seen is not None and now() - first_seen > timedelta(seconds=LEASE_SECONDS)
