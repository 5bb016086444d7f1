"""Runs the tap as its users do, and takes its output apart."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import threading
import typing as t
from dataclasses import dataclass
from pathlib import Path

from fake_endor_api import DEMO_KEY, DEMO_NAMESPACE, DEMO_SECRET
from tap_endorlabs.api.retry import Retry
from tap_endorlabs.redaction import Secrets
from tap_endorlabs.tap import TapEndorLabs

if t.TYPE_CHECKING:
    from singer_sdk.io_base import SingerWriter

    from fake_endor_api import FakeEndorApi

TAP = str(Path(sys.executable).with_name("tap-endorlabs"))
"""The executable that is installed beside this Python."""


@dataclass
class Output:
    """What a run of the tap left."""

    stdout: str
    stderr: str = ""
    code: int = 0

    @property
    def messages(self) -> list[dict[str, t.Any]]:
        return [json.loads(line) for line in self.stdout.split("\n") if line]

    def of(self, kind: str) -> list[dict[str, t.Any]]:
        lines = [line for line in self.stdout.split("\n") if kind in line]
        return [message for message in map(json.loads, lines) if message["type"] == kind]

    @property
    def records(self) -> list[dict[str, t.Any]]:
        return [message["record"] for message in self.of("RECORD")]

    @property
    def uuids(self) -> list[str]:
        return [record["uuid"] for record in self.records]

    @property
    def state(self) -> dict[str, t.Any]:
        """The last state."""
        return t.cast("dict[str, t.Any]", self.of("STATE")[-1]["value"])

    @property
    def bookmark(self) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", self.state["bookmarks"]["audit_logs"])

    @property
    def errors(self) -> list[str]:
        """The lines that tell of an error, without time, level and logger."""
        return [line.split("| ", 3)[-1] for line in self.stderr.splitlines() if "| ERROR" in line]


def config_for(api: FakeEndorApi, **settings: t.Any) -> dict[str, t.Any]:
    own = {"namespace": DEMO_NAMESPACE, "api_key": DEMO_KEY, "api_secret": DEMO_SECRET, "api_url": api.url}
    return own | settings


def catalog_of(*streams: str) -> dict[str, t.Any]:
    """Give the tap's catalog with these streams selected, and no others."""
    catalog = TapEndorLabs(config={}, validate_config=False).catalog_dict
    for entry in catalog["streams"]:
        (own,) = (one["metadata"] for one in entry["metadata"] if one["breadcrumb"] in ([], ()))
        own["selected"] = entry["tap_stream_id"] in streams
    return catalog


class Clock:
    """A steady clock that only sleeping moves on."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def read(self) -> float:
        return self.now

    def sleep(self, _: threading.Event, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.now += seconds

    def retry(self, **changes: t.Any) -> Retry:
        longest = {"jitter": lambda _, upper: upper}
        return Retry(sleep=self.sleep, clock=self.read, **(longest | changes))


def run_inside(
    config: dict[str, t.Any],
    state: dict[str, t.Any] | None = None,
    writer: SingerWriter | None = None,
    clock: Clock | None = None,
    catalog: dict[str, t.Any] | None = None,
) -> Output:
    """Sync in this process, and wait for nothing between tries.

    Args:
        config: the settings.
        state: the state of the run before.
        writer: writes the messages instead of the tap's own.
        clock: is moved on by what the tap would have slept.
        catalog: says which streams to read.

    Raises:
        TapError: the run failed.
    """

    class Impatient(TapEndorLabs):
        retry = (clock or Clock()).retry()
        secrets = Secrets()

    with contextlib.redirect_stdout(io.StringIO()) as stdout:
        tap = Impatient(config=config, state=state, message_writer=writer, catalog=catalog)
        tap.sync_all()
        tap.raise_if_incomplete()
    return Output(stdout.getvalue())


@dataclass
class Process:
    """The tap as a command, with its files in a folder."""

    folder: Path
    module: str = "tap_endorlabs"

    def command(self, *arguments: str, **files: t.Any) -> list[str]:
        """Give the command line; each of `files` is written as JSON and given as the option of its name."""
        command = [sys.executable, "-m", self.module, *arguments]
        for name, content in files.items():
            path = self.folder / f"{name}.json"
            path.write_text(content if isinstance(content, str) else json.dumps(content))
            command += [f"--{name}", str(path)]
        return command

    def run(self, *arguments: str, environment: dict[str, str] | None = None, **files: t.Any) -> Output:
        """Run the tap to its end."""
        done = subprocess.run(
            self.command(*arguments, **files),
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **(environment or {})},
        )
        return Output(done.stdout, done.stderr, done.returncode)
