"""Quotes in words: numbers with their unit and range, where they come from, and one sentence of it all."""

MINUTE, HOUR = 60, 3600


def number(value):
    """A count as people say it: exact up to 1,000, else to three digits."""
    value = round(value)
    if value < 1000:
        return f"{value:,}"
    digits = len(str(value)) - 3
    return f"{round(value, -digits):,}"


def usd(value):
    """An amount of dollars; small ones keep what makes them differ from 0."""
    places = 2 if value == 0 or value >= 1 else 4 if value >= 0.01 else 6
    return f"{value:,.{places}f}"


def ranged(amount, say=number):
    """p50, and the range from p10 to p90 where it is not exact."""
    if amount.is_exact:
        return say(amount.mid)
    low, mid, high = say(amount.low), say(amount.mid), say(amount.high)
    return mid if low == high else f"{mid} ({low} to {high})"


def duration(hours):
    """Hours in the words of a clock; what a run needs to begin with is more than some seconds anyway."""
    seconds = round(hours * HOUR)
    if seconds < 2 * MINUTE:
        return "under 2 min"
    if seconds < 2 * HOUR:
        return f"about {round(seconds / MINUTE)} min"
    return f"about {hours:,.1f} h"


def time(quote):
    """How long it takes, in words."""
    return "within 24 hours, as batches do" if quote.mode == "batch" else duration(quote.hours)


def rows(quote):
    """The table of a quote: [(name, p10, p50, p90)], in words."""
    found = [
        (name, *(number(value) for value in amount.percentiles))
        for name, amount in (
            ("Calls", quote.calls),
            ("Tokens in", quote.input_tokens),
            ("Tokens out", quote.output_tokens),
        )
    ]
    prices = [usd(value) for value in quote.price.percentiles] if quote.price else ["unknown"] * 3
    return [*found, ("Price, USD", *prices)]


def prices(quote):
    """Of when the prices are, or whose are unknown."""
    if quote.unknown_prices:
        return f"unknown: none given for {' and '.join(quote.unknown_prices)}"
    if not quote.prices_of:
        return "nothing costs anything"
    return f"of {quote.prices_of}" if quote.prices_of[:1].isdigit() else "of an unknown date"


def under_caps(quote, cap_usd, cap_tokens):
    """What the caps mean for the run; "" where there is none, or it will not be reached."""
    shares = []
    if cap_usd is not None and quote.price and quote.price.mid:
        shares.append((float(cap_usd) / quote.price.mid, float(cap_usd) / quote.price.high))
    if cap_tokens is not None and quote.tokens.mid:
        shares.append((cap_tokens / quote.tokens.mid, cap_tokens / quote.tokens.high))
    if not shares or min(surely for _, surely in shares) >= 1:
        return ""
    expected = min(expected for expected, _ in shares)
    if expected >= 1:
        return "The cap may be reached before the end; what then has not been asked keeps waiting."
    asked = number(quote.prompts * expected)
    return f"Under this cap about {asked} of {quote.prompts:,} prompts are done; the others keep waiting."


def purpose(which):
    """What calls are for."""
    kinds = {"answer": "answers", "regeneration": "regeneration", "judge": "judge"}
    return f"{kinds[which.kind]}, {which.of.replace('_', ' ')}"


def price(quote):
    """The price with its date, or that it is unknown and whose."""
    if quote.price is None:
        return f"price unknown, as that of {' and '.join(quote.unknown_prices)} is"
    dated = f", prices {f'of {quote.prices_of}' if quote.prices_of[:1].isdigit() else 'of an unknown date'}"
    half = " in batch mode" if quote.mode == "batch" else ""
    return f"USD {ranged(quote.price, usd)}{half}{dated if quote.prices_of else ''}"


def basis(lines, is_new=True):
    """Where the numbers come from; `is_new`: nobody has answered anything in this project yet."""
    if not lines:
        return ""
    seen = [line for line in lines if line.answers]
    guessed = [line.name for line in lines if not line.answers]
    if not seen and is_new:
        return "an estimate: no answers of this project yet"
    whose = " and ".join(dict.fromkeys(line.teacher.name for line in lines if not line.answers))
    too_few = f"{whose} gave too few of them in this project yet"
    if not seen:
        return f"an estimate for {' and '.join(guessed)}: {too_few}"
    said = f"from {sum(line.answers for line in seen):,} answers of this project"
    return f"{said}; an estimate for {' and '.join(guessed)}: {too_few}" if guessed else said


def sentence(quote):
    """A quote in one line."""
    if quote.trouble:
        return quote.trouble
    if not quote.waiting:
        return "No prompt waits for this."
    said = [f"{quote.prompts:,} of {quote.waiting:,} waiting prompts"]
    if quote.held:
        said[0] += f" ({quote.held:,} wait for their hypotheses)"
    if not quote.calls.high:
        said.append("no calls" if not quote.reused.mid else "no new calls")
    else:
        said.append(f"{ranged(quote.calls)} call{'s' if quote.calls.mid != 1 else ''}")
        said.append(f"{ranged(quote.input_tokens)} tokens in and {ranged(quote.output_tokens)} out")
        said.append(price(quote))
        said.append(time(quote))
    if quote.reused.mid:
        about = "" if quote.reused.is_exact else "about "
        said.append(f"{about}{number(quote.reused.mid)} answered before: not bought again")
    return "; ".join(said) + "."
