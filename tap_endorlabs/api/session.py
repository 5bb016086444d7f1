"""Connections to one host on which an answer, header and body, is complete within its time or given up."""

from __future__ import annotations

import http.client
import io
import time
import typing as t
from functools import cache
from http import HTTPStatus
from importlib.metadata import version

import requests
from requests.adapters import HTTPAdapter
from typing_extensions import override

from tap_endorlabs.api.body import ENCODING

if t.TYPE_CHECKING:
    import socket

    from urllib3 import HTTPConnectionPool


class Session(requests.Session):
    """Keeps connections, and sees no redirects: requests would read the body of one, however large.

    Args:
        url: where requests go.
        connections: how many are kept.
        proxies: those on the way, by scheme.
        verify: whose certificates are accepted, as requests takes it.
    """

    def __init__(self, url: str, connections: int, *, proxies: dict[str, str], verify: str | bool) -> None:
        super().__init__()
        self.mount(url, _Adapter(pool_maxsize=connections))
        self.proxies, self.verify = t.cast("t.Any", proxies), verify
        self.trust_env = False
        self.headers.update(
            {
                "Accept": "application/json",
                "Accept-Encoding": ENCODING,
                "User-Agent": f"tap-endorlabs/{version('tap-endorlabs')}",
            }
        )

    @override
    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class OverdueError(TimeoutError):
    """The answer to a request that has been sent is not complete in time."""


class _Adapter(HTTPAdapter):
    @override
    def get_connection_with_tls_context(self, *args: t.Any, **kwargs: t.Any) -> HTTPConnectionPool:
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = _in_time(t.cast("t.Any", pool.ConnectionCls))
        return pool


@cache
def _in_time(connection: type[http.client.HTTPConnection]) -> t.Any:  # noqa: ANN401 - urllib3 has a protocol for it
    """Give a class of connections, plain, with TLS or through a proxy, whose answers are read in time."""
    if issubclass(connection.response_class, _Response):
        return connection
    return type(connection.__name__, (connection,), {"response_class": _Response})


class _Response(http.client.HTTPResponse):
    """An answer, also of a proxy that is asked for a tunnel: all of it has the time that one read of a socket has."""

    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        # What opens a tunnel has no method yet: it has the time of a connection, and the request has not been sent.
        self.fp = io.BufferedReader(_Reader(self.fp.detach(), sock, OverdueError if method else TimeoutError))

    @override
    def begin(self) -> None:
        super().begin()
        # http.client passes over 100 alone. Any other interim answer would be taken for the answer, and the answer
        # itself for that to the next request.
        while self.status < HTTPStatus.OK and self.status != HTTPStatus.SWITCHING_PROTOCOLS:
            self.headers = self.msg = t.cast("t.Any", None)
            super().begin()


class _Reader(io.RawIOBase):
    """Reads from a socket until its timeout has passed, however often something comes in."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, late: type[TimeoutError]) -> None:
        self._raw, self._socket, self._late = raw, sock, late
        self._deadline = time.monotonic() + t.cast("float", sock.gettimeout())

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: t.Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise self._late
        self._socket.settimeout(left)
        try:
            return self._raw.readinto(buffer)
        except TimeoutError:
            raise self._late from None

    @override
    def close(self) -> None:
        self._raw.close()
        super().close()
