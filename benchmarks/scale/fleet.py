"""Simulates many tenants whose taps share one rate limit, on an engine that runs so many of them at once.

The clock is simulated; what decides when a request is sent is the tap's own: its pace after a 429 and its tries.
"""

from __future__ import annotations

import datetime as dt
import math
import random
import typing as t
from dataclasses import dataclass, field

import simpy

from fake_endor_api import RateLimit
from tap_endorlabs.api.pace import Pace
from tap_endorlabs.api.retry import Attempts, Retry
from tap_endorlabs.errors import RateLimitedError, TransientError

if t.TYPE_CHECKING:
    from collections.abc import Generator

    Steps = Generator[simpy.Event, t.Any, t.Any]

_EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
_REFUSAL = 0.05
"""Seconds until a server says 429."""
_INCREMENTAL, _BACKFILL = 0, 1
"""Who goes first where both wait for a slot."""


@dataclass(frozen=True)
class Fleet:
    """The tenants, the engine and the API.

    Attributes:
        tenants: how many.
        limit: requests that the API lets through in a second, of all tenants together; as many may come at once.
        at_once: how many taps the engine runs at once.
        interval: seconds between the incremental runs of a tenant.
        latency: seconds until the API gives a page.
        start_up: seconds until a tap sends its first request; the default is about what `make bench` measures.
        engine: seconds of a slot that the engine takes for itself for each task; likewise, for Airflow.
        retries: how often the engine repeats a failed incremental run; a backfill two times more.
        retry_delay: seconds until it does.
        months: how many months of each tenant are to be read besides.
        pages: requests that a month takes.
        concurrency: how many of them are under way at once.
        log_in_limited: whether log-ins count for the limit.
    """

    tenants: int
    limit: float
    at_once: int
    interval: float = 300.0
    latency: float = 0.2
    start_up: float = 0.35
    engine: float = 1.75
    retries: int = 1
    retry_delay: float = 300.0
    months: int = 0
    pages: int = 0
    concurrency: int = 4
    log_in_limited: bool = True


@dataclass
class Outcome:
    """What came of it.

    Attributes:
        requests: how many the API got.
        refused: how many of them it refused.
        runs: how many incremental runs began.
        failed: how many runs and tasks of the backfill failed.
        ages: for each incremental run, how old an event may be at most when it lands.
        backfill: seconds until the last month was read; None where some were not.
    """

    requests: int = 0
    refused: int = 0
    runs: int = 0
    failed: int = 0
    ages: list[float] = field(default_factory=list)
    backfill: float | None = None


def limit_of(requests: float) -> RateLimit:
    """Give a limit that lets so many requests through in a second, and as many at once."""
    return RateLimit(requests, burst=max(1, int(requests)))


def simulate(fleet: Fleet, seconds: float, seed: int = 0) -> Outcome:
    """Let the tenants' taps run for some time.

    Args:
        fleet: who runs what.
        seconds: how long; where there are months to read, it ends with the last of them if that is sooner.
        seed: another one lets other things happen by chance.
    """
    return _Simulation(fleet, seed).run(seconds)


class _Simulation:
    def __init__(self, fleet: Fleet, seed: int) -> None:
        self._fleet = fleet
        self._env = simpy.Environment()
        self._slots = simpy.PriorityResource(self._env, fleet.at_once)
        self._limit = limit_of(fleet.limit)
        self._rng = random.Random(seed)
        self._outcome = Outcome()

    def run(self, seconds: float) -> Outcome:
        fleet, env = self._fleet, self._env
        for _ in range(fleet.tenants):
            env.process(self._tenant())
        months = [
            env.process(self._task(_BACKFILL, fleet.pages, fleet.concurrency, fleet.retries + 2))
            for _ in range(fleet.tenants * fleet.months)
        ]
        over, ended = env.timeout(seconds), env.all_of(months)
        env.run(env.any_of([over, ended]) if months else over)
        if months and ended.triggered and all(month.value is not None for month in months):
            self._outcome.backfill = self._now()
        return self._outcome

    def _now(self) -> float:
        return float(self._env.now)

    def _tenant(self) -> Steps:
        """Run a tap again and again: when its time has come and the run before has ended."""
        read_up_to, due = 0.0, 0.0
        while True:
            yield self._env.timeout(max(due - self._now(), 0))
            begun = yield from self._task(_INCREMENTAL, 1, 1, self._fleet.retries)
            if begun is not None:
                self._outcome.ages.append(self._now() - read_up_to)
                read_up_to = begun
            # Runs that are overdue are made up for by one.
            due = max(due + self._fleet.interval, self._now() // self._fleet.interval * self._fleet.interval)

    def _task(self, priority: int, pages: int, concurrency: int, retries: int) -> Steps:
        """Run a tap as a task of the engine; give the time up to which it has read, None where all tries failed."""
        for _ in range(retries + 1):
            with self._slots.request(priority) as slot:
                yield slot
                yield self._env.timeout(self._fleet.engine)
                self._outcome.runs += priority == _INCREMENTAL
                begun = yield from self._tap(pages, concurrency)
            if begun is not None:
                return begun
            self._outcome.failed += 1
            yield self._env.timeout(self._fleet.retry_delay)
        return None

    def _tap(self, pages: int, concurrency: int) -> Steps:
        """Log in and ask for pages; give the time of the log-in, None where a request was given up."""
        yield self._env.timeout(self._fleet.start_up)
        chance = self._rng.uniform
        pace, retry = Pace(self._now, jitter=chance), Retry(clock=self._now, jitter=chance)
        if not (yield from self._request(pace, retry, limited=self._fleet.log_in_limited)):
            return None
        begun = self._now()
        left = iter(range(pages))
        workers = [self._env.process(self._worker(pace, retry, left)) for _ in range(min(concurrency, pages))]
        yield self._env.all_of(workers)
        return begun if all(worker.value for worker in workers) else None

    def _worker(self, pace: Pace, retry: Retry, left: t.Iterator[int]) -> Steps:
        for _ in left:
            if not (yield from self._request(pace, retry)):
                # The others have no reason to go on.
                list(left)
                return False
        return True

    def _request(self, pace: Pace, retry: Retry, *, limited: bool = True) -> Steps:
        """Ask until there is an answer; give whether there was one."""
        attempts = Attempts(retry)
        try:
            while wait := (yield from self._exchange(pace, limited=limited)):
                yield self._env.timeout(attempts.wait_after(RateLimitedError("429", wait)))
        except TransientError:
            return False
        return True

    def _exchange(self, pace: Pace, *, limited: bool) -> Steps:
        """Ask once, when it is its turn; give the seconds that the API asks to wait, 0 where it gives an answer."""
        sent_at, turn = pace.turn()
        while turn:
            yield self._env.timeout(turn)
            sent_at, turn = pace.turn()
        wait = self._limit.take(_EPOCH + dt.timedelta(seconds=self._now())) if limited else 0
        self._outcome.requests += 1
        self._outcome.refused += wait > 0
        yield self._env.timeout(_REFUSAL if wait else self._fleet.latency)
        if wait:
            pace.note_refusal(sent_at, wait)
        else:
            pace.note_answer()
        return wait


def share(values: list[float], part: float) -> float:
    """Give the value that a part of the values don't pass; not a number where there are none."""
    ordered = sorted(values)
    return ordered[min(math.ceil(part * len(ordered)), len(ordered)) - 1] if ordered else math.nan
