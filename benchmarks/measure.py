"""Runs one program under one load, and tells what it took and whether it delivered every event."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import tempfile
import threading
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

import requests

from benchmarks.event_log import MACHINE

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from benchmarks.cases import Case

LONGEST_RUN = 900
"""Seconds after which a program is ended."""

# Most of a uuid, where it is a value: a state of ours has uuids as names.
_EVENT = re.compile(rb'%b([0-9a-f]{6})"(?!:)' % MACHINE.encode())


@dataclass(frozen=True)
class Figures:
    """What one run took.

    Attributes:
        wall: seconds from start to end.
        user: seconds of CPU time in the program and its libraries.
        system: seconds of CPU time in the kernel.
        rss: the most memory that was resident, in MB (10^6 bytes).
        requests: how many requests the server got.
        missing: how many events were not delivered.
        repeated: how often an event was delivered again.
        code: the exit code.
    """

    wall: float
    user: float
    system: float
    rss: float
    requests: int
    missing: int
    repeated: int
    code: int

    @property
    def complete(self) -> bool:
        """Whether every event was delivered once."""
        return not (self.code or self.missing or self.repeated)


def measure(case: Case, binaries: Path, url: str, start: dt.datetime) -> Figures:
    """Run a case.

    Args:
        case: what to run.
        binaries: the folder with the competitor's executables.
        url: where the server of its load is.
        start: a time before all events.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        config = folder / "config.json"
        config.write_text(json.dumps(_config(case, url, start)))
        places = {"bin": str(binaries), "config": str(config), "folder": str(folder)}
        command = [part.format_map(places) for part in case.competitor.command]
        requests.post(f"{url}/_bench/reset", timeout=30)
        code, wall, usage = _run(command, folder)
        seen = requests.get(f"{url}/_bench/stats", timeout=30).json()["requests"]
        missing, repeated = count_events(folder.glob(case.competitor.files), case.load.events)
        if code:
            print((folder / "stderr").read_text(errors="replace")[-2_000:])
    return Figures(
        wall=wall,
        user=usage.ru_utime,
        system=usage.ru_stime,
        rss=usage.ru_maxrss * 1_024 / 1e6,
        requests=seen,
        missing=missing,
        repeated=repeated,
        code=code,
    )


def _config(case: Case, url: str, start: dt.datetime) -> dict[str, t.Any]:
    config: dict[str, t.Any] = {
        "api_url": url,
        "namespace": "acme",
        "api_key": "bench-key",
        "api_secret": "bench-secret",
        "start_date": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return config if case.concurrency is None else config | {"concurrency": case.concurrency}


def _run(command: list[str], folder: Path) -> tuple[int, float, t.Any]:
    """Run a command with its output in the folder; give its exit code, its seconds and its use of resources."""
    # Some variables of Python's own, such as PYTHONUNBUFFERED, change how fast programs are.
    foreign = ("ENDOR_", "TAP_", "DLT_", "PYTHON")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    # dlt reports its runs to its makers unless it is told not to.
    environment["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
        begun = time.perf_counter()
        process = subprocess.Popen(command, stdout=stdout, stderr=stderr, stdin=subprocess.DEVNULL, env=environment)
        watch = threading.Timer(LONGEST_RUN, process.kill)
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        watch.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, wall, usage


def count_events(files: Iterable[Path], events: int) -> tuple[int, int]:
    """Give how many of a log's events don't stand in files, and how many stand there again.

    This must take little memory: a child's peak starts with what its parent has when it is started.
    """
    seen = bytearray(events)
    delivered = 0
    for file in files:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
            for line in t.cast("Iterable[bytes]", lines):
                if found := _EVENT.search(line):
                    seen[int(found[1], 16)] = 1
                    delivered += 1
    missing = seen.count(0)
    return missing, delivered - (events - missing)
