"""What a run may spend at most: read from what was asked for, and refused where nothing could keep to it."""

from decimal import Decimal, InvalidOperation

MOST_USD = Decimal("999999.99999999")  # what the database's column holds


class WrongCap(ValueError):
    """A cap that nothing could keep to, or that leaves nothing to do; the message says what to do instead."""


def read_caps(parameters):
    """(USD or None, tokens or None) as `cap_usd` and `cap_tokens` say; raises WrongCap where they are no amounts."""
    return _usd(parameters.get("cap_usd")), _tokens(parameters.get("cap_tokens"))


def _usd(said):
    if said is None:
        return None
    try:
        value = Decimal(str(said))
    except InvalidOperation:
        raise WrongCap(f"A cap of {said!r} is no amount of USD: write it like 12.50.") from None
    if not value.is_finite() or value > MOST_USD:
        raise WrongCap(f"A cap of {said} USD is more than can be kept: give up to {MOST_USD:,.0f}, or none.")
    if value <= 0:
        raise WrongCap("A cap of 0 USD or less leaves nothing to ask: give more, or leave it out.")
    return value.quantize(Decimal("0.00000001"))


def _tokens(said):
    if said is None:
        return None
    if isinstance(said, bool) or not isinstance(said, int):
        raise WrongCap(f"A cap of {said!r} is no number of tokens: write it like 200000.")
    if said <= 0:
        raise WrongCap("A cap of 0 tokens or less leaves nothing to ask: give more, or leave it out.")
    if said > 2**63 - 1:
        raise WrongCap("A cap of so many tokens is more than can be kept: leave it out.")
    return said


def refuse_wrong(quote, cap_usd, cap_tokens):
    """Raise WrongCap where a run of this quote could not keep to its caps, or could ask nothing under them."""
    if (cap_usd is None and cap_tokens is None) or not quote.calls.high:
        return
    if cap_usd is not None and quote.unknown_prices:
        name = " and ".join(quote.unknown_prices)
        raise WrongCap(f"The price of {name} is unknown: give its prices, or cap tokens instead.")
    if quote.unlimited:
        name = " and ".join(quote.unlimited)
        raise WrongCap(f"{name} has no max_tokens: one answer could be of any length and overrun the cap.")
    if cap_usd is not None and cap_usd < (quote.least_usd or 0):
        least = f"{quote.least_usd:.6f}".rstrip("0")
        raise WrongCap(f"A cap of {cap_usd.normalize():f} USD is less than one call may cost ({least} USD): give more.")
    if cap_tokens is not None and cap_tokens < (quote.least_tokens or 0):
        raise WrongCap(
            f"A cap of {cap_tokens:,} tokens is less than one call may take ({quote.least_tokens:,}): give more."
        )
