"""The command line in this process: with its log, but without the waits and the start of an interpreter."""

from __future__ import annotations

import contextlib
import io
import logging
import typing as t

import pytest
from singer_sdk.logging import ConsoleFormatter

from tap_endorlabs.redaction import Secrets
from tap_endorlabs.tap import TapEndorLabs
from tests.harness import Clock, Output, Process

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def run_command(
    folder: Path, *options: str, level: int = logging.DEBUG, clock: Clock | None = None, **files: t.Any
) -> Output:
    """Run the command; options and files are as in `Process.run`. It knows no secret of another test."""

    class Tap(TapEndorLabs):
        retry = (clock or Clock()).retry(max_attempts=2)
        secrets = Secrets()

    _, _, _, *arguments = Process(folder).command(*options, **files)
    with log_at(level) as log, contextlib.redirect_stdout(io.StringIO()) as stdout, pytest.raises(SystemExit) as ended:
        Tap.get_singer_command().main(arguments)
    return Output(stdout.getvalue(), log.getvalue(), t.cast("int", ended.value.code))


@contextlib.contextmanager
def log_at(level: int) -> Iterator[io.StringIO]:
    """Take the log of a level, as the command prints it."""
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    handler.setFormatter(ConsoleFormatter())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(level)
    try:
        yield log
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        logging.captureWarnings(capture=False)
