"""What a round's server does otherwise than the fake does by default, and what a tap may make of that."""

from __future__ import annotations

import datetime as dt
import typing as t

from fake_endor_api import SlowQuery

_DAY = dt.timedelta(days=1)
_MILLISECOND = dt.timedelta(milliseconds=1)


class Quirk(t.NamedTuple):
    """A variant of the server.

    Attributes:
        behaviour: how it differs.
        is_honest: whether its pages can be believed, so that nothing has to be proved.
        may_be_told: whether a run may end with 1, or with 3 and a gap in its state, as what is there can't be read.
        skips: whether a run may come to nothing that the next one finds.
    """

    behaviour: dict[str, t.Any] = {}  # noqa: RUF012 - never changed
    is_honest: bool = True
    may_be_told: bool = False
    skips: bool = False


def quirks(age: dt.timedelta) -> list[Quirk]:
    """Give all variants, for a log that is so old."""
    return [*_pages(), *_sorts(), *_dates(), *_archives(), *_counts(), *_slow(age)]


def _pages() -> list[Quirk]:
    clamped, no_next = {"max_page_size": 100}, {"omit": frozenset({"response"})}
    return [
        Quirk({"compact": True}),
        Quirk({"endless_token": True}),
        Quirk(no_next),
        Quirk(clamped),
        Quirk({**clamped, "refuse_large_pages": True}),
        Quirk(clamped | no_next, is_honest=False, may_be_told=True),
        Quirk({"empty_every": 10}, is_honest=False, may_be_told=True, skips=True),
        Quirk({"empty_every": 10, "empty_names_next": True}),
        Quirk({"ignore_page_id": True}, is_honest=False, may_be_told=True),
    ]


def _sorts() -> list[Quirk]:
    return [
        Quirk({"ignore_sort": True}),
        Quirk({"shuffle_ties": False}),
        Quirk({"sorts_within": "a page"}, is_honest=False, may_be_told=True),
        Quirk({"sorts_within": "a namespace"}, is_honest=False, may_be_told=True),
        *(Quirk({"sort_fails": status}) for status in (400, 500, 501)),
    ]


def _dates() -> list[Quirk]:
    offsets = (_MILLISECOND / 2, -_MILLISECOND / 2, 3 * _MILLISECOND, -3 * _MILLISECOND)
    return [
        Quirk({"honour_fractions": True}),
        Quirk({"strict_bounds": True}),
        Quirk({"date_unit": dt.timedelta(minutes=1)}, is_honest=False, may_be_told=True),
        # Where seconds are crowded the reading has no margin, so that only a count tells.
        *(
            Quirk({"honour_fractions": whole, "date_offset": off}, is_honest=False)
            for off in offsets
            for whole in (False, True)
        ),
    ]


def _archives() -> list[Quirk]:
    ways = ("archive_path", "archive_parameter")
    return [
        Quirk({"archive_overlap": _DAY}),
        Quirk({"archive_ignores_sort": False}),
        *(Quirk({way: answer}) for way in ways for answer in (400, 404, 405, 501)),
        *(Quirk({way: answer}, is_honest=False, may_be_told=True) for way in ways for answer in ("empty", "ignored")),
        Quirk(dict.fromkeys(ways, 404), may_be_told=True),
        Quirk(dict.fromkeys(ways, "empty"), is_honest=False, may_be_told=True),
        Quirk(dict.fromkeys(ways, "ignored"), is_honest=False, may_be_told=True),
        Quirk({"archive_denied": True}, may_be_told=True),
        *(Quirk({"archive_after": days * _DAY}, is_honest=False, may_be_told=True) for days in (7, 37, 45)),
        *(
            Quirk({name: frozenset({"!="})}, is_honest=name == "refused_kinds")
            for name in ("refused_kinds", "blind_kinds")
        ),
    ]


def _counts() -> list[Quirk]:
    return [Quirk({"count": form}) for form in (400, 501, 504, "low", "ignored")]


def _slow(age: dt.timedelta) -> list[Quirk]:
    forms = (
        (504, 4, "context deadline exceeded"),
        (500, 4, "context deadline exceeded"),
        (400, 4, "context deadline exceeded"),
        (429, 8, "received message larger than max"),
        (400, 3, "time range must not exceed 7 days"),
    )
    return [
        *(Quirk({"slow_query": SlowQuery(age / 6, 200, False, *form)}) for form in forms[:3]),  # noqa: FBT003
        Quirk({"slow_query": SlowQuery(None, 60, False, *forms[3])}),  # noqa: FBT003
        Quirk({"slow_query": SlowQuery(age / 6, None, False, *forms[4])}),  # noqa: FBT003
        *(Quirk({"slow_query": SlowQuery(age / 6, 200, True, *form)}) for form in forms[:2]),  # noqa: FBT003
    ]
