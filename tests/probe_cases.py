"""What the probe must find at each kind of server, by the question that it concerns."""

from __future__ import annotations

import typing as t

from fake_endor_api import SlowQuery, make_events_at
from fake_endor_api.times import SECOND, to_nanoseconds
from tests.conftest import NOW
from tests.server_variants import VARIANTS, Variant

BOUNDS = "Are conditions on the time met?"
SORT = "Is a sort by time honoured?"
ORDER = "Is the order the same again?"
PAGE_ID = "Does `page_id` lead on?"
PAGE_TOKEN = "Does `page_token` lead on?"
SIZE = "How many events come where 500 are asked for?"
EMPTY = "Is a page empty although there are events?"
SPAN = "For how long a time may be asked?"
PACE = "How long does a page take?"
FRACTIONS = "Are fractions honoured in `date()`?"
EDGES = "Does a time begin at its first instant?"
COUNT = "Does a count agree with the pages?"
WAY = "How is the archive asked?"
ARCHIVE_SORT = "Does the archive sort?"
BORDER = "Do events move at an age of 29 to 31 days?"
CLOCK = "Do the clocks agree?"
LATE = "How late do events come, by their ids?"
GZIP = "How are answers compressed?"
OBJECTS = "Can each object be a record?"
FIELDS = "Which fields are empty?"

PATH = "by the path, with `spec.message_kind!='none'`"
PACED = "10: 0.00 s sorted, 0.00 s unsorted; 100: 0.00 s sorted, 0.00 s unsorted; 500: too slow (HTTP 504) sorted, ..."
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
    "a page of more than 100 is a 400": (SIZE, "500: refused (HTTP 400); 100 are answered"),
    "no next page named": (PAGE_ID, "yes, but no page names the next one"),
    "the last page names a next one": (PAGE_ID, "yes, but the last page names one, too"),
    "the same, and few events": (PAGE_ID, "yes, but the last page names one, too"),
    "every tenth page is empty": (EMPTY, "yes: ..."),
    "every tenth page is empty and names a next one": (EMPTY, "yes: ..."),
    "every second page is empty and names a next one": (EMPTY, "yes: ..."),
    "`page_id` ignored": (PAGE_ID, "no: the same page again"),
    "sort ignored": (SORT, "no: it is ignored"),
    "sort is a 400": (SORT, "no: refused (HTTP 400)"),
    "sort is a 501": (SORT, "no: refused (HTTP 501)"),
    "sort always ends in 500": (SORT, "no: failed (HTTP 500)"),
    "sort takes too long, whatever is sorted": (SORT, "no: too slow (HTTP 504)"),
    "sort ends in 500, and a long time in a deadline": (SORT, "no: failed (HTTP 500)"),
    "sort takes too long, and so does a long time": (SORT, "no: too slow (HTTP 504)"),
    "sort within a page only": (SORT, "in part: within a page, but not of all events"),
    "sort within a namespace only": (SORT, "in part: within a page, but not of all events"),
    "fractions of a second honoured": (FRACTIONS, "yes"),
    "times rounded to milliseconds": (EDGES, "no: an event of a moment before it comes"),
    "times 3 ms ahead": (EDGES, "no: an event of its first instant is left out"),
    "times 3 ms behind": (EDGES, "no: an event of a moment before it comes"),
    "times are minutes": (FRACTIONS, "no: times are cut off to minutes"),
    "`>=` is `>`": (EDGES, "no: an event of its first instant is left out"),
    "conditions on the time ignored": (BOUNDS, "no: events of other times came"),
    "archive by path alone (404)": (WAY, PATH),
    "archive by path, the parameter is a 400": (WAY, PATH),
    "archive by path, the parameter is ignored": (WAY, PATH),
    "archive by parameter alone (404)": (WAY, "by the parameter, with..."),
    "archive by parameter, the path is a 405": (WAY, "by the parameter, with..."),
    "archive by parameter, the path is a 501": (WAY, "by the parameter, with..."),
    "archive by parameter, the path gives nothing": (WAY, "by the parameter, with..."),
    "archive by parameter, the path gives nothing, and nothing is counted": (WAY, "by the parameter, with..."),
    "archive by parameter, the path gives active events": (WAY, "by the parameter, with..."),
    "no archive at all (404)": (WAY, "no way was found"),
    "an archive that may not be read (403)": (WAY, "it may not be read (HTTP 403)"),
    "both ways to the archive ignored": (WAY, "no way was found"),
    "both ways to the archive give nothing": (WAY, f"{PATH}; it has nothing, though the log is old enough"),
    "the archive sorts": (ARCHIVE_SORT, "yes"),
    "`!=` on the kind refused": (WAY, f"by the path, with `{EXISTS}`"),
    "`!=` on the kind matches nothing": (WAY, f"by the path, with `{EXISTS}`"),
    "`!=` and `exists` on the kind refused": (WAY, "by the path, with `spec.message_kind matches '.*'`"),
    "events move at an age of 45 days": (BORDER, "no: older ones are active"),
    "events move at an age of 7 days": (BORDER, "no: younger ones are archived"),
    "events move at an age of 7 days, none is older": (BORDER, "no: younger ones are archived"),
    **{
        f"too long a time: a deadline with {status}": (SPAN, "1 day; 7 days: too slow...")
        for status in (200, 400, 408, 429, 499, 500, 503, 504)
    },
    "too large a page: a deadline with 504": (SIZE, "500: too slow (HTTP 504); 100 are answered"),
    'too large a page: 429, "response too large"': (SIZE, "500: answer too large..."),
    'too large a page: 500, "received message larger than max"': (SIZE, "500: answer too large..."),
    'too long a time: 400, "time range must not exceed 7 days"': (SPAN, "7 days; 28 days: refused (HTTP 400)"),
    "counting is a 400": (COUNT, "there is no count: refused (HTTP 400)"),
    "counting is a 501": (COUNT, "there is no count: refused (HTTP 501)"),
    "counting always takes too long": (COUNT, "there is no count: too slow (HTTP 504)"),
    "counting is a 501, sort ignored": (SORT, "no: it is ignored"),
    "counting gives a list": (COUNT, "there is no count: a list is answered"),
    "counts are too low": (COUNT, "no: fewer are counted than listed"),
    "counts end at 500": (COUNT, "no: of many events too few are counted"),
    "counts are too high": (COUNT, "no: more are counted than listed"),
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
    Case(Variant("no Date", {"date_header": False}), CLOCK, "the server tells no time"),
    Case(Variant("large sorts are slow", {"slow_query": SlowQuery(None, 400, sorted_only=True)}), PACE, PACED),
    Case(Variant("as documented", log="old"), BORDER, "yes"),
    Case(Variant("as documented", log="old"), ARCHIVE_SORT, "no: it is ignored"),
)

DOCUMENTED = {
    BOUNDS: "yes",
    SORT: "yes",
    ORDER: "sorted: the same again; unsorted: the same again (no two events of one time were met)",
    PAGE_ID: "yes",
    PAGE_TOKEN: "yes",
    SIZE: "500",
    EMPTY: "no",
    SPAN: "28 days",
    FRACTIONS: "no: they are cut off",
    EDGES: "yes",
    COUNT: "yes",
    LATE: "unknown: the ids tell no time",
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
