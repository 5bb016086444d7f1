"""Doing many things side by side, with their results in order."""

from __future__ import annotations

import threading
import typing as t
from collections import deque

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_Item = t.TypeVar("_Item")
_Result = t.TypeVar("_Result")


class _Slot(t.Generic[_Result]):
    """Where a result comes."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.result: _Result | None = None
        self.failure: BaseException | None = None


def in_order(work: Callable[[_Item], _Result], items: Iterable[_Item], number: int) -> Iterator[tuple[_Item, _Result]]:
    """Do work on items, so many at once, and give each with its result, in their order.

    Raises:
        Exception: what the work on an item has raised, when all before it has been given.
    """
    jobs = [(item, _Slot[_Result]()) for item in items]
    waiting = deque(jobs)

    def run() -> None:
        while True:
            try:
                item, slot = waiting.popleft()
            except IndexError:
                return
            try:
                slot.result = work(item)
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised where the result is taken
                slot.failure = error
                waiting.clear()
            slot.done.set()

    # As daemons they can't keep a process alive that was told to end while they wait for an answer.
    threads = [threading.Thread(target=run, name=f"counter-{n}", daemon=True) for n in range(min(number, len(jobs)))]
    for thread in threads:
        thread.start()
    try:
        for item, slot in jobs:
            slot.done.wait()
            if slot.failure is not None:
                raise slot.failure
            yield item, t.cast("_Result", slot.result)
    finally:
        waiting.clear()
