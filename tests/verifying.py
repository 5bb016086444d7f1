"""The command `endorlabs-verify` in this process, and files that it compares with the API."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import typing as t

import pytest

from tap_endorlabs.redaction import Secrets
from tap_endorlabs.tap import TapEndorLabs
from tap_endorlabs.timestamps import normalize
from tap_endorlabs.verify.command import command
from tests.harness import Clock, Output, Process
from tests.in_process import log_at

if t.TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from fake_endor_api import FakeEndorApi


def verify(folder: Path, *options: str, **files: t.Any) -> Output:
    """Run the command; options and files are as in `Process.run`."""

    class Tap(TapEndorLabs):
        retry = Clock().retry(max_attempts=2)
        secrets = Secrets()

    _, _, _, *arguments = Process(folder).command(*options, **files)
    with (
        log_at(logging.INFO) as log,
        contextlib.redirect_stdout(io.StringIO()) as stdout,
        contextlib.redirect_stderr(log),
        pytest.raises(SystemExit) as ended,
    ):
        command(Tap).main(arguments)
    return Output(stdout.getvalue(), log.getvalue(), t.cast("int", ended.value.code))


def found(output: Output) -> dict[str, t.Any]:
    """Give what it printed with `--json`."""
    return t.cast("dict[str, t.Any]", json.loads(output.stdout))


def differing(output: Output) -> dict[str, tuple[int, ...]]:
    """Give missing, surplus, repeats and in a gap of each row that does not agree, by day or hour."""
    rows = [list(row.values()) for row in found(output)["rows"] if not row["agrees"]]
    return {bucket: tuple(figures[2:6]) for bucket, _, *figures in rows}


def records_of(api: FakeEndorApi) -> list[dict[str, t.Any]]:
    """Give the records of all events, in order."""
    records = [item | {"create_time": normalize(item["meta"]["create_time"])} for item in api.store.objects()]
    return sorted(records, key=lambda one: (one["create_time"], one["uuid"]))


def write_lines(path: Path, records: Iterable[dict[str, t.Any]]) -> Path:
    """Write records as `target-jsonl` does."""
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return path
