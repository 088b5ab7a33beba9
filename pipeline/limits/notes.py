"""How the requests of one teacher ended since the last word to Valkey, summed up."""

import math
from collections import defaultdict

from .headers import told

LONGEST_WAIT_SECONDS = 24 * 3600
OUTCOMES = ("answered", "rate_limited", "failing", "failing_again", "refused", "unsent")
SPENT_NOTHING = ("rate_limited", "refused", "unsent")  # of output


class Notes:
    """A sum of endings. `take(permit, ...)` adds one, `said()` gives what turn.lua reads."""

    def __init__(self):
        self.answered = self.rate_limited = self.failing = self.failing_again = 0
        self.alive = False
        self.output = 0
        self.retry_after = 0  # ms
        self.corrections = defaultdict(lambda: [0, 0, 0])  # bucket -> requests, input, output
        self.heard = None  # the latest granted permit with headers, and they
        self.any = False

    def take(self, permit, outcome, input_tokens, output_tokens, headers, retry_after):
        """Add one ending; tokens as `permit.allowance` counts them."""
        if outcome not in OUTCOMES:
            raise ValueError(f"{outcome!r} is no outcome; outcomes are {', '.join(OUTCOMES)}.")
        self.any = True
        if outcome == "unsent":
            self._correct(permit.bucket, -1, -permit.input_tokens)
            return
        self._health(outcome)
        asked, said = permit.allowance.cost(input_tokens, output_tokens)
        if input_tokens is not None and asked != permit.input_tokens:
            self._correct(permit.bucket, 0, asked - permit.input_tokens)
        if output_tokens is None:
            said = 0 if outcome in SPENT_NOTHING else permit.output_tokens
        self.output += said
        if headers is not None and (self.heard is None or permit.at > self.heard[0].at):
            self.heard = permit, headers
        if retry_after is not None and 0 < retry_after < math.inf:
            self.retry_after = max(self.retry_after, round(min(retry_after, LONGEST_WAIT_SECONDS) * 1000))

    def _health(self, outcome):
        if outcome == "failing":
            self.failing += 1
            return
        if outcome == "failing_again":
            self.failing_again += 1
            return
        # Failures count in a row: what came before a sign of life is over.
        self.alive, self.failing, self.failing_again = True, 0, 0
        if outcome == "answered":
            self.answered += 1
        elif outcome == "rate_limited":
            self.rate_limited += 1

    def _correct(self, bucket, requests, input_tokens):
        each = self.corrections[bucket]
        each[0] += requests
        each[1] += input_tokens

    def said(self):
        """As turn.lua reads it."""
        said = {
            "answered": self.answered,
            "rate_limited": self.rate_limited,
            "failing": self.failing,
            "failing_again": self.failing_again,
            "alive": self.alive,
            "output": self.output,
            "retry_after": self.retry_after,
            "corrections": [[bucket, *each] for bucket, each in self.corrections.items()],
        }
        if self.heard:
            permit, headers = self.heard
            found = told(headers)
            if found:
                said["told"] = found | {"at": permit.at, "at_tokens": permit.at_tokens, "bucket": permit.bucket}
        return said

    def put_back(self, later):
        """These notes, whose way to Valkey broke, before `later` ones.

        They may have arrived all the same: what would give something back is left out, so that nothing is given
        back twice; at worst a limit counts too much for a minute.
        """
        later.any = True
        later.answered += self.answered
        later.rate_limited += self.rate_limited
        later.failing += 0 if later.alive else self.failing
        later.failing_again += 0 if later.alive else self.failing_again
        later.alive = later.alive or self.alive
        later.output += self.output
        later.retry_after = max(later.retry_after, self.retry_after)
        for bucket, (requests, tokens, output) in self.corrections.items():
            each = later.corrections[bucket]
            each[0] += max(0, requests)
            each[1] += max(0, tokens)
            each[2] += max(0, output)
        return later
