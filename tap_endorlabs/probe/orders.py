"""Whether a sort is honoured, and whether an order stays the same."""

from __future__ import annotations

import typing as t
from itertools import pairwise

from tap_endorlabs.probe.finding import Finding, untold
from tap_endorlabs.probe.sample import ascends

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tap_endorlabs.api.records import Event
    from tap_endorlabs.probe.sample import Paged, Sample

_FEWEST_TIMES = 3
"""Fewer times look sorted by chance."""

_SORTED = "reads sorted pages, several at once"
_UNSORTED = "reads unsorted pages with `page_id`, in smaller time ranges, and sorts in memory"


def sort(sample: Sample) -> Finding:
    """Whether pages come in the order of time when they are asked for so."""
    pages = _pages(sample.by_time)
    refusal = sample.by_time[-1].answer.refusal
    if refusal and not pages:
        return Finding(f"no: {refusal}", _UNSORTED, as_expected=False)
    if max(len({event.create_time for event in page}) for page in [[], *pages]) < _FEWEST_TIMES:
        return untold("decides by the pages it gets")
    if not all(map(ascends, pages)):
        return Finding("no: the sort is ignored", _UNSORTED, as_expected=False)
    following = sample.by_page_token
    known = list(sample.events.values())
    is_complete = all(_is_earliest(page, known) for page in pages)
    if following and following.query.is_sorted and following.answer.page:
        first = following.first.events
        # Events of the time at which one page ends and the next begins may change places.
        others = [event for event in known if event.create_time != first[-1].create_time]
        is_complete &= _is_earliest([*first, *following.answer.page.events], others)
    if not is_complete:
        return Finding("in part: within each page, but not across pages", _UNSORTED, as_expected=False)
    if refusal:
        return Finding(
            f"yes, but not in a page of {sample.by_time[-1].asked} events: {refusal}", _UNSORTED, as_expected=False
        )
    return Finding("yes", _SORTED)


def stability(sample: Sample) -> Finding:
    """Whether the same comes in the same order again."""
    pages = _pages(sample.by_time)
    in_time, in_id = _likeness(pages), _likeness(_pages(sample.by_id))
    if in_time is None and in_id is None:
        return untold("needs the same order only for `page_id`")
    words = {None: "unknown", "same": "same order", "ties": "only events with the same time change places"}
    found = "; ".join(
        f"{name}: {words.get(likeness, 'different order')}"
        for name, likeness in (("sorted", in_time), ("unsorted", in_id))
    )
    if in_time == "same" and not _has_ties(pages):
        found += " (no events with the same time were seen)"
    if in_id in {"ties", "other"}:
        return Finding(found, "ends with exit code 1 if the API counts more events than it lists", as_expected=False)
    action = "nothing special: events with the same time may come in any order" if in_time != "other" else _UNSORTED
    return Finding(found, action, as_expected=in_time in {"same", "ties"} if in_time else None)


def _pages(paged: Iterable[Paged]) -> list[list[Event]]:
    return [one.answer.page.events for one in paged if one.answer.page and one.answer.page.events]


def _is_earliest(page: list[Event], known: Iterable[Event]) -> bool:
    """Whether a page is in order and has all known events that are earlier than its last one."""
    here = {event.uuid for event in page}
    last = page[-1].create_time
    return ascends(page) and all(event.uuid in here for event in known if event.create_time < last)


def _likeness(pages: Sequence[list[Event]]) -> str | None:
    """Say how alike pages are as far as they go: `same`, `ties` or `other`; None where there is nothing to compare."""
    found = None
    for one, other in pairwise(pages):
        length = min(len(one), len(other))
        if length > 1 and found != "other":
            found = max(found or "", _kind(one[:length], other[:length]), key=("", "same", "ties", "other").index)
    return found


def _kind(one: list[Event], other: list[Event]) -> str:
    if [event.uuid for event in one] == [event.uuid for event in other]:
        return "same"
    times = [event.create_time for event in one], [event.create_time for event in other]
    # At the end of a page a tie may bring another event in.
    return "ties" if times[0] == times[1] else "other"


def _has_ties(pages: Sequence[list[Event]]) -> bool:
    return any(one.create_time == other.create_time for page in pages for one, other in pairwise(page))
