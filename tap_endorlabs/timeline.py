"""Reading a time range in order, from any source of pages: no HTTP and no Singer in here."""

from __future__ import annotations

import typing as t

from tap_endorlabs.errors import TooSlowError
from tap_endorlabs.pagination import Position, SeekPaginator

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_endorlabs.records import Event, Page, Reject


class Stretch(t.NamedTuple):
    """A part of the range that has been read completely.

    Attributes:
        events: all events since the stretch before, in order.
        reached: the second up to which the range has been read.
        rejected: objects met on the way that can't be events; the same may come again.
    """

    events: list[Event]
    reached: int
    rejected: list[Reject]


def read_range(fetch: Callable[[Position], Page], start: int, stop: int, page_size: int) -> Iterator[Stretch]:
    """Read all events of [start, stop), in whole seconds, one page after the other.

    Args:
        fetch: answers a position with its page.
        start: first second, inclusive.
        stop: last second, exclusive.
        page_size: events per request.

    Yields:
        stretches in the order of time; together they hold every event once.
    """
    if start >= stop:
        return
    paginator = SeekPaginator(start, stop, page_size)
    while not paginator.finished:
        position = paginator.current_value
        try:
            page = fetch(position)
        except TooSlowError:
            if not position.divisible:
                raise
            paginator.ask_for_less()
            continue
        paginator.advance(page)  # type: ignore[arg-type] # a decoded page, see SeekPaginator.get_next
        yield Stretch(paginator.settled, paginator.reached, page.rejected)
