"""Log lines that let a person follow a run."""

from __future__ import annotations

import logging
import time
import typing as t
from dataclasses import asdict, dataclass

from singer_sdk import metrics

from tap_endorlabs.errors import several

if t.TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from tap_endorlabs.sync.run import LogRun

SECONDS_BETWEEN_LINES = 5.0


class Progress:
    """Counts what a run emits, and says every few seconds how far it is.

    Args:
        logger: gets the lines.
        start: first second of the range.
        stop: the second at which it ends.
        clock: seconds on a steady clock.

    Attributes:
        events: how many events have been emitted.
    """

    def __init__(
        self,
        logger: logging.Logger,
        start: int,
        stop: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.events = 0
        self._logger = logger
        self._start = start
        self._length = max(stop - start, 1)
        self._clock = clock
        self._begun = self._said = clock()

    def report(self, reached: int) -> None:
        """Say how far the run is, if it is time to.

        Args:
            reached: the second before which all has been read.
        """
        now = self._clock()
        if now - self._said < SECONDS_BETWEEN_LINES:
            return
        self._said = now
        share = 100 * (reached - self._start) / self._length
        rate = self.events / (now - self._begun)
        self._logger.info("%.0f %% of the time range read, %d events, %.0f events/s", share, self.events, rate)


@dataclass(frozen=True)
class Outcome:
    """What a run of a stream came to.

    Attributes:
        complete: whether the range was read to its end.
        events: how many were emitted.
        left_out: how many objects were left out, as they can't be records.
        late: how many of the events became visible after the run before had read past them.
        latest_by: by how many seconds the latest of these was late at least.
        requests: how many were sent; log-ins and each try count.
        seconds: how long it took.
        bookmark: where the next run begins, None where there is no bookmark yet.
    """

    complete: bool
    events: int
    left_out: int
    late: int
    latest_by: float
    requests: int
    seconds: float
    bookmark: str | None

    @classmethod
    def of(cls, run: LogRun | None, *, complete: bool, requests: int, seconds: float, bookmark: str | None) -> Outcome:
        """Give what a run came to, None for one that did not begin."""
        return cls(
            complete=complete,
            events=run.progress.events if run else 0,
            left_out=run.findings.rejected if run else 0,
            late=run.lateness.late if run else 0,
            latest_by=run.lateness.latest_by if run else 0,
            requests=requests,
            seconds=seconds,
            bookmark=bookmark,
        )

    def log(self, logger: logging.Logger, stream: str) -> None:
        """Close a run with a line; in a structured log its figures are fields as well."""
        logger.info(
            "%s: %s%s, %s, %.1f s; %s",
            "Done" if self.complete else "Stopped",
            several(self.events, "event"),
            f" ({self.late} late, the latest by at least {self.latest_by:.0f} s)" if self.late else "",
            several(self.requests, "request"),
            self.seconds,
            f"the bookmark is at {self.bookmark}" if self.bookmark else "there is no bookmark yet",
            extra={"stream_name": stream, **asdict(self)},
        )


def log_request(logger: logging.Logger, answer: requests.Response, *, succeeded: bool) -> None:
    """Log the metric of a request, at level debug: a line for each would bury the others."""
    if logger.isEnabledFor(logging.DEBUG):
        path = (answer.request.path_url or "").partition("?")[0]
        tags: dict[str, t.Any] = {
            metrics.Tag.ENDPOINT: path,
            metrics.Tag.HTTP_STATUS_CODE: answer.status_code,
            metrics.Tag.STATUS: metrics.Status.SUCCEEDED if succeeded else metrics.Status.FAILED,
        }
        seconds = answer.elapsed.total_seconds()
        logger.debug("METRIC: %s", metrics.Point("timer", metrics.Metric.HTTP_REQUEST_DURATION, seconds, tags))
