"""What all streams have in common: their keys and schema, and how a run of one becomes Singer messages."""

from __future__ import annotations

import contextlib
import time
import typing as t
from contextlib import closing
from dataclasses import replace

from singer_sdk import Stream, metrics
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.schema.source import StreamSchema
from typing_extensions import override

from tap_endorlabs.api.client import LogClient
from tap_endorlabs.proof.ages import ACTIVE_UNTIL
from tap_endorlabs.schemas import LogSchemas
from tap_endorlabs.sync.batches import batch_files
from tap_endorlabs.sync.bookmark import REPLICATION_KEY, Scope
from tap_endorlabs.sync.messages import to_record, without_null
from tap_endorlabs.sync.progress import Outcome
from tap_endorlabs.sync.run import LogRun
from tap_endorlabs.sync.selection import Selection
from tap_endorlabs.sync.state import resume
from tap_endorlabs.sync.writing import RecordWriter
from tap_endorlabs.timestamps import earlier, stamp_of

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Generator, Iterable, Iterator

    from singer_sdk import Tap
    from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig
    from singer_sdk.helpers.types import Context, Record

    from tap_endorlabs.api.client import Api
    from tap_endorlabs.api.records import Event
    from tap_endorlabs.sync.signals import Signals

_STATE_SHARE = 4
"""A STATE message waits for a quarter as many records as it names uuids: a long look-back stays linear in output."""


