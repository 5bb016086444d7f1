"""The questions, in the order in which they are answered: those about all answers come last."""

from __future__ import annotations

import typing as t

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
    found = ", ".join(f"{name}: {number} answers" for name, number in sorted(seen.items()))
    if not seen:
        return untold("asks for gzip")
    return Finding(found, "asks for gzip, and takes what is not compressed, too", as_expected=set(seen) == {"gzip"})


QUESTIONS = (
    Question("Are conditions on the time met?", "yes", dates.bounds),
    Question("Is a sort by time honoured?", "yes", orders.sort),
    Question("Is the order the same again?", "yes, but for events of one time", orders.stability),
    Question("Does `page_id` lead on?", "yes", paging.by_page_id),
    Question("Does `page_token` lead on?", "yes", paging.by_page_token),
    Question("How many events come where 500 are asked for?", "500", paging.size),
    Question("For how long a time may be asked?", "28 days", paging.span),
    Question("How long does a page take?", "sorted no longer than unsorted", paging.pace),
    Question("Are fractions honoured in `date()`?", "not documented", dates.fractions),
    Question("Does a time begin at its first instant?", "yes", dates.edges),
    Question("Does a count agree with the pages?", "yes", counts.count),
    Question("How is the archive asked?", "by the path", archived.way),
    Question("Does the archive sort?", "not documented", archived.sort),
    Question("Do events move at an age of 29 to 31 days?", "yes", archived.border),
    Question("Is a page empty although there are events?", "no", paging.empty_pages),
    Question("Do the clocks agree?", "within 2 s", dates.clock),
    Question("How late do events come, by their ids?", "within `lookback_seconds`", dates.lateness),
    Question("How are answers compressed?", "gzip", compression),
    Question("Can each object be a record?", "yes", contents.objects),
    Question("Which fields are empty?", "any but `tenant_meta.namespace` and `meta.name`", contents.fields),
)
