"""What the probe must find at each kind of server, by the question that it concerns."""

from __future__ import annotations

import typing as t

from fake_endor_api import SlowQuery, make_events_at
from fake_endor_api.times import SECOND, to_nanoseconds
from tests.conftest import NOW
from tests.server_variants import VARIANTS, Variant

BOUNDS = "Does filtering by time work?"
SORT = "Does sorting by time work?"
ORDER = "Does asking twice give the same order?"
PAGE_ID = "Does `page_id` get to the next page?"
PAGE_TOKEN = "Does `page_token` get to the next page?"
SIZE = "How many events does a page of size 500 hold?"
EMPTY = "Does a page have events whenever there are some?"
SPAN = "How long a time range may a request cover?"
PACE = "How long does a page of 10, 100 or 500 events take?"
FRACTIONS = "Does a time filter use fractions of a second?"
EDGES = "Is the start of a time range included, and nothing before it?"
COUNT = "Does the API's count match the events it lists?"
WAY = "How does the archive of old events have to be requested?"
ARCHIVE_SORT = "Does sorting work in the archive?"
BORDER = "Do events move to the archive at an age of 29 to 31 days?"
CLOCK = "Does this machine's clock agree with the server's?"
LATE = "How late do events appear in the log, judging by their ids?"
GZIP = "How are responses compressed?"
OBJECTS = "Can every event be delivered?"
FIELDS = "Which fields are sometimes empty?"

PATH = "by a path ending in `/archived`, with the filter `spec.message_kind!='none'`"
_QUICK = "under 0.01 s sorted, under 0.01 s unsorted"
PACED = f"10 events: {_QUICK}; 100 events: {_QUICK}; 500 events: too slow (HTTP 504) sorted, ..."
EXISTS = "(spec.message_kind exists or spec.message_kind not exists)"


class Case(t.NamedTuple):
    """A server, the question that finds it, and the answer; what ends in dots is the beginning of one."""

    variant: Variant
    question: str
    found: str

    def __str__(self) -> str:
        return f"{self.variant}: {self.question}"

    def matches(self, found: str) -> bool:
        """Whether that was found."""
        text = self.found.removesuffix("...")
        return found == text or (text != self.found and found.startswith(text))


