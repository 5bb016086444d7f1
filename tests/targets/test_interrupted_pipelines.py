"""What has arrived after `meltano run` was ended in the middle, or failed there, and was run again."""

from __future__ import annotations

import datetime as dt
import signal
import typing as t
from collections import Counter

import pytest

from fake_endor_api import Fault, make_events
from tap_endorlabs.timestamps import normalize
from tests.conftest import NOW
from tests.targets.conftest import START

if t.TYPE_CHECKING:
    from fake_endor_api import FakeEndorApi, ManualClock
    from tests.targets.pipeline import Pipeline, Row

pytestmark = [pytest.mark.targets, pytest.mark.timeout(300)]


def events_of(api: FakeEndorApi) -> set[Row]:
    return {(item["uuid"], normalize(item["meta"]["create_time"])) for item in api.store.objects()}


@pytest.fixture
def covered(pipeline: Pipeline, clock: ManualClock) -> set[Row]:
    """Events that a first run has delivered, with its state kept; 1,500 more are there now, on slow pages."""
    api = pipeline.api
    api.store.add(make_events(500, START, NOW))
    code, output = pipeline.run()
    assert code == 0, output
    covered = events_of(api)
    assert sorted(pipeline.delivered()) == sorted(covered)
    clock.advance(7200)
    api.store.add(make_events(1500, NOW, NOW + dt.timedelta(hours=1), seed=2))
    api.behaviour.latency = 0.5
    return covered


def assert_nothing_is_missing(pipeline: Pipeline, covered: set[Row]) -> None:
    """What a kept state covers is there once; what came later, too, where the target has a key."""
    delivered = Counter(pipeline.delivered())
    assert delivered.keys() == events_of(pipeline.api)
    once = covered if pipeline.target == "target-jsonl" else delivered.keys()
    assert {delivered[row] for row in once} == {1}


def test_a_killed_run_is_resumed_without_loss(pipeline: Pipeline, covered: set[Row]) -> None:
    pipeline.end_in_mid_run(signal.SIGKILL)
    assert 500 < len(pipeline.delivered()) < 2000
    pipeline.api.behaviour.latency = 0

    # Meltano thinks that the killed run goes on, until it has not heard of it for five minutes.
    code, output = pipeline.run()
    assert code == 1
    assert "already running" in output
    assert "'--force'" in output

    code, output = pipeline.run("--force")
    assert code == 0, output
    assert_nothing_is_missing(pipeline, covered)


@pytest.mark.parametrize("pipeline", ["jsonl"], indirect=True)
def test_a_run_that_sigterm_ended_can_be_resumed_at_once(pipeline: Pipeline, covered: set[Row]) -> None:
    assert pipeline.end_in_mid_run(signal.SIGTERM) == 143
    assert 500 < len(pipeline.delivered()) < 2000
    pipeline.api.behaviour.latency = 0
    code, output = pipeline.run()
    assert code == 0, output
    assert_nothing_is_missing(pipeline, covered)


def test_a_run_that_failed_goes_on_where_it_ended(pipeline: Pipeline) -> None:
    api = pipeline.api
    api.store.add(make_events(1000, START, NOW))
    api.fail(Fault.status(403), after=4, times=None)
    code, _ = pipeline.run()
    api.heal()
    arrived = pipeline.delivered()
    assert code == 1
    assert 0 < len(arrived) < 1000
    asked = len(api.list_requests)
    code, output = pipeline.run()
    assert code == 0, output
    assert Counter(pipeline.delivered()) == Counter(events_of(api))
    assert len(api.list_requests) - asked < 10
