"""One run of the tap, as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

_PREFIX = "TAP_ENDORLABS_"
_SOMETHING_MISSING = 3
# Airflow takes what comes on stderr for errors; the tap's lines have levels of their own.
_LOG = 1


class TapFailedError(Exception):
    """The tap did not come to its end."""


class _Message(msgspec.Struct):
    type: str
    record: msgspec.Raw = msgspec.Raw(b"")
    value: dict[str, t.Any] | None = None


_decode = msgspec.json.Decoder(_Message).decode


@dataclass
class Delivery:
    """What a run has delivered.

    Attributes:
        events: how many.
        state: the last state; None if there was none.
        incomplete: whether the tap says that something is missing (its exit code 3).
    """

    events: int = 0
    state: dict[str, t.Any] | None = None
    incomplete: bool = False


@dataclass(frozen=True)
class Tap:
    """The tap with its settings.

    Args:
        executable: name or path.
        settings: of all runs, with the credentials.
    """

    executable: str
    settings: dict[str, t.Any] = field(repr=False)

    def run(
        self,
        sink: t.BinaryIO,
        state: dict[str, t.Any] | None = None,
        **settings: t.Any,  # noqa: ANN401
    ) -> Delivery:
        """Write what it delivers to a file, a record a line, as the API sent it.

        Args:
            sink: the file.
            state: where to go on.
            settings: of this run.

        Raises:
            TapFailedError: it failed, did not start, or is another program; its own lines are on stdout.
        """
        delivery = Delivery()
        with tempfile.TemporaryDirectory() as folder:
            command = [self.executable, "--config", "ENV"]
            if state is not None:
                path = Path(folder, "state.json")
                path.write_text(json.dumps(state), encoding="utf-8")
                command += ["--state", str(path)]
            with self._start(command, settings) as process:
                try:
                    _take(t.cast("t.BinaryIO", process.stdout), sink, delivery)
                except BaseException:
                    process.kill()
                    raise
        if process.returncode not in (0, _SOMETHING_MISSING):
            raise TapFailedError(f"{self.executable} ended with exit code {process.returncode}, see the lines above")
        if delivery.state is None:
            raise TapFailedError(f"{self.executable} ended without a state, as the tap never does: is it the tap?")
        delivery.incomplete = process.returncode == _SOMETHING_MISSING
        return delivery

    # What reports a traceback with its variables must find no credentials: the environment is in none that stays, and
    # `from None` leaves out the frames of `subprocess`.
    def _start(self, command: list[str], settings: dict[str, t.Any]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603 - who writes the configuration names the executable
                command, stdout=subprocess.PIPE, stderr=_LOG, env=self._environment(settings)
            )
        except OSError as error:
            raise TapFailedError(f"{self.executable} can't be started: {error.strerror}") from None

    def _environment(self, settings: dict[str, t.Any]) -> dict[str, str]:
        """Give settings as environment variables: unlike a file, they are gone with the process, however that ends.

        One that is null is left out, as there is no text for it but that of a value.
        """
        mine = {
            f"{_PREFIX}{name.upper()}": value if isinstance(value, str) else json.dumps(value)
            for name, value in (self.settings | settings).items()
            if value is not None
        }
        return {name: value for name, value in os.environ.items() if not name.startswith(_PREFIX)} | mine


def _take(lines: t.BinaryIO, sink: t.BinaryIO, delivery: Delivery) -> None:
    for line in lines:
        message = _decode(line)
        if message.type == "RECORD":
            sink.write(message.record)
            sink.write(b"\n")
            delivery.events += 1
        elif message.type == "STATE":
            delivery.state = message.value
