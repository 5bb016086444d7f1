"""The socket of the fake, and the thread that serves it."""

from __future__ import annotations

import asyncio
import threading
import typing as t

from aiohttp import web

if t.TYPE_CHECKING:
    import ssl


class Listener:
    """Serves an application on a loopback port, from a thread of its own.

    Args:
        application: what to serve.
        host: the address to listen on.
        port: the port to listen on; 0: a free one.
        tls: the certificate to show; None: plain http.

    Attributes:
        port: the port that it listens on, once it has been started.
    """

    def __init__(self, application: web.Application, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self.port = port
        self._host = host
        self._tls = tls
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._failure: BaseException | None = None

    def start(self) -> None:
        """Start listening.

        Raises:
            OSError: the port can't be had.
        """
        self._thread.start()
        self._ready.wait(timeout=30)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Stop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)

    def refuse(self) -> None:
        """Drop all connections and accept no more; from any thread."""
        asyncio.run_coroutine_threadsafe(self._refuse(), self._loop)

    def accept(self) -> None:
        """Listen again, if it doesn't; from any thread but its own."""
        asyncio.run_coroutine_threadsafe(self._accept(), self._loop).result(timeout=30)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._runner.setup())
            self._loop.run_until_complete(self._accept())
        except OSError as error:
            self._failure = error
        finally:
            self._ready.set()
        if self._failure is None:
            self._loop.run_forever()
        # So that no connection is left that was accepted at the last moment.
        self._loop.run_until_complete(self._refuse())
        self._loop.run_until_complete(self._runner.cleanup())
        # Answers that are still being delayed.
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        # What the server did not know of, as it had been accepted but not begun.
        for transport in list(getattr(self._loop, "_transports", {}).values()):
            transport.abort()
        # Connections that were cut close in the next round of the loop.
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _accept(self) -> None:
        if not self._runner.sites:
            await web.TCPSite(self._runner, self._host, self.port, ssl_context=self._tls).start()
            self.port = self._runner.addresses[0][1]

    async def _refuse(self) -> None:
        for site in list(self._runner.sites):
            await site.stop()
        await self._drop()
        # Some had been accepted, but were not known to the server yet.
        await asyncio.sleep(0.01)
        await self._drop()

    async def _drop(self) -> None:
        for connection in self._runner.server.connections if self._runner.server else []:
            if connection.transport is not None:
                connection.transport.abort()
