"""Whether a server on this machine answers."""

import http.client
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
