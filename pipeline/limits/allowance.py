"""What a teacher may be asked, as its row says."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Allowance:
    """Limits of one teacher; None or 0 for a number a minute means that nothing limits it.

    `key` is "teacher:<pk>", the same for all workers; `name` stands in sentences for people.
    """

    key: str
    concurrency: int
    requests_per_minute: int | None = None
    input_tokens_per_minute: int | None = None
    output_tokens_per_minute: int | None = None
    name: str = "The endpoint"

    def cost(self, input_tokens, output_tokens):
        """(input, output) as they are counted: a request larger than a whole limit counts as the limit."""
        return (
            clamped(input_tokens, self.input_tokens_per_minute),
            clamped(output_tokens, self.output_tokens_per_minute),
        )

    def limits(self):
        """The limits that there are, by the names that turn.lua knows."""
        named = {
            "requests_limit": self.requests_per_minute,
            "input_limit": self.input_tokens_per_minute,
            "output_limit": self.output_tokens_per_minute,
        }
        return {name: limit for name, limit in named.items() if limit}


MOST_TOKENS = 10**9  # more is a mistake, whoever says so


def clamped(tokens, limit):
    """`tokens` between 0 and the limit."""
    return max(0, min(int(tokens or 0), limit or MOST_TOKENS))


def keys(key):
    """(state, hands): the two hashes of a teacher in Valkey; the braces keep both on one node of a cluster."""
    return f"nexa:limits:{{{key}}}", f"nexa:limits:{{{key}}}:hands"
