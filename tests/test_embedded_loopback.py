"""Whether an address on this machine is free."""

import socket

import pytest

from pipeline.embedded.loopback import why_not_free


def test_an_address_in_use_is_said_by_name():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        assert bind in why_not_free(bind)
        assert "--bind" in why_not_free(bind)
    assert why_not_free(bind) == ""


@pytest.mark.parametrize("bind", ["8000", "localhost:", "127.0.0.1:99999", "nowhere.invalid:80"])
def test_what_is_no_address_is_refused(bind):
    assert why_not_free(bind)
