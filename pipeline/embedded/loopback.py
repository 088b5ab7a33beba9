"""Servers on this machine: whether one answers, and whether an address is free for another."""

import http.client
import socket
from urllib.parse import urlsplit


def answers(url: str) -> bool:
    """Say whether `url` gives 200 within five seconds. Not through urllib: a proxy must not be asked for loopback."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def why_not_free(bind: str) -> str:
    """Say why nothing can listen on `bind` (host:port), or "" when something can."""
    host, _, port = bind.rpartition(":")
    if not host or not port.isdigit():
        return f"{bind!r} is no HOST:PORT, such as 127.0.0.1:8000."
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except (OSError, OverflowError) as error:
            return f"{bind} cannot be listened on ({error}): give another by --bind HOST:PORT."
    return ""
