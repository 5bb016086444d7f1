"""Where the events of a namespace land: a file for each month of the backfill, then a file for each run with news.

<namespace>/2026-01.jsonl.gz              the month, whole
<namespace>/news/00000001.jsonl.gz        what the first incremental run with news has brought
<namespace>/_state/incremental.json       the tap's state, and how many files of news it stands for
<namespace>/_state/takeover               where the backfill ends and the incremental runs begin
"""

from __future__ import annotations

import datetime as dt
import json
import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from endor_landing.files import Folder
    from endor_landing.months import Month
    from endor_landing.tap import Delivery, Tap

# The clocks of the workers and the API's may differ; none should by so much.
_CLOCKS_DIFFER = dt.timedelta(minutes=10)


class SeamError(Exception):
    """Events would be read twice, or not at all."""


@dataclass(frozen=True)
class Landing:
    """A namespace's files.

    Args:
        folder: where they are.
        takeover: the month with whose first instant the backfill ends and the incremental runs begin.
    """

    folder: Folder
    takeover: Month

    def land_month(self, tap: Tap, month: Month, now: dt.datetime, lookback_seconds: int) -> Delivery:
        """Read a month that is over into its file, which is replaced if it is there.

        Args:
            tap: the tap, with all settings but those for time.
            month: the month.
            now: the time.
            lookback_seconds: how late an event may become visible.

        Raises:
            SeamError: the month is not the backfill's, or an event of it may still become visible.
        """
        self._agree()
        end = month.next.start
        if month >= self.takeover:
            raise SeamError(f"{month} belongs to the incremental runs, which begin with {self.takeover}")
        if now < end + dt.timedelta(seconds=lookback_seconds) + _CLOCKS_DIFFER:
            raise SeamError(f"{month} is not over, or events of it may still become visible: try again later")
        with self.folder.packed(f"{month}.jsonl.gz") as file:
            return tap.run(file, start_date=_text(month.start), end_date=_text(end))

    def land_news(self, tap: Tap) -> Delivery:
        """Read what is new since the last run, or since the takeover, into the next file of news.

        The file comes first and then the state, which names the file's successor. So a run that ends between the two is
        no harm: the next one, whichever it is, begins at the same state, reads the same events and more, and replaces
        that file.

        Raises:
            SeamError: an earlier run began at another time, or another run has landed meanwhile.
        """
        self._agree()
        kept = self.folder / "_state"
        content = kept.read("incremental.json")
        before: dict[str, t.Any] = json.loads(content) if content else {"files": 0, "state": None}
        number = before["files"] + 1
        with (self.folder / "news").packed(f"{number:08d}.jsonl.gz", keep_empty=False) as file:
            delivery = tap.run(file, before["state"], start_date=_text(self.takeover.start))
            # Where a worker has lost its supervisor, Airflow's next try may have begun, and even ended, meanwhile.
            if kept.read("incremental.json") != content:
                raise SeamError(f"another run has landed news in {self.folder.path} since this one began")
        after = {"files": number if delivery.events else before["files"], "state": delivery.state}
        if after != before:
            kept.write("incremental.json", json.dumps(after).encode())
        return delivery

    def _agree(self) -> None:
        """Hold on to the takeover that the first run had, as moving it would leave a gap or an overlap."""
        kept = self.folder / "_state"
        before = kept.read("takeover")
        if before is None:
            kept.write("takeover", str(self.takeover).encode())
        elif before.decode() != str(self.takeover):
            raise SeamError(f"{self.folder.path} has been filled with takeover {before.decode()}, not {self.takeover}")


def _text(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
