"""What one worker was granted in the last minute, to tell a Valkey that has lost its data."""

KEPT = 260  # buckets: a little more than the window of turn.lua


class Past:
    """Requests, input and output tokens by bucket."""

    def __init__(self):
        self._buckets = {}

    def add(self, bucket, requests, input_tokens, output_tokens):
        """Count into a bucket, and forget those that no longer matter."""
        if requests or output_tokens:
            each = self._buckets.setdefault(bucket, [0, 0, 0])
            each[0] += requests
            each[1] += input_tokens
            each[2] += output_tokens
        if len(self._buckets) > KEPT:
            self._buckets = {at: each for at, each in self._buckets.items() if at > bucket - KEPT}

    def tell(self, notes):
        """Have the next notes count all of it again."""
        for bucket, numbers in self._buckets.items():
            each = notes.corrections[bucket]
            for place, number in enumerate(numbers):
                each[place] += number
        notes.any = True
