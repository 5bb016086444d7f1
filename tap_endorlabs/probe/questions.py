"""The questions, in the order in which they are answered: those about all answers come last."""

from __future__ import annotations

import typing as t

from tap_endorlabs.errors import several
from tap_endorlabs.probe import archived, contents, counts, dates, orders, paging
from tap_endorlabs.probe.finding import Finding, untold

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tap_endorlabs.probe.sample import Sample


class Question(t.NamedTuple):
    """What is asked.

    Attributes:
        asked: the question.
        expected: the answer that the documentation lets expect, or that is hoped for.
        answer: gives what is found.
    """

    asked: str
    expected: str
    answer: Callable[[Sample], Finding]


def compression(sample: Sample) -> Finding:
    """How answers are compressed."""
    seen = sample.asker.encodings
    found = ", ".join(f"{name}: {several(number, 'response')}" for name, number in sorted(seen.items()))
    if not seen:
        return untold("requests gzip")
    return Finding(found, "requests gzip, and accepts uncompressed responses, too", as_expected=set(seen) == {"gzip"})


QUESTIONS = (
    Question("Does filtering by time work?", "yes", dates.bounds),
    Question("Does sorting by time work?", "yes", orders.sort),
    Question("Does asking twice give the same order?", "yes, except among events with the same time", orders.stability),
    Question("Does `page_id` get to the next page?", "yes", paging.by_page_id),
    Question("Does `page_token` get to the next page?", "yes", paging.by_page_token),
    Question("How many events does a page of size 500 hold?", "500", paging.size),
    Question("How long a time range may a request cover?", "28 days", paging.span),
    Question(
        "How long does a page of 10, 100 or 500 events take?",
        "sorted: within 1 s, or 3 times as long as unsorted",
        paging.pace,
    ),
    Question("Does a time filter use fractions of a second?", "not documented", dates.fractions),
    Question("Is the start of a time range included, and nothing before it?", "yes", dates.edges),
    Question("Does the API's count match the events it lists?", "yes", counts.count),
    Question(
        "How does the archive of old events have to be requested?", "by a path ending in `/archived`", archived.way
    ),
    Question("Does sorting work in the archive?", "not documented", archived.sort),
    Question("Do events move to the archive at an age of 29 to 31 days?", "yes", archived.border),
    Question("Does a page have events whenever there are some?", "yes", paging.empty_pages),
    Question("Does this machine's clock agree with the server's?", "within 2 s", dates.clock),
    Question(
        "How late do events appear in the log, judging by their ids?", "within `lookback_seconds`", dates.lateness
    ),
    Question("How are responses compressed?", "gzip", compression),
    Question("Can every event be delivered?", "yes", contents.objects),
    Question("Which fields are sometimes empty?", "never `tenant_meta.namespace` or `meta.name`", contents.fields),
)
