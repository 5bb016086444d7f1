"""Servers that the vendor's pages allow, or that people have met, and what the tap does with each.

`tests/test_server_variants.py` runs them; `python -m tests.server_variants` writes them as a table into
docs/reliability.md.
"""

from __future__ import annotations

import dataclasses
import typing as t
from datetime import timedelta
from pathlib import Path

from fake_endor_api import Fault, SlowQuery
from tests.markers import filled

if t.TYPE_CHECKING:
    from fake_endor_api import FakeEndorApi

DOCUMENT = Path(__file__).parent.parent / "docs" / "reliability.md"

Log = t.Literal["recent", "old", "few", "a hundred"]
"""Events of the last ten days, of the last ninety, or so few that a page holds them."""


@dataclasses.dataclass(frozen=True)
class Variant:
    """A server.

    Attributes:
        what: how it differs from the documented one.
        behaviour: the options of the fake that make it so.
        faults: what happens to single requests, and after how many others.
        code: what the run ends with.
        says: a part of the line that tells why it is not 0; or, with 0, what is said without failing.
        log: which log it has.
        most_requests: how many list requests it may take at most; None: it does not matter.
    """

    what: str
    behaviour: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    faults: tuple[tuple[Fault, int], ...] = ()
    code: int = 0
    says: str = ""
    log: Log = "recent"
    most_requests: int | None = None

    def __str__(self) -> str:
        """Name it for a test's id."""
        return f"{self.what} ({self.log})"

    def arrange(self, api: FakeEndorApi) -> None:
        """Let the fake be so."""
        for name, value in self.behaviour.items():
            setattr(api.behaviour, name, value)
        for fault, after in self.faults:
            api.fail(fault, after=after)


_DAY = timedelta(days=1)
_MILLISECOND = timedelta(milliseconds=1)
_UNAVAILABLE = b'{"code":14,"message":"upstream unavailable","details":[]}'
_LISTS_LESS = "counts 2000 events"
_NO_COUNT = "can't prove that the log is complete"
_NO_ARCHIVE = "Any archived events from"


def _slow(status: int, code: int = 4, **limits: t.Any) -> dict[str, t.Any]:
    return {"slow_query": SlowQuery(status=status, code=code, **limits)}


def _archive(path: object, parameter: object, **more: t.Any) -> dict[str, t.Any]:
    return {"archive_path": path, "archive_parameter": parameter, **more}


