"""Runs the tap's command line as a process of its own, with shorter waits between tries.

Such a process is the fork of one that has the tap loaded already: hundreds of runs take seconds, not minutes. All else
is as users have it: files for settings and state, stdout and stderr, an exit code.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
import threading
import time
import typing as t

from tap_endorlabs.api import pace
from tap_endorlabs.api.retry import Retry
from tap_endorlabs.tap import TapEndorLabs
from tests.harness import Output, Process

if t.TYPE_CHECKING:
    from pathlib import Path

RETRY = Retry(first_wait=0.01, max_wait=0.2, max_elapsed=2.0)
"""As many tries as ever, but a short time between them."""

PAUSE, LONGEST_PAUSE = 0.05, 0.5
"""Seconds without a request after a 429 that names no time, at first and at most."""

SLOWEST = 20.0
"""Requests per second that are sent at least, however many 429 there are."""

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])


class ImpatientRun:
    """A run of the tap that has been started.

    Args:
        folder: where its files are.
        files: the content of its options, such as `config`.
    """

    def __init__(self, folder: Path, **files: t.Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        _, _, _, *arguments = Process(folder).command(**files)
        self._folder = folder
        self._begun = time.monotonic()
        self._process = _CONTEXT.Process(target=_run, args=(folder, arguments))
        self._process.start()

    def wait(self, seconds: float) -> Output:
        """Give what it left; it must end within so many seconds of its start."""
        self._process.join(max(seconds - (time.monotonic() - self._begun), 0))
        code = self._process.exitcode
        if code is None:
            self._process.kill()
            self._process.join()
            raise TimeoutError(f"The run did not end within {seconds} s: {(self._folder / 'stderr').read_text()}")
        return Output((self._folder / "stdout").read_text(), (self._folder / "stderr").read_text(), code)


def lookups_fail(folder: Path) -> Path:
    """Give the file that makes each look-up of a host fail while it is there."""
    return folder / "lookups-fail"


def _run(folder: Path, arguments: list[str]) -> None:
    # What is measured in a fork of this kind is never written.
    sys.settrace(None)
    threading.settrace(None)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    look_up = socket.getaddrinfo

    def unreliable(*args: t.Any, **kwargs: t.Any) -> t.Any:
        if lookups_fail(folder).exists():
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return look_up(*args, **kwargs)

    socket.getaddrinfo = unreliable
    pace.PAUSE, pace.LONGEST_PAUSE, pace.SLOWEST = PAUSE, LONGEST_PAUSE, SLOWEST
    TapEndorLabs.retry = RETRY
    TapEndorLabs.cli(arguments)
