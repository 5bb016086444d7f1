"""How the API compares times, how far its clock is off, and what the ids of events say of their times."""

from __future__ import annotations

import re
import typing as t
from collections import Counter

from tap_endorlabs.api.query import Query
from tap_endorlabs.probe.finding import Finding, untold
from tap_endorlabs.timestamps import DAY, MINUTE, earlier, second_of, stamp_of_second

if t.TYPE_CHECKING:
    from tap_endorlabs.api.records import Event
    from tap_endorlabs.probe.sample import Sample

_OBJECT_ID = re.compile(r"[0-9a-f]{24}", re.IGNORECASE | re.ASCII)
_FEWEST_IDS = 5
_PLAUSIBLE = 0.9
"""So large a share of ids must be of about the time of their events: random ones are of any time since 1970."""

_AT_ONCE = 2
"""Seconds that two clocks may differ, as one of them is told in whole seconds."""

_CLEAR = (0.01, 0.99)
"""Fractions between these are not mistaken for a whole second where a bound is a little off."""

_NEAR = 0.995
"""From this fraction of a second on an event is so near the next second that a bound which is off shows."""

_WHOLE = "filters by whole seconds only"
_MARGIN = "requests one more second at both ends, and drops what is outside the range"


def bounds(sample: Sample) -> Finding:
    """Whether conditions on the time are met at all."""
    if not (sample.events or sample.has_strays):
        return untold("ends with exit code 1 if the filter is ignored")
    if sample.has_strays:
        return Finding("no: events from outside the range came", "ends with exit code 1", as_expected=False)
    return Finding("yes", "nothing special")


def fractions(sample: Sample) -> Finding:
    """Whether `date()` takes fractions of a second."""
    event = _alone(sample, [one for one in sample.events.values() if _CLEAR[0] <= _fraction(one) < _CLEAR[1]])
    if event is None or sample.has_strays:
        return untold(_WHOLE)
    second = second_of(event.create_time)
    # Cut off to milliseconds it is still later than the event.
    after = _is_found(sample, event, f"{earlier(event.create_time, -0.001)[:23]}Z", expects_events=True)
    if after is None:
        return Finding("no: fractions are refused", _WHOLE)
    if not after:
        if not _is_found(sample, event, _text(stamp_of_second(second // MINUTE * MINUTE))):
            return untold(_WHOLE, "unknown: an event is not found at its own time")
        return Finding("yes", _WHOLE)
    if _is_found(sample, event, _text(stamp_of_second(second + 1))):
        return Finding("no: times are cut off to minutes", "filters by whole minutes only", as_expected=False)
    return Finding("no: fractions are cut off", _WHOLE)


def edges(sample: Sample) -> Finding:
    """Whether a time includes its first instant and nothing before it."""
    events = [] if sample.has_strays else list(sample.events.values())
    first = _alone(sample, [one for one in events if not _fraction(one)])
    last = max((one for one in events if _fraction(one) >= _NEAR), key=_fraction, default=None)
    parts = []
    if first and _is_within(sample, first, second_of(first.create_time)) is False:
        parts.append("an event at the very start is left out")
    if last and _is_within(sample, last, second_of(last.create_time) + 1):
        parts.append("an event from just before the start comes")
    if parts:
        return Finding(f"no: {', and '.join(parts)}", _MARGIN, as_expected=False)
    return Finding("yes", _MARGIN) if first else untold(_MARGIN)


def clock(sample: Sample) -> Finding:
    """How far this machine's clock is from the server's."""
    action = "uses the server's time"
    if not sample.asker.ahead:
        return Finding("the server sends no `Date` header", "uses this machine's clock", as_expected=False)
    # A time is told in whole seconds, so the least difference is the best.
    seconds = min(sample.asker.ahead)
    if abs(seconds) <= _AT_ONCE:
        return Finding(f"at most {_AT_ONCE} s apart", action)
    direction = "ahead of" if seconds > 0 else "behind"
    return Finding(f"this machine is {abs(seconds):.0f} s {direction} the server", action, as_expected=False)


def lateness(sample: Sample) -> Finding:
    """How late events were stored, by the times in their ids: a hint, as ids need not have any."""
    limit = sample.asker.settings.lookback_seconds
    action = f"reads the last {limit} s again in each run (`lookback_seconds`)"
    events = [event for event in sample.events.values() if _OBJECT_ID.fullmatch(event.uuid)]
    late = sorted(int(event.uuid[:8], 16) - second_of(event.create_time) for event in events)
    likely = [seconds for seconds in late if abs(seconds) < DAY]
    if len(sample.events) < _FEWEST_IDS:
        return untold(action)
    if len(late) < _FEWEST_IDS or len(likely) < _PLAUSIBLE * len(sample.events):
        return untold(action, "unknown: the ids contain no time")
    middle, most = likely[len(likely) // 2], likely[-1]
    found = f"half of {len(likely)} within {max(middle, 0)} s, all within {max(most, 0)} s"
    if most > limit:
        return Finding(found, f"{action}: raise it above {most}", as_expected=False)
    return Finding(found, action)


def _fraction(event: Event) -> float:
    return float(event.create_time[19:-1] or 0)


def _alone(sample: Sample, events: list[Event]) -> Event | None:
    """Give one of some events whose minute has the fewest others, and whose next second is in the same minute."""
    minutes = Counter(event.create_time[:16] for event in sample.events.values())
    fit = [event for event in events if 0 < second_of(event.create_time) % MINUTE < MINUTE - 1]
    return min(fit, key=lambda event: (minutes[event.create_time[:16]], event), default=None)


def _is_found(sample: Sample, event: Event, bound: str, *, expects_events: bool = False) -> bool | None:
    """Whether an event comes where what is from a time on is asked for; None where that is refused."""
    first = second_of(event.create_time) // MINUTE * MINUTE
    query = Query(first, first + MINUTE, sample.page_size, unsorted=True, margin=0)
    page = sample.asker.ask(query, f"meta.create_time>=date({bound})", expects_events=expects_events).page
    return None if page is None else any(one.uuid == event.uuid for one in page.events)


def _is_within(sample: Sample, event: Event, second: int) -> bool | None:
    """Whether an event comes where a second is asked for; None where that has too many to tell."""
    query = Query(second, second + 1, sample.page_size, unsorted=True, margin=0)
    page = sample.asker.ask(query).page
    if page is None or page.size >= sample.page_size:
        return None
    return any(one.uuid == event.uuid for one in page.events)


def _text(stamp: str) -> str:
    return stamp.replace(".000000", "")
