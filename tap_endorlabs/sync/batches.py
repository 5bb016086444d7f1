"""Batch files, and what is said where one can't be written."""

from __future__ import annotations

import contextlib
import gzip
import re
import shutil
import tempfile
import typing as t
from dataclasses import replace
from itertools import chain, count
from pathlib import Path
from uuid import uuid4

from singer_sdk.batch import Batcher
from singer_sdk.helpers._batch import BatchFileFormat
from singer_sdk.singerlib.json import serialize_json

from tap_endorlabs.errors import TapError, one_line
from tap_endorlabs.sync.messages import object_lines, passes_unchanged

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from singer_sdk import Stream
    from singer_sdk.helpers._batch import BatchConfig, StorageTarget
    from singer_sdk.helpers.types import Record

    from tap_endorlabs.api.records import Event
    from tap_endorlabs.sync.run import LogRun

_COMPRESSION = 1
"""The fastest: beyond it files get a tenth smaller, and take three times as long."""


News = t.Iterator[tuple["LogRun", list["Event"]]]


def batch_files(
    stream: Stream, config: BatchConfig, news: News, records_of: Callable[[LogRun, list[Event]], Iterable[Record]]
) -> Iterator[list[str]]:
    """Write events to files, and give the URLs of the files of each batch.

    Args:
        stream: whose events they are.
        config: which files, and where.
        news: some events at a time, and the run, which is to be told of those that have been written.
        records_of: gives what the SDK makes of events, and tells the run.

    Raises:
        TapError: a file can't be written, or what gives the events failed.
    """
    config = replace(config, storage=_with_url(config.storage))
    records = chain.from_iterable(records_of(run, events) for run, events in news)
    try:
        if config.encoding.format != BatchFileFormat.JSONL:
            yield from Batcher(stream.tap_name, stream.name, config).get_batches(records)
        elif passes_unchanged(stream):
            yield from _line_files(stream, config, _as_they_came(news, config.batch_size))
        else:
            yield from _line_files(stream, config, _as_mapped(records, config.batch_size))
    except TapError:
        raise
    except Exception as error:
        # Which error it is depends on the library that writes files of this kind to this place.
        raise TapError(f"Setting batch_config: a file can't be written ({one_line(str(error))}).") from error


def _with_url(storage: StorageTarget) -> StorageTarget:
    """Name a folder by its URL: of a path the SDK makes one with %20 for a blank, which its targets take literally."""
    is_url = "://" in storage.root or re.match("(file|local):", storage.root)
    return storage if is_url else replace(storage, root=f"file://{storage.root}")


def _as_they_came(news: News, size: int) -> Iterator[tuple[bytes, bool]]:
    """Give events as lines, and with which of them a file is full."""
    for run, events, is_full in _cut(news, size):
        run.note(events)
        yield object_lines(events), is_full


def _as_mapped(records: Iterable[Record], size: int) -> Iterator[tuple[bytes, bool]]:
    """Give records as lines, and with which of them a file is full."""
    for number, record in enumerate(records, 1):
        yield f"{serialize_json(record)}\n".encode(), number % size == 0


def _line_files(stream: Stream, config: BatchConfig, lines: Iterator[tuple[bytes, bool]]) -> Iterator[list[str]]:
    """Write files of lines, each of which is whole or not there, and none of which is held in memory."""
    name = f"{config.storage.prefix or ''}{stream.tap_name}--{stream.name}-{uuid4()}"
    is_packed = config.encoding.compression == "gzip"
    for number, first in zip(count(1), lines):
        path = f"{name}-{number}.json{'.gz' if is_packed else ''}"
        with (
            _whole_file(config.storage, path) as file,
            gzip.open(file, "wb", _COMPRESSION) if is_packed else contextlib.nullcontext(file) as content,
        ):
            for some, is_full in chain([first], lines):
                content.write(some)
                if is_full:
                    break
        yield [config.storage.get_url(path)]


@contextlib.contextmanager
def _whole_file(storage: StorageTarget, name: str) -> Iterator[t.IO[bytes]]:
    """Open a file that appears under its name when it is whole; where that fails, nothing of it stays."""
    protocol, _, path = storage.get_url(name).partition("://")
    if protocol not in {"file", "local"}:
        # Else a connection would have to outlast the reading of all its events.
        with tempfile.TemporaryFile() as copy:
            yield copy
            copy.seek(0)
            with storage.open(name, "wb") as file:
                shutil.copyfileobj(copy, file)
        return
    part = Path(f"{path}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _cut(news: News, size: int) -> Iterator[tuple[LogRun, list[Event], bool]]:
    """Cut events into batches of a size, and say with which of them a batch is full."""
    room = size
    for run, events in news:
        rest = events
        while rest:
            some, rest = rest[:room], rest[room:]
            room = room - len(some) or size
            yield run, some, room == size
