"""A log of many made-up events that takes little memory and gives its pages as JSON almost at once.

The events are a few thousand realistic ones over and over, each time with another uuid and other times. What differs
is kept as text, one after the other in one `bytes`: about 60 bytes an event.
"""

from __future__ import annotations

import typing as t
from array import array
from bisect import bisect_left
from random import Random

from fake_endor_api.events import make_events_at
from fake_endor_api.index import to_json
from fake_endor_api.times import SECOND, format_time

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TEMPLATES = 2_000
"""How many different events there are, but for their uuids and times."""

LARGEST_TIE = 800
"""The most events that share one time in the shape `tied`: more than a page holds."""

MACHINE = "5f3a9c07d1"
"""The middle of all uuids, which nothing else has in it; the six digits after it are the event's index."""

_GRAINS = (1, 1, 1, 1_000, 1_000, 1_000, 1_000_000, 1_000_000, SECOND)
_HOUR = 3_600 * SECOND
_FIELDS = {
    "meta": ["parent_kind", "parent_uuid", "tags", "annotations", "references", "index_data", "upsert_time"],
    "spec": ["message_uuid", "payload", "error", "claims", "remote_address"],
}
"""Fields that the API's answers have as null where they are unset."""
_UUID = 24
_STAMP = 54


class Template(t.NamedTuple):
    """An event's JSON around its uuid, its `create_time` and its `update_time`."""

    head: bytes
    before_created: bytes
    before_updated: bytes
    tail: bytes


class EventLog:
    """Events in the order of their times, which is that of their uuids, too.

    Args:
        times: when they happened, ascending, in nanoseconds since 1970.
        json_size: the least number of bytes that an event has; shorter ones are padded in their payload.
    """

    def __init__(self, times: array[int], json_size: int = 0) -> None:
        self._times = times
        self._templates = list(_templates(min(TEMPLATES, len(times)), json_size))
        self._stamps = b"".join(_stamp(index, time) for index, time in enumerate(times))

    def __len__(self) -> int:
        return len(self._times)

    def index_of_time(self, time: int) -> int:
        """Give the index of the first event at or after a time in nanoseconds."""
        return bisect_left(self._times, time)

    def index_of_uuid(self, uuid: str) -> int:
        """Give the index of the event with a uuid.

        Raises:
            ValueError: there is none.
        """
        index = int(uuid[18:], 16)
        if self.uuid(index) != uuid:
            raise ValueError(f"no event has the uuid {uuid}")
        return index

    def uuid(self, index: int) -> str:
        """Give the uuid of an event; the empty text where there is none."""
        return self._stamps[index * _STAMP : index * _STAMP + _UUID].decode()

    def objects(self, first: int, stop: int) -> bytes:
        """Give the JSON of the events of [first, stop), separated by commas."""
        stamps, templates, count = self._stamps, self._templates, len(self._templates)
        pieces: list[bytes] = []
        for index in range(first, stop):
            at = index * _STAMP
            moment = stamps[at + _UUID : at + _STAMP].rstrip()
            head, before_created, before_updated, tail = templates[index % count]
            pieces += (head, stamps[at : at + _UUID], before_created, moment, before_updated, moment, tail)
        return b"".join(pieces)[:-1]


def _stamp(index: int, time: int) -> bytes:
    # The first eight digits of an ObjectId are its second.
    return f"{time // SECOND:08x}{MACHINE}{index:06x}{format_time(time):30}".encode()


def _templates(count: int, json_size: int) -> Iterator[Template]:
    for event in make_events_at([0] * count):
        for part, names in _FIELDS.items():
            event[part] |= dict.fromkeys(name for name in names if name not in event[part])
        padding = json_size - len(to_json(event))
        if padding > 0:
            payload = event["spec"].get("payload") or {}
            event["spec"]["payload"] = {**payload, "padding": "x" * padding}
        uuid = event["uuid"].encode()
        head, rest = to_json(event).split(uuid, 1)
        before_created, rest = _split(rest, b'"create_time":"')
        before_updated, tail = _split(rest, b'"update_time":"')
        yield Template(head, before_created, before_updated, tail + b",")


def _split(text: bytes, name: bytes) -> tuple[bytes, bytes]:
    """Cut out the time that follows a name."""
    before, after = text.split(name, 1)
    return before + name, after[after.index(b'"') :]


def make_times(shape: str, count: int, start: int, stop: int, seed: int = 0) -> array[int]:
    """Give the times of events in [start, stop), ascending, in nanoseconds, a few of them in whole seconds.

    Args:
        shape: one of `SHAPES`.
        count: how many.
        start: the earliest time.
        stop: the exclusive end.
        seed: another seed gives other times.
    """
    rng = Random(seed)
    times = []
    for time in SHAPES[shape](rng, count, start, stop):
        rounded = time - time % _GRAINS[int(rng.random() * len(_GRAINS))]
        times.append(rounded if rounded >= start else time)
    return array("q", sorted(times))


def _uniform(rng: Random, count: int, start: int, stop: int) -> Iterator[int]:
    return (start + int(rng.random() * (stop - start)) for _ in range(count))


def _bursty(rng: Random, count: int, start: int, stop: int) -> Iterator[int]:
    """Nine of ten events lie in twenty bursts of ten minutes."""
    bursts = [start + int(rng.random() * (stop - start - _HOUR // 6)) for _ in range(20)]
    for time in _uniform(rng, count, start, stop):
        yield time if rng.random() < 0.1 else bursts[time % 20] + int(rng.random() * _HOUR / 6)


def _tied(rng: Random, count: int, start: int, stop: int) -> Iterator[int]:
    """Up to `LARGEST_TIE` events share one time."""
    left = count
    while left:
        size = min(left, rng.randint(1, LARGEST_TIE))
        time = start + int(rng.random() * (stop - start - SECOND))
        yield from [time - time % SECOND + SECOND] * size
        left -= size


def _sparse(rng: Random, count: int, start: int, stop: int) -> Iterator[int]:
    """All events lie in three single hours of the whole time."""
    hours = [start + int(share * (stop - start - _HOUR)) for share in (0.05, 0.6, 0.95)]
    return (hours[int(rng.random() * 3)] + int(rng.random() * _HOUR) for _ in range(count))


SHAPES: dict[str, Callable[[Random, int, int, int], Iterator[int]]] = {
    "uniform": _uniform,
    "bursty": _bursty,
    "tied": _tied,
    "sparse": _sparse,
}
"""How events can be spread over time."""
