"""Starts the servers that the competitors read from, one for each load, and stops them."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.cases import Load

DAYS = 25
"""How far back the first event lies."""

LONGEST_START = 120


class Servers:
    """Servers that are started when they are first needed, and run until the end."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self._urls: dict[Load, str] = {}

    def url_of(self, load: Load) -> str:
        """Give the URL of the server of a load."""
        if load not in self._urls:
            self._urls[load] = self._stack.enter_context(serve(load))
        return self._urls[load]


@contextlib.contextmanager
def serve(load: Load) -> Iterator[str]:
    """Run a server; give its URL."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        port_file = Path(folder) / "port"
        options = {
            "events": load.events,
            "latency": load.latency,
            "shape": load.shape,
            "days": DAYS,
            "port-file": port_file,
        }
        command = [sys.executable, "-m", "benchmarks.server", *(f"--{name}={value}" for name, value in options.items())]
        server = subprocess.Popen(command)
        try:
            deadline = time.monotonic() + LONGEST_START
            while not port_file.exists():
                if server.poll() is not None or time.monotonic() > deadline:
                    sys.exit("The fake API did not start.")
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port_file.read_text()}"
        finally:
            server.terminate()
            server.wait()
