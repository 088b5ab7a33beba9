"""stop_on_signal: how work hears that it should stop."""

import os
import signal

import pytest

from pipeline.workers import STOP_SIGNAL, stop_on_signal


@pytest.fixture
def former_handler():
    """A handler of somebody else's, which must be back afterwards; returns what it received."""
    received = []
    former = signal.signal(STOP_SIGNAL, lambda signum, frame: received.append(signum))
    yield received
    signal.signal(STOP_SIGNAL, former)


def ask(signum=STOP_SIGNAL):
    os.kill(os.getpid(), signum)


def test_the_event_is_set_by_the_signal(former_handler):
    with stop_on_signal() as stop:
        assert not stop.is_set()
        ask()
        assert stop.is_set()
    assert stop.is_set(), "who looks after the block learns it too"
    assert former_handler == []


def test_the_former_handler_is_back_afterwards(former_handler):
    with stop_on_signal():
        pass
    ask()
    assert former_handler == [STOP_SIGNAL]


def test_a_new_block_begins_unasked(former_handler):
    with stop_on_signal():
        ask()
    with stop_on_signal() as stop:
        assert not stop.is_set()


def test_a_wish_outlives_an_inner_block(former_handler):
    with stop_on_signal() as outer:
        ask()
        with stop_on_signal() as inner:
            assert inner.is_set()
        assert outer.is_set()


def test_other_signals_can_be_named(former_handler):
    with stop_on_signal(signal.SIGINT, signal.SIGTERM) as stop:
        ask(signal.SIGINT)
        assert stop.is_set()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
