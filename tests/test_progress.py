"""Log lines tell how far a run is, and what it came to."""

from __future__ import annotations

import logging
import typing as t

from tap_endorlabs.pieces import Stretch
from tap_endorlabs.progress import Progress

if t.TYPE_CHECKING:
    import pytest


def test_a_line_every_few_seconds(caplog: pytest.LogCaptureFixture) -> None:
    now = 100.0
    progress = Progress(logging.getLogger("test"), start=1000, stop=2000, clock=lambda: now)
    with caplog.at_level(logging.INFO):
        for now, reached in ((102.0, 1100), (106.0, 1250), (107.0, 1300), (112.0, 1999)):  # noqa: B007
            progress.events += 600
            progress.report(Stretch([], reached, []))
        now = 113.0
        progress.close(requests=9, bookmark="2026-01-01T00:00:00.000000Z")
    assert [record.message for record in caplog.records] == [
        "25 % of the time range read, 1200 events, 200 events/s",
        "100 % of the time range read, 2400 events, 200 events/s",
        "Done: 2400 events, 9 requests, 13.0 s; the bookmark is at 2026-01-01T00:00:00.000000Z",
    ]
