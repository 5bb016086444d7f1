"""Reading a time range in order, with several requests at once: a paginator of its own, without HTTP and Singer.

Whatever is asked for next, and by whom it is fetched, stretches leave in the order of time.
"""

from __future__ import annotations

import threading
import typing as t

from tap_endorlabs.api.detours import find_detour
from tap_endorlabs.api.query import hold_to_range
from tap_endorlabs.errors import RateLimitedError, TapError
from tap_endorlabs.reading.limits import Limits
from tap_endorlabs.reading.parts import Parts

if t.TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from tap_endorlabs.api.query import Query
    from tap_endorlabs.api.records import Page
    from tap_endorlabs.reading.archive import Zone
    from tap_endorlabs.reading.gap import Stretch
    from tap_endorlabs.reading.parts import Job

    Fetch = Callable[[Query], Page]


def read_range(fetch: Fetch, zone: Zone, page_size: int, concurrency: int = 1) -> Generator[Stretch]:
    """Read all events of a range.

    Args:
        fetch: answers a query with its page; called by several threads where `concurrency` is more than 1.
        zone: the range, and where its events are.
        page_size: events per request.
        concurrency: requests under way at once.

    Yields:
        stretches in the order of time; together they hold every event once, whatever `concurrency` is.

    Raises:
        Exception: what `fetch` has raised, when all before it has been yielded.
    """
    if zone.start >= zone.stop:
        return
    limits = Limits(page_size)
    parts = Parts(zone, limits, concurrency)
    readers = _Readers(fetch, parts, limits)
    while (head := parts.head) is not None:
        if head.failure is not None:
            raise head.failure
        if concurrency > 1 and readers.has_answer:
            # What fits a page needs no thread.
            yield from readers.stretches(concurrency)
            return
        readers.do(t.cast("Job", parts.take()))
        yield from parts.leave()


class _Readers:
    """Workers that send requests side by side, each in a thread of its own, and share the parts of a range.

    Attributes:
        has_answer: whether a query has been answered.
    """

    def __init__(self, fetch: Fetch, parts: Parts, limits: Limits) -> None:
        self._fetch = fetch
        self._parts = parts
        self._limits = limits
        self._changed = threading.Condition()
        self._stopped = False
        self._refusal: RateLimitedError | None = None
        self.has_answer = False

    def stretches(self, concurrency: int) -> Iterator[Stretch]:
        """Yield the stretches in the order of time; the workers end with it."""
        for number in range(concurrency):
            # As daemons they can't keep a process alive that was told to end while they wait for an answer.
            threading.Thread(target=self._work, name=f"reader-{number}", daemon=True).start()
        try:
            while stretches := self._next():
                yield from stretches
        finally:
            with self._changed:
                self._stopped = True
                self._changed.notify_all()

    def _next(self) -> list[Stretch]:
        """Wait for what comes next in the order of time; nothing at the end of the range."""
        with self._changed:
            while (head := self._parts.head) is not None:
                if stretches := self._parts.leave():
                    self._changed.notify_all()
                    return stretches
                if failure := head.failure or self._refusal:
                    raise failure
                self._changed.wait()
        return []

    def _work(self) -> None:
        while (job := self._take()) is not None:
            self.do(job)

    def _take(self) -> Job | None:
        """Wait for a request to send; None when there will be no more."""
        with self._changed:
            while not self._stopped and self._parts.head is not None:
                if (job := self._parts.take()) is not None:
                    return job
                self._changed.wait()
        return None

    def do(self, job: Job) -> None:
        """Send a request, and take in what comes of it."""
        part, query = job
        try:
            take_in = self._ask(job, query)
            with self._changed:
                take_in()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised where the stretches are taken
            part.failure = error
            if isinstance(error, RateLimitedError):
                # Nobody gets through; else each would wait until its own turn has been refused.
                self._refusal = error
        with self._changed:
            self._changed.notify_all()

    def _ask(self, job: Job, query: Query) -> Callable[[], object]:
        """Fetch a page, or find out how to ask for it instead; give what the parts are to make of that."""
        try:
            page = self._fetch(query)
        except TapError as error:
            detour = find_detour(self._fetch, query, error, is_odd=self._limits.is_odd())
            return lambda: self._parts.refused(job, detour)
        outside = hold_to_range(page.events, query)
        self.has_answer = True
        return lambda: self._parts.answered(job, page, outside)
