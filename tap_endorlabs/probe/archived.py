"""How the archive is read, and which events are in it."""

from __future__ import annotations

import typing as t
from http import HTTPStatus

from tap_endorlabs.api.archive_way import CONDITIONS
from tap_endorlabs.api.query import SMALLEST_PAGE, Query
from tap_endorlabs.probe.finding import Finding, untold
from tap_endorlabs.probe.sample import ascends
from tap_endorlabs.proof.ages import ACTIVE_UNTIL, ARCHIVED_AFTER
from tap_endorlabs.timestamps import DAY

if t.TYPE_CHECKING:
    from tap_endorlabs.api.archive_way import ArchiveWay
    from tap_endorlabs.probe.sample import Sample

_OFF = "not asked: `include_archived` is false"
_FEWEST = 3
_GAP = "says what is missing, and ends with exit code 3"


def way(sample: Sample) -> Finding:
    """By which path and condition the archive is asked."""
    if sample.archived is None:
        return untold("does not read it", _OFF)
    found = sample.asker.way
    if found is None:
        denied = sample.archived.error is not None and sample.archived.error.status == HTTPStatus.FORBIDDEN
        return Finding("it may not be read (HTTP 403)" if denied else "no way was found", _GAP, as_expected=False)
    words = f"by {'the path' if found.by_path else 'the parameter'}, with {_condition(found)}"
    if sample.archived.page is None or sample.archived.size:
        return Finding(words, "asks so", as_expected=found.by_path)
    if _has_events(sample, ARCHIVED_AFTER, 4 * DAY, archived=False):
        return Finding(f"{words}; it has nothing, though the log is old enough", _GAP, as_expected=False)
    return untold("asks so", f"{words}; it has nothing, as is right for a young log")


def _condition(found: ArchiveWay) -> str:
    return f"`{found.condition}`" if found.condition in CONDITIONS and found.condition else "no condition on the kind"


def sort(sample: Sample) -> Finding:
    """Whether the archive honours a sort."""
    action = "reads it unsorted, in any case"
    if sample.archived is None:
        return untold(action, _OFF)
    page = sample.archived.page
    if page is None:
        return untold(action, f"can't be told: {sample.archived.refusal or 'there is none'}")
    if len({event.create_time for event in page.events}) < _FEWEST:
        return untold(action)
    return Finding("yes" if ascends(page.events) else "no: it is ignored", action)


def border(sample: Sample) -> Finding:
    """Whether events move to the archive between their 29th and their 31st day."""
    action = "reads events of 29 to 31 days from both"
    late = _has_events(sample, ARCHIVED_AFTER + sample.longest, sample.longest, archived=False)
    early = sample.asker.way and _has_events(sample, ACTIVE_UNTIL, sample.longest, archived=True)
    if late or early:
        found = "older ones are active" if late else "younger ones are archived"
        return Finding(f"no: {found}", "counts both, and reads both where either has some", as_expected=False)
    if late is None or not (sample.archived and sample.archived.size):
        return untold(action)
    return Finding("yes", action)


def _has_events(sample: Sample, age: int, seconds: int, *, archived: bool) -> bool | None:
    """Whether a database has events that are not older than an age and were made within so many seconds from there on.

    None where that can't be told.
    """
    start = sample.now - age
    query = Query(start, start + seconds, SMALLEST_PAGE, unsorted=True, archived=archived, margin=0)
    counted = sample.asker.ask(query._replace(counted=True)).page
    if counted is not None and counted.count is not None:
        return counted.count > 0
    listed = sample.asker.ask(query).page
    return None if listed is None else listed.size > 0
