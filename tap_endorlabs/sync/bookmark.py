"""The bookmark: up to where the log has been emitted, and what of the rest.

A bookmark is a value V and a set S of uuids: every event before V has been emitted, and of the events at or after V
exactly those in S have been. So no event is lost when many share one instant or some become visible late, and none is
emitted twice.

What could not be read is named by gaps, each with the little that has been emitted of it.

For a proof by count it also knows how many events have been emitted since the last one, and since the one before.
"""

from __future__ import annotations

import typing as t
from bisect import bisect_left
from dataclasses import dataclass, field
from operator import attrgetter

from tap_endorlabs.timestamps import DAY, MINUTE, earlier, minute_after, second_of, stamp_of_second

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tap_endorlabs.api.records import Event, Reject
    from tap_endorlabs.settings import Settings

REPLICATION_KEY = "create_time"

_REACH = 7 * DAY
"""The next proof counts from no more than so many seconds before this run: in the archive it can't count."""

_CREATE_TIME = attrgetter("create_time")


class Scope(t.NamedTuple):
    """What a bookmark was made for: another scope sees other events."""

    namespace: str
    traverse: bool
    filter: str | None

    @classmethod
    def of(cls, settings: Settings) -> Scope:
        """Give the scope of a run with these settings."""
        return cls(settings.namespace, settings.traverse, settings.filter)


class Gap(t.NamedTuple):
    """A range of stamps that could not be read.

    Attributes:
        begin: its first stamp, moved on by what is emitted of it later.
        end: its last stamp, exclusive.
        emitted: what has been emitted of it all the same, each uuid with its stamp; None in the states of earlier
            versions, which don't know it, so that their gaps can't be filled.
    """

    begin: str
    end: str
    emitted: dict[str, str] | None = {}  # noqa: RUF012 - never changed in place

    def lacks(self, one: str | Reject, stamp: str) -> bool:
        """Whether an event, by its uuid, or what is to be left out lies in it and has not been emitted."""
        return self.begin <= stamp < self.end and one not in (self.emitted or {})

    def after(self, events: Sequence[Event]) -> Gap:
        """Give what is left when these events have been emitted, in order, with none left out before the last's minute.

        A server whose times are minutes lists the events of one in any order.
        """
        if not events:
            return self
        begin = max(self.begin, _minute_of(events[-1].create_time))
        known = (self.emitted or {}) | {event.uuid: event.create_time for event in events}
        return Gap(begin, self.end, {uuid: stamp for uuid, stamp in known.items() if stamp >= begin})


