"""Many uuids or hashes in little memory: as bytes, one behind the other."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterator

_OBJECT_ID = 24
"""The hexadecimal digits of most uuids."""

_MANY = 100_000
"""More than so many are looked through in 256 heaps, one after the other."""


def distinct(packed: bytearray, size: int) -> Iterator[bytes]:
    """Give what is packed, each once, in order.

    Args:
        packed: pieces of `size` bytes.
        size: of each.
    """
    if len(packed) <= _MANY * size:
        yield from sorted(set(_unpack(packed, size)))
        return
    heaps = [bytearray() for _ in range(256)]
    for one in _unpack(packed, size):
        heaps[one[0]] += one
    while heaps:
        yield from sorted(set(_unpack(heaps.pop(0), size)))


def _unpack(packed: bytearray, size: int) -> Iterator[bytes]:
    return (bytes(packed[at : at + size]) for at in range(0, len(packed), size))


class Uuids:
    """Uuids, as often as they were added."""

    def __init__(self) -> None:
        # Back to front, as they begin with a time, so that many have their first bytes in common.
        self._packed = bytearray()
        self._others: list[str] = []

    def __len__(self) -> int:
        """How many were added."""
        return len(self._packed) * 2 // _OBJECT_ID + len(self._others)

    def add(self, uuid: str) -> None:
        """Add one."""
        if len(uuid) == _OBJECT_ID:
            try:
                packed = bytes.fromhex(uuid)
            except ValueError:
                pass
            else:
                if packed.hex() == uuid:
                    self._packed += packed[::-1]
                    return
        self._others.append(uuid)

    def __iter__(self) -> Iterator[str]:
        """Give each as often as it was added."""
        yield from (packed[::-1].hex() for packed in _unpack(self._packed, _OBJECT_ID // 2))
        yield from self._others

    def distinct(self) -> Iterator[str]:
        """Give each once."""
        for packed in distinct(self._packed, _OBJECT_ID // 2):
            yield packed[::-1].hex()
        yield from set(self._others)
