"""What `endorlabs-verify --json` found, in a sentence."""

from __future__ import annotations

import datetime as dt
import json
import typing as t

from analytics.report.answers import ReportError
from analytics.report.legible import legible

if t.TYPE_CHECKING:
    from pathlib import Path

    from analytics.report.answers import Source

_MOST_CAUSES = 3
_LONGEST_CAUSE = 150
_DIFFERENCES = (("missing", "missing"), ("surplus", "surplus"), ("repeats", "repeats"), ("in_gap", "in a gap"))


class Verdict(t.NamedTuple):
    """What is known of the completeness of a file.

    Attributes:
        word: `verified`, `not verified`, or what else is to be said in a word.
        text: what that rests on.
    """

    word: str
    text: str


NOT_VERIFIED = Verdict("not verified", "No result of endorlabs-verify was given.")


def verdict(path: Path, source: Source, events: int) -> Verdict:
    """Say what a result means for a file.

    Args:
        path: where the result is.
        source: the file.
        events: how many audit logs it has.

    Raises:
        ReportError: the result can't be read, or is none.
    """
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        return _of_digests(result, source) if "days" in result else _of_api(result, source, events)
    except OSError as error:
        raise ReportError(f"{path} can't be read ({error.strerror}): name a file with --verified.") from None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        raise ReportError(f"{path} is not what endorlabs-verify --json prints.") from None


def _of_api(result: dict[str, t.Any], source: Source, events: int) -> Verdict:
    start, stop, total = _time(result["from"]), _time(result["to"]), result["sum"]
    span = f"{start:%Y-%m-%d %H:%M} to {stop:%Y-%m-%d %H:%M} UTC"
    inside, behind = source.events_between(start, stop)
    # What the state names behind the end has been compared as well.
    if not inside <= total["destination"] <= inside + behind:
        return Verdict(
            "not verified",
            f"The result counts {_number(total['destination'])}, {span}, and here are {inside:,}: "
            "it is of another file, or older than the last load.",
        )
    rest = max(events - total["destination"], 0)
    outside = f" Events here that were not compared: {rest:,}." if rest else ""
    if result["agrees"]:
        return Verdict("verified", f"Audit logs here and in the API: {_number(total['api'])}, {span}.{outside}")
    differences = ", ".join(f"{_number(total[name])} {title}" for name, title in _DIFFERENCES)
    said = [f"Audit logs in the API: {_number(total['api'])}, {span}; {differences}.", *_causes(result)]
    return Verdict("differs from the API", f"{' '.join(said)}{outside}")


def _of_digests(result: dict[str, t.Any], source: Source) -> Verdict:
    days = result["days"]
    altered = [str(day["day"]) for day in days if day["altered"]]
    if result["agrees"] and not days:
        return Verdict("not verified", "There are no digests of any day.")
    if result["agrees"]:
        span = f"{days[0]['day']} to {days[-1]['day']}"
        events = sum(day["now"] for day in days)
        start, stop = _time(f"{days[0]['day']}T00:00:00Z"), _time(f"{days[-1]['day']}T00:00:00Z") + dt.timedelta(days=1)
        if source.events_between(start, stop)[0] != events:
            return Verdict("not verified", "The digests are of another file, or older than the last load.")
        return Verdict("unaltered", f"Audit logs that are as their digests say: {events:,}, {span}.")
    said = [f"Days that are not as their digests say: {', '.join(_some(altered, 'more'))}."] if altered else []
    return Verdict("altered", " ".join([*said, *_causes(result)]))


def _causes(result: dict[str, t.Any]) -> list[str]:
    return _some([legible(str(one), _LONGEST_CAUSE) for one in result["complaints"]], "more are in the result.")


def _some(texts: list[str], more: str) -> list[str]:
    rest = len(texts) - _MOST_CAUSES
    return texts if rest <= 1 else [*texts[:_MOST_CAUSES], f"{rest:,} {more}"]


def _time(stamp: str) -> dt.datetime:
    # Python 3.10 does not know the Z.
    return dt.datetime.fromisoformat(stamp.replace("Z", "+00:00")).astimezone(dt.timezone.utc).replace(tzinfo=None)


def _number(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"
