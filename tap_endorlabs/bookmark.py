"""The bookmark: up to where the log has been emitted, and what of the rest.

A bookmark is a value V and a set S of uuids: every event before V has been emitted, and of the events at or after V
exactly those in S have been. So no event is lost when many share one instant or some become visible late, and none is
emitted twice.

What could not be read is named by gaps: nothing of them has been emitted.

For a proof by count it also knows how many events have been emitted since the last one.
"""

from __future__ import annotations

import typing as t
from bisect import bisect_left
from dataclasses import dataclass, field
from operator import attrgetter

from tap_endorlabs.errors import StateError
from tap_endorlabs.timestamps import normalize

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tap_endorlabs.records import Event
    from tap_endorlabs.settings import Settings

REPLICATION_KEY = "create_time"

START_ANEW = (
    "Check the file given with --state, or start anew: leave --state out, or with Meltano run `meltano state clear`."
)
"""What to do about a state that can't be used."""

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
    """A range of stamps of which nothing has been emitted, as it could not be read.

    Attributes:
        begin: its first stamp, moved on by what is emitted of it later.
        end: its last stamp, exclusive.
        emitted: which events of its first stamp have been emitted; None in the states of earlier versions, whose gaps
            were incomplete rather than empty, so that they can't be filled.
    """

    begin: str
    end: str
    emitted: list[str] | None = []  # noqa: RUF012 - never changed in place

    def after(self, events: Sequence[Event]) -> Gap:
        """Give what is left when these events have been emitted, in order, with none left out before the last."""
        if not events:
            return self
        begin = events[-1].create_time
        ties = [event.uuid for event in events if event.create_time == begin]
        return Gap(begin, self.end, [*(self.emitted or []), *ties] if begin == self.begin else ties)


@dataclass
class Bookmark:
    """The position in the log, moved on by what has been emitted.

    Attributes:
        value: V, a stamp.
        emitted: S, each uuid with the stamp of its event.
        limit: the stamp that V may not pass in this run, as events may still become visible after it.
        gaps: what could not be read, in order.
        since: the stamp up to which a count has proved the log complete, or where the first run began.
        emitted_since: how many events with since <= create_time < V have been emitted or left out.
    """

    value: str
    emitted: dict[str, str] = field(default_factory=dict)
    limit: str = ""
    gaps: list[Gap] = field(default_factory=list)
    since: str = ""
    emitted_since: int = 0
    _left_out: list[str] = field(default_factory=list, compare=False)

    def __post_init__(self) -> None:
        """Let a bookmark that nothing was proved of begin with its own value."""
        self.since = self.since or self.value

    def note(self, events: Sequence[Event]) -> None:
        """Take note of events that have been emitted: new ones, in order, with none left out before the last."""
        if not events:
            return
        self.pass_to(min(events[-1].create_time, self.limit))
        passed = bisect_left(events, self.value, key=_CREATE_TIME)
        self.emitted_since += max(0, passed - bisect_left(events, self.since, key=_CREATE_TIME))
        self.emitted.update((e.uuid, e.create_time) for e in events[passed:])

    def leave_out(self, stamps: Iterable[str]) -> None:
        """Take note of objects that the API counts but that can't be emitted; each only once in a run."""
        for stamp in stamps:
            if stamp >= self.value:
                self._left_out.append(stamp)
            else:
                self.emitted_since += stamp >= self.since

    def pass_to(self, value: str) -> None:
        """Move V on to a stamp, as nothing before it is still to be emitted; it never moves back."""
        if value <= self.value:
            return
        self.value = value
        kept = {}
        for uuid, stamp in self.emitted.items():
            if stamp >= value:
                kept[uuid] = stamp
            else:
                self.emitted_since += stamp >= self.since
        self.emitted = kept
        left_out, self._left_out = self._left_out, []
        self.leave_out(left_out)

    def proved(self, until: str, emitted: int = 0) -> None:
        """Take note that a count has proved the log complete up to a stamp.

        Args:
            until: the stamp; it may lie after V.
            emitted: how many events with until <= create_time < V have been emitted or left out.
        """
        self.since, self.emitted_since = until, emitted

    def leave_gap(self, begin: str, end: str) -> None:
        """Take note that nothing could be read from one stamp to another."""
        merged: list[Gap] = []
        for gap in sorted([*self.gaps, Gap(begin, end)], key=lambda gap: gap[:2]):
            if merged and gap.begin <= merged[-1].end and None not in (gap.emitted, merged[-1].emitted):
                merged[-1] = merged[-1]._replace(end=max(merged[-1].end, gap.end))
            else:
                merged.append(gap)
        self.gaps = merged

    def to_state(self, scope: Scope) -> dict[str, t.Any]:
        """Give the JSON object that stands for this bookmark in a STATE message.

        Runners merge a new state into an old one, object by object. So every field is always there, and no object has
        data for keys: what is merged is then the new state alone.
        """
        return {
            "replication_key": REPLICATION_KEY,
            "replication_key_value": self.value,
            "emitted": sorted([stamp, uuid] for uuid, stamp in self.emitted.items()),
            "gaps": [{"from": gap.begin, "to": gap.end, "emitted": gap.emitted} for gap in self.gaps],
            "scope": scope._asdict(),
            "proof": {"since": self.since, "emitted": self.emitted_since},
        }


