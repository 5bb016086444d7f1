"""Reading a time range in order, with several requests at once: no HTTP and no Singer in here.

The first page tells how dense the events are. If more remains, the rest is cut into pieces, and each worker reads the
earliest that nobody reads yet. Stretches leave in the order of time, whoever read them.
"""

from __future__ import annotations

import threading
import typing as t

from tap_endorlabs.api.records import Page
from tap_endorlabs.errors import TapError
from tap_endorlabs.reading.archive import ACTIVE
from tap_endorlabs.reading.detours import find_detour, is_without_count
from tap_endorlabs.reading.limits import Limits
from tap_endorlabs.reading.pagination import SeekPaginator
from tap_endorlabs.reading.pieces import Piece, Pieces, Stretch

if t.TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from tap_endorlabs.api.query import Query
    from tap_endorlabs.reading.archive import Zone

    Fetch = Callable[[Query], Page]


def read_range(
    fetch: Fetch, zone: Zone, page_size: int, concurrency: int = 1, on_idle: Callable[[], object] = lambda: None
) -> Generator[Stretch]:
    """Read all events of a range.

    Args:
        fetch: answers a query with its page; called by several threads where `concurrency` is more than 1.
        zone: the range, and where its events are.
        page_size: events per request.
        concurrency: requests under way at once.
        on_idle: called once by a worker that finds nothing left to read, while others read what seems to be the end.

    Yields:
        stretches in the order of time; together they hold every event once, whatever `concurrency` is.

    Raises:
        Exception: what `fetch` has raised, when all before it has been yielded.
    """
    start, stop, databases = zone
    if start >= stop:
        return
    # The archive may ignore a sort.
    limits = Limits(page_size, sorts=databases == ACTIVE)
    first = Piece(SeekPaginator(start, stop, limits, databases))
    while not first.finished and (concurrency == 1 or first.paginator.plan.density.rate == 0):
        _read_page(first, fetch, limits, threading.Lock())
        yield from first.leave()
    if not first.finished:
        yield from _Readers(fetch, Pieces(first, limits, concurrency), limits, on_idle).stretches(concurrency)


def _read_page(piece: Piece, fetch: Fetch, limits: Limits, lock: t.ContextManager[t.Any]) -> None:
    """Read a page, or find out how to ask for it instead; all but the requests happens under the lock."""
    query = piece.paginator.current_value
    try:
        page = fetch(query)
    except TapError as error:
        if not is_without_count(query, error):
            learn = find_detour(fetch, query, error, limits)
            with lock:
                learn()
                piece.paginator.renew()
            return
        page = Page([])
    with lock:
        piece.take_in(page)


class _Readers:
    """Workers that read pieces side by side, each in a thread of its own."""

    def __init__(self, fetch: Fetch, pieces: Pieces, limits: Limits, on_idle: Callable[[], object]) -> None:
        self._fetch = fetch
        self._pieces = pieces
        self._limits = limits
        self._on_idle = on_idle
        self._was_idle = False
        self._changed = threading.Condition()
        self._stopped = False

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
            while (head := self._pieces.head) is not None:
                if stretches := head.leave():
                    self._changed.notify_all()
                    return stretches
                if head.failure is not None:
                    raise head.failure
                if head.finished:
                    self._pieces.drop_head()
                    self._changed.notify_all()
                else:
                    self._changed.wait()
        return []

    def _work(self) -> None:
        while (piece := self._take()) is not None:
            try:
                self._read(piece)
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised where the stretches are taken
                piece.failure = error
            with self._changed:
                piece.taken, piece.due = False, 0
                self._changed.notify_all()

    def _take(self) -> Piece | None:
        """Wait for a piece to read; None when there will be no more."""
        with self._changed:
            while not self._stopped and self._pieces.unread:
                if (piece := self._pieces.take()) is not None:
                    return piece
                if not self._was_idle and self._pieces.nears_end:
                    self._was_idle = True
                    self._on_idle()
                self._changed.wait()
        return None

    def _read(self, piece: Piece) -> None:
        while piece.due and not piece.finished and not self._stopped:
            _read_page(piece, self._fetch, self._limits, self._changed)
            with self._changed:
                self._pieces.cut(piece, piece.due - 1)
                self._changed.notify_all()
