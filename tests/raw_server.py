"""A server that says what it is told to, byte by byte: a proxy, or a host that breaks the rules of HTTP."""

from __future__ import annotations

import contextlib
import socket
import threading
import typing as t

if t.TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

    from typing_extensions import Self


class RawServer:
    """Listens on a loopback port; gives each connection the same answer, then closes it.

    Args:
        answer: the pieces of the answer; called for each connection.
        tls: how to speak TLS, if at all.
        tunnel: whether to be a proxy as well, that makes a tunnel to itself.

    Attributes:
        address: host and port.
        url: the base URL.
        seen: what each connection sent, up to the end of its headers.
    """

    def __init__(
        self, answer: t.Callable[[], Iterable[bytes]], *, tls: ssl.SSLContext | None = None, tunnel: bool = False
    ) -> None:
        self.seen: list[bytes] = []
        self._answer, self._tls, self._tunnel = answer, tls, tunnel
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.05)
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.url = f"{'https' if tls else 'http'}://{self.address}"
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(timeout=10)
        self._socket.close()

    def pause(self, seconds: float) -> None:
        """Wait between two pieces of an answer, unless the test is over."""
        self._stopped.wait(seconds)

    def _serve(self) -> None:
        while not self._stopped.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = self._socket.accept()
                with contextlib.suppress(OSError), self._accepted(connection) as accepted:
                    self.seen.append(self._head(accepted))
                    for piece in self._answer():
                        accepted.sendall(piece)
                        if self._stopped.is_set():
                            break

    def _accepted(self, connection: socket.socket) -> socket.socket:
        connection.settimeout(10)
        if self._tunnel:
            self._head(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        return self._tls.wrap_socket(connection, server_side=True) if self._tls else connection

    def _head(self, connection: socket.socket) -> bytes:
        head = b""
        while b"\r\n\r\n" not in head and (more := connection.recv(65_536)):
            head += more
        return head
