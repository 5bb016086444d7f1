"""Log lines tell how far a run is, and what it came to."""

from __future__ import annotations

import logging

import pytest

from tap_endorlabs.sync.progress import Outcome, Progress


def test_a_line_every_few_seconds(caplog: pytest.LogCaptureFixture) -> None:
    now = 100.0
    progress = Progress(logging.getLogger("test"), start=1000, stop=2000, clock=lambda: now)
    with caplog.at_level(logging.INFO):
        for now, reached in ((102.0, 1100), (106.0, 1250), (107.0, 1300), (112.0, 1999)):  # noqa: B007
            progress.events += 600
            progress.report(reached)
    assert [record.message for record in caplog.records] == [
        "25 % of the time range read, 1200 events, 200 events/s",
        "100 % of the time range read, 2400 events, 200 events/s",
    ]


@pytest.mark.parametrize(
    ("complete", "late", "bookmark", "line"),
    [
        (True, 0, "2026-01-01", "Done: 2400 events, 9 requests, 13.0 s; the bookmark is at 2026-01-01"),
        (
            True,
            3,
            "2026-01",
            "Done: 2400 events (3 late, the latest by at least 41 s), 9 requests, 13.0 s; the bookmark is at 2026-01",
        ),
        (False, 0, "2026-01-01", "Stopped: 2400 events, 9 requests, 13.0 s; the bookmark is at 2026-01-01"),
        (False, 0, None, "Stopped: 2400 events, 9 requests, 13.0 s; there is no bookmark yet"),
    ],
    ids=str,
)
def test_a_line_closes_the_run(
    *, complete: bool, late: int, bookmark: str | None, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    outcome = Outcome(
        complete=complete,
        events=2400,
        left_out=0,
        late=late,
        latest_by=41.3,
        requests=9,
        seconds=13.0,
        bookmark=bookmark,
    )
    with caplog.at_level(logging.INFO):
        outcome.log(logging.getLogger("test"), "audit_logs")
    assert caplog.messages == [line]