@dataclass
class Bookmark:
    """The position in the log, moved on by what has been emitted.

    Attributes:
        value: V, a stamp.
        emitted: S, each uuid with the stamp of its event.
        limit: the stamp that V may not pass in this run, as events may still become visible after it.
        gaps: what could not be read, in order.
        read_to: the stamp up to which the last completed run has read: what it did not find there was late; at first V.
        since: the stamp that the next proof counts from: that of the proof before the last, so that what comes to
            light after a proof is in the next; at first where the first run began, in whole minutes.
        emitted_since: how many events with since <= create_time < V have been emitted or left out.
        proved: the stamp up to which a count last proved the log complete.
        emitted_since_proved: likewise.
    """

    value: str
    emitted: dict[str, str] = field(default_factory=dict)
    limit: str = ""
    gaps: list[Gap] = field(default_factory=list)
    read_to: str = ""
    since: str = ""
    emitted_since: int = 0
    proved: str = ""
    emitted_since_proved: int = 0
    _left_out: list[str] = field(default_factory=list, compare=False)
    _whole: str = field(default="~", compare=False)
    _reach: str = field(default="", compare=False)
    _emitted_since_reach: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        """Let a bookmark that nothing was proved of begin with its own value."""
        self.read_to = self.read_to or self.value
        if not self.since:
            self.forget_proofs()

    def begin(self, now: str, lookback: int) -> None:
        """Take note that a run begins.

        Args:
            now: the server's time.
            lookback: the setting `lookback_seconds`.
        """
        # No further than a count can prove.
        self.limit = _minute_of(earlier(now, lookback))
        # The server's clock may have gone back.
        if self.read_to > now:
            self.read_to = self.value
        if self.proved > now:
            self.forget_proofs()
        if self.proved < (reach := _minute_of(earlier(now, _REACH))):
            self._reach = max(reach, stamp_of_second(minute_after(self.value)))
            self._emitted_since_reach = 0

    def forget_proofs(self) -> None:
        """Let the next proof count from V, or rather the next minute, as a server's times may have no more."""
        self.since = self.proved = stamp_of_second(minute_after(self.value))
        self.emitted_since = self.emitted_since_proved = 0

    def stop_before(self, second: int) -> None:
        """Let V not pass into the minute of a second up to which the log has been read.

        A server whose times are minutes lists the events of one in any order.
        """
        self._whole = stamp_of_second(second // MINUTE * MINUTE)

    def count(self, stamps: Iterable[str]) -> None:
        """Take note of emitted events that lie before V, for the proofs."""
        for stamp in stamps:
            self.emitted_since += stamp >= self.since
            self.emitted_since_proved += stamp >= self.proved
            self._emitted_since_reach += stamp >= self._reach

    def note(self, events: Sequence[Event]) -> None:
        """Take note of events that have been emitted: new ones, in order, with none left out before the last."""
        if not events:
            return
        self.pass_to(min(events[-1].create_time, self.limit, self._whole))
        passed = bisect_left(events, self.value, key=_CREATE_TIME)
        self.emitted_since += max(0, passed - bisect_left(events, self.since, key=_CREATE_TIME))
        self.emitted_since_proved += max(0, passed - bisect_left(events, self.proved, key=_CREATE_TIME))
        self._emitted_since_reach += max(0, passed - bisect_left(events, self._reach, key=_CREATE_TIME))
        self.emitted.update((e.uuid, e.create_time) for e in events[passed:])

    def leave_out(self, stamps: Iterable[str]) -> None:
        """Take note of objects that the API counts but that can't be emitted; each only once in a run."""
        known = list(stamps)
        self._left_out += [stamp for stamp in known if stamp >= self.value]
        self.count(stamp for stamp in known if stamp < self.value)

    def pass_to(self, value: str) -> None:
        """Move V on to a stamp, as nothing before it is still to be emitted; it never moves back."""
        if value <= self.value:
            return
        self.value = value
        self.count(stamp for stamp in self.emitted.values() if stamp < value)
        self.emitted = {uuid: stamp for uuid, stamp in self.emitted.items() if stamp >= value}
        left_out, self._left_out = self._left_out, []
        self.leave_out(left_out)

    def can_prove(self, until: str) -> bool:
        """Whether a count up to a stamp proves more than the last did, and V is no later, as it may be."""
        return self.proved < until >= self.value

    def prove(self, until: str, emitted: int = 0) -> None:
        """Take note that a count has proved the log complete up to a stamp.

        Args:
            until: the stamp; it may lie after V.
            emitted: how many events with until <= create_time < V have been emitted or left out.
        """
        self.since, self.emitted_since = max(
            (self.proved, self.emitted_since_proved), (self._reach, self._emitted_since_reach)
        )
        self.proved, self.emitted_since_proved = until, emitted

    def leave_gap(self, begin: str, end: str) -> bool:
        """Pass what can't be read from one stamp to another; give whether anything of it was still to be emitted."""
        begin = max(begin, self.value)
        if begin >= end:
            return False
        known = {uuid: stamp for uuid, stamp in self.emitted.items() if begin <= stamp < end}
        merged: list[Gap] = []
        for gap in sorted([*self.gaps, Gap(begin, end, known)], key=lambda gap: gap[:2]):
            last = merged[-1] if merged else None
            if last and gap.begin <= last.end and gap.emitted is not None and last.emitted is not None:
                merged[-1] = Gap(last.begin, max(last.end, gap.end), last.emitted | gap.emitted)
            else:
                merged.append(gap)
        self.gaps = merged
        self.pass_to(end)
        return True

    def to_state(self, scope: Scope) -> dict[str, t.Any]:
        """Give the JSON object that stands for this bookmark in a STATE message.

        Runners merge a new state into an old one, object by object. So every field is always there, and no object has
        data for keys: what is merged is then the new state alone.
        """
        return {
            "replication_key": REPLICATION_KEY,
            "replication_key_value": self.value,
            "emitted": _listed(self.emitted),
            "gaps": [{"from": gap.begin, "to": gap.end, "emitted": _listed(gap.emitted)} for gap in self.gaps],
            "read_to": self.read_to,
            "scope": scope._asdict(),
            "proofs": [[self.since, self.emitted_since], [self.proved, self.emitted_since_proved]],
        }


def _minute_of(stamp: str) -> str:
    return stamp_of_second(second_of(stamp) // MINUTE * MINUTE)


def _listed(emitted: dict[str, str] | None) -> list[list[str]] | None:
    return None if emitted is None else sorted([stamp, uuid] for uuid, stamp in emitted.items())
