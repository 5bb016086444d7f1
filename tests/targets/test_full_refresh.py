"""A `--full-refresh` that breaks off, and the run after it, lose no event, although Meltano merges states."""

from __future__ import annotations

import datetime as dt
import typing as t
from collections import Counter

import pytest

from fake_endor_api import Fault, make_events
from tests.conftest import NOW
from tests.targets.conftest import START
from tests.targets.test_interrupted_pipelines import events_of

if t.TYPE_CHECKING:
    from tests.targets.pipeline import Pipeline

pytestmark = [pytest.mark.targets, pytest.mark.timeout(300)]


@pytest.fixture
def emptied(pipeline: Pipeline) -> Pipeline:
    """A pipeline after a whole run, whose state names events, and whose destination has been emptied since."""
    pipeline.api.store.add(make_events(800, START, NOW))
    pipeline.api.store.add(make_events(200, NOW - dt.timedelta(minutes=4), NOW, seed=2))
    code, output = pipeline.run()
    assert code == 0, output
    assert len(pipeline.delivered()) == 1000
    pipeline.empty()
    return pipeline


@pytest.mark.parametrize("merged", [(), ("--merge-state",)], ids=str)
def test_a_full_refresh_that_is_refused_in_the_middle_loses_nothing(emptied: Pipeline, merged: tuple[str, ...]) -> None:
    emptied.api.fail(Fault.status(403), after=4, times=None)
    code, _ = emptied.run("--full-refresh", *merged)
    assert code == 1
    assert 0 < len(emptied.delivered()) < 800
    emptied.api.heal()
    code, output = emptied.run(*merged)
    assert code == 0, output
    assert Counter(emptied.delivered()) == Counter(events_of(emptied.api))


def test_a_full_refresh_whose_tap_is_killed_loses_nothing(emptied: Pipeline) -> None:
    emptied.api.behaviour.latency = 0.5
    code, _ = emptied.kill_tap_in_mid_run("--full-refresh")
    assert code == 1
    assert 0 < len(emptied.delivered()) < 800
    emptied.api.behaviour.latency = 0
    code, output = emptied.run()
    assert code == 0, output
    assert set(emptied.delivered()) == events_of(emptied.api)