class LogStream(Stream):
    """A log of Endor Labs, read in the order of `meta.create_time`.

    A subclass says its `name`, and as `resource` the log's name in the API's paths; the file `schemas/<name>.json` has
    the schema of its `spec`.

    Attributes:
        has_archive: whether the API is known to have an archive of it.
        missing: a line for each kind of thing that was found missing, although all that could be read was emitted.
    """

    resource: t.ClassVar[str]
    has_archive: t.ClassVar[bool] = True
    primary_keys = ("uuid",)
    replication_key = REPLICATION_KEY
    is_sorted = True
    schema = StreamSchema(LogSchemas())

    # Evidence is passed on as it came: no value is dropped or converted to fit the schema.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    def __init__(self, tap: Tap, get_api: Callable[[], Api], signals: Signals) -> None:
        """Be made without credentials and network.

        Args:
            tap: what the SDK takes settings, catalog and state from.
            get_api: gives the way to the API; called when a run begins.
            signals: puts off the end while a line is written.
        """
        super().__init__(tap)
        self.missing: list[str] = []
        self._get_api = get_api
        self._signals = signals
        self._writer = RecordWriter(tap, self, signals, self._generate_record_messages)
        self._run: LogRun | None = None
        self._events_stated = 0
        self._selection: Selection | None = None
        self.logger.addFilter(_drop_doubled_error)

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """Give none: the bookmark itself knows how far it may go."""

    @override
    def get_records(self, context: Context | None) -> Iterable[Record]:
        """Read the new records without writing a message."""
        run, client = self._begin()
        for events in run.new_events(client.fetch):
            run.note(events)
            yield from map(to_record, self._fit(events))

    # The SDK's loop moves the bookmark by the replication key of each record, which can't tell the events of one
    # instant apart, and it has no public hook between the last record of a page and a STATE message.
    @override
    def _sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[Record, t.Any, t.Any]:
        with self._accounting() as counter, closing(self._new_events(counter, write_messages=write_messages)) as news:
            for run, events in news:
                if write_messages:
                    self._writer.write(events, run.note)
                    self._write_state(run)
                else:
                    yield from self._noted_records(run, events)

    def _new_events(self, counter: metrics.Counter, *, write_messages: bool) -> Generator[tuple[LogRun, list[Event]]]:
        """Give the new events, as they are to be written, and the run, which is to be told when they are."""
        run, client = self._begin()
        with self._ending(run, write_messages=write_messages), closing(run.new_events(client.fetch)) as lists:
            for events in lists:
                with _counting(run, counter):
                    yield run, self._fit(events)
        self.missing += [*run.findings.missing, *client.missing]

    @contextlib.contextmanager
    def _accounting(self) -> Iterator[metrics.Counter]:
        """Say what the run came to, whether it is completed or not, when all is written."""
        sent = self._get_api().transport.requests
        sent_before, begun = sent.copy(), time.monotonic()
        complete = False
        with self.get_record_counter() as counter, self.get_sync_timer():
            try:
                yield counter
                complete = True
                self._store_bookmark()
            finally:
                # A copy, as workers of a run that failed may still be at it.
                requests = sent.copy() - sent_before
                for path, count in requests.items():
                    with metrics.http_request_counter(self.name, path) as requests_sent:
                        requests_sent.increment(count)
                Outcome.of(
                    self._run,
                    complete=complete,
                    requests=requests.total(),
                    seconds=time.monotonic() - begun,
                    bookmark=self.stream_state.get("replication_key_value"),
                ).log(self.logger, self.name)

    def _begin(self) -> tuple[LogRun, LogClient]:
        api = self._get_api()
        self._run = None
        bookmark = resume(self.stream_state, Scope.of(api.settings), self.logger)
        self._events_stated = 0
        settings = replace(api.settings, include_archived=api.settings.include_archived and self.has_archive)
        now = api.auth.log_in_for_server_time()
        active = earlier(stamp_of(now), ACTIVE_UNTIL)
        # Of a quiet log V may be old, but the time of the last proof is not.
        if bookmark is not None and not self.has_archive and max(bookmark.value, bookmark.proved) < active:
            self.missing.append(
                f"Some events of {self.name} from {bookmark.value} to {active} may be missing: the last proof of "
                "completeness is too old, and the API lists no events of that time."
            )
        self._selection = Selection.of(self.schema, self.mask, self.logger)
        self._run = LogRun(settings, bookmark, now, self.logger)
        return self._run, LogClient(api, self.resource, self.logger)

    @contextlib.contextmanager
    def _ending(self, run: LogRun, *, write_messages: bool) -> Iterator[None]:
        worth_a_state = True
        try:
            yield
        except BaseException:
            self._get_api().stop()
            # Else a first run that failed would fix where the next begins, whatever start_date is by then.
            worth_a_state = not run.first or run.progress.events > 0
            raise
        finally:
            run.lateness.warn(self.logger)
            if write_messages and worth_a_state:
                self._write_state(run, at_once=True)

    def _fit(self, events: list[Event]) -> list[Event]:
        """Give events as the user wants them written."""
        if self._selection:
            events = self._selection.apply(events)
        return without_null(events) if self._get_api().settings.replace_null_characters else events

    def _noted_records(self, run: LogRun, events: list[Event]) -> Iterator[Record]:
        for event in events:
            messages = self._writer.messages_of(event)
            # Before the record is handed over, as the batch that it fills may be written before the next is asked for.
            run.note([event])
            for message in messages:
                yield message.record

    @override
    def get_batches(
        self, batch_config: BatchConfig, context: Context | None = None
    ) -> Iterator[tuple[BaseBatchFileEncoding, list[str]]]:
        """Write batch files, each with the bookmark that covers it.

        Raises:
            TapError: a file can't be written.
        """
        # Unlike the SDK's, this ends the reading at once where a file can't be written.
        with self._accounting() as counter, closing(self._new_events(counter, write_messages=False)) as news:
            for manifest in batch_files(self, batch_config, news, self._noted_records):
                self._store_bookmark()
                yield batch_config.encoding, manifest

    def _write_state(self, run: LogRun, *, at_once: bool = False) -> None:
        """Write a STATE message; where it is long, only after a fair number of records since the last."""
        since = run.progress.events - self._events_stated
        if at_once or since * _STATE_SHARE >= len(run.bookmark.emitted):
            self._store_bookmark()
            self._events_stated = run.progress.events
            with self._signals.deferred():
                self._tap.state_writer.write_state(self.tap_state)

    def _store_bookmark(self) -> None:
        if self._run is not None:
            scope = Scope.of(self._get_api().settings)
            self.stream_state.update(self._run.bookmark.to_state(scope))

    def prove_access(self) -> None:
        """Prove that the log can be read, and write no message.

        Raises:
            TapError: it can't.
        """
        run, client = self._begin()
        sample = run.probe(client.fetch, archive=True)
        settings = self._get_api().settings
        said = sample.in_words(self.name, settings.filter)
        self.logger.info("The API key works: namespace %s. %s", settings.namespace, said)
        if settings.start_date is None:
            self.logger.info("As start_date is not set, a first run reads no past events.")


@contextlib.contextmanager
def _counting(run: LogRun, counter: metrics.Counter) -> Iterator[None]:
    before = run.progress.events
    try:
        yield
    finally:
        counter.increment(run.progress.events - before)


def _drop_doubled_error(record: logging.LogRecord) -> bool:
    """Drop the SDK's line about an unhandled error: the command line says what it was, and says it once."""
    return not str(record.msg).startswith("An unhandled error occurred while syncing")
