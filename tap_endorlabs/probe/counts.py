"""Whether a count agrees with the pages."""

from __future__ import annotations

import typing as t

from tap_endorlabs.probe.finding import Finding, untold

if t.TYPE_CHECKING:
    from tap_endorlabs.probe.asking import Answered
    from tap_endorlabs.probe.sample import Sample

_PROVES = "uses the count to prove that no event is missing"
_NO_PROOF = "goes on without this proof, and logs it"


def count(sample: Sample) -> Finding:
    """Whether the API counts as many events as it lists, in a time that has been read to its end, and in a long one."""
    large, span = sample.counted, sample.longest
    if large is None or large.is_slow:
        large, span = _count(sample, sample.span), sample.span
    if large.page is None or large.page.count is None:
        why = large.refusal or "the response is a list"
        return Finding(f"there is no count: {why}", _NO_PROOF, as_expected=False)
    if not sample.events:
        return untold(_PROVES)
    listed, found = sample.whole, large.page.count
    if listed and listed.span != span:
        small = _count(sample, listed.span)
        found = small.page.count if small.page and small.page.count is not None else listed.number
    difference = found - listed.number if listed else 0
    if difference > 0:
        action = "ends with exit code 1 if it stays so, unless `completeness_check` is never"
        return Finding("no: the count is higher than the number of listed events", action, as_expected=False)
    if difference < 0:
        return Finding(
            "no: the count is lower than the number of listed events", "relies on the list", as_expected=False
        )
    if large.page.count < len(sample.events):
        return Finding(
            "no: the count is too low for a large number of events", "counts in shorter time ranges", as_expected=False
        )
    return Finding(
        "yes" if listed else "as far as known: the count is not below the events seen", _PROVES, bool(listed) or None
    )


def _count(sample: Sample, span: int) -> Answered:
    return sample.asker.ask(sample.query(sample.page_size, span, unsorted=True, counted=True))
