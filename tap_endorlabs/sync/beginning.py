"""What a run says at its beginning of the range that it will read."""

from __future__ import annotations

import typing as t

from tap_endorlabs.errors import StateError
from tap_endorlabs.proof.ages import ACTIVE_UNTIL
from tap_endorlabs.sync.state import START_ANEW
from tap_endorlabs.timestamps import earlier

if t.TYPE_CHECKING:
    import logging

    from tap_endorlabs.settings import Settings

_CLOCKS_DIFFER = 300
"""A bookmark may lie so many seconds after the server's time: not all of its machines agree."""


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

    Raises:
        StateError: the bookmark lies in the future.
    """
    if begin > earlier(now, -_CLOCKS_DIFFER) and not first:
        raise StateError(
            f"The state's bookmark lies in the future: it is at {begin}, the server's clock at {now}. {START_ANEW}"
        )
    if not first and settings.start_date is not None:
        logger.info(
            "start_date %s has no effect, because the state says where to go on. To begin at start_date, run with "
            "--full-refresh in Meltano, or without --state, or with another state",
            settings.start_date,
        )
    if first and settings.start_date is None:
        logger.info("Without start_date a first run reads no past events: the next one begins at its start, %s", now)
    elif begin >= end:
        logger.info("Nothing to read: the bookmark is at %s, the range ends at %s", begin, end)
    else:
        logger.info("Reading events from %s to %s", begin, end)
        active = earlier(now, ACTIVE_UNTIL)
        if begin < active and not settings.include_archived:
            logger.warning("The archive is not read: events before %s may be missing", active)
