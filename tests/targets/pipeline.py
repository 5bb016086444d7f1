"""`meltano run` with the tap and a target."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from tests.meltano import environment_for

if t.TYPE_CHECKING:
    import datetime as dt
    import signal
    from collections.abc import Callable, Iterator

    from fake_endor_api import FakeEndorApi

ROOT = Path(__file__).parent.parent.parent
PKILL = shutil.which("pkill") or "pkill"
MELTANO = ROOT / ".tools" / "meltano" / "bin" / "meltano"

Row = tuple[str, str]
"""An event's uuid and stamp."""


@dataclass
class Pipeline:
    """The tap and a target.

    Attributes:
        api: what the tap reads.
        start: where it begins.
        folder: gets Meltano's database.
        target: the target's name.
        settings: environment variables for the target.
        delivered: gives what has arrived so far, as often as it is there.
        empty: removes what has arrived.
        mappings: what stands between the tap and the target.
    """

    api: FakeEndorApi
    start: dt.datetime
    folder: Path
    target: str
    settings: dict[str, str]
    delivered: Callable[[], list[Row]]
    empty: Callable[[], object]
    mappings: tuple[str, ...] = ()

    def run(self, *options: str) -> tuple[int, str]:
        """Run it to its end; give Meltano's exit code and output."""
        with self._start(*options) as running:
            output, _ = running.communicate()
        return running.returncode, output

    def end_in_mid_run(self, number: signal.Signals, *options: str) -> int:
        """Run it, and send a signal to all its processes when something new has arrived; give Meltano's exit code."""
        with self._in_mid_run(*options) as running:
            os.killpg(running.pid, number)
            running.communicate()
        return running.returncode

    def kill_tap_in_mid_run(self, *options: str) -> tuple[int, str]:
        """Run it, and kill the tap alone when something new has arrived; give Meltano's exit code and output."""
        with self._in_mid_run(*options) as running:
            subprocess.run([PKILL, "-KILL", "-g", str(running.pid), "-f", "bin/tap-endorlabs"], check=True)
            output, _ = running.communicate()
        return running.returncode, output

    @contextlib.contextmanager
    def _in_mid_run(self, *options: str) -> Iterator[subprocess.Popen[str]]:
        before = len(self.delivered())
        with self._start(*options) as running:
            while len(self.delivered()) == before and running.poll() is None:
                time.sleep(0.05)
            yield running

    def _start(self, *options: str) -> subprocess.Popen[str]:
        # Each page leaves as soon as it has been read, so that there is a middle.
        own = {
            "TAP_ENDORLABS_CONCURRENCY": "1",
            "TAP_ENDORLABS_PAGE_SIZE": "100",
            "TAP_ENDORLABS_COMPLETENESS_CHECK": "never",
        }
        environment = environment_for(self.api.url, self.folder, self.start) | own | self.settings
        return subprocess.Popen(
            [str(MELTANO), "run", *options, "tap-endorlabs", *self.mappings, self.target],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