FOUND: dict[str, tuple[str, str]] = {
    "pages of at most 100": (SIZE, "100 at most"),
    "pages of at most 100, no next one named": (SIZE, "100 at most"),
    "a page of more than 100 is a 400": (SIZE, "size 500: refused (HTTP 400); size 100 works"),
    "no next page named": (PAGE_ID, "yes, but the pages do not name the next `page_id`"),
    "the last page names a next one": (PAGE_ID, "yes, but the last page names a next one, too"),
    "the same, and few events": (PAGE_ID, "yes, but the last page names a next one, too"),
    "every tenth page is empty": (EMPTY, "no: ..."),
    "every tenth page is empty and names a next one": (EMPTY, "no: ..."),
    "every second page is empty and names a next one": (EMPTY, "no: ..."),
    "`page_id` ignored": (PAGE_ID, "no: the same page comes again"),
    "sort ignored": (SORT, "no: the sort is ignored"),
    "sort is a 400": (SORT, "no: refused (HTTP 400)"),
    "sort is a 501": (SORT, "no: refused (HTTP 501)"),
    "sort always ends in 500": (SORT, "no: failed (HTTP 500)"),
    "sort takes too long, whatever is sorted": (SORT, "no: too slow (HTTP 504)"),
    "sort ends in 500, and a long time in a deadline": (SORT, "no: failed (HTTP 500)"),
    "sort takes too long, and so does a long time": (SORT, "no: too slow (HTTP 504)"),
    "sort within a page only": (SORT, "in part: within each page, but not across pages"),
    "sort within a namespace only": (SORT, "in part: within each page, but not across pages"),
    "fractions of a second honoured": (FRACTIONS, "yes"),
    "times rounded to milliseconds": (EDGES, "no: an event from just before the start comes"),
    "times 3 ms ahead": (EDGES, "no: an event at the very start is left out"),
    "times 3 ms behind": (EDGES, "no: an event from just before the start comes"),
    "times are minutes": (FRACTIONS, "no: times are cut off to minutes"),
    "`>=` is `>`": (EDGES, "no: an event at the very start is left out"),
    "conditions on the time ignored": (BOUNDS, "no: events from outside the range came"),
    "archive by path alone (404)": (WAY, PATH),
    "archive by path, the parameter is a 400": (WAY, PATH),
    "archive by path, the parameter is ignored": (WAY, PATH),
    "archive by parameter alone (404)": (WAY, "by the parameter `archive`, with..."),
    "archive by parameter, the path is a 405": (WAY, "by the parameter `archive`, with..."),
    "archive by parameter, the path is a 501": (WAY, "by the parameter `archive`, with..."),
    "archive by parameter, the path gives nothing": (WAY, "by the parameter `archive`, with..."),
    "archive by parameter, the path gives nothing, and nothing is counted": (
        WAY,
        "by the parameter `archive`, with...",
    ),
    "archive by parameter, the path gives active events": (WAY, "by the parameter `archive`, with..."),
    "no archive at all (404)": (WAY, "no request for it worked"),
    "an archive that may not be read (403)": (WAY, "reading it is not permitted (HTTP 403)"),
    "both ways to the archive ignored": (WAY, "no request for it worked"),
    "both ways to the archive give nothing": (
        WAY,
        f"{PATH}; it is empty, although the log has events of 27 to 31 days",
    ),
    "the archive sorts": (ARCHIVE_SORT, "yes"),
    "`!=` on the kind refused": (WAY, f"by a path ending in `/archived`, with the filter `{EXISTS}`"),
    "`!=` on the kind matches nothing": (WAY, f"by a path ending in `/archived`, with the filter `{EXISTS}`"),
    "`!=` and `exists` on the kind refused": (
        WAY,
        "by a path ending in `/archived`, with the filter `spec.message_kind matches '.*'`",
    ),
    "events move at an age of 45 days": (BORDER, "no: some older events are still in the active log"),
    "events move at an age of 7 days": (BORDER, "no: some younger events are in the archive"),
    "events move at an age of 7 days, none is older": (BORDER, "no: some younger events are in the archive"),
    **{
        f"too long a time: a deadline with {status}": (SPAN, "1 day; 7 days: too slow...")
        for status in (200, 400, 408, 429, 499, 500, 503, 504)
    },
    "too large a page: a deadline with 504": (SIZE, "size 500: too slow (HTTP 504); size 100 works"),
    'too large a page: 429, "response too large"': (SIZE, "size 500: response too large..."),
    'too large a page: 500, "received message larger than max"': (SIZE, "size 500: response too large..."),
    'too long a time: 400, "time range must not exceed 7 days"': (SPAN, "7 days; 28 days: refused (HTTP 400)"),
    "counting is a 400": (COUNT, "there is no count: refused (HTTP 400)"),
    "counting is a 501": (COUNT, "there is no count: refused (HTTP 501)"),
    "counting always takes too long": (COUNT, "there is no count: too slow (HTTP 504)"),
    "counting is a 501, sort ignored": (SORT, "no: the sort is ignored"),
    "counting gives a list": (COUNT, "there is no count: the response is a list"),
    "counts are too low": (COUNT, "no: the count is lower than the number of listed events"),
    "counts end at 500": (COUNT, "no: the count is too low for a large number of events"),
    "counts are too high": (COUNT, "no: the count is higher than the number of listed events"),
}
"""The question and the beginning of its answer, for each variant that concerns one."""

NOT_ASKED = {
    "every field of an answer, null or empty where it is unset": "both forms are read alike",
    "null and empty fields left out": "both forms are read alike",
    "the same, and 100 events": "a page of 100 of 100 events tells no limit",
    "200 with the error of a 503, in the middle": "a fault of a moment",
    "200 with the error of a 503, at once": "a fault of a moment",
    "events are in both databases for two days": "so they are read",
    "`Request-Timeout` refused": "the client asks without it by itself",
    "the log-in answers 201": "any status of success will do",
}
"""The variants that no question is about, and why."""

OWN = (
    Case(Variant("no compression", {"gzip": False}), GZIP, "none: ..."),
    Case(Variant("no Date", {"date_header": False}), CLOCK, "the server sends no `Date` header"),
    Case(Variant("large sorts are slow", {"slow_query": SlowQuery(None, 400, sorted_only=True)}), PACE, PACED),
    Case(Variant("as documented", log="old"), BORDER, "yes"),
    Case(Variant("as documented", log="old"), ARCHIVE_SORT, "no: the sort is ignored"),
)

DOCUMENTED = {
    BOUNDS: "yes",
    SORT: "yes",
    ORDER: "sorted: same order; unsorted: same order (no events with the same time were seen)",
    PAGE_ID: "yes",
    PAGE_TOKEN: "yes",
    SIZE: "500",
    EMPTY: "yes",
    SPAN: "28 days",
    FRACTIONS: "no: fractions are cut off",
    EDGES: "yes",
    COUNT: "yes",
    LATE: "unknown: the ids contain no time",
    OBJECTS: "yes",
}
"""What is found where all is as documented, in a log that is too young for an archive."""


def edge_events() -> list[dict[str, t.Any]]:
    """Give an event of a whole second, and one just before the next."""
    second = to_nanoseconds(NOW) - 7_000 * SECOND
    return make_events_at([second, second + 100 * SECOND - 100_000], seed=7)


def of_variants() -> t.Iterator[Case]:
    for variant in VARIANTS:
        if variant.what in FOUND:
            yield Case(variant, *FOUND[variant.what])
