"""Many prompts at once: which wait, who has them in hand, and the one way from state to state."""

import json
from datetime import timedelta

from django.db import connection, models, transaction
from django.db.models import Count, Exists, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce, Left, NullIf
from django.utils import timezone

from . import among, literally  # noqa: F401  register the lookups
from .event import Event
from .locking import update_in_order
from .pair import Pair
from .state import BACK_TO, LEAVES_TO, State
from .tally import Tally
from .verdict import FilterResult
from .writing import insert_for_each, insert_values


class PromptQuerySet(models.QuerySet):
    def in_hand(self):
        """Prompts that a worker has in hand at this moment."""
        return self.filter(lease_until__gt=timezone.now())

    def in_state(self, *states):
        """Prompts in one of `states`."""
        if states == (State.TO_REVIEW,):  # the queue has an index of its own, over these prompts alone
            return self.filter(state__literally=State.TO_REVIEW)
        return self.filter(state__in=states)

    def free(self):
        """Prompts that no live run holds."""
        return self.filter(Q(run=None) | ~Q(run__state__in=("queued", "running", "cancelling")))

    def unleased(self):
        """Prompts that no worker has in hand at this moment."""
        return self.filter(Q(lease_until=None) | Q(lease_until__lt=timezone.now()))

    def partner_ready(self):
        """Leave out methodologies of a paired project whose hypothesis has not passed filters and gate."""
        waiting = Pair.objects.filter(methodology=OuterRef("pk"), project__paired=True).exclude(
            hypothesis__state__in=(State.TO_REVIEW, State.TO_RESOLVE, State.ACCEPTED)
        )
        return self.filter(~Exists(waiting))

    def hold_up_their_partner(self):
        """Hypotheses of a paired project whose methodology cannot be asked before they pass."""
        waits = Pair.objects.filter(
            hypothesis=OuterRef("pk"), project__paired=True, methodology__state=State.TO_COLLECT
        )
        return self.filter(Exists(waits))

    def decided_by_people(self):
        """Prompts whose current response has a decision of a person that stands."""
        from .review import Annotation, Resolution

        current = Annotation.objects.filter(response=OuterRef("current_response"), current=True, purpose="review")
        resolved = Resolution.objects.filter(
            response=OuterRef("current_response"), current=True, by__in=("consensus", "adjudicator", "manager")
        )
        return self.filter(Exists(current) | Exists(resolved))

    def state_counts(self):
        """{state: number}, every state named."""
        counted = dict(self.order_by().values_list("state").annotate(n=Count("pk")))
        return {state: counted.get(state, 0) for state in State.values}

    def as_rows(self):
        """What a list shows of each prompt, without its long texts."""
        newest_verdict = FilterResult.objects.filter(response=OuterRef("current_response")).order_by("-pk")
        return self.annotate(
            excerpt=Left(
                Coalesce(NullIf("user_prompt", Value("")), NullIf("document__title", Value("")), "context"), 160
            ),
            failed_rules=Subquery(newest_verdict.values("failed")[:1]),
        ).values(
            *("pk", "key", "task_type", "domain", "state", "state_changed_at", "attempts", "error_class"),
            *("excerpt", "failed_rules"),
        )

    @transaction.atomic
    def lease(self, number, seconds):
        """Take up to `number` of these prompts in hand for `seconds`; nobody else gets them meanwhile."""
        chosen = list(self._to_lease()[:number])
        self.model.objects.filter(pk__among=[p.pk for p in chosen])._hold(seconds)
        return chosen

    @transaction.atomic
    def lease_ids(self, number, seconds):
        """The same where the ids are enough: the rows stay in the database."""
        chosen = list(self._to_lease().values_list("pk", flat=True)[:number])
        self.model.objects.filter(pk__among=chosen)._hold(seconds)
        return chosen

    def _to_lease(self):
        rows = self.unleased().order_by("pk")
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True, no_key=True, of=("self",))
        return rows

    def _hold(self, seconds):
        self.update(lease_until=timezone.now() + timedelta(seconds=seconds))

    def renew(self, seconds):
        """Keep these prompts in hand for another `seconds`."""
        until = timezone.now() + timedelta(seconds=seconds)
        return update_in_order(self.exclude(lease_until=None), lease_until=until)

    def let_go(self):
        """Put these prompts back for the next worker, in the state they are in."""
        return update_in_order(self, lease_until=None)

    def lock(self):
        """Lock these prompts until the transaction ends, as everybody does in the order of their ids; returns the ids.

        Whoever is to move hypotheses locks their methodologies with them: see `reviewing.units.hold_units`.
        """
        rows = self.select_for_update(no_key=True, of=("self",)).order_by("pk")
        return list(rows.values_list("pk", flat=True))

    @transaction.atomic
    def move(
        self, target, kind, *, source=None, run=None, actor=None, detail=None, keep_run=False, back=False, **changes
    ):
        """Send these prompts on to `target`; each one leaves an Event of `kind`. Returns the ids that moved.

        Only prompts whose state may leave to `target` (and is `source`, if given) move; others stay as they are,
        so that the same answer stored twice sends a prompt on once. What was withdrawn moves nowhere any more.
        `detail` is a dict for all, or one per id. `back` says that a change is taken back.
        """
        ways = [LEAVES_TO, BACK_TO] if back else [LEAVES_TO]
        allowed = [state for each in ways for state, targets in each.items() if target in targets]
        wanted = [source] if source else allowed
        if not set(wanted) <= set(allowed):
            raise ValueError(f"No prompt goes from {source} to {target}; see curation.models.state.LEAVES_TO.")
        # Which rows move is decided under their locks; `self` may speak of the state that is about to change.
        rows = self.model.objects.filter(pk__in=[p.pk for p in self] if self._result_cache else self.values("pk"))
        rows = rows.filter(state__in=wanted, withdrawal=None).select_for_update(no_key=True).order_by("pk")
        before, projects = {}, {}
        for pk, state, project in rows.values_list("pk", "state", "project_id"):
            before[pk], projects[pk] = state, project
        if not before:
            return []
        if not keep_run:
            changes["run"] = None
        changes |= {"state": target, "state_changed_at": timezone.now(), "lease_until": None}
        said = {"run_id": run and run.pk, "actor_id": actor and actor.pk, "kind": kind, "to_state": target}
        self._say_why(before, projects, detail, said)
        moved = self.model.objects.filter(pk__among=before)
        moved.update(**changes)
        Tally.objects.moved(before, projects, target)
        if target == State.TO_REVIEW:
            moved.count_decisions()
        if target == State.REJECTED:
            self._reject_methodologies(before, run, actor)
        return list(before)

    def count_decisions(self):
        """Set `given` to what it says; for a prompt to review it is kept true by whoever changes its decisions."""
        from .review import Annotation

        current = Annotation.objects.filter(
            response=OuterRef("current_response"), purpose=Annotation.Purpose.REVIEW, current=True
        )
        number = current.order_by().values("response").annotate(n=Count("pk")).values("n")
        return self.update(given=Coalesce(Subquery(number), 0))

    def _say_why(self, before, projects, detail, said):
        """An event for each prompt that is about to move; `detail` is a dict for all, or one per id."""
        if not detail or not all(isinstance(key, int) for key in detail):
            taken = {"prompt_id": "id", "project_id": "project_id", "from_state": "state"}
            insert_for_each(Event, self.model, before, taken, **said, detail=detail or {})
            return
        # Given one per id, it may speak of a prompt that had moved before, or leave one out.
        rows = [(pk, projects[pk], state, json.dumps(detail.get(pk) or {})) for pk, state in before.items()]
        insert_values(Event, ("prompt_id", "project_id", "from_state", "detail"), rows, **said)

    @transaction.atomic
    def unpark(self, *, actor, reason=""):
        """Put the parked ones among these prompts back where each was; returns how many."""
        parked = self.model.objects.filter(pk__in=self.filter(state=State.PARKED).lock())
        moved = 0
        for origin in set(parked.order_by().values_list("parked_from", flat=True)):
            moved += len(
                parked.filter(parked_from=origin).move(
                    origin,
                    "unparked",
                    source=State.PARKED,
                    actor=actor,
                    detail={"reason": reason},
                    parked_from="",
                    error_class="",
                    error_detail="",
                    failed_call=None,
                )
            )
        return moved

    def _reject_methodologies(self, hypotheses, run, actor):
        """A rejected hypothesis rejects its methodology."""
        partners = self.model.objects.filter(pair_as_methodology__hypothesis__among=hypotheses, project__paired=True)
        standing = partners.exclude(state=State.REJECTED)
        standing.move(State.REJECTED, "hypothesis_rejected", run=run, actor=actor)

    def withdraw(self, withdrawal, *, run=None, actor=None):
        """Reject these prompts for good; returns the ids of those that were not withdrawn before.

        What people and machines said of them stays. Whoever works on them finds them gone.
        """
        detail = {"withdrawal": withdrawal.pk, "what": str(withdrawal), "reason": withdrawal.reason}
        mended = {"parked_from": "", "error_class": "", "error_detail": "", "failed_call": None}
        options = {"run": run, "actor": actor, "detail": detail}
        ids = [prompt.pk for prompt in self] if self._result_cache else list(self.values_list("pk", flat=True))
        rows = self.model.objects.filter(pk__among=self.model.objects.filter(pk__among=ids).lock())
        rejected = rows.filter(state=State.REJECTED, withdrawal=None).order_by("pk")
        rejected = list(rejected.values_list("pk", flat=True))  # before the others join them
        moved = rows.move(State.REJECTED, "withdrawn", withdrawal=withdrawal, **mended, **options)
        taken = {"prompt_id": "id", "project_id": "project_id", "from_state": "state"}
        said = {"run_id": run and run.pk, "actor_id": actor and actor.pk, "detail": detail, "kind": "withdrawn"}
        if rejected:
            insert_for_each(Event, self.model, rejected, taken, **said, to_state=State.REJECTED)
            self.model.objects.filter(pk__among=rejected).update(withdrawal=withdrawal, run=None, lease_until=None)
        return [*moved, *rejected]

    def hypothesis_changed(self, *, run=None, actor=None):
        """A new attempt of these hypotheses: their methodologies must be asked (again) with it.

        That includes the methodologies which went down with the former hypothesis, and no others that were rejected.
        """
        partners = self.model.objects.filter(
            pair_as_methodology__hypothesis__in=[p.pk for p in self], project__paired=True
        )
        last = Event.objects.filter(prompt=OuterRef("pk")).exclude(to_state="").order_by("-at", "-pk")
        went_down = partners.filter(state=State.REJECTED).annotate(last_kind=Subquery(last.values("kind")[:1]))
        revived = list(went_down.filter(last_kind="hypothesis_rejected").values_list("pk", "current_response"))
        options = {"run": run, "actor": actor}
        unasked = self.model.objects.filter(pk__in=[pk for pk, response in revived if response is None])
        unasked.move(State.TO_COLLECT, "hypothesis_changed", source=State.REJECTED, **options)
        answered = self.model.objects.filter(pk__in=[pk for pk, response in revived if response])
        answered.move(State.TO_REGENERATE, "hypothesis_changed", source=State.REJECTED, **options)
        for state in (State.TO_FILTER, State.TO_JUDGE, State.TO_REVIEW, State.TO_RESOLVE, State.ACCEPTED):
            partners.move(State.TO_REGENERATE, "hypothesis_changed", source=state, **options)
