"""The database behind the fake: list queries without HTTP."""

from __future__ import annotations

import re
import threading
import typing as t
from dataclasses import replace
from datetime import timedelta
from operator import attrgetter
from random import Random

from fake_endor_api.behaviour import Behaviour
from fake_endor_api.errors import ApiError, invalid_argument
from fake_endor_api.events import DEMO_NAMESPACE
from fake_endor_api.filters import CREATE_TIME, MESSAGE_KIND, TimeRange, compile_filter
from fake_endor_api.index import Entry, Index, cut, cut_shuffled, sort_key, to_json
from fake_endor_api.pages import Page
from fake_endor_api.times import to_nanoseconds, utc_now

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from fake_endor_api.filters import Filter, JsonObject
    from fake_endor_api.queries import ListQuery


class Store:
    """Audit logs of a tenant, in an active database and an archive; safe for threads.

    Args:
        events: The first objects.
        namespaces: Namespaces that exist without any object; those of objects exist anyway.
        clock: Tells the time, which decides what is archived and what is visible yet.
        behaviour: Options of queries.
        seed: Of the order of ties.
    """

    def __init__(
        self,
        events: Iterable[JsonObject] = (),
        *,
        namespaces: Iterable[str] = (DEMO_NAMESPACE,),
        clock: Callable[[], datetime] = utc_now,
        behaviour: Behaviour | None = None,
        seed: int = 0,
    ) -> None:
        self.clock = clock
        self.behaviour = behaviour or Behaviour()
        self._namespaces = set(namespaces)
        self._entries: dict[str, Entry] = {}
        self._indexes: dict[tuple[str, bool], Index] = {}
        self._rng = Random(seed)
        self._pages = 0
        self._lock = threading.RLock()
        self.add(events)

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)

    def add(self, events: Iterable[JsonObject], visible_at: datetime | None = None) -> None:
        """Add objects, which must not be changed afterwards.

        Args:
            events: Objects with uuids that the store doesn't have.
            visible_at: When they come to light; by default at once.

        Raises:
            ValueError: A uuid is there already.
        """
        visible = None if visible_at is None else to_nanoseconds(visible_at)
        with self._lock:
            for event in events:
                entry = Entry.of(event, visible)
                if entry.uuid in self._entries:
                    raise ValueError(f"there is an object with uuid {entry.uuid} already")
                self._entries[entry.uuid] = entry
                self._namespaces.update(_with_ancestors(entry.namespace))
            self._indexes.clear()

    def add_all_of(self, other: Store) -> None:
        """Add the objects of another store, none of which is in this one; quicker than to add them anew."""
        with self._lock:
            self._entries.update(other._entries)
            self._namespaces |= other._namespaces
            self._indexes.clear()

    def add_raw(self, items: Iterable[JsonObject]) -> None:
        """Add objects that need not have a uuid; the store names them by a number."""
        with self._lock:
            for item in items:
                name = f"~{len(self._entries)}"
                entry = Entry.of({**item, "uuid": name}, None)
                self._entries[name] = replace(entry, item=item, json=to_json(item))
            self._indexes.clear()

    def remove(self, uuid: str) -> None:
        """Remove an object, as if it had been deleted.

        Raises:
            KeyError: There is none with this uuid.
        """
        with self._lock:
            del self._entries[uuid]
            self._indexes.clear()

    def objects(self) -> list[JsonObject]:
        """Return all objects, archived and invisible ones too, in the order they were added."""
        with self._lock:
            return [entry.item for entry in self._entries.values()]

    def uuids(self) -> list[str]:
        """Return the uuids of all objects, in the order they were added."""
        with self._lock:
            return list(self._entries)

    def latest_time(self) -> int | None:
        """Return the latest creation time in nanoseconds since 1970, if there is any object."""
        with self._lock:
            return max((entry.time for entry in self._entries.values()), default=None)

    def query(self, query: ListQuery) -> Page:
        """Answer a list query.

        Raises:
            ApiError: 400, the filter is malformed or not fit for the archive; 404, there is no
                such namespace; 504, the query is too slow.
        """
        with self._lock:
            if query.namespace not in self._namespaces:
                raise ApiError(404, f"namespace {query.namespace!r} not found")
            condition = compile_filter(query.filter, self.behaviour)
            is_blind = query.archive and not self._finds_kinds(query, condition)
            size = self._page_size(query)
            self._check_cost(query, condition, size)
            sorted_by = "" if self._ignores_sort(query) else query.sort_path
            rows = iter(()) if is_blind else self._rows(query, condition, sorted_by)
            if query.count and self.behaviour.count != "ignored":
                return Page(count=self._count(sum(1 for _ in rows)))
            return self._page(query, rows, sorted_by, size)

    def _page_size(self, query: ListQuery) -> int:
        size, most = query.page_size or self.behaviour.default_page_size, self.behaviour.max_page_size
        if size > most and self.behaviour.refuse_large_pages:
            raise invalid_argument(f"page_size must not exceed {most}")
        return min(size, most)

    def _ignores_sort(self, query: ListQuery) -> bool:
        if query.sort_path and self.behaviour.sort_fails:
            raise ApiError(self.behaviour.sort_fails, "sorting is not possible")
        in_archive = query.archive and self.behaviour.archive_ignores_sort
        return in_archive or self.behaviour.ignore_sort or self.behaviour.sorts_within == "a page"

    def _count(self, found: int) -> int:
        form = self.behaviour.count
        if isinstance(form, int):
            raise ApiError(form, "counting is not possible")
        count = max(found - 1, 0) if form == "low" else found + (form == "high")
        most = self.behaviour.most_counted
        return count if most is None else min(count, most)

    def _finds_kinds(self, query: ListQuery, condition: Filter) -> bool:
        """Whether the archive makes something of the condition on the kind.

        Raises:
            ApiError: 400, it is refused.
        """
        _check_archive_filter(condition)
        operators = set(_KIND.findall(query.filter))
        if operators & self.behaviour.refused_kinds:
            raise invalid_argument(f"{MESSAGE_KIND} takes == and in only")
        return not operators & self.behaviour.blind_kinds

    def _check_cost(self, query: ListQuery, condition: Filter, size: int) -> None:
        limit = self.behaviour.slow_query
        if limit is None or (limit.sorted_only and not query.sort_path):
            return
        now = to_nanoseconds(self.clock())
        width = min(condition.range.end, now) - condition.range.start
        too_wide = limit.max_range is not None and width > limit.max_range // _MICROSECOND * 1_000
        if too_wide or (limit.max_page_size is not None and size > limit.max_page_size):
            raise ApiError(limit.status, limit.message, code=limit.code)

    def _rows(self, query: ListQuery, condition: Filter, sorted_by: str) -> Iterator[Entry]:
        """Return what the query asks for in its order, without paging."""
        index = self._index(query.namespace, traverse=query.traverse)
        times = condition.range & self._database(archive=query.archive)
        if not sorted_by:
            rows = index.in_uuid_order(times, "" if self.behaviour.ignore_page_id else query.page_id)
        elif sorted_by == CREATE_TIME and self.behaviour.sorts_within == "a namespace":
            rows = iter(sorted(index.in_time_order(times), key=attrgetter("namespace")))
        elif sorted_by == CREATE_TIME:
            rows = iter(index.in_time_order(times, descending=query.descending))
        else:
            key = sort_key(sorted_by)
            rows = iter(sorted(index.in_time_order(times), key=key, reverse=query.descending))
        if index.has_late:
            now = to_nanoseconds(self.clock())
            rows = (row for row in rows if row.visible_at is None or row.visible_at <= now)
        rest = condition.rest
        return rows if rest is None else (row for row in rows if rest(row.item))

    def _page(self, query: ListQuery, rows: Iterator[Entry], sorted_by: str, size: int) -> Page:
        offset, behaviour = query.page_token, self.behaviour
        self._pages += 1
        if behaviour.empty_every and self._pages % behaviour.empty_every == 0:
            named = query.page_id or "0" * 24
            return Page((), offset, named) if behaviour.empty_names_next else Page()
        if sorted_by and behaviour.shuffle_ties and behaviour.sorts_within == "all":
            found, more = cut_shuffled(rows, offset, size, sort_key(sorted_by), self._rng)
        else:
            found, more = cut(rows, offset, size)
        if behaviour.sorts_within == "a page" and query.sort_path == CREATE_TIME:
            found.sort(key=sort_key(CREATE_TIME))
        if behaviour.endless_token:
            last = found[-1].uuid if found else query.page_id or "0" * 24
            return Page(tuple(found), offset + size, last)
        return Page(tuple(found), offset + size, found[-1].uuid) if more else Page(tuple(found))

    def _database(self, *, archive: bool) -> TimeRange:
        """Return the creation times of the objects in the archive, or in the active database."""
        half_zone = self.behaviour.archive_overlap / 2
        boundary = self.clock() - self.behaviour.archive_after
        if archive:
            return TimeRange(end=to_nanoseconds(boundary + half_zone))
        return TimeRange(start=to_nanoseconds(boundary - half_zone))

    def _index(self, namespace: str, *, traverse: bool) -> Index:
        index = self._indexes.get((namespace, traverse))
        if index is None:
            below = namespace + "."
            index = Index(
                entry
                for entry in self._entries.values()
                if entry.namespace in {namespace, SYSTEM} or (traverse and entry.namespace.startswith(below))
            )
            self._indexes[namespace, traverse] = index
        return index


SYSTEM = "system"
"""A namespace whose objects are listed with those of each other."""

_KIND = re.compile(rf"{re.escape(MESSAGE_KIND)}\s*(==|!=|in|exists|matches|contains)")
_MICROSECOND = timedelta(microseconds=1)


def _with_ancestors(namespace: str) -> Iterator[str]:
    names = namespace.split(".")
    for depth in range(1, len(names) + 1):
        yield ".".join(names[:depth])


def _check_archive_filter(condition: Filter) -> None:
    paths = condition.paths
    if CREATE_TIME not in paths:
        return
    if MESSAGE_KIND not in paths[: paths.index(CREATE_TIME)]:
        raise invalid_argument(f"in the archive a filter on {CREATE_TIME} must follow one on {MESSAGE_KIND}")
