"""Stored objects of one namespace, ready to be read in order of time and of uuid."""

from __future__ import annotations

import json
import typing as t
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import groupby, islice
from operator import attrgetter

from fake_endor_api.filters import (
    CREATE_TIME,
    TIME_PATHS,
    JsonObject,
    TimeRange,
    as_time,
    created_at,
    values_at,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from random import Random

# Below this share of all objects, sorting a range costs less than searching all for it.
_NARROW = 1 / 8

_uuid = attrgetter("uuid")
_time = attrgetter("time")


@dataclass(frozen=True)
class Entry:
    """A stored object beside what the store needs to know of it."""

    uuid: str
    namespace: str
    time: int
    """`meta.create_time` in nanoseconds since 1970."""
    visible_at: int | None
    """Before this time, in nanoseconds since 1970, nobody sees the object."""
    item: JsonObject
    json: bytes

    @classmethod
    def of(cls, item: JsonObject, visible_at: int | None) -> Entry:
        """Return the entry of an object."""
        namespace = item["tenant_meta"]["namespace"]
        return cls(item["uuid"], namespace, created_at(item), visible_at, item, to_json(item))


def to_json(item: object) -> bytes:
    """Return compact JSON, as the API writes it."""
    text = json.dumps(item, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode()


class Index:
    """An unchanging set of entries in both orders."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._by_uuid = sorted(entries, key=_uuid)
        # A stable sort: entries of the same time stay in the order of their uuids.
        self._by_time = sorted(self._by_uuid, key=_time)
        self._times = [entry.time for entry in self._by_time]
        self.has_late = any(entry.visible_at is not None for entry in self._by_time)

    def __len__(self) -> int:
        return len(self._by_time)

    def in_time_order(self, times: TimeRange, *, descending: bool = False) -> list[Entry]:
        """Return the entries in a range of time, sorted by time."""
        start = bisect_left(self._times, times.start)
        end = bisect_left(self._times, times.end)
        rows = self._by_time[start : max(start, end)]
        if descending:
            rows.reverse()
        return rows

    def in_uuid_order(self, times: TimeRange, after: str = "") -> Iterator[Entry]:
        """Yield the entries in a range of time, sorted by uuid, from the first after `after`."""
        narrow = self.in_time_order(times)
        if len(narrow) < len(self) * _NARROW:
            narrow.sort(key=_uuid)
            return islice(narrow, bisect_right(narrow, after, key=_uuid), None)
        start = bisect_right(self._by_uuid, after, key=_uuid)
        rows = islice(self._by_uuid, start, None)
        return (entry for entry in rows if times.start <= entry.time < times.end)


def sort_key(path: str) -> Callable[[Entry], t.Any]:
    """Return the function from an entry to its place in the order of a field.

    Missing values come first, then numbers, then strings; times are compared as times.
    """
    if path == CREATE_TIME:
        return _time

    def key(entry: Entry) -> tuple[int, t.Any]:
        value = next(iter(values_at(entry.item, path)), None)
        if path in TIME_PATHS:
            value = as_time(value)
        if value is None:
            return 0, 0
        return (1, value) if isinstance(value, (int, float)) else (2, str(value))

    return key


def cut(rows: Iterator[Entry], offset: int, size: int) -> tuple[list[Entry], bool]:
    """Return `size` rows from an offset on, and whether there are more."""
    taken = list(islice(rows, offset, offset + size + 1))
    return taken[:size], len(taken) > size


def cut_shuffled(
    rows: Iterator[Entry], offset: int, size: int, key: Callable[[Entry], t.Any], rng: Random
) -> tuple[list[Entry], bool]:
    """Do as `cut` with sorted rows whose ties are put in another order at random."""
    taken = list(islice(rows, offset + size + 1))
    more = len(taken) > offset + size
    if offset >= len(taken):
        return [], False
    last = key(taken[-1])
    for row in rows:
        if key(row) != last:
            break
        taken.append(row)
    start = offset
    while start and key(taken[start - 1]) == key(taken[offset]):
        start -= 1
    mixed: list[Entry] = []
    for _, group in groupby(taken[start:], key):
        ties = list(group)
        rng.shuffle(ties)
        mixed += ties
    return mixed[offset - start : offset - start + size], more
