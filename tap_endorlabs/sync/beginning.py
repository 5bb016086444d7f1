"""What a run says at its beginning of the range that it will read."""

from __future__ import annotations

import typing as t

from tap_endorlabs.errors import StateError
from tap_endorlabs.proof.ages import ACTIVE_UNTIL
from tap_endorlabs.timestamps import earlier

if t.TYPE_CHECKING:
    import logging

    from tap_endorlabs.settings import Settings

_CLOCKS_DIFFER = 300
"""A bookmark may lie so many seconds after the server's time: not all of its machines agree."""


def check_bookmark(begin: str, now: str) -> None:
    """Refuse a bookmark that lies in the future.

    Args:
        begin: its stamp.
        now: the server's time.

    Raises:
        StateError: it does.
    """
    if begin > earlier(now, -_CLOCKS_DIFFER):
        raise StateError(f"The state's bookmark lies in the future: it is at {begin}, the server's clock at {now}.")


def tell_of_range(  # noqa: PLR0913
    logger: logging.Logger, settings: Settings, begin: str, end: str, now: str, *, first: bool
) -> None:
    """Say what a run will read.

    Args:
        logger: gets the lines.
        settings: what the user wants.
        begin: the stamp from which on it reads.
        end: the stamp at which it ends.
        now: the server's time.
        first: whether there is no bookmark.
    """
    if not first and settings.start_date is not None:
        logger.info("Goes on from the state; start_date %s is for the first run only", settings.start_date)
    if first and settings.start_date is None:
        logger.warning(
            "This first run reads no past events, as start_date is not set. The next run reads what happens from %s "
            "on. For earlier events set start_date, and run once with --full-refresh in Meltano, or without --state",
            begin,
        )
    elif begin >= end:
        logger.info("Nothing to read: the bookmark is at %s, the range ends at %s", begin, end)
    else:
        logger.info("Reading events from %s to %s", begin, end)
        active = earlier(now, ACTIVE_UNTIL)
        if begin < active and not settings.include_archived:
            logger.warning("The archive is not read: events before %s may be missing", active)
