"""The stand-in teacher on its worst day: errors, hanging connections and odd answers, drawn by a keyed hash.

What a body gets does not depend on order or time, only on the body, how often it came and the key, so that a test that
fails can be run again. Passing troubles are drawn anew at each try; what a body's answer is like is drawn once.
"""

import hashlib
import json
import threading
from collections import defaultdict

from tests import teacher_replies
from tests.teacher_server import TeacherServer

HANGS_SECONDS = 600  # longer than any client waits
RETRY_AFTER_SECONDS = 0.05

# Share of the tries → trouble that passes, and how its prompt would be parked if it never did.
PASSING = {"server_error": 0.05, "rate_limited": 0.05, "timeout": 0.01}
# Share of the bodies → what their answer is like; all others get a good one.
LASTING = {
    "not_a_completion": 0.005,
    "broken_answer": 0.005,
    "refusal": 0.01,
    "truncation": 0.01,
    "always_down": 0.003,
}

REPLIES = {
    "good": teacher_replies.answer(),
    "server_error": teacher_replies.server_error(),
    "rate_limited": teacher_replies.rate_limited(RETRY_AFTER_SECONDS),
    "timeout": teacher_replies.slow(HANGS_SECONDS),
    "not_a_completion": teacher_replies.Reply(body=b'{"id": "chatcmpl-1", "choices": [{"index": 0, "mess'),
    "broken_answer": teacher_replies.broken_json(),
    "refusal": teacher_replies.refusal(),
    "truncation": teacher_replies.truncated(),
}


def known_by(body):
    """What tells bodies apart."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


class ChaoticTeacher(TeacherServer):
    """A context manager as TeacherServer is. `given` holds what each body got, try by try, by name of REPLIES."""

    def __init__(self, key="", **options):
        self.chaos_key, self.given, self._giving = key, defaultdict(list), threading.Lock()
        super().__init__(**options)

    def reset(self):
        super().reset()
        self.given.clear()

    @property
    def count(self):
        """How many requests came in all."""
        with self._giving:
            return sum(map(len, self.given.values()))

    @property
    def troubles(self):
        """How many of them got a trouble that passes; each is good for one try more."""
        with self._giving:
            return sum(name in PASSING for names in self.given.values() for name in names)

    def lasting(self, body):
        """What the answer to `body` is like once it gets one; "always_down" never does."""
        return self._draw(LASTING, known_by(body)) or "good"

    def _reply_to(self, body, authorization):
        known, lasting = known_by(body), self.lasting(body)
        with self._giving:
            tries = len(self.given[known])
            trouble = "server_error" if lasting == "always_down" else self._draw(PASSING, f"{known} {tries}")
            name = trouble or lasting
            self.given[known].append(name)
        return REPLIES[name]

    def _draw(self, shares, what):
        digest = hashlib.blake2b(what.encode(), key=self.chaos_key.encode(), digest_size=8).digest()
        drawn, edge = int.from_bytes(digest, "big") / 2**64, 0
        for name, share in shares.items():
            edge += share
            if drawn < edge:
                return name
        return None
