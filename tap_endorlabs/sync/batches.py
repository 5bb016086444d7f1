"""Batch files, and what is said where one can't be written."""

from __future__ import annotations

import gzip
import io
import typing as t
from itertools import chain, count
from uuid import uuid4

from singer_sdk.batch import Batcher
from singer_sdk.helpers._batch import BatchFileFormat

from tap_endorlabs.errors import TapError, one_line
from tap_endorlabs.sync.messages import object_lines, passes_unchanged

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from singer_sdk import Stream
    from singer_sdk.helpers._batch import BatchConfig
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
    try:
        if config.encoding.format == BatchFileFormat.JSONL and passes_unchanged(stream):
            yield from _line_files(stream, config, news)
        else:
            records = chain.from_iterable(records_of(run, events) for run, events in news)
            yield from Batcher(stream.tap_name, stream.name, config).get_batches(records)
    except TapError:
        raise
    except Exception as error:
        # Which error it is depends on the library that writes files of this kind to this place.
        raise TapError(f"Setting batch_config: a file can't be written ({one_line(str(error))}).") from error


def _line_files(stream: Stream, config: BatchConfig, news: News) -> Iterator[list[str]]:
    """Write the same files as the SDK, without taking events apart."""
    name = f"{config.storage.prefix or ''}{stream.tap_name}--{stream.name}-{uuid4()}"
    portions = _cut(news, config.batch_size)
    for number, first in zip(count(1), portions):
        path, content = f"{name}-{number}.json.gz", io.BytesIO()
        # A file that is open while the API is read would stay, half written, where that fails.
        with gzip.open(content, "wb", _COMPRESSION) as lines:
            for run, events, at_end in chain([first], portions):
                lines.write(object_lines(events))
                run.note(events)
                if at_end:
                    break
        with config.storage.open(path, "wb") as file:
            file.write(content.getbuffer())
        yield [config.storage.get_url(path)]


def _cut(news: News, size: int) -> Iterator[tuple[LogRun, list[Event], bool]]:
    """Cut events into batches of a size, and say with which of them a batch is full."""
    room = size
    for run, events in news:
        rest = events
        while rest:
            some, rest = rest[:room], rest[room:]
            room = room - len(some) or size
            yield run, some, room == size
