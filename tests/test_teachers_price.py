"""What a call costs, where reasoning, cached tokens and batches come in."""

from decimal import Decimal

import pytest

from curation.models import Teacher

MILLION = 1_000_000


@pytest.mark.parametrize(
    ("cached_price", "options", "cost"),
    [
        (None, {}, "10"),
        (None, {"cached_tokens": MILLION}, "10"),
        ("0.5", {"cached_tokens": MILLION}, "8.5"),
        ("0.5", {"cached_tokens": MILLION // 2}, "9.25"),
        ("0", {"cached_tokens": MILLION}, "8"),
        ("0.5", {"cached_tokens": None}, "10"),
        ("0.5", {"cached_tokens": 5 * MILLION}, "8.5"),
        (None, {"batch": True}, "5"),
        ("0.5", {"batch": True, "cached_tokens": MILLION}, "4.25"),
    ],
)
def test_cached_tokens_and_batches_have_their_price(cached_price, options, cost):
    teacher = Teacher(
        input_price=Decimal(2), output_price=Decimal(8), cached_input_price=cached_price and Decimal(cached_price)
    )
    assert teacher.price(MILLION, MILLION, **options) == Decimal(cost)


@pytest.mark.parametrize("options", [{}, {"cached_tokens": 5}, {"batch": True}])
def test_what_is_unknown_is_never_free(options):
    assert Teacher(input_price=Decimal(2)).price(1, 1, **options) is None
    assert Teacher(input_price=Decimal(2), output_price=Decimal(8)).price(None, 1, **options) is None
