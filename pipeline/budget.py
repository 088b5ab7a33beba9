"""What a run's cap has room for: spent + held for calls under way <= cap."""

from curation.models import Call, Run
from curation.models.writing import update_rows


class Budget:
    """The room under a run's cap, under the lock of its row; without a cap nothing is held."""

    def __init__(self, run, batch):
        self.run_id, self.batch = run.pk, bool(batch)
        self.capped = run.cap_usd is not None or run.cap_tokens is not None
        self.usd = self.tokens = 0
        # After the calls' locks, as `record` takes them too, so that no two workers wait for each other.
        self.row = Run.objects.select_for_update(no_key=True, of=("self",)).get(pk=run.pk) if self.capped else None

    def hold(self, ask):
        """(USD, tokens) held for this ask, (0, 0) where the run has no cap; None where there is no room."""
        if not self.capped:
            return 0, 0
        row, (usd, tokens) = self.row, ask.most(batch=self.batch)
        if row.cap_usd is not None and (usd is None or row.cost + row.held_usd + self.usd + usd > row.cap_usd):
            return None
        spent = row.input_tokens + row.output_tokens + row.held_tokens + self.tokens
        if row.cap_tokens is not None and (tokens is None or spent + tokens > row.cap_tokens):
            return None
        self.usd += usd or 0
        self.tokens += tokens
        return usd or 0, tokens

    def give_back(self, calls):
        """Free what this run held for calls that never left as their worker died; others may have been paid for."""
        own = [call for call in calls if self.capped and call.run_id == self.run_id and call.held_tokens]
        stale = [call for call in own if call.state == Call.State.RESERVED and call.is_free]
        for call in stale:
            self.usd -= call.held_usd
            self.tokens -= call.held_tokens
            call.held_usd = call.held_tokens = 0
        update_rows(stale, ["held_usd", "held_tokens"])

    def store(self):
        """Write what is held by now into the run's row."""
        if self.usd or self.tokens:
            usd, tokens = self.row.held_usd + self.usd, self.row.held_tokens + self.tokens
            Run.objects.filter(pk=self.run_id).update(held_usd=max(0, usd), held_tokens=max(0, tokens))
