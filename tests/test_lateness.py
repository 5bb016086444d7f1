"""How late events come to light: a run tells it up to the look-back, beyond it the daily proof tells what was lost."""

from __future__ import annotations

import datetime as dt
import json
import logging
import random
import re
import typing as t
from dataclasses import dataclass, field

import pytest

from fake_endor_api import FakeEndorApi, Fault, ManualClock, make_events_at
from fake_endor_api.times import to_nanoseconds
from tap_endorlabs.sync.bookmark import Scope
from tap_endorlabs.sync.lateness import Lateness
from tap_endorlabs.sync.state import resume
from tap_endorlabs.timestamps import stamp_of_second
from tests.conftest import NOW
from tests.harness import config_for
from tests.in_process import run_command
from tests.log_model import event
from tests.test_run import LOGGER, SCOPE, START, Chain

if t.TYPE_CHECKING:
    from pathlib import Path

EVERY = dt.timedelta(hours=3)
"""The look-back of the simulation, and the time between its runs."""

_LATE = re.compile(r"\((\d+) late, the latest by at least (\d+) s\)")
_LOST = re.compile(r": (\d+) became visible later than lookback_seconds")


def chain(*arrivals: tuple[int, int]) -> Chain:
    """Give runs over events of so many seconds after START, each visible from another one on."""
    log = [(START + seen, event((START + time) * 1_000_000, f"{n:02}")) for n, (time, seen) in enumerate(arrivals)]
    return Chain(log, random.Random(1), page_size=1)


def test_what_the_run_before_did_not_find_was_late_by_its_start_minus_the_event_s_time() -> None:
    runs = chain((80, 80), (90, 150), (97, 101), (100, 150), (120, 120))
    assert runs.run(START + 100).lateness.late == 0
    second = runs.run(START + 200)
    assert (second.lateness.late, second.lateness.latest_by) == (2, 10)
    assert runs.state["read_to"] == stamp_of_second(START + 200)
    assert runs.run(START + 300).lateness.late == 0


def test_what_a_killed_run_left_for_the_next_was_not_late() -> None:
    runs = chain((10, 10), (20, 20), (30, 30), (60, 160), (110, 110), (120, 120))
    runs.run(START + 100, lookback_seconds=100)
    runs.run(START + 150, lookback_seconds=100, killed_after=1)
    assert len(runs.kept) < 6
    assert runs.state["read_to"] == stamp_of_second(START + 100)
    last = runs.run(START + 200, lookback_seconds=100)
    assert (last.lateness.late, last.lateness.latest_by) == (1, 40)


def test_what_lies_after_the_end_of_a_backfill_was_not_late() -> None:
    runs = chain((40, 40), (60, 60), (45, 150))
    runs.run(START + 100, end_date=stamp_of_second(START + 50))
    second = runs.run(START + 200)
    assert (len(runs.kept), second.lateness.late, second.lateness.latest_by) == (3, 1, 5)


def test_what_another_filter_lets_through_was_not_late() -> None:
    runs = chain((40, 40), (50, 50))
    runs.run(START + 100)
    bookmark = resume(runs.state, Scope("acme", traverse=False, filter=None), LOGGER)
    assert bookmark is not None
    assert bookmark.read_to == bookmark.value < runs.state["read_to"]


def test_a_state_that_does_not_know_how_far_was_read_makes_nothing_late() -> None:
    runs = chain((80, 80), (90, 150))
    runs.run(START + 100)
    del runs.state["read_to"]
    second = runs.run(START + 200)
    assert (len(runs.kept), second.lateness.late) == (2, 0)


def test_a_clock_that_has_gone_back_makes_nothing_late() -> None:
    runs = chain((80, 80), (160, 160))
    runs.run(START + 100)
    runs.state["read_to"] = stamp_of_second(START + 3_700)
    second = runs.run(START + 200)
    assert (len(runs.kept), second.lateness.late) == (2, 0)
    assert runs.state["read_to"] == stamp_of_second(START + 200)


