"""RECORD messages made of the bytes that the API sent, decoded only where the user asked for another form."""

from __future__ import annotations

import decimal
import json
import sys
import typing as t
from itertools import pairwise

from singer_sdk.io_base import SingerWriter
from singer_sdk.mapper import SameRecordTransform
from typing_extensions import override

from tap_endorlabs.errors import TapError, TargetGoneError, one_line

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator

    from singer_sdk import Stream
    from singer_sdk.singerlib.encoding.simple import Message

    from tap_endorlabs.api.records import Event


_RECORDS_AT_ONCE = 250
_BYTES_AT_ONCE = 1 << 20

_NULL = rb"\u0000"
"""JSON has no other way to write NUL."""

_REPLACEMENT = rb"\ufffd"


class MessageWriter(SingerWriter):
    """Writes messages to stdout, also as lines that are ready."""

    def write_lines(self, lines: bytes) -> None:
        """Write whole lines, in one go.

        Raises:
            TargetGoneError: nobody takes them any more.
        """
        try:
            self._write(lines)
        except BrokenPipeError as error:
            raise TargetGoneError("The target closed the pipe: see its own log for the reason.") from error
        except OSError as error:
            raise TargetGoneError(
                f"The output can't be written ({error.strerror}): check where stdout leads."
            ) from error

    def _write(self, lines: bytes) -> None:
        buffer: t.BinaryIO | None = getattr(sys.stdout, "buffer", None)
        if buffer is None:  # a stream of text stands in for stdout
            sys.stdout.write(lines.decode())
            return
        rest = memoryview(lines)
        # With PYTHONUNBUFFERED a write that a signal strikes stops halfway.
        while rest:
            rest = rest[buffer.write(rest) :]
        buffer.flush()

    @override
    def write_message(self, message: Message) -> None:
        """Write a message."""
        self.write_lines(f"{self.format_message(message)}\n".encode())


def passes_unchanged(stream: Stream) -> bool:
    """Whether records of a stream leave as they come: nothing is mapped, flattened or versioned."""
    (stream_map, *others) = stream.stream_maps
    return (
        stream.replication_method == "INCREMENTAL"
        and not others
        and type(stream_map) is SameRecordTransform
        and not stream_map.flattening_enabled
    )


def portions(events: Iterable[Event]) -> Iterator[list[Event]]:
    """Cut events in as many as are written at once: a signal waits for no more, and memory has to hold no more."""
    some: list[Event] = []
    size = 0
    for event in events:
        some.append(event)
        size += len(event.raw)
        if len(some) == _RECORDS_AT_ONCE or size >= _BYTES_AT_ONCE:
            yield some
            some, size = [], 0
    if some:
        yield some


def object_lines(events: Iterable[Event]) -> bytes:
    """Give the records of events, a line each."""
    return _lines(b"", events, b'"}\n')


def record_lines(stream: str, events: Iterable[Event], extracted: dt.datetime) -> bytes:
    """Give the RECORD messages of events, a line each.

    Args:
        stream: the stream's name.
        events: what to write.
        extracted: when they were fetched.
    """
    head = b'{"type":"RECORD","stream":"%b","record":' % stream.encode()
    tail = b'"},"time_extracted":"%b"}\n' % extracted.isoformat().encode()
    return _lines(head, events, tail)


def _lines(head: bytes, events: Iterable[Event], tail: bytes) -> bytes:
    return b"".join([b'%b%b,"create_time":"%b%b' % (head, e.raw[:-1], e.create_time.encode(), tail) for e in events])


def to_record(event: Event) -> dict[str, t.Any]:
    """Give the record of an event: the API's object, with `create_time` added at the top.

    Numbers keep all their digits: those with a fraction become `Decimal`.

    Raises:
        TapError: Python can't hold the object.
    """
    try:
        record: dict[str, t.Any] = json.loads(event.raw, parse_float=decimal.Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise unfit(event, error) from error
    record["create_time"] = event.create_time
    return record


def unfit(event: Event, error: Exception) -> TapError:
    """Say of an event that Python can't take it apart, as stream maps and the like need."""
    return TapError(
        f"Event {one_line(event.uuid, 60)} can't be decoded ({type(error).__name__}: {one_line(str(error))}). "
        "Without stream maps and flattening it is passed on unchanged."
    )


def without_null(events: list[Event]) -> list[Event]:
    """Give the same events with U+FFFD in the place of each character NUL, in names and in values."""
    if not any(_NULL in event.raw for event in events):
        return events
    return [event._replace(raw=_replaced(event.raw)) for event in events]


def _replaced(raw: bytes) -> bytes:
    pieces = raw.split(_NULL)
    result = pieces[:1]
    for before, after in pairwise(pieces):
        # Where its backslash is escaped itself, it is text that only looks like NUL.
        is_escaped = (len(before) - len(before.rstrip(b"\\"))) % 2
        result += [_NULL if is_escaped else _REPLACEMENT, after]
    return b"".join(result)