PAGES = [
    Variant(
        "every field of an answer, null or empty where it is unset", {"last_response": "full", "empty_result": "full"}
    ),
    Variant("null and empty fields left out", {"compact": True, "last_response": "missing", "empty_result": "bare"}),
    Variant("pages of at most 100", {"max_page_size": 100}),
    Variant("pages of at most 100, no next one named", {"max_page_size": 100, "omit": frozenset({"response"})}),
    Variant("the same, and 100 events", {"max_page_size": 100, "omit": frozenset({"response"})}, log="a hundred"),
    Variant("a page of more than 100 is a 400", {"max_page_size": 100, "refuse_large_pages": True}),
    Variant("no next page named", {"omit": frozenset({"response"})}),
    Variant("the last page names a next one", {"endless_token": True}),
    Variant("the same, and few events", {"endless_token": True}, log="few", most_requests=2),
    Variant("every tenth page is empty", {"empty_every": 10}),
    Variant("every tenth page is empty and names a next one", {"empty_every": 10, "empty_names_next": True}),
    Variant("every second page is empty and names a next one", {"empty_every": 2, "empty_names_next": True}),
    Variant("`page_id` ignored", {"ignore_page_id": True}),
    Variant("200 with the error of a 503, in the middle", faults=((Fault.raw(_UNAVAILABLE), 3),)),
    Variant("200 with the error of a 503, at once", faults=((Fault.raw(_UNAVAILABLE), 0),), log="few"),
]
SORTS = [
    Variant("sort ignored", {"ignore_sort": True}),
    Variant("sort is a 400", {"sort_fails": 400}),
    Variant("sort is a 501", {"sort_fails": 501}),
    Variant("sort always ends in 500", {"sort_fails": 500}),
    Variant("sort takes too long, whatever is sorted", _slow(504, sorted_only=True, max_page_size=0)),
    Variant("sort ends in 500, and a long time in a deadline", {"sort_fails": 500, **_slow(504, max_range=3 * _DAY)}),
    Variant("sort takes too long, and so does a long time", {"sort_fails": 504, **_slow(504, max_range=3 * _DAY)}),
    Variant("sort within a page only", {"sorts_within": "a page"}),
    Variant("sort within a namespace only", {"sorts_within": "a namespace"}),
]
TIMES = [
    Variant("fractions of a second honoured", {"honour_fractions": True}),
    Variant("times rounded to milliseconds", {"date_offset": -_MILLISECOND / 2}),
    Variant("times 3 ms ahead", {"date_offset": 3 * _MILLISECOND}),
    Variant("times 3 ms behind", {"date_offset": -3 * _MILLISECOND}),
    Variant("times are minutes", {"date_unit": timedelta(minutes=1)}),
    Variant("`>=` is `>`", {"strict_bounds": True}),
    Variant(
        "conditions on the time ignored",
        {"ignore_bounds": True},
        code=1,
        says="it ignores the condition on meta.create_time",
    ),
]
ARCHIVES = [
    Variant("archive by path alone (404)", _archive("read", 404), log="old"),
    Variant("archive by path, the parameter is a 400", _archive("read", 400), log="old"),
    Variant("archive by path, the parameter is ignored", _archive("read", "ignored"), log="old"),
    Variant("archive by parameter alone (404)", _archive(404, "read"), log="old"),
    Variant("archive by parameter, the path is a 405", _archive(405, "read"), log="old"),
    Variant("archive by parameter, the path is a 501", _archive(501, "read"), log="old"),
    Variant("archive by parameter, the path gives nothing", _archive("empty", "read"), log="old"),
    Variant(
        "archive by parameter, the path gives nothing, and nothing is counted",
        _archive("empty", "read", count=501),
        says=_NO_COUNT,
        log="old",
    ),
    Variant("archive by parameter, the path gives active events", _archive("ignored", "read"), log="old"),
    Variant("no archive at all (404)", _archive(404, 404), code=3, says=_NO_ARCHIVE, log="old"),
    Variant("an archive that may not be read (403)", {"archive_denied": True}, code=3, says=_NO_ARCHIVE, log="old"),
    Variant("both ways to the archive ignored", _archive("ignored", "ignored"), code=3, says=_NO_ARCHIVE, log="old"),
    Variant("both ways to the archive give nothing", _archive("empty", "empty"), code=3, says=_NO_ARCHIVE, log="old"),
    Variant("the archive sorts", {"archive_ignores_sort": False}, log="old"),
    Variant("`!=` on the kind refused", {"refused_kinds": frozenset({"!="})}, log="old"),
    Variant("`!=` on the kind matches nothing", {"blind_kinds": frozenset({"!="})}, log="old"),
    Variant(
        "`!=` and `exists` on the kind refused",
        {"refused_kinds": frozenset({"!=", "exists"})},
        code=3,
        says="Events without a message_kind can't be read",
        log="old",
    ),
    Variant("events move at an age of 45 days", {"archive_after": 45 * _DAY}, log="old"),
    Variant("events move at an age of 7 days", {"archive_after": 7 * _DAY}, log="old"),
    Variant("events move at an age of 7 days, none is older", {"archive_after": 7 * _DAY}),
    Variant("events are in both databases for two days", {"archive_overlap": 2 * _DAY}, log="old"),
]
SLOW = [
    *(
        Variant(f"too long a time: a deadline with {status}", _slow(status, max_range=2 * _DAY))
        for status in (200, 400, 408, 429, 499, 500, 503, 504)
    ),
    Variant("too large a page: a deadline with 504", _slow(504, max_page_size=120)),
    Variant(
        'too large a page: 429, "response too large"',
        _slow(429, code=8, max_page_size=120, message="response too large"),
    ),
    Variant(
        'too large a page: 500, "received message larger than max"',
        _slow(500, code=13, max_page_size=120, message="grpc: received message larger than max"),
    ),
    Variant(
        'too long a time: 400, "time range must not exceed 7 days"',
        _slow(400, code=3, max_range=7 * _DAY, message="time range must not exceed 7 days"),
    ),
    Variant(
        'too long a time: 400, "time range must not exceed 7 days"',
        _slow(400, code=3, max_range=7 * _DAY, message="time range must not exceed 7 days"),
        log="old",
    ),
    Variant("`Request-Timeout` refused", {"refuses_request_timeout": True}),
]
COUNTS = [
    Variant("counting is a 400", {"count": 400}, says=_NO_COUNT),
    Variant("counting is a 501", {"count": 501}, says=_NO_COUNT),
    Variant("counting always takes too long", {"count": 504}, says=_NO_COUNT),
    Variant(
        "counting is a 501, sort ignored",
        {"count": 501, "ignore_sort": True},
        says=_NO_COUNT,
    ),
    Variant("counting gives a list", {"count": "ignored"}, says=_NO_COUNT),
    Variant("counts are too low", {"count": "low"}),
    Variant("counts end at 500", {"most_counted": 500}),
    Variant("counts are too high", {"count": "high"}, code=1, says="set completeness_check to never"),
]
ACCESS = [
    Variant("the log-in answers 201", {"log_in_status": 201}),
]

VARIANTS = [*PAGES, *SORTS, *TIMES, *ARCHIVES, *SLOW, *COUNTS, *ACCESS]

_LOGS = {"recent": "10 days", "old": "90 days", "few": "few", "a hundred": "few"}


def table() -> str:
    """Give the variants in Markdown."""
    rows = ["| the server | log | exit code | what comes | what is said |", "|---|---|---|---|---|"]
    for one in VARIANTS:
        what = {0: "all", 1: "nothing behind the fault; resumes", 3: "all that can be read"}[one.code]
        rows.append(f"| {one.what} | {_LOGS[one.log]} | {one.code} | {what} | {one.says} |")
    return "\n".join(rows)


def with_table(document: str) -> str:
    """Give a document with the variants between their markers."""
    return filled(document, "server variants", table())


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text()))