def halved(items: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    """Make objects that can't be decoded."""
    return [{**item, "half": "\ud83d"} for item in items]


@pytest.mark.parametrize("fault", [Fault.status(500), Fault.rewritten(halved)], ids=["a second", "an object"])
def test_what_could_not_be_read_before_was_not_late(
    fault: Fault, empty_api: FakeEndorApi, clock: ManualClock, tmp_path: Path
) -> None:
    times = [to_nanoseconds(NOW - dt.timedelta(seconds=seconds)) for seconds in (100, 80, 60)]
    empty_api.store.add(make_events_at(times))
    bad = empty_api.store.uuids()[1]
    config = config_for(empty_api, start_date=(NOW - dt.timedelta(hours=1)).isoformat())
    empty_api.fail(fault, times=None, when=bad)
    first = run_command(tmp_path, level=logging.INFO, config=config)
    assert bad not in first.uuids
    empty_api.heal()
    clock.advance(60)
    second = run_command(tmp_path, level=logging.INFO, config=config, state=first.state)
    assert bad in second.uuids
    assert "late" not in second.stderr


@pytest.mark.parametrize(("seconds", "warned"), [(149, 0), (150, 1), (299, 1)])
def test_half_of_the_look_back_names_the_setting(seconds: int, warned: int, caplog: pytest.LogCaptureFixture) -> None:
    lateness = Lateness(stamp_of_second(START + 400), lookback=300)
    lateness.note([event((START + 400 - seconds) * 1_000_000, "a"), event((START + 400) * 1_000_000, "b")])
    lateness.warn(logging.getLogger("test"))
    assert (lateness.late, lateness.latest_by, len(caplog.messages)) == (1, seconds, warned)
    assert all("Raise lookback_seconds (300)" in message for message in caplog.messages)


def test_a_run_without_late_events_says_nothing_of_them(caplog: pytest.LogCaptureFixture) -> None:
    lateness = Lateness(stamp_of_second(START), lookback=0)
    lateness.note([event(START * 1_000_000, "a")])
    lateness.warn(logging.getLogger("test"))
    assert (lateness.late, lateness.latest_by, caplog.messages) == (0, 0, [])


@dataclass
class Week:
    """What the runs of a week came to.

    Attributes:
        late: the uuids of the events that were late.
        lost: those that no run has brought.
        noticed: how many the runs said were late.
        latest_by: by how many seconds the latest was, as they said.
        warnings: how many runs named the setting for that.
        codes: the exit codes.
        told: how many lost events each daily proof told of.
    """

    late: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    noticed: int = 0
    latest_by: int = 0
    warnings: int = 0
    codes: set[int] = field(default_factory=set)
    told: list[int] = field(default_factory=list)


def simulate(lateness: dt.timedelta, folder: Path) -> Week:
    """Run every three hours for a week, with as long a look-back, where a tenth of all events come to light late."""
    clock, rng, week = ManualClock(NOW), random.Random(1), Week()
    span = dt.timedelta(weeks=1)
    with FakeEndorApi(clock=clock) as api:
        for n in range(750):
            at = NOW + span * rng.random()
            (item,) = make_events_at([to_nanoseconds(at)], seed=n)
            is_late = rng.random() < 0.1
            week.late |= {item["uuid"]} if is_late else set()
            api.store.add([item], at + lateness * is_late)
        config = config_for(api, start_date=NOW.isoformat(), lookback_seconds=int(EVERY.total_seconds()))
        state: dict[str, t.Any] = {}
        week.lost = set(api.store.uuids())
        # Two days more, so that a proof sees the last ones.
        while clock() < NOW + span + dt.timedelta(days=2):
            clock.advance(EVERY.total_seconds())
            output = run_command(folder, level=logging.INFO, config=config, state=state)
            assert week.lost >= set(output.uuids), "one came twice"
            assert len(output.uuids) == len(set(output.uuids))
            week.lost -= set(output.uuids)
            state = output.state
            week.codes.add(output.code)
            for late, by in _LATE.findall(output.stderr):
                week.noticed += int(late)
                week.latest_by = max(week.latest_by, int(by))
            week.warnings += f"Raise lookback_seconds ({config['lookback_seconds']})" in output.stderr
            week.told += [int(lost) for line in output.errors for lost in _LOST.findall(line)]
    return week


def test_a_week_of_late_events_is_told_below_the_look_back_and_proved_lost_beyond_it(tmp_path: Path) -> None:
    below = simulate(0.75 * EVERY, tmp_path)
    assert (below.lost, below.codes, below.told) == (set(), {0}, [])
    # Three in four came to light only after a run had read past them.
    assert 0.6 * len(below.late) < below.noticed < 0.9 * len(below.late)
    assert 0.5 * EVERY.total_seconds() < below.latest_by <= 0.75 * EVERY.total_seconds()
    assert below.warnings > 10

    beyond = simulate(3 * EVERY, tmp_path)
    assert beyond.lost <= beyond.late
    assert len(beyond.lost) > 0.95 * len(beyond.late)
    assert beyond.noticed + len(beyond.lost) <= len(beyond.late)
    # Each is in one or two of the proofs.
    assert len(beyond.lost) <= sum(beyond.told) <= 2 * len(beyond.lost)
    assert beyond.codes == {0, 3}


def test_the_figures_of_late_events_are_in_a_state_that_can_be_merged() -> None:
    runs = chain((80, 80))
    runs.run(START + 100)
    assert runs.state == json.loads(json.dumps(runs.state))
    assert [value for value in runs.state.values() if isinstance(value, dict)] == [SCOPE._asdict()]
