"""What tests share: the fake API with some events, and the tap as a command."""

from __future__ import annotations

import datetime as dt
import os
import typing as t
from functools import cache

import pytest
from hypothesis import settings

from fake_endor_api import FakeEndorApi, ManualClock, make_events
from fake_endor_api.store import Store
from tests.harness import Process

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# How long an example takes says something of the machine, not of the tap.
settings.register_profile("tap", deadline=None)
settings.load_profile("tap")


if "PYTEST_XDIST_WORKER" in os.environ:
    # To measure the coverage of the tap's own processes as well would take a tenth of the time for one per cent more.
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)


# Optional, as the tests run without this plugin as well.
@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Let more tests run than there are cores: many wait for a process, or for a server that is slow."""
    return (os.cpu_count() or 1) + 1


NOW = dt.datetime(2026, 3, 31, 12, 0, 0, tzinfo=dt.timezone.utc)
"""The time on the clock of the fake API."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def empty_api(clock: ManualClock) -> Iterator[FakeEndorApi]:
    with FakeEndorApi(clock=clock) as api:
        yield api


@cache
def stored(count: int, days: float) -> Store:
    """Give so many events of the last days, made once for all tests: none may change them."""
    return Store(make_events(count, NOW - dt.timedelta(days=days), NOW))


@pytest.fixture
def api(empty_api: FakeEndorApi) -> FakeEndorApi:
    """An API with 1,200 events of the last ten days."""
    empty_api.store.add_all_of(stored(1200, 10))
    return empty_api


@pytest.fixture
def process(tmp_path: Path) -> Process:
    return Process(tmp_path)
