"""A rate limit is kept: nobody sends before the named time, few are refused, and the pace recovers."""

from __future__ import annotations

import datetime as dt
import random

import pytest

from fake_endor_api import RateLimit
from tap_endorlabs.api.pace import LONGEST, Pace
from tap_endorlabs.errors import StoppedError, TransientError
from tests.harness import Clock

EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)


class LimitedServer:
    """Sends requests one after the other to a server with a token bucket."""

    def __init__(self, pace: Pace, clock: Clock, limit: RateLimit | None) -> None:
        self.pace, self.clock, self.limit = pace, clock, limit
        self.sent: list[float] = []
        self.refused: list[float] = []
        self.named = 0.0

    def send(self) -> None:
        sent = self.pace.wait_for_turn()
        assert sent >= self.named
        self.sent.append(sent)
        wait = self.limit.take(EPOCH + dt.timedelta(seconds=self.clock.now)) if self.limit else 0
        if wait:
            self.refused.append(sent)
            self.named = self.clock.now + wait
            self.pace.note_refusal(sent, wait)
        else:
            self.pace.note_answer()
        self.clock.now += 0.001


@pytest.mark.parametrize("burst", [1, 5, 50])
def test_few_requests_are_refused_and_most_of_the_limit_is_used(burst: int) -> None:
    clock = Clock()
    server = LimitedServer(Pace(clock.read, clock.sleep), clock, RateLimit(5, burst=burst))
    while clock.now < 120:
        server.send()
    late, refused = (sum(time > 10 for time in times) for times in (server.sent, server.refused))
    # Up to a sixth is refused by a server that gives a handful of requests at a time.
    assert 0 < refused < 0.17 * late
    assert late - refused > 110 * 5 / 2


def test_the_pace_recovers_when_the_limit_is_gone() -> None:
    clock = Clock()
    server = LimitedServer(Pace(clock.read, clock.sleep), clock, RateLimit(5))
    while clock.now < 30:
        server.send()
    assert server.pace.rate is not None
    server.limit = None
    while clock.now < 60:
        server.send()
    assert server.pace.rate is None


def test_there_is_no_limit_before_a_refusal() -> None:
    clock = Clock()
    pace = Pace(clock.read, clock.sleep)
    for _ in range(100):
        pace.wait_for_turn()
        pace.note_answer()
    assert clock.slept == []


def test_refusals_of_requests_that_were_under_way_count_once() -> None:
    clock = Clock()
    pace = Pace(clock.read, clock.sleep)
    clock.now = 1.0
    sent = [pace.wait_for_turn() for _ in range(24)]
    for _ in range(4):
        pace.note_answer()
    clock.now = 2.0
    for time in sent:
        pace.note_refusal(time, 3.0)
    # Of one refusal the wait is enough.
    assert pace.rate is None
    assert pace.wait_for_turn() == 5.0


def test_a_refusal_that_names_no_time_is_waited_out_as_well() -> None:
    clock = Clock()
    pace = Pace(clock.read, clock.sleep)
    pace.note_refusal(pace.wait_for_turn(), None)
    assert 0 < pace.wait_for_turn() < 1


@pytest.mark.parametrize("named", [None, 1.0])
@pytest.mark.parametrize(("share", "most"), [(0.01, 1.5), (0.05, 2), (0.1, 3), (0.2, 5)])
def test_refusals_at_random_cost_the_waits_they_name_and_little_more(
    share: float, most: float, named: float | None
) -> None:
    clock, rng = Clock(), random.Random(3)
    pace = Pace(clock.read, clock.sleep)
    passed = refused = 0
    while passed < 3000:
        sent = pace.wait_for_turn()
        clock.now += 0.05
        if rng.random() < share:
            refused += 1
            pace.note_refusal(sent, named)
        else:
            passed += 1
            pace.note_answer()
    assert clock.now - refused * (named or 0) < most * passed * 0.05


def test_an_outage_of_25_seconds_that_names_no_time_takes_less_than_a_minute() -> None:
    clock = Clock()
    pace = Pace(clock.read, clock.sleep, jitter=lambda _, most: most)
    while (sent := pace.wait_for_turn()) < 25:
        pace.note_refusal(sent, None)
    assert sent < 45
    pace.note_answer()
    assert pace.wait_for_turn() < 50


def test_a_crowd_that_is_refused_again_and_again_parts() -> None:
    clock = Clock()
    pace = Pace(clock.read, clock.sleep, jitter=lambda _, most: most)
    waits = []
    for _ in range(9):
        pace.note_refusal(clock.now, 3)
        before = clock.now
        pace.wait_for_turn()
        waits.append(clock.now - before)
    assert waits == [3, 3 + 1, 3 + 2, 3 + 4, 3 + 8, 3 + 16, 3 + 32, 3 + 60, 3 + 60]

    pace.note_answer()
    clock.now += 60
    pace.note_refusal(clock.now, 3)
    before = clock.now
    pace.wait_for_turn()
    assert clock.now - before == 3


def test_endless_refusals_do_not_slow_it_down_for_ever() -> None:
    clock = Clock()
    pace = Pace(clock.read, clock.sleep)
    for _ in range(100):
        pace.note_refusal(pace.wait_for_turn(), 1)
    pace.note_answer()
    assert pace.wait_for_turn() < clock.now + 10


def test_nobody_waits_for_a_turn_after_the_end_of_the_run() -> None:
    pace = Pace()
    pace.note_refusal(pace.wait_for_turn(), 3600)
    pace.stopped.set()
    with pytest.raises(StoppedError):
        pace.wait_for_turn()


@pytest.mark.parametrize("seconds", [LONGEST + 1, 86_400, float("inf")])
def test_nobody_waits_for_a_time_too_far_away(seconds: float) -> None:
    clock = Clock()
    pace = Pace(clock.read, clock.sleep)
    pace.note_refusal(pace.wait_for_turn(), seconds)
    with pytest.raises(TransientError) as caught:
        pace.wait_for_turn()
    assert caught.value.retry_after == seconds
    assert clock.slept == []
