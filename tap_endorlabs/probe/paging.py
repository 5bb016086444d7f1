"""How a page is continued, how large it may be, and how long it takes."""

from __future__ import annotations

import typing as t

from tap_endorlabs.probe.finding import Finding, untold
from tap_endorlabs.probe.sample import LARGEST_PAGE, MIDDLE, SMALL, Paged
from tap_endorlabs.timestamps import DAY, HOUR

if t.TYPE_CHECKING:
    from tap_endorlabs.probe.asking import Answered
    from tap_endorlabs.probe.sample import Continued, Sample

_MUCH_LONGER = 3
"""A sort that takes so many times as long, and a second, is worth a word."""

_SHORTEST = 0.01
"""Seconds; what takes less is only told to be less."""


def by_page_id(sample: Sample) -> Finding:
    """Whether `page_id` leads to the next page."""
    if sample.by_page_id is None:
        return untold("uses it to read unsorted pages")
    found, as_expected = _continuation(sample.by_page_id)
    if as_expected is False:
        return Finding(
            found, "uses `page_token`; ends with exit code 1 if that does not work either", as_expected=False
        )
    if not sample.by_page_id.first.says_more:
        return Finding(
            f"{found}, but the pages do not name the next `page_id`",
            "continues after the last event of the page",
            as_expected=False,
        )
    if sample.whole and sample.whole.says_more:
        return Finding(
            f"{found}, but the last page names a next one, too", "stops when no new events come", as_expected=False
        )
    return Finding(found, "uses it to read unsorted pages", as_expected)


def by_page_token(sample: Sample) -> Finding:
    """Whether an offset leads to the next page."""
    if sample.by_page_token is None:
        return untold("uses it to read several sorted pages at once")
    found, as_expected = _continuation(sample.by_page_token)
    action = "uses it to read several sorted pages at once" if as_expected else "splits the time range instead"
    return Finding(found, action, as_expected)


def _continuation(continued: Continued) -> tuple[str, bool]:
    second = continued.answer
    if second.page is None:
        return f"no: {second.refusal}", False
    before, after = ({event.uuid for event in page.events} for page in (continued.first, second.page))
    if not after:
        return "no: an empty page", False
    if after <= before or before <= after:
        return "no: the same page comes again", False
    return ("in part: some events come again", False) if after & before else ("yes", True)


def size(sample: Sample) -> Finding:
    """How many events come where 500 are asked for."""
    if sample.too_many:
        found = f"size {LARGEST_PAGE}: {sample.too_many.refusal}; size {MIDDLE} works"
        return Finding(found, "requests smaller pages", as_expected=False)
    most = max(paged.answer.size for paged in sample.spans)
    if most >= LARGEST_PAGE:
        return Finding(f"{LARGEST_PAGE}", f"requests pages of {sample.asker.settings.page_size} events (`page_size`)")
    if sample.is_cut:
        return Finding(f"{most} at most", "accepts smaller pages", as_expected=False)
    return untold("accepts smaller pages")


def span(sample: Sample) -> Finding:
    """For how long a time may be asked at once."""
    if sample.too_long:
        found = f"{_as_text(sample.longest)}; {_as_text(sample.too_long.asked)}: {sample.too_long.answer.refusal}"
        return Finding(found, "requests shorter ranges", as_expected=False)
    return Finding(_as_text(sample.longest), "splits a range that turns out too long")


def _as_text(seconds: int) -> str:
    for unit, name in ((DAY, "day"), (HOUR, "hour")):
        if seconds >= unit:
            return f"{seconds // unit} {name}{'s' * (seconds > unit)}"
    return f"{seconds} s"


def pace(sample: Sample) -> Finding:
    """How long a page of 10, 100 and 500 events takes, sorted and unsorted."""
    wait = sample.asker.settings.request_timeout
    following = sample.by_page_id
    by_id = sample.by_id + ([Paged(following.query.page_size, following.answer)] if following else [])
    parts, is_slower = [], False
    for asked in (SMALL, MIDDLE, LARGEST_PAGE):
        taken = [_taken(asked, answers) for answers in (_of(sample.by_time, asked), _of(by_id, asked))]
        if any(taken):
            parts.append(f"{asked} events: {taken[0] or 'not tested'} sorted, {taken[1] or 'not tested'} unsorted")
        seconds = [answer.seconds for pages in (sample.by_time, by_id) for answer in _of(pages, asked)[:1]]
        is_slower |= len(seconds) > 1 and seconds[0] > max(_MUCH_LONGER * seconds[1], 1)
    if not parts:
        return untold("requests less if a response takes too long")
    slow = any(paged.answer.is_slow for paged in sample.by_time + by_id)
    found = "; ".join(parts) + (f" (too slow: more than {wait} s)" if slow else "")
    action = "reads unsorted pages where sorting is too slow" if is_slower or slow else "nothing special"
    return Finding(found, action, as_expected=not (is_slower or slow))


def _of(pages: list[Paged], asked: int) -> list[Answered]:
    return [paged.answer for paged in pages if paged.asked == asked]


def _taken(asked: int, answers: list[Answered]) -> str:
    for answer in answers:
        if answer.page is None:
            return answer.refusal
        if answer.size == asked:
            seconds = f"{answer.seconds:.2f} s" if answer.seconds >= _SHORTEST else f"under {_SHORTEST} s"
            return seconds + (f" in {answer.tries} tries" if answer.tries > 1 else "")
    return ""


def empty_pages(sample: Sample) -> Finding:
    """Whether a page was empty, and not when it was asked for again."""
    if not sample.events:
        return untold("goes on after an empty page that names a next one")
    times = sample.asker.empty_answers
    if times:
        found = f"no: {times} of {sample.asker.sent} requests gave an empty page at first"
        return Finding(found, "goes on after an empty page that names a next one", as_expected=False)
    return Finding("yes", "nothing special")
