"""What the command does: compare, and seal; or hold a destination against earlier seals."""

from __future__ import annotations

import contextlib
import sys
import typing as t
from dataclasses import dataclass, replace

import click

from tap_endorlabs.api.client import LogClient
from tap_endorlabs.errors import TapError
from tap_endorlabs.streams import STREAMS
from tap_endorlabs.sync.bookmark import Scope
from tap_endorlabs.sync.state import resume
from tap_endorlabs.timestamps import stamp_of
from tap_endorlabs.verify.api_log import MASK, ApiLog, active_from
from tap_endorlabs.verify.comparison import Comparison
from tap_endorlabs.verify.digests import Seal, append_seals, days_of, digests_of, next_day, read_seals
from tap_endorlabs.verify.repair import repairs
from tap_endorlabs.verify.report import AgainstReport, Report
from tap_endorlabs.verify.span import Span

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator
    from pathlib import Path

    from tap_endorlabs.settings import Settings
    from tap_endorlabs.sync.bookmark import Bookmark
    from tap_endorlabs.tap import TapEndorLabs
    from tap_endorlabs.verify.destination import Destination, Progress
    from tap_endorlabs.verify.span import By

_STEPS = 1000
"""Of a progress bar."""


@dataclass(frozen=True)
class Wishes:
    """What the user asks for.

    Attributes:
        stream: the stream's name.
        start: the first stamp, None for that of the settings.
        stop: the last stamp, exclusive, None for the bookmark.
        by: how long a row of the table is.
        uuids: which rows to list.
        repair: whether to give the settings that bring what is missing.
        digests: the file to seal the days in.
    """

    stream: str
    start: str | None = None
    stop: str | None = None
    by: By = "day"
    uuids: t.Literal["differing", "all"] | None = None
    repair: bool = False
    digests: Path | None = None


def compare(tap: TapEndorLabs, destination: Destination, wishes: Wishes) -> Report:
    """Compare what the API has with what a destination has.

    Raises:
        TapError: either can't be asked, or it is not said from when to when.
    """
    seals = read_seals(wishes.digests) if wishes.digests and wishes.digests.exists() else []
    stream = STREAMS[wishes.stream]
    settings = replace(tap.api.settings, include_archived=tap.api.settings.include_archived and stream.has_archive)
    bookmark = resume(tap.state.get("bookmarks", {}).get(wishes.stream, {}), Scope.of(settings), tap.logger)
    try:
        now = tap.api.auth.log_in_for_server_time()
        span = _span(wishes, settings, bookmark, now, tap)
        days = _days_to_seal(span, seals) if wishes.digests else []
        client = LogClient(tap.api, stream.resource, tap.logger, MASK)
        api = ApiLog(client.fetch, settings, now, tap.logger)
        api.find_databases(span.start, span.end)
        comparison = Comparison(api, destination, span, settings.concurrency)
        with _bar("Looking through the destination") as looking, _bar("Asking the API") as asking:
            rows = comparison.rows(looking, asking)
        if wishes.uuids:
            with _bar("Listing what differs") as asking:
                rows = comparison.with_uuids(rows, asking, every=wishes.uuids == "all")
    except BaseException:
        tap.api.stop()
        raise
    complaints = [*destination.complaints, *client.missing, *filter(None, [api.complaint])]
    report = Report(span, rows, complaints, repairs(rows) if wishes.repair else None)
    if wishes.digests:
        report.sealed = _seal(wishes.digests, seals, days, destination, report)
    return report


def _span(wishes: Wishes, settings: Settings, bookmark: Bookmark | None, now: dt.datetime, tap: TapEndorLabs) -> Span:
    start, stop = wishes.start or settings.start_date, wishes.stop or settings.end_date
    if start is None:
        raise TapError("The beginning is not known: give it with --from, or set start_date.")
    if stop is None and bookmark is None:
        raise TapError(
            f"The end is not known, as no state with a bookmark of {wishes.stream} was given: give --to, or with "
            "--state the state of a run that has read this stream."
        )
    if not settings.include_archived and start < active_from(now):
        start = active_from(now)
        tap.logger.warning("Events older than %s are not compared, because the archive is not read", start)
    span = Span.of(start, stop, wishes.by, bookmark, stamp_of(now))
    if span.start >= span.end and bookmark is not None and span.start >= bookmark.value:
        raise TapError(
            f"There is nothing to compare from {span.start} on: the comparison ends at the bookmark of the state, "
            f"{bookmark.value}. Check --from and --state."
        )
    if span.start >= span.end:
        raise TapError(f"There is nothing to compare from {span.start} to {span.stop}: check --from, --to and --state.")
    return span


def _days_to_seal(span: Span, seals: list[Seal]) -> list[str]:
    days = days_of(span.start, span.stop)
    if seals:
        days = [day for day in days if day > seals[-1].day]
        if days and days[0] != next_day(seals[-1].day):
            raise TapError(f"The digests end with {seals[-1].day}: begin no later than the day after (--from).")
    return days


def _seal(path: Path, seals: list[Seal], days: list[str], destination: Destination, report: Report) -> list[Seal]:
    if not days:
        return []
    api: dict[str, int | None] = {}
    for row in report.rows:
        day, known = row.bucket[:10], api.get(row.bucket[:10], 0)
        api[day] = None if known is None or row.api is None else known + row.api
    with _bar("Sealing") as looking:
        records = destination.records(*_ends(days), looking)
        return append_seals(path, seals, digests_of(records, days), api)


def hold_against(path: Path, destination: Destination) -> AgainstReport:
    """Compare a destination with the digests that were written before.

    Raises:
        TapError: either can't be read.
    """
    seals = read_seals(path)
    if not seals:
        raise TapError(f"{path} has no digests.")
    days = [seal.day for seal in seals]
    with _bar("Looking through the destination") as looking:
        digests = digests_of(destination.records(*_ends(days), looking), days)
    return AgainstReport(seals, digests, list(destination.complaints))


def _ends(days: list[str]) -> tuple[str, str]:
    return f"{days[0]}T00:00:00.000000Z", f"{next_day(days[-1])}T00:00:00.000000Z"


@contextlib.contextmanager
def _bar(label: str) -> Iterator[Progress]:
    """Show how far something is, where somebody may be watching."""
    if not sys.stderr.isatty():
        yield lambda _done, _of: None
        return
    with contextlib.ExitStack() as stack:
        bar: t.Any = None

        def update(done: int, of: int) -> None:
            nonlocal bar
            # Begun late and ended early, as another may come before and behind.
            if bar is None:
                bar = stack.enter_context(click.progressbar(length=_STEPS, label=label, file=sys.stderr))
            if (step := _STEPS * done // max(of, 1) - bar.pos) > 0:
                bar.update(step)
            if done >= of:
                stack.close()

        yield update