def bookmark_of(state: Mapping[str, t.Any]) -> Bookmark | None:
    """Read a stream's bookmark from its state, None where it has none yet.

    Raises:
        StateError: the state is broken or was written by another tap.
    """
    if not state:
        return None
    key = state.get("replication_key", REPLICATION_KEY)
    if key != REPLICATION_KEY:
        raise StateError(
            f"The state was not written by this tap: its replication_key is {str(key)[:60]!r}, not "
            f"{REPLICATION_KEY!r}. {START_ANEW}"
        )
    value = _stamp("replication_key_value", state.get("replication_key_value"))
    emitted = ((uuid, _stamp("emitted", stamp)) for stamp, uuid in _pairs(state.get("emitted", [])))
    since, count = _proof(state.get("proof"))
    return Bookmark(
        value,
        {uuid: stamp for uuid, stamp in emitted if stamp >= value},
        gaps=_gaps(state.get("gaps", []), value),
        since=since,
        emitted_since=count,
    )


def _pairs(emitted: object) -> list[t.Any]:
    if isinstance(emitted, dict):  # as earlier versions wrote it
        return [(stamp, uuid) for uuid, stamp in emitted.items()]
    if isinstance(emitted, list) and all(
        isinstance(pair, list) and len(pair) == len(("stamp", "uuid")) and isinstance(pair[1], str) for pair in emitted
    ):
        return emitted
    raise _broken("emitted", "a list of times, each with a uuid", emitted)


def _gaps(gaps: object, value: str) -> list[Gap]:
    if not isinstance(gaps, list) or not all(isinstance(gap, dict) for gap in gaps):
        raise _broken("gaps", "a list of objects with from and to", gaps)
    if not all(isinstance(gap.get("emitted"), (list, type(None))) for gap in gaps):
        raise _broken("gaps", "objects with a list of uuids in emitted", gaps)
    found = [
        Gap(_stamp("gaps.from", gap.get("from")), _stamp("gaps.to", gap.get("to")), gap.get("emitted")) for gap in gaps
    ]
    if any(gap.begin > gap.end for gap in found):
        raise _broken("gaps", "objects whose from is not after their to", gaps)
    # What lies behind V is read anyway.
    return [gap._replace(end=min(gap.end, value)) for gap in found if gap.begin < min(gap.end, value)]


def _proof(proof: object) -> tuple[str, int]:
    if proof is None:  # earlier versions wrote none
        return "", 0
    if not isinstance(proof, dict) or type(proof.get("emitted")) is not int or proof["emitted"] < 0:
        raise _broken("proof", "an object with since and emitted, a number", proof)
    return _stamp("proof.since", proof.get("since")), proof["emitted"]


def scope_of(state: Mapping[str, t.Any]) -> Scope | None:
    """Read what a stream's state was made for, None where it does not say.

    Raises:
        StateError: the state is broken.
    """
    scope = state.get("scope")
    if scope is None:
        return None
    match scope:
        case {"namespace": str(namespace), "traverse": bool(traverse), "filter": str() | None as only}:
            return Scope(namespace, traverse, only)
    raise _broken("scope", "an object with namespace, traverse and filter", scope)


def _stamp(name: str, value: object) -> str:
    if isinstance(value, str):
        try:
            return normalize(value)
        except ValueError:
            pass
    raise _broken(name, "a time such as 2024-11-13T15:30:45.123456Z", value)


def _broken(name: str, takes: str, value: object) -> StateError:
    return StateError(f"The state is broken: {name} takes {takes}, not {str(value)[:60]!r}. {START_ANEW}")
