"""The archive is read whatever the server does not count, or takes long for; and an empty one may be just that."""

from __future__ import annotations

import datetime as dt
import typing as t

import pytest

from tests.conftest import NOW
from tests.fake_endor_api import SlowQuery, make_events
from tests.harness import config_for, run_inside
from tests.test_archive import uuids_of

if t.TYPE_CHECKING:
    from tests.fake_endor_api import FakeEndorApi


def fill(api: FakeEndorApi, count: int, age: dt.timedelta) -> dict[str, t.Any]:
    api.store.add(make_events(count, NOW - age, NOW))
    return config_for(api, start_date=(NOW - age).isoformat(), page_size=100)


@pytest.mark.parametrize("form", [400, 501, 504, "ignored"])
def test_an_archive_is_read_where_the_server_does_not_count(form: t.Any, empty_api: FakeEndorApi) -> None:
    config = fill(empty_api, 900, dt.timedelta(days=90))
    empty_api.behaviour.count = form
    empty_api.behaviour.blind_kinds = frozenset({"!="})
    assert sorted(run_inside(config).uuids) == uuids_of(empty_api)


@pytest.mark.parametrize(("status", "code"), [(504, 4), (400, 4), (400, 3)])
def test_an_archive_is_read_where_all_of_it_takes_too_long(status: int, code: int, empty_api: FakeEndorApi) -> None:
    config = fill(empty_api, 900, dt.timedelta(days=90))
    empty_api.behaviour.slow_query = SlowQuery(max_range=dt.timedelta(days=15), status=status, code=code)
    assert sorted(run_inside(config).uuids) == uuids_of(empty_api)


def test_the_conditions_are_not_tried_at_an_address_that_is_not_there(empty_api: FakeEndorApi) -> None:
    config = fill(empty_api, 900, dt.timedelta(days=90))
    empty_api.behaviour.archive_path = 404
    assert sorted(run_inside(config).uuids) == uuids_of(empty_api)
    assert sum(request.path.endswith("/archived") for request in empty_api.list_requests) == 1


def test_a_log_that_is_younger_than_what_is_archived_lacks_nothing(empty_api: FakeEndorApi) -> None:
    config = fill(empty_api, 900, dt.timedelta(days=29, minutes=20))
    assert sorted(run_inside(config).uuids) == uuids_of(empty_api)
