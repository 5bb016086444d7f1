"""The archive is read whatever the server does not count, or takes long for; and an empty one may be just that."""

from __future__ import annotations

import datetime as dt
import typing as t

import pytest

from fake_endor_api import SlowQuery, make_events
from tap_endorlabs.api.archive_way import CONDITIONS, ArchiveWay, best_way, count_in_archive
from tap_endorlabs.api.query import Query
from tap_endorlabs.api.records import Page
from tap_endorlabs.errors import ApiError, ArchiveRefusedError, TooSlowError
from tests.conftest import NOW
from tests.harness import config_for, run_inside
from tests.test_archive import uuids_of

if t.TYPE_CHECKING:
    from fake_endor_api import FakeEndorApi


def fill(api: FakeEndorApi, count: int, age: dt.timedelta) -> dict[str, t.Any]:
    api.store.add(make_events(count, NOW - age, NOW))
    return config_for(api, start_date=(NOW - age).isoformat(), page_size=100)


@pytest.mark.faults
@pytest.mark.parametrize("form", [400, 501, 504, "ignored"])
def test_an_archive_is_read_where_the_server_does_not_count(form: t.Any, empty_api: FakeEndorApi) -> None:
    config = fill(empty_api, 900, dt.timedelta(days=90))
    empty_api.behaviour.count = form
    empty_api.behaviour.blind_kinds = frozenset({"!="})
    assert sorted(run_inside(config).uuids) == uuids_of(empty_api)


@pytest.mark.faults
@pytest.mark.parametrize(("status", "code"), [(504, 4), (400, 4), (400, 3)])
def test_an_archive_is_read_where_all_of_it_takes_too_long(status: int, code: int, empty_api: FakeEndorApi) -> None:
    config = fill(empty_api, 900, dt.timedelta(days=90))
    empty_api.behaviour.slow_query = SlowQuery(max_range=dt.timedelta(days=15), status=status, code=code)
    assert sorted(run_inside(config).uuids) == uuids_of(empty_api)


@pytest.mark.faults
@pytest.mark.parametrize("count", ["exact", 400])
@pytest.mark.parametrize("blind", [frozenset(), frozenset({"!="})])
@pytest.mark.parametrize("path", ["read", 400, "ignored"])
def test_an_archive_is_read_where_a_long_time_is_refused(
    count: t.Any, blind: frozenset[str], path: t.Any, empty_api: FakeEndorApi
) -> None:
    config = fill(empty_api, 900, dt.timedelta(days=90))
    limit = SlowQuery(max_range=dt.timedelta(days=7), status=400, code=3, message="time range must not exceed 7 days")
    empty_api.behaviour.slow_query = limit
    empty_api.behaviour.count = count
    empty_api.behaviour.blind_kinds = blind
    empty_api.behaviour.archive_path = path
    assert sorted(run_inside(config).uuids) == uuids_of(empty_api)


def test_the_conditions_are_not_tried_at_an_address_that_is_not_there(empty_api: FakeEndorApi) -> None:
    config = fill(empty_api, 900, dt.timedelta(days=90))
    empty_api.behaviour.archive_path = 404
    assert sorted(run_inside(config).uuids) == uuids_of(empty_api)
    assert sum(request.path.endswith("/archived") for request in empty_api.list_requests) == 1


def test_a_log_that_is_younger_than_what_is_archived_lacks_nothing(empty_api: FakeEndorApi) -> None:
    config = fill(empty_api, 900, dt.timedelta(days=29, minutes=20))
    assert sorted(run_inside(config).uuids) == uuids_of(empty_api)


DAY = 86_400
QUARTER = Query(0, 90 * DAY, 10, unsorted=True, archived=True)


def refuse_more_than(days: int, *, is_there: bool = True) -> t.Callable[[Query, ArchiveWay], Page]:
    """Let an archive at the path be asked for so much time at once."""

    def ask(query: Query, way: ArchiveWay) -> Page:
        if not is_there or not way.by_path or query.stop - query.start > days * DAY:
            raise ApiError("time range must not exceed", 400)
        return Page([], size=0, count=7 if query.counted else None)

    return ask


def test_a_way_is_chosen_where_a_long_time_is_refused() -> None:
    way = best_way(refuse_more_than(7), lambda _: Page([], count=0), QUARTER)
    assert way == ArchiveWay(by_path=True)


def test_a_long_time_that_is_refused_is_counted_in_parts() -> None:
    with pytest.raises(TooSlowError, match="time range"):
        count_in_archive(refuse_more_than(7), QUARTER._replace(counted=True))
    assert count_in_archive(refuse_more_than(7), QUARTER._replace(counted=True, stop=7 * DAY)).count == 7


def test_a_way_that_is_refused_for_a_day_as_well_is_refused() -> None:
    ask = refuse_more_than(7, is_there=False)
    with pytest.raises(ArchiveRefusedError, match="can't be read"):
        count_in_archive(ask, QUARTER._replace(counted=True))
    with pytest.raises(ArchiveRefusedError, match="can't be read"):
        best_way(ask, lambda _: Page([], count=0), QUARTER)


def test_a_condition_that_counts_more_only_as_events_were_archived_meanwhile_is_not_taken() -> None:
    counts = iter([5, 6, 7, 7, 7, *[7] * 20])

    def ask(query: Query, _: ArchiveWay) -> Page:
        return Page([], count=next(counts) if query.counted and query.stop == 2_000 else 0)

    assert best_way(ask, lambda _: Page([], count=0), Query(1_000, 2_000, 50)).condition == CONDITIONS[0]


@pytest.mark.faults
@pytest.mark.parametrize("days", [33, 40])
def test_events_that_have_not_moved_yet_are_found_where_they_are(days: int, empty_api: FakeEndorApi) -> None:
    config = fill(empty_api, 600, dt.timedelta(days=days))
    empty_api.behaviour.archive_after = dt.timedelta(days=45)
    assert sorted(run_inside(config).uuids) == uuids_of(empty_api)
