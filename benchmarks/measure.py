"""Runs one program under one load, and tells what it took and whether it delivered every event."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

import requests

from benchmarks.event_log import MACHINE

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from benchmarks.cases import Case

LAUNCHER = Path(__file__).parent / "launcher.py"
LONGEST_RUN = 900
"""Seconds after which a program is ended, and the benchmarks with it."""

# Where it is a field: a state of ours has uuids, too.
_EVENT = re.compile(rb'"uuid" ?: ?"[0-9a-f]*%b([0-9a-f]{6})"' % MACHINE.encode())


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
        settings = config_for(url, start) | ({} if case.concurrency is None else {"concurrency": case.concurrency})
        if not case.proves:
            settings["completeness_check"] = "never"
        config.write_text(json.dumps(settings))
        places = {"bin": str(binaries), "config": str(config), "folder": str(folder)}
        command = [part.format_map(places) for part in case.competitor.command]
        requests.post(f"{url}/_bench/reset", timeout=30)
        code, wall, user, system, rss = run_program(command, folder)
        seen = requests.get(f"{url}/_bench/stats", timeout=30).json()["requests"]
        missing, repeated = count_events(folder.glob(case.competitor.files), case.load.events)
        if code:
            print((folder / "stderr").read_text(errors="replace")[-2_000:])
    return Figures(
        wall=wall,
        user=user,
        system=system,
        rss=rss / 1e6,
        requests=seen,
        missing=missing,
        repeated=repeated,
        code=int(code),
    )


def config_for(url: str, start: dt.datetime) -> dict[str, t.Any]:
    """Give the settings that all programs take, for a server."""
    return {
        "api_url": url,
        "namespace": "acme",
        "api_key": "bench-key",
        "api_secret": "bench-secret",
        "start_date": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def run_program(command: list[str], folder: Path) -> list[float]:
    """Run a command with its output in the folder; give what the launcher prints."""
    # Some variables of Python's own, such as PYTHONUNBUFFERED, change how fast programs are.
    foreign = ("ENDOR_", "TAP_", "DLT_", "PYTHON")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    # dlt reports its runs to its makers unless it is told not to.
    environment["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    launcher = [sys.executable, "-S", str(LAUNCHER), str(folder / "stdout"), str(folder / "stderr")]
    process = subprocess.Popen(
        [*launcher, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate(timeout=LONGEST_RUN)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return [float(figure) for figure in printed.split()]


def count_events(files: Iterable[Path], events: int) -> tuple[int, int]:
    """Give how many of a log's events don't stand in files, and how many stand there again."""
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
