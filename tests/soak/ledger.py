"""What a target has kept of a chain of runs, held against the log and against what a bookmark promises."""

from __future__ import annotations

import json
import typing as t

from tap_endorlabs.timestamps import normalize

if t.TYPE_CHECKING:
    from collections.abc import Iterable


class Ledger:
    """A target that keeps records up to a STATE when it reads that STATE, and notes what is wrong with them.

    Args:
        objects: all that the API has or will have.
        start: the stamp of `start_date`.

    Attributes:
        state: the last STATE.
        repeated: how many records were there already.
        complaints: all that was wrong, a line for each.
    """

    def __init__(self, objects: Iterable[dict[str, t.Any]], start: str) -> None:
        stamped = [(normalize(item["meta"]["create_time"]), item) for item in objects]
        self._stamps = {item["uuid"]: stamp for stamp, item in stamped if stamp >= start}
        self._records = {item["uuid"]: {**item, "create_time": stamp} for stamp, item in stamped}
        self._kept: set[str] = set()
        self._value = start
        self._gaps: list[tuple[str, str]] = []
        self._begin()
        self.state: dict[str, t.Any] | None = None
        self.repeated = 0
        self.complaints: list[str] = []

    def _begin(self) -> None:
        self._emitted = set(self._kept)
        self._last = ""

    def end_run(self, *, killed: bool) -> None:
        """Throw away what came after the last STATE; only a run that was killed may leave any."""
        unkept = len(self._emitted) - len(self._kept)
        if unkept and not killed:
            self.complaints.append(f"the run ended without a STATE for its last {unkept} records")
        self._begin()

    def take(self, message: dict[str, t.Any], limit: str) -> None:
        """Take a message.

        Args:
            message: as the tap wrote it.
            limit: the stamp that a bookmark written now can't reach beyond.
        """
        if message["type"] == "RECORD":
            self._take_record(message["record"])
        elif message["type"] == "STATE":
            self._check_bookmark(message["value"]["bookmarks"]["audit_logs"], limit)
            self.state = message["value"]
            self._kept = set(self._emitted)

    def _take_record(self, record: dict[str, t.Any]) -> None:
        uuid = record["uuid"]
        if uuid in self._emitted:
            self.repeated += 1
            self.complaints.append(f"{uuid} came twice")
        if uuid not in self._stamps or record != self._records[uuid]:
            self.complaints.append(f"{uuid} is not what the API has: {json.dumps(record)[:200]}")
            return
        if record["create_time"] < self._last:
            self.complaints.append(f"{uuid} of {record['create_time']} came after {self._last}")
        self._last = record["create_time"]
        self._emitted.add(uuid)

    def _check_bookmark(self, bookmark: dict[str, t.Any], limit: str) -> None:
        value = bookmark["replication_key_value"]
        self._gaps = [(gap["from"], gap["to"]) for gap in bookmark.get("gaps", ())]
        passed = [uuid for uuid, stamp in self._stamps.items() if stamp < value and uuid not in self._emitted]
        if missing := [uuid for uuid in passed if not self._is_in_gap(uuid)]:
            self.complaints.append(f"the bookmark {value} passed {len(missing)} events, such as {missing[0]}")
        rest = sorted([self._stamps[uuid], uuid] for uuid in self._emitted if self._stamps[uuid] >= value)
        if bookmark["emitted"] != rest:
            self.complaints.append(f"the bookmark {value} names {len(bookmark['emitted'])} events, not {len(rest)}")
        last = max([self._stamps[uuid] for uuid in self._emitted] + [end for _, end in self._gaps], default="")
        if value < self._value:
            self.complaints.append(f"the bookmark moved back from {self._value} to {value}")
        if value > max(self._value, min(limit, last)):
            self.complaints.append(f"the bookmark {value} is beyond {limit} or the last event, {last}")
        self._value = value

    def _is_in_gap(self, uuid: str) -> bool:
        return any(begin <= self._stamps[uuid] < end for begin, end in self._gaps)

    @property
    def has_gaps(self) -> bool:
        """Whether the last STATE says that something could not be read."""
        return bool(self._gaps)

    @property
    def lost(self) -> set[str]:
        """What has not been kept yet, and no gap in the last STATE tells of."""
        return {uuid for uuid in self._stamps.keys() - self._kept if not self._is_in_gap(uuid)}
