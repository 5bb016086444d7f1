"""What one request asks for."""

from __future__ import annotations

import typing as t

from tap_endorlabs.errors import ApiError
from tap_endorlabs.timestamps import second_of, stamp_of_second

if t.TYPE_CHECKING:
    from tap_endorlabs.api.archive_way import ArchiveWay
    from tap_endorlabs.api.records import Event
    from tap_endorlabs.settings import Settings

SMALLEST_PAGE = 50
"""Fewer events than this are not asked for at a time: small pages are slow on logs."""

OUTSIDE = 61
"""So many seconds beyond its ends a server may take to be in a range, as where its times are minutes."""

NARROW = 10
"""Fewer seconds are asked for without a margin, which would bring too much twice, or what others suffer from."""


class Query(t.NamedTuple):
    """What one request asks for.

    Attributes:
        start: first second, inclusive.
        stop: last second, exclusive.
        page_size: events per answer.
        unsorted: read by `page_id`, in whatever order the server has, not in the order of time.
        page_id: continue after this object; only where `unsorted`.
        archived: read from the archive.
        counted: only count the events.
        margin: seconds to ask for beyond both ends: a server may round times, or compare them otherwise. What lies
            there is no part of the answer.
        offset: how many events to skip.
        grain: seconds: both ends are moved to the next multiple of it, for a server whose times have no seconds.
    """

    start: int
    stop: int
    page_size: int
    unsorted: bool = False
    page_id: str | None = None
    archived: bool = False
    counted: bool = False
    margin: int = 1
    offset: int = 0
    grain: int = 1

    @property
    def ends(self) -> tuple[int, int]:
        """The seconds to ask for, with the margin."""
        # Between whole minutes only what is compared strictly is missed, and that at the first of them.
        margin_behind = self.margin * (self.grain == 1)
        first, bound = self.start // self.grain - self.margin, -(-self.stop // self.grain) + margin_behind
        return first * self.grain, bound * self.grain

    @property
    def is_sorted(self) -> bool:
        """Whether the events are asked for in the order of time."""
        return not self.unsorted and not self.counted

    @property
    def divisible(self) -> bool:
        """Whether less can be asked for at a time."""
        return self.page_size > SMALLEST_PAGE or self.stop > self.first_stop

    @property
    def first_stop(self) -> int:
        """The end of the shortest range from its start on that can be asked for."""
        return min((self.start // self.grain + 1) * self.grain, self.stop)


def hold_to_range(events: list[Event], asked: Query) -> int:
    """Refuse events that are far from what was asked for, as a server that ignores the time would never come to an end.

    Returns:
        how many seconds outside of the ends that were asked for they lie, rounded up; 0 where they don't.

    Raises:
        ApiError: some are farther away than that.
    """
    if not events:
        return 0
    start, stop = asked.ends
    first, bound = stamp_of_second(start - OUTSIDE), stamp_of_second(stop + OUTSIDE)
    earliest, latest = min(events).create_time, max(events).create_time
    if earliest < first or latest >= bound:
        raise ApiError(
            f"The API was asked for events from {stamp_of_second(asked.start)} to {stamp_of_second(asked.stop)}, but "
            f"gave some from {earliest} to {latest}: it ignores the condition on meta.create_time, without which the "
            "tap can't read a log. Report it to Endor Labs."
        )
    return max(start - second_of(earliest), second_of(latest) + 1 - stop, 0)


def parameters_of(
    query: Query, settings: Settings, way: ArchiveWay | None = None, mask: str = ""
) -> dict[str, str | int]:
    """Give the parameters of a request, with those of the way to the archive where that is asked.

    The mask names the fields to ask for; where it is empty, all come.

    The API refuses a sort together with `page_id`.
    """
    first, bound = (stamp_of_second(second).replace(".000000", "") for second in query.ends)
    condition = f"meta.create_time>=date({first}) and meta.create_time<date({bound})"
    if way and way.condition:
        condition = f"{way.condition} and {condition}"
    if settings.filter:
        condition += f" and ({settings.filter})"
    parameters: dict[str, str | int] = {
        "list_parameters.filter": condition,
        "list_parameters.page_size": query.page_size,
    }
    if way and not way.by_path:
        parameters["list_parameters.archive"] = "true"
    if settings.traverse:
        parameters["list_parameters.traverse"] = "true"
    if query.counted:
        parameters["list_parameters.count"] = "true"
    elif not query.unsorted:
        parameters["list_parameters.sort.path"] = "meta.create_time"
        parameters["list_parameters.sort.order"] = "SORT_ENTRY_ORDER_ASC"
    if mask and not query.counted:
        parameters["list_parameters.mask"] = mask
    if query.page_id is not None:
        parameters["list_parameters.page_id"] = query.page_id
    if query.offset:
        parameters["list_parameters.page_token"] = query.offset
    return parameters
