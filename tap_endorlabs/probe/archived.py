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

_OFF = "not tested: `include_archived` is false"
_SO = "reads it this way; the documentation wants the kind in the filter, next to the time"
_FEWEST = 3
_GAP = "logs which time range is missing, and ends with exit code 3"


def way(sample: Sample) -> Finding:
    """By which path and condition the archive is asked."""
    if sample.archived is None:
        return untold("does not read the archive", _OFF)
    found = sample.asker.way
    if found is None:
        denied = sample.archived.error is not None and sample.archived.error.status == HTTPStatus.FORBIDDEN
        return Finding(
            "reading it is not permitted (HTTP 403)" if denied else "no request for it worked", _GAP, as_expected=False
        )
    address = "a path ending in `/archived`" if found.by_path else "the parameter `archive`"
    words = f"by {address}, with {_condition(found)}"
    if sample.archived.page is None or sample.archived.size:
        return Finding(words, _SO, as_expected=found.by_path)
    if _has_events(sample, ARCHIVED_AFTER, 4 * DAY, archived=False):
        return Finding(f"{words}; it is empty, although the log has events of 27 to 31 days", _GAP, as_expected=False)
    return untold(_SO, f"{words}; it is empty, which is normal when the log began less than 27 days ago")


def _condition(found: ArchiveWay) -> str:
    return f"the filter `{found.condition}`" if found.condition in CONDITIONS and found.condition else "no extra filter"


def sort(sample: Sample) -> Finding:
    """Whether the archive honours a sort."""
    action = "reads the archive unsorted in any case"
    if sample.archived is None:
        return untold(action, _OFF)
    page = sample.archived.page
    if page is None:
        return untold(action, f"unknown: {sample.archived.refusal or 'there is no archive'}")
    if len({event.create_time for event in page.events}) < _FEWEST:
        return untold(action)
    return Finding("yes" if ascends(page.events) else "no: the sort is ignored", action)


def border(sample: Sample) -> Finding:
    """Whether events move to the archive between their 29th and their 31st day."""
    action = "reads events of this age from both the active log and the archive"
    late = _has_events(sample, ARCHIVED_AFTER + sample.longest, sample.longest, archived=False)
    early = sample.asker.way and _has_events(sample, ACTIVE_UNTIL, sample.longest, archived=True)
    if late or early:
        found = "some older events are still in the active log" if late else "some younger events are in the archive"
        return Finding(f"no: {found}", "counts the events in both, and reads each that has some", as_expected=False)
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
