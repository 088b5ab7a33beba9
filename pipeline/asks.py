"""What is to be asked: one question on its way to a call, and a prompt in hand with all of its questions."""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property

from curation.models import Call, Prompt, Teacher

from . import teachers


@dataclass
class Ask:
    """One question on its way to a call: who is asked, with which body; `sample` tells repeats apart."""

    teacher: Teacher
    body: dict
    sample: int = 0
    fresh: bool = False  # whether `sample` was chosen above what other runs bought

    @cached_property
    def payload_hash(self):
        """sha256 over the address and the final body, so that whatever changes the answer changes the hash."""
        wire = {"address": teachers.address(self.teacher.base_url), "body": self.body}
        canonical = json.dumps(wire, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()

    def again(self, sample):
        """The same question with another sample."""
        other = Ask(self.teacher, self.body, sample)
        other.__dict__["payload_hash"] = self.payload_hash  # costs more than all the rest of an Ask
        return other

    @property
    def identity(self):
        return (self.payload_hash, self.sample)

    def most(self, *, batch=False):
        """(USD, tokens) that it can cost at most; None where the body sets no limit or no price is known."""
        limit = teachers.most_output(self.body)
        if limit is None:
            return None, None
        read = teachers.most_input(self.body)
        return self.teacher.price(read, limit, batch=batch), read + limit


@dataclass
class Work:
    """A prompt in hand: what a stage asks for it, by name, and the calls that came of it.

    Names in `optional` may stay without a call where the run's cap has no room for one.
    """

    prompt: Prompt
    asks: dict[str, Ask] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    notes: dict = field(default_factory=dict)
    optional: set = field(default_factory=set)

    @property
    def complete(self):
        return self.calls.keys() >= self.asks.keys()


@dataclass(frozen=True)
class Ticket:
    """Which call a reply belongs to."""

    call_id: int
