"""One stage, or several in a row, over one project: what was asked, how far it is, what it cost."""

import time
from datetime import timedelta

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

from .event import Event
from .locking import in_order, update_in_order


class RunQuerySet(models.QuerySet):
    def live(self):
        """Runs that have not ended."""
        return self.filter(state__in=Run.LIVE)


class Run(models.Model):
    """A run over the prompts it enlisted at its start. Its jobs may die and begin again; the row stays."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        CANCELLING = "cancelling", "Being cancelled"
        FINISHED = "finished", "Finished"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    class Stage(models.TextChoices):
        IMPORT = "import", "Import"
        COLLECT = "collect", "Collect"
        FILTER = "filter", "Filter"
        JUDGE = "judge", "SampleGate"
        REGENERATE = "regenerate", "Regenerate"
        PIPELINE = "pipeline", "Collect through SampleGate"
        REPARSE = "reparse", "Parse again"
        DEDUPLICATE = "deduplicate", "Near-duplicates"
        DECONTAMINATE = "decontaminate", "Decontamination"
        PACKAGE = "package", "Release"
        BULK = "bulk", "Bulk action"
        EXPORT = "export", "Export of annotations"
        ANNOTATIONS = "annotations", "Import of annotations"
        RANK = "rank", "Order of the review queue"
        WITHDRAW = "withdraw", "Withdrawal"
        PURGE = "purge", "Purge"

    LIVE = (State.QUEUED, State.RUNNING, State.CANCELLING)
    COUNTED = (
        *("done", "cost", "cost_unknown", "saved_usd", "held_usd", "held_tokens", "input_tokens", "output_tokens"),
    )

    project = models.ForeignKey("Project", models.CASCADE, related_name="runs")
    stage = models.CharField(max_length=16, choices=Stage)
    state = models.CharField(max_length=12, choices=State, default=State.QUEUED)
    parameters = models.JSONField(default=dict, blank=True)
    versions = models.JSONField(default=dict, blank=True, help_text="Templates, rulesets and models as used")
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    counters = models.JSONField(default=dict, blank=True)
    cost = models.DecimalField("cost, USD", max_digits=14, decimal_places=8, default=0)
    cost_unknown = models.PositiveIntegerField(default=0, help_text="Calls whose price or usage is unknown")
    cap_usd = models.DecimalField("cap, USD", max_digits=14, decimal_places=8, null=True, blank=True)
    cap_tokens = models.PositiveBigIntegerField("cap, tokens", null=True, blank=True)
    held_usd = models.DecimalField(max_digits=14, decimal_places=8, default=0, help_text="For calls under way")
    held_tokens = models.PositiveBigIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    saved_usd = models.DecimalField("saved, USD", max_digits=14, decimal_places=8, default=0)
    quote = models.JSONField(default=dict, blank=True, help_text="What it was expected to cost, as shown before it")
    latencies = models.JSONField(default=dict, blank=True, help_text="Milliseconds, upper edge of a bucket → calls")
    errors = models.JSONField(default=dict, blank=True, help_text="Error class → {n, last, at}")
    notice = models.TextField(blank=True, help_text="What it has to say without having failed, such as a cap reached")
    error = models.TextField(blank=True)
    last_error = models.TextField(blank=True, help_text="The last thing that went wrong while it went on")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True, help_text="Last sign of life of a job")
    claims = models.JSONField(
        default=dict, blank=True, help_text="Job → [first, last, until]: ids of prompts that it has in hand"
    )

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    state__in=["queued", "running", "cancelling", "finished", "failed", "cancelled"],
                ),
                name="run_state_known",
            ),
        ]
        indexes = [models.Index(fields=["project", "-created_at"])]

    def __str__(self):
        return f"{self.get_stage_display()} run {self.pk}"

    @property
    def is_live(self):
        return self.state in self.LIVE

    @property
    def percent(self):
        """Whole per cent done; None while the total is unknown."""
        return min(100, self.done * 100 // self.total) if self.total else None

    @property
    def seconds(self):
        """Seconds since its start, until its end."""
        if not self.started_at:
            return 0
        return ((self.ended_at or timezone.now()) - self.started_at).total_seconds()

    @property
    def rate(self):
        """Prompts a second so far, or None before the first."""
        return self.done / self.seconds if self.done and self.seconds else None

    @property
    def seconds_left(self):
        """Estimated seconds to the end, or None where no rate is known or it was asked to stop."""
        goes_on = self.is_live and self.state != self.State.CANCELLING
        return (self.total - self.done) / self.rate if goes_on and self.rate else None

    @property
    def is_stalled(self):
        """Live, but no job gave a sign of life for a minute; between two looks at its batches none is expected."""
        quiet = 60 + (settings.BATCH_POLL_SECONDS if self.parameters.get("mode") == "batch" else 0)
        return self.is_live and (self.seen_at or self.created_at) < timezone.now() - timedelta(seconds=quiet)

    def begin(self):
        """A job takes the run up; False if it has ended. Jobs that come later, or again after a kill, join it."""
        now = timezone.now()
        Run.objects.filter(pk=self.pk, state=self.State.QUEUED).update(
            state=self.State.RUNNING, started_at=now, seen_at=now
        )
        self.refresh_from_db()
        return self.state in (self.State.RUNNING, self.State.CANCELLING)

    def seen(self):
        """A sign of life; returns True if somebody asked to cancel."""
        Run.objects.filter(pk=self.pk).update(seen_at=timezone.now())
        return Run.objects.filter(pk=self.pk).exclude(state=self.State.RUNNING).exists()

    @transaction.atomic
    def count(self, *, last_error="", latencies=None, errors=None, **numbers):
        """Add to the counters; safe when several jobs count at once.

        `numbers` go to the column of their name, or to `counters` where there is none. `latencies` is {bucket: calls},
        `errors` {error class: {n, last, at}}.
        """
        row = Run.objects.select_for_update(no_key=True, of=("self",)).get(pk=self.pk)
        for name, number in numbers.items():
            if name in self.COUNTED:
                # Given back twice, by a worker that stood still and the one that went on, is not less than nothing.
                setattr(row, name, max(0, getattr(row, name) + number))
            else:
                row.counters[name] = row.counters.get(name, 0) + number
        for edge, number in (latencies or {}).items():
            row.latencies[edge] = row.latencies.get(edge, 0) + number
        for error_class, found in (errors or {}).items():
            before = row.errors.get(error_class, {"n": 0})["n"]
            row.errors[error_class] = found | {"n": before + found["n"]}
        if last_error:
            row.last_error = last_error[:2000]
        row.seen_at = timezone.now()
        row.save(update_fields=[*self.COUNTED, "counters", "latencies", "errors", "last_error", "seen_at"])

    @transaction.atomic
    def claim(self, prompts, job, number, seconds):
        """Give `job` the next of `prompts` to have in hand for `seconds`, instead of what it had.

        Other jobs of the run get others until then. This takes one row, where `PromptQuerySet.lease` writes every
        prompt. Returns (ids, whether other jobs have some in hand).
        """
        now = time.time()
        rows = Run.objects.select_for_update(no_key=True, of=("self",))
        claims = rows.values_list("claims", flat=True).get(pk=self.pk)
        others = {name: claim for name, claim in claims.items() if name != job and claim[2] > now}
        for first, last, _ in others.values():
            prompts = prompts.exclude(pk__range=(first, last))
        ids = list(prompts.order_by("pk").values_list("pk", flat=True)[:number])
        mine = {job: [ids[0], ids[-1], now + seconds]} if ids else {}
        if claims != others | mine:
            Run.objects.filter(pk=self.pk).update(claims=others | mine)
        return ids, bool(others)

    def expect(self, number):
        """Add to the total what is to be done beside the enlisted prompts."""
        Run.objects.filter(pk=self.pk).update(total=F("total") + number)
        self.total += number

    def say(self, notice):
        """Tell something that is no failure, such as a cap that is reached; "" takes it back."""
        Run.objects.filter(pk=self.pk).update(notice=notice)

    def cancel(self, *, by=None):
        """Ask a live run to stop; one that no job has taken up ends at once. Returns False if it had ended."""
        if Run.objects.filter(pk=self.pk, state=self.State.QUEUED).update(state=self.State.CANCELLING):
            self.end(self.State.CANCELLED)
        elif not Run.objects.filter(pk=self.pk, state=self.State.RUNNING).update(state=self.State.CANCELLING):
            return False
        Event.objects.create(project=self.project, run=self, actor=by, kind="run_cancel_asked")
        self.refresh_from_db()
        return True

    @transaction.atomic
    def end(self, state, *, error=""):
        """End a live run and let go of the prompts it holds; returns False if it had ended already."""
        if not Run.objects.live().filter(pk=self.pk).exists():
            return False
        # The prompts before the run, as those who save answers: one of its workers may be at that.
        update_in_order(self.prompts.all(), run=None, lease_until=None)
        ended = Run.objects.filter(pk=self.pk, state__in=self.LIVE).update(
            state=state, error=error, ended_at=timezone.now()
        )
        if not ended:
            return False
        # What it was building is built by nobody now; one that it published says so before.
        self.releases.filter(state="building").update(state="failed", error=error or f"Its run was {state}.")
        Event.objects.create(project=self.project, run=self, kind=f"run_{state}", detail={"error": error})
        self.refresh_from_db()
        return True

    @transaction.atomic
    def enlist(self, prompts, limit=None):
        """Take hold of `prompts` (a queryset) that no live run holds, the oldest first; adds them to the total."""
        # Two runs of a project enlist one after the other: PostgreSQL would else give both the same free prompts.
        type(self.project).objects.select_for_update(no_key=True).get(pk=self.project_id)
        free = prompts.filter(project=self.project).free().order_by("pk")
        if limit is None:
            taken = in_order(free.order_by()).update(run=self)
        else:
            chosen = list(free.values_list("pk", flat=True)[:limit])
            taken = 0
            for start in range(0, len(chosen), 5000):  # SQLite takes a limited number of parameters
                taken += in_order(prompts.filter(pk__in=chosen[start : start + 5000]).free()).update(run=self)
        Run.objects.filter(pk=self.pk).update(total=F("total") + taken)
        self.total += taken
        return taken
