"""What the demos have in common: a fake API on a loopback port, and Meltano that syncs from it into a target."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import os
import shutil
import subprocess
import sys
import time
import typing as t
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import requests

from tests.meltano import environment_for

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

EVENTS = 10_000
NEW_EVENTS = 250
DAYS = 60


def meltano_of(description: str) -> str:
    """Parse a demo's command line; give the path of Meltano's executable."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--meltano", required=True, help="Meltano's executable")
    return str(Path(parser.parse_args().meltano).absolute())


@dataclass
class Stage:
    """A pipeline from the fake API to a target.

    Args:
        folder: is emptied at the start; gets Meltano's database and the log.
        meltano: the path of Meltano's executable.
        target: the target's name.
        settings: environment variables for the target.

    Attributes:
        seconds: how long each run took.
    """

    folder: Path
    meltano: str
    target: str
    settings: Mapping[str, str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    @contextlib.contextmanager
    def opened(self) -> Iterator[Stage]:
        """Start the fake API with its events, and install the plugins."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        with self._fake_api() as self._url:
            self._meltano(f"Installing the tap and {self.target} for Meltano", "install", "tap-endorlabs", self.target)
            yield self

    def run(self, which: str, *options: str) -> None:
        """Run the pipeline once; the demo ends if that fails."""
        job = ("run", *options, "tap-endorlabs", self.target)
        begun = time.monotonic()
        self._meltano(f"meltano {' '.join(job)}  ({which})", *job)
        self.seconds.append(time.monotonic() - begun)

    def add_events(self) -> None:
        """Let new events happen."""
        requests.post(f"{self._url}/_fake/events", json={"count": NEW_EVENTS, "seconds": 30}, timeout=30)
        # A run reads up to the second in which it starts.
        time.sleep(1)

    def uuids(self) -> list[str]:
        """Ask the fake API which events there are."""
        return t.cast("list[str]", requests.get(f"{self._url}/_fake/uuids", timeout=30).json())

    @property
    def _log(self) -> Path:
        return self.folder / "demo.log"

    @contextlib.contextmanager
    def _fake_api(self) -> Iterator[str]:
        """Run the fake API on a free loopback port; give its URL."""
        port_file = self.folder / "port"
        command = [sys.executable, "-m", "fake_endor_api", "--port", "0", "--port-file", str(port_file)]
        with self._log.open("a") as log:
            server = subprocess.Popen(
                [*command, "--events", str(EVENTS), "--days", str(DAYS)], stdout=log, stderr=subprocess.STDOUT
            )
        try:
            deadline = time.monotonic() + 60
            while not port_file.exists():
                if server.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"The fake API did not start, see {self._log}")
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port_file.read_text().strip()}"
        finally:
            server.terminate()
            server.wait()

    def _meltano(self, what: str, *arguments: str) -> None:
        """Run Meltano, with its output in the log file and without the user's `.env`; end the demo if it fails."""
        print(f"{what} …", flush=True)
        start = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=DAYS + 1)
        environment = environment_for(self._url, self.folder.absolute(), start) | dict(self.settings)
        with self._log.open("a") as log:
            done = subprocess.run(
                [self.meltano, f"--env-file={os.devnull}", *arguments],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode != 0:
            print("\n".join(self._log.read_text().splitlines()[-30:]), file=sys.stderr)
            sys.exit(f"{arguments[0]} ended with exit code {done.returncode}; the whole log is in {self._log}")


def sync_twice(stage: Stage, delivered: t.Callable[[], list[str]]) -> list[int]:
    """Run a pipeline, let new events happen, and run it again.

    Args:
        stage: the pipeline.
        delivered: gives the uuids that have arrived so far, as often as they are there.

    Returns:
        how many there were after each run.
    """
    stage.run("first run")
    counts = [len(delivered())]
    stage.add_events()
    stage.run("second run")
    return [*counts, len(delivered())]


def report(in_api: Iterable[str], delivered: Iterable[str], counts: list[int], rows: Mapping[str, str]) -> int:
    """Print what came in; give the exit code, 1 if a figure is off.

    Args:
        in_api: the uuids of the events there are.
        delivered: those that have arrived, as often as they have.
        counts: how many had arrived after each run.
        rows: what else to print.
    """
    wanted, found = Counter(in_api), Counter(delivered)
    repeats, missing = found - Counter(found.keys()), wanted - found
    figures = {
        "events in the API": f"{wanted.total():,}",
        **{
            f"rows after the {which} run": f"{count:,}"
            for which, count in zip(("first", "second"), counts, strict=True)
        },
        "repeats": f"{sum(repeats.values()):,}",
        "missing": f"{sum(missing.values()):,}",
        **rows,
    }
    print()
    for name, value in figures.items():
        print(f"{name:28}{value}")
    right = found == wanted and counts == [EVENTS, EVENTS + NEW_EVENTS]
    print("\nEvery event once." if right else "\nThe figures are off.")
    return 0 if right else 1
