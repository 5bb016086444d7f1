"""Reading a time range in order, with several requests at once: a paginator of its own, without HTTP and Singer."""

from __future__ import annotations

import threading
import typing as t

from tap_endorlabs.api.detours import find_detour
from tap_endorlabs.api.limits import Limits
from tap_endorlabs.errors import TapError
from tap_endorlabs.reading.parts import Job, Parts

if t.TYPE_CHECKING:
    from collections.abc import Generator

    from tap_endorlabs.api.detours import Fetch
    from tap_endorlabs.reading.archive import Zone
    from tap_endorlabs.reading.gap import Stretch


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
    if zone.start < zone.stop:
        yield from _Readers(fetch, Parts(zone, Limits(page_size), concurrency)).stretches(concurrency)


class _Readers:
    """Workers that send requests side by side, each in a thread of its own, and share the parts of a range."""

    def __init__(self, fetch: Fetch, parts: Parts) -> None:
        self._fetch, self._parts = fetch, parts
        self._changed, self._is_over = threading.Condition(), False

    def stretches(self, concurrency: int) -> Generator[Stretch]:
        """Yield the stretches in the order of time; the workers end with it."""
        is_alone = True  # What fits a page needs no thread.
        try:
            while self._parts.head is not None:
                if is_alone:
                    self._do(t.cast("Job", self._parts.take()))
                with self._changed:
                    while not (stretches := self._parts.leave()) and (head := self._parts.head) is not None:
                        if head.failure:
                            raise head.failure
                        if is_alone:
                            break
                        self._changed.wait()
                    self._changed.notify_all()
                yield from stretches
                if is_alone and concurrency > 1 and self._parts.head is not None:
                    is_alone = False
                    for number in range(concurrency):
                        # As daemons they can't keep a process alive that was told to end while they wait for an answer.
                        threading.Thread(target=self._work, name=f"reader-{number}", daemon=True).start()
        finally:
            with self._changed:
                self._is_over = True
                self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.notify_all()
                job = self._changed.wait_for(lambda: self._is_over or not self._parts.head or self._parts.take())
            if not isinstance(job, tuple):
                return
            self._do(job)

    def _do(self, job: Job) -> None:
        """Send a request, and take in what comes of it."""
        part, query = job
        try:
            try:
                page = self._fetch(query)
            except TapError as error:
                detour = find_detour(self._fetch, query, error, is_odd=self._parts.limits.is_odd(query))
                with self._changed:
                    self._parts.refused(job, detour)
            else:
                with self._changed:
                    self._parts.answered(job, page)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised where the stretches are taken
            part.failure = error
