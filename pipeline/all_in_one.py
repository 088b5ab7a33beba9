"""Every process of an installation on one machine: queue, model, workers, web server."""

import sys

from django.conf import settings

from curation.models import Teacher

from . import jobs
from .embedded import ServiceError, model, valkey
from .embedded.loopback import answers, why_not_free

WORKER = ["rqworker", jobs.QUEUE, "--worker-class", "pipeline.workers.ResumableWorker"]


def start_queue(supervisor):
    """The embedded Valkey, unless REDIS_URL names a server; then runs whose jobs were lost are put in again."""
    if settings.EMBEDDED_VALKEY:
        valkey.supervise(supervisor, settings.DATA_DIR / "valkey", settings.VALKEY_SOCKET)
    jobs.recover()


def start_model(supervisor, *, always=False):
    """The embedded model, where a teacher or judge is it."""
    if always or Teacher.objects.filter(kind=Teacher.Kind.EMBEDDED).exists():
        model.supervise(supervisor)


def start_workers(supervisor, count):
    """RQ workers, which are started again when they die."""
    supervisor.start(
        "worker",
        [sys.executable, "manage.py", *WORKER],
        count=count,
        cwd=settings.BASE_DIR,
        restart=True,
        ready=lambda: jobs.workers_alive() >= count,
    )


def start_web(supervisor, bind):
    """The web server on `bind` (host:port); returns its address once it answers."""
    trouble = why_not_free(bind)
    if trouble:
        raise ServiceError(trouble)
    address = f"http://{bind}/"
    supervisor.start(
        "web",
        [
            sys.executable,
            "-m",
            "gunicorn",
            "distill_site.wsgi",
            f"--bind={bind}",
            "--workers=2",
            "--threads=8",
            "--access-logfile=-",
        ],
        cwd=settings.BASE_DIR,
        restart=True,
        ready=lambda: answers(address + "login/"),
    )
    return address
