"""What happens in a round: the log, the server's quirks, the runs, their faults and their ends, all drawn by a seed."""

from __future__ import annotations

import datetime as dt
import signal
import typing as t
from dataclasses import dataclass
from random import Random

from fake_endor_api import Fault, make_events_at
from fake_endor_api.times import SECOND, from_nanoseconds, to_nanoseconds
from tests.conftest import NOW
from tests.soak.quirks import Quirk, quirks

if t.TYPE_CHECKING:
    from fake_endor_api.faults import Where

AGES = (dt.timedelta(minutes=10), dt.timedelta(hours=7), dt.timedelta(days=29), dt.timedelta(days=90))
"""How far back the first event may lie, seen from the first run."""

LIVE = dt.timedelta(minutes=20)
"""How long events go on after the first run has begun."""

_PASSING = (
    Fault.reset(),
    Fault.reset_in_body(),
    Fault.truncated(),
    Fault.html(),
    Fault.empty(),
    Fault.wrong_encoding(),
    *(Fault.status(code) for code in (408, 500, 502, 503, 504)),
    Fault.status(503, headers={"Retry-After": "1"}),
    Fault.status(429, headers={"Retry-After": "1"}),
    Fault.raw(b'{"code":14,"message":"upstream unavailable","details":[]}'),
    Fault.raw(b'{"error":{"code":14,"message":"upstream unavailable"}}'),
    Fault.raw(b'{"list":{"objects":[]},"error":{"code":14,"message":"upstream unavailable"}}'),
)
_FATAL = (Fault.status(400), Fault.status(403))
_FATAL_IF_ENDLESS = (Fault.reset(), Fault.truncated(), Fault.status(503), Fault.status(504))


class PlannedFault(t.NamedTuple):
    """A fault that meets `times` requests (None: all), after the next `after` have passed."""

    fault: Fault
    where: Where
    after: int
    times: int | None = 1


class Kill(t.NamedTuple):
    """A signal to the tap, after it has written so many lines or sent so many requests.

    Where the target dies, too, what is in the pipe by then is lost.
    """

    number: signal.Signals
    after: int
    unit: t.Literal["lines", "requests"]
    target_dies: bool


@dataclass(frozen=True)
class Run:
    """One run of the chain.

    Attributes:
        at: the server's time at which it begins, if it is not later anyway.
        settings: the tap's settings that differ from run to run.
        faults: what goes wrong with its requests.
        revoke_after: all tokens are revoked after so many lines.
        kill: how it is killed.
        may_fail: whether a fault is among them that the tap can't get over.
    """

    at: dt.datetime
    settings: dict[str, t.Any]
    faults: tuple[PlannedFault, ...] = ()
    revoke_after: int | None = None
    kill: Kill | None = None
    may_fail: bool = False


class Event(t.NamedTuple):
    """An object of the log, and when it becomes visible."""

    item: dict[str, t.Any]
    visible_at: dt.datetime


class Scenario:
    """A round.

    Attributes:
        start: `start_date`; some events may lie before it.
        lookback: `lookback_seconds`; no event becomes visible later than that.
        tick: seconds by which the server's clock moves on at each reading.
        latency: seconds that each answer takes.
        quirk: how the server differs from the default of the fake.
        runs: the runs that go wrong, one way or the other.
        last: a run that nothing disturbs, when all events are visible.
        events: the log.
    """

    def __init__(self, seed: int) -> None:
        """Draw everything."""
        self._rng = rng = Random(seed)
        age = rng.choice(AGES)
        self._oldest, self._end = NOW - age, NOW + LIVE
        self.start = self._oldest + age * rng.choice((0, 0, 0, 0.1))
        self.lookback = rng.choice((0, 1, 5, 60, 300))
        self.tick = rng.choice((0.0, 0.0, 0.001, 0.05))
        self.latency = rng.choice((0.0, 0.005, 0.02))
        self.quirk = rng.choice(quirks(age)) if rng.random() < 0.7 else Quirk()
        moments = sorted(NOW + LIVE * rng.choice((0, rng.random())) for _ in range(rng.randint(1, 5)))
        self.runs = [self._run(moment) for moment in moments]
        # An event of the last moment is visible when the lookback is over, and in the range a second later.
        self.last = Run(self._end + dt.timedelta(seconds=self.lookback + 1), self._settings())
        self.events = self._events(seed)

    def _settings(self) -> dict[str, t.Any]:
        checks = ("auto", "auto", "always", *(("never",) if self.quirk.is_honest else ()))
        return {
            "concurrency": self._rng.choice((1, 2, 4, 8, 32)),
            "page_size": self._rng.choice((7, 15, 50, 100, 500)),
            "completeness_check": self._rng.choice(checks),
        }

    def _run(self, moment: dt.datetime) -> Run:
        rng = self._rng
        faults = [self._passing_fault() for _ in range(rng.choice((0, 1, 2, 4)))]
        if may_fail := rng.random() < 0.15:
            faults.append(
                rng.choice(
                    (
                        PlannedFault(rng.choice(_FATAL), "list", rng.randrange(6)),
                        PlannedFault(rng.choice(_FATAL_IF_ENDLESS), "list", rng.randrange(6), None),
                        PlannedFault(Fault.status(401), "auth", 0),
                    )
                )
            )
        revoke_after = rng.randrange(50) if rng.random() < 0.2 else None
        return Run(moment, self._settings(), tuple(faults), revoke_after, self._kill(), may_fail)

    def _passing_fault(self) -> PlannedFault:
        fault = self._rng.choice(_PASSING)
        # There is one log-in, unless tokens are revoked.
        if self._rng.random() < 0.2:
            return PlannedFault(fault, "auth", 0)
        return PlannedFault(fault, "list", self._rng.choice((0, 1, 2, 4, 8)))

    def _kill(self) -> Kill | None:
        rng = self._rng
        number = rng.choice((None, signal.SIGKILL, signal.SIGKILL, signal.SIGTERM))
        if number is None:
            return None
        if rng.random() < 0.5:
            return Kill(number, rng.randint(1, 8), "requests", target_dies=False)
        lines = rng.choice((rng.randrange(15), rng.randrange(250)))
        return Kill(number, lines, "lines", target_dies=number == signal.SIGKILL and rng.random() < 0.5)

    def _events(self, seed: int) -> list[Event]:
        rng = self._rng
        oldest, now, end = (to_nanoseconds(moment) for moment in (self._oldest, NOW, self._end))
        times = [rng.randrange(oldest, now) for _ in range(rng.randint(20, 500))]
        times += [rng.randrange(now - 300 * SECOND, end) for _ in range(rng.randint(50, 500))]
        for _ in range(rng.randint(0, 4)):
            instant = rng.choice(times)
            # A burst fills some of a second, or is a tie of all.
            width = rng.choice((1, 1_000_000, SECOND))
            times += [min(instant + rng.randrange(width), end - 1) for _ in range(rng.randint(2, 200))]
        # Twins, one of which may come to light when the other has been emitted.
        times += rng.choices(times, k=rng.randint(0, 60))
        return [
            Event(item, self._visible_at(time))
            for time, item in zip(times, make_events_at(times, seed=seed), strict=True)
        ]

    def _visible_at(self, time: int) -> dt.datetime:
        lateness = self._rng.choice((0.0, 0.0, self._rng.random(), 1.0)) * self.lookback
        return from_nanoseconds(time) + dt.timedelta(seconds=lateness)
