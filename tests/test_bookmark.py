"""The bookmark keeps what may come again, to the microsecond."""

from __future__ import annotations

from tap_endorlabs.sync.bookmark import Bookmark
from tests.log_model import event

SECOND = 1_700_000_000 * 1_000_000


def test_a_twin_of_the_event_that_the_bookmark_moves_to_is_still_known_as_emitted() -> None:
    early, first, twin = event(SECOND, "early"), event(SECOND + 5, "first"), event(SECOND + 5, "twin")
    # The run that emitted the first could not move the bookmark to it yet; the twin became visible later.
    bookmark = Bookmark(early.create_time, {e.uuid: e.create_time for e in (early, first)}, limit=twin.create_time)
    bookmark.note([twin])
    assert bookmark.value == twin.create_time
    assert bookmark.emitted == {"first": first.create_time, "twin": twin.create_time}
