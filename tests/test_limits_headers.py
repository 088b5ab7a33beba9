"""x-ratelimit headers: what they mean where they are well-formed, and that nothing else is believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.limits.headers import milliseconds, told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1s", 1000),
        ("120ms", 120),
        ("1.5s", 1500),
        ("7.66s", 7660),
        ("0.5", 500),
        ("30", 30_000),
        ("1m0s", 60_000),
        ("6m0s", 60_000),  # a minute at most: then one request finds out
        ("1h2m3s", 60_000),
        (" 2s ", 2000),
        ("0s", 0),
        ("1767225600", None),  # a point in time is no span
        ("2026-01-01T00:00:00Z", None),
        ("soon", None),
        ("-1s", None),
        ("1e9", None),
        ("nan", None),
        ("", None),
        (None, None),
        ("9" * 400 + "s", None),
        ("١s", None),
    ],
)
def test_spans(text, expected):
    assert milliseconds(text) == expected


REQUESTS = {"x-ratelimit-remaining-requests": "9", "x-ratelimit-reset-requests": "1s"}
TOKENS = {"x-ratelimit-remaining-tokens": "100", "x-ratelimit-reset-tokens": "2s", "x-ratelimit-limit-tokens": "500"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, {}),
        (REQUESTS, {"requests": 9, "requests_reset": 1000}),
        (TOKENS, {"tokens": 100, "tokens_reset": 2000, "tokens_limit": 500}),
        (REQUESTS | {"x-ratelimit-reset-requests": "x"}, {}),
        (REQUESTS | {"x-ratelimit-remaining-requests": "-1"}, {}),
        (REQUESTS | {"x-ratelimit-remaining-requests": "1.5"}, {}),
        (REQUESTS | {"x-ratelimit-remaining-requests": "9" * 40}, {}),
        (TOKENS | {"x-ratelimit-limit-tokens": "0"}, {"tokens": 100, "tokens_reset": 2000}),
    ],
)
def test_what_is_told(headers, expected):
    assert told(headers) == expected


@given(st.dictionaries(st.sampled_from([*REQUESTS, *TOKENS]), st.text(max_size=30)))
def test_any_text_is_bounded_or_nothing(headers):
    found = told(headers)
    assert all(isinstance(number, int) and 0 <= number < 10**12 for number in found.values())
    assert all(found.get(name, 0) <= 60_000 for name in ("requests_reset", "tokens_reset"))
