"""A time of the log that is read to its end, so that what is listed can be counted."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from tap_endorlabs.api.records import Page
    from tap_endorlabs.probe.sample import Sample

_MOST_PAGES = 4
"""So many pages are read on at most, to see where a log ends."""


class Whole(t.NamedTuple):
    """A span that has been read to its end.

    Attributes:
        span: how many seconds it has.
        number: how many objects were listed.
        says_more: whether its last page named a next one.
    """

    span: int
    number: int
    says_more: bool = False


def read_whole(sample: Sample) -> tuple[Whole | None, bool]:
    """Give the longest span that can be read to its end, and whether a page had fewer events than were asked for.

    Args:
        sample: its spans are read on.
    """
    is_cut = False
    most = max(paged.answer.size for paged in sample.spans)
    for span, answer in reversed(sample.spans):
        page = answer.page
        if page is None or page.size >= sample.page_size:
            continue
        if page.size < most and not page.says_more:
            return Whole(span, page.size), is_cut
        whole, number_grew = _read_on(sample, span, page)
        is_cut |= number_grew
        if whole is not None:
            return whole, is_cut
    return None, is_cut


def _read_on(sample: Sample, span: int, page: Page) -> tuple[Whole | None, bool]:
    """Read what follows a page by `page_id`: give the whole, None where it does not end soon, and whether more came."""
    first, number, seen = page, page.size, {event.uuid for event in page.events}
    for _ in range(_MOST_PAGES):
        if page.next_page_id is None:
            return Whole(span, number), page is not first
        query = sample.query(sample.page_size, span, unsorted=True, page_id=page.next_page_id)
        following = sample.ask(query, expects_events=page.says_more)
        if following.page is None:
            break
        new = {event.uuid for event in following.page.events} - seen
        if not new:
            return Whole(span, number, page.says_more), page is not first
        page, seen, number = following.page, seen | new, number + len(new) + len(following.page.rejected)
    return None, page is not first
