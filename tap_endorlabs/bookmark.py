"""The bookmark: up to where the log has been emitted, and what of the rest.

A bookmark is a value V and a set S of uuids: every event before V has been emitted, and of the events at or after V
exactly those in S have been. So no event is lost when many share one instant or some become visible late, and none is
emitted twice.

Where the archive could not be read, gaps say so: of the events in them, those that were in the archive are missing.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from itertools import takewhile

from tap_endorlabs.errors import StateError
from tap_endorlabs.timestamps import normalize

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_endorlabs.records import Event
    from tap_endorlabs.settings import Settings

REPLICATION_KEY = "create_time"


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
    """A range of stamps in which events of the archive are missing; `end` is exclusive."""

    begin: str
    end: str


@dataclass
class Bookmark:
    """The position in the log, moved on by what has been emitted.

    Attributes:
        value: V, a stamp.
        emitted: S, each uuid with the stamp of its event.
        limit: the stamp that V may not pass in this run, as events may still become visible after it.
        gaps: from which stamp to which the archive could not be read, in order.
    """

    value: str
    emitted: dict[str, str] = field(default_factory=dict)
    limit: str = ""
    gaps: list[Gap] = field(default_factory=list)
    since: str = ""
    emitted_since: int = 0

    def __post_init__(self) -> None:
        self.since = self.since or self.value

    def proved(self, until: str, emitted: int = 0) -> None:
        self.since, self.emitted_since = until, emitted

    def note(self, events: Sequence[Event]) -> None:
        """Take note of events that have been emitted: new ones, in order, with none left out before the last."""
        if not events:
            return
        self.pass_to(min(events[-1].create_time, self.limit))
        self.emitted.update((e.uuid, e.create_time) for e in takewhile(self._is_kept, reversed(events)))

    def pass_to(self, value: str) -> None:
        """Move V on to a stamp, as nothing before it is still to be emitted; it never moves back."""
        if value > self.value:
            self.value = value
            self.emitted = {uuid: stamp for uuid, stamp in self.emitted.items() if stamp >= value}

    def leave_gap(self, begin: str, end: str) -> None:
        """Take note that the archive could not be read from one stamp to another."""
        merged: list[Gap] = []
        for gap in sorted([*self.gaps, Gap(begin, end)]):
            if merged and gap.begin <= merged[-1].end:
                merged[-1] = Gap(merged[-1].begin, max(merged[-1].end, gap.end))
            else:
                merged.append(gap)
        self.gaps = merged

    def _is_kept(self, event: Event) -> bool:
        return event.create_time >= self.value

    def to_state(self, scope: Scope) -> dict[str, t.Any]:
        """Give the JSON object that stands for this bookmark in a STATE message."""
        return {
            "replication_key": REPLICATION_KEY,
            "replication_key_value": self.value,
            "emitted": dict(sorted(self.emitted.items(), key=lambda entry: (entry[1], entry[0]))),
            "scope": scope._asdict(),
            **({"gaps": [{"from": gap.begin, "to": gap.end} for gap in self.gaps]} if self.gaps else {}),
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
            f"The state was not written by this tap: its replication_key is {key!r}, not {REPLICATION_KEY!r}. "
            "Check the file given with --state."
        )
    emitted = state.get("emitted", {})
    if not isinstance(emitted, dict):
        raise _broken("emitted", "an object of uuids with their times", emitted)
    value = _stamp("replication_key_value", state.get("replication_key_value"))
    stamps = {uuid: _stamp("emitted", stamp) for uuid, stamp in emitted.items()}
    gaps = state.get("gaps", [])
    if not isinstance(gaps, list) or not all(isinstance(gap, dict) for gap in gaps):
        raise _broken("gaps", "a list of objects with from and to", gaps)
    return Bookmark(
        value,
        {uuid: stamp for uuid, stamp in stamps.items() if stamp >= value},
        gaps=[Gap(_stamp("gaps.from", gap.get("from")), _stamp("gaps.to", gap.get("to"))) for gap in gaps],
    )


def scope_of(state: Mapping[str, t.Any]) -> Scope | None:
    """Read what a stream's state was made for, None where it does not say.

    Raises:
        StateError: the state is broken.
    """
    scope = state.get("scope")
    if scope is None:
        return None
    try:
        return Scope(**scope)
    except TypeError:
        raise _broken("scope", "an object with namespace, traverse and filter", scope) from None


def _stamp(name: str, value: object) -> str:
    if isinstance(value, str):
        try:
            return normalize(value)
        except ValueError:
            pass
    raise _broken(name, "a time such as 2024-11-13T15:30:45.123456Z", value)


def _broken(name: str, takes: str, value: object) -> StateError:
    return StateError(
        f"The state is broken: {name} takes {takes}, not {str(value)[:60]!r}. "
        "Check the file given with --state, or start anew without it."
    )
