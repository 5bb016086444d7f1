"""Events as RECORD messages: as the API sent them, or in the form that stream maps and the like give them."""

from __future__ import annotations

import datetime as dt
import typing as t

from tap_endorlabs.sync.mapping import failure
from tap_endorlabs.sync.messages import MessageWriter, passes_unchanged, portions, record_lines, to_record, unfit

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from singer_sdk import Stream, Tap
    from singer_sdk.helpers.types import Record
    from singer_sdk.singerlib import RecordMessage

    from tap_endorlabs.api.records import Event
    from tap_endorlabs.sync.signals import Signals


class RecordWriter:
    """Writes the events of a stream.

    Args:
        tap: writes messages.
        stream: whose events they are; knows its stream maps.
        signals: puts off the end while records are written.
        messages_of: gives what the SDK makes of a record.
    """

    def __init__(
        self, tap: Tap, stream: Stream, signals: Signals, messages_of: Callable[[Record], Iterable[RecordMessage]]
    ) -> None:
        self._tap = tap
        self._stream = stream
        self._signals = signals
        self._messages_of = messages_of

    def write(self, events: list[Event], note: Callable[[list[Event]], None]) -> None:
        """Write events, some at a time, and call `note` with each that has been written.

        Raises:
            TapError: one can't be given the form that the user wants, or nobody takes the messages.
        """
        writer = self._tap.message_writer
        direct = writer if isinstance(writer, MessageWriter) and passes_unchanged(self._stream) else None
        for some in portions(events):
            with self._signals.deferred():
                if direct is None:
                    self._write_messages(some, note)
                else:
                    direct.write_lines(record_lines(self._stream.name, some, dt.datetime.now(dt.timezone.utc)))
                    note(some)

    def _write_messages(self, events: list[Event], note: Callable[[list[Event]], None]) -> None:
        written = 0
        try:
            for event in events:
                for message in self.messages_of(event):
                    self._tap.write_message(message)
                written += 1
        finally:
            note(events[:written])

    def messages_of(self, event: Event) -> list[RecordMessage]:
        """Give what the SDK makes of an event: all of it, before any of it is written.

        Raises:
            TapError: it can make nothing of it.
        """
        record = to_record(event)
        try:
            return list(self._messages_of(record))
        except RecursionError as error:
            raise unfit(event, error) from error
        except Exception as error:
            entry = self._tap.catalog[self._stream.tap_stream_id]
            raise failure(self._stream.config, entry, error, record, event.uuid) from error
