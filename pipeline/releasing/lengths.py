"""How many tokens each row has: what the teacher itself counted where it did, else an estimate by its own ratio."""

from array import array
from collections import Counter

CHARACTERS_A_TOKEN = 4.0  # where no teacher counted anything
ALWAYS = {"1,024 tokens": 1024, "4,096 tokens": 4096}  # TRL's default; a common length for training


class Lengths:
    """Counts tokens of user message and answer, row by row; `figures()` once all are in.

    `targets` are {name: limit in tokens} of the recipe. With `system` the system message is part of a row.
    """

    def __init__(self, targets=None, *, system=False):
        # PostgreSQL keeps the keys of JSON in an order of its own.
        self.limits = ALWAYS | dict(sorted((targets or {}).items(), key=lambda each: (each[1], each[0])))
        self.system = system
        self.counted, self.estimated = array("I"), array("I")  # tokens; characters
        self._characters = self._tokens = 0

    def add(self, records, known):
        """Add a batch of Records and, in the same order, what `proof.Reader.read` knows of each."""
        for record, each in zip(records, known, strict=True):
            characters = len(record.user) + len(record.text) + (len(record.system) if self.system else 0)
            tokens = self._counted_by_teacher(record, each)
            if tokens:
                self.counted.append(tokens)
                self._tokens += tokens
                self._characters += characters
            else:
                self.estimated.append(characters)

    def _counted_by_teacher(self, record, known):
        """The teacher's own count of exactly this row, or None where it counted more or something else."""
        if record.edited or not known.says_text_alone or not (known.sent_alone or self.system):
            return None
        if not known.prompt_tokens or not known.completion_tokens:
            return None
        return known.prompt_tokens + known.completion_tokens

    def figures(self):
        """What a report says of the lengths; plain numbers, the same on every database."""
        ratio = self._characters / self._tokens if self._tokens else CHARACTERS_A_TOKEN
        tokens = sorted([*self.counted, *(round(characters / ratio) for characters in self.estimated)])
        return {
            "rows": len(tokens),
            "counted": len(self.counted),
            "estimated": len(self.estimated),
            "characters_a_token": round(ratio, 3),
            "total": sum(tokens),
            "shortest": tokens[0] if tokens else 0,
            "median": tokens[len(tokens) // 2] if tokens else 0,
            "longest": tokens[-1] if tokens else 0,
            "over": [
                {"name": name, "limit": limit, "rows": sum(number > limit for number in tokens)}
                for name, limit in self.limits.items()
            ],
            "histogram": _histogram(tokens),
        }


def _histogram(tokens):
    """[{"from", "to", "rows"}] in about 30 bins of a round width."""
    if not tokens:
        return []
    width = next(width for width in _widths() if tokens[-1] // width < 30)
    counted = Counter(number // width for number in tokens)
    return [
        {"from": bin_ * width, "to": (bin_ + 1) * width, "rows": counted[bin_]}
        for bin_ in range(tokens[0] // width, tokens[-1] // width + 1)
    ]


def _widths():
    scale = 1
    while True:
        yield from (scale, 2 * scale, 5 * scale)
        scale *= 10
