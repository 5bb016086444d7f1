"""What was read is written only when the API counts as much, and what came too late is told."""

from __future__ import annotations

import datetime as dt
import itertools
import logging
import random
import threading
import typing as t
from dataclasses import replace

import pytest

from fake_endor_api import Fault, make_events, make_events_at
from fake_endor_api.times import to_nanoseconds
from tap_endorlabs.api.records import Reject
from tap_endorlabs.errors import ApiError, RateLimitedError, TooSlowError, UncountedError
from tap_endorlabs.proof import proof
from tap_endorlabs.proof.counting import Counter
from tap_endorlabs.proof.proof import Part, Proof
from tap_endorlabs.proof.rereading import Rereader
from tap_endorlabs.proof.zone_reader import ZoneReader
from tap_endorlabs.reading.archive import BOTH, Zone
from tap_endorlabs.reading.gap import Stretch
from tap_endorlabs.timestamps import second_of
from tests.conftest import NOW
from tests.harness import Clock, config_for, run_inside
from tests.in_process import run_command
from tests.log_model import LogModel, event
from tests.test_run import LOGGER, START, some_settings

if t.TYPE_CHECKING:
    from pathlib import Path

    from fake_endor_api import FakeEndorApi, ManualClock
    from tap_endorlabs.api.query import Query
    from tap_endorlabs.api.records import Page

TEN_DAYS_AGO = (NOW - dt.timedelta(days=10)).isoformat()


def a_log(count: int, **options: t.Any) -> LogModel:
    """One event every 9 seconds."""
    return LogModel([event((START + n * 9) * 1_000_000, f"{n:06}") for n in range(count)], random.Random(1), **options)


def read(log: LogModel, count: int, **settings: t.Any) -> list[Stretch]:
    stop = START + count * 9
    reader = ZoneReader(log.fetch, some_settings(page_size=50, **settings), stop, LOGGER)
    return list(reader.read(Zone(START, stop)))


@pytest.mark.parametrize("concurrency", [1, 8])
def test_the_proof_of_a_hundred_pages_costs_six_requests_at_most(concurrency: int) -> None:
    log = a_log(5000)
    stretches = read(log, 5000, concurrency=concurrency)
    assert [e for stretch in stretches for e in stretch.events] == log.events
    counts = sorted(query for query in log.asked if query.counted)
    assert 3 <= len(counts) <= 6
    # All of it, and all parts but the last, which must have the rest.
    counts.remove(next(one for one in counts if one.stop - one.start == 45_000))
    assert counts[0].start == START
    assert all(one.stop == other.start for one, other in itertools.pairwise(counts))
    # Between whole minutes, as the times of a server may have no more.
    assert all(one.stop % 60 == 0 for one in counts)


def test_what_fits_a_page_is_not_proved_unless_its_size_is_suspicious() -> None:
    for count, counted in ((7, False), (25, True), (49, False), (50, True), (51, True)):
        log = a_log(count)
        read(log, count)
        assert any(query.counted for query in log.asked) == counted, count
    log = a_log(7)
    read(log, 7, completeness_check="always")
    assert [query.counted for query in log.asked] == [False, True]


def test_nothing_is_proved_where_that_is_not_wanted() -> None:
    log = a_log(500)
    assert sum(len(stretch.events) for stretch in read(log, 500, completeness_check="never")) == 500
    assert not any(query.counted for query in log.asked)


def test_nothing_leaves_before_it_is_proved(api: FakeEndorApi, tmp_path: Path) -> None:
    api.behaviour.count = "high"
    output = run_command(tmp_path, level=logging.INFO, config=config_for(api, start_date=TEN_DAYS_AGO))
    assert output.code == 1
    assert output.records == []
    assert output.of("STATE") == []
    (line,) = output.errors
    assert "counts 1199 events from 2026-03-21T11:59:00.000000Z to 2026-03-31T11:56:00.000000Z" in line
    assert "it lists only 1198" in line


@pytest.mark.parametrize("status", [400, 500, 501, 504])
def test_an_api_that_fails_to_count_is_read_without_proof(
    status: t.Any, api: FakeEndorApi, caplog: pytest.LogCaptureFixture
) -> None:
    api.behaviour.count = status
    assert len(run_inside(config_for(api, start_date=TEN_DAYS_AGO)).records) == 1200
    assert caplog.text.count("can't prove that the log is complete") == 1


def test_what_was_proved_before_a_fault_is_kept(api: FakeEndorApi, tmp_path: Path) -> None:
    config = config_for(api, start_date=TEN_DAYS_AGO, page_size=20, concurrency=1)
    api.fail(Fault.status(403), after=52, times=None)
    output = run_command(tmp_path, level=logging.INFO, config=config)
    assert output.code == 1
    assert 400 <= len(output.records) < 1200
    api.heal()
    rest = run_command(tmp_path, level=logging.INFO, config=config, state=output.state)
    assert sorted(output.uuids + rest.uuids) == sorted(api.store.uuids())


def test_a_part_ends_where_its_events_are_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log(500)
    monkeypatch.setattr(proof, "PART_BYTES", 60 * len(log.events[0].raw))
    assert max(len(stretch.events) for stretch in read(log, 500)) <= 180


def test_a_part_is_cut_at_a_whole_minute_where_there_is_one() -> None:
    minute = START // 60 * 60
    part = Part(minute, (False,))
    events = [event((minute + n) * 1_000_000, f"{n:03}") for n in range(150)]
    part.add(Stretch(events, minute + 149, [], (150,)))
    rest = part.cut()
    assert (part.stop, rest.start, rest.stop) == (minute + 120, minute + 120, minute + 149)
    assert part.events + rest.events == events
    assert (part.seen, rest.seen) == ([120], [30])


class Forgetful:
    """Loses the second half of each sorted page but the last event."""

    def __init__(self, log: LogModel) -> None:
        self.log = log

    def fetch(self, query: Query) -> Page:
        page = self.log.fetch(query)
        if not query.is_sorted or len(page.events) < 10:
            return page
        kept = [*page.events[: len(page.events) // 2], page.events[-1]]
        return type(page)(kept, size=page.size, says_more=page.says_more)


@pytest.mark.parametrize("most_at_once", [100, 10_000])
def test_what_a_count_does_not_prove_is_read_again(most_at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tap_endorlabs.proof.rereading.MOST_AT_ONCE", most_at_once)
    log = a_log(1500)
    stop = START + 1500 * 9
    reader = ZoneReader(Forgetful(log).fetch, some_settings(page_size=50, concurrency=4), stop, LOGGER)
    stretches = list(reader.read(Zone(START, stop)))
    assert [e for stretch in stretches for e in stretch.events] == log.events


def test_a_count_is_taken_in_parts_where_all_at_once_takes_too_long() -> None:
    log = a_log(500)

    def fetch(query: Query) -> Page:
        if query.counted and query.stop - query.start > 600:
            raise TooSlowError("too much")
        return log.fetch(query)

    assert Counter(fetch, LOGGER).count(START, START + 4500) == 500


def test_without_counts_the_log_is_read_after_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    log = a_log(3000)

    def fetch(query: Query) -> Page:
        if query.counted:
            raise ApiError("no", 501)
        return log.fetch(query)

    stop = START + 27_000
    reader = ZoneReader(fetch, some_settings(page_size=50, concurrency=4), stop, LOGGER)
    assert sum(len(stretch.events) for stretch in reader.read(Zone(START, stop))) == 3000
    assert caplog.text.count("can't prove that the log is complete") == 1


def test_a_count_that_is_high_for_a_moment_does_no_harm() -> None:
    log = a_log(500)
    lies = [1]

    def fetch(query: Query) -> Page:
        page = log.fetch(query)
        if query.counted and lies:
            return type(page)([], count=(page.count or 0) + lies.pop())
        return page

    proof_ = Proof(
        zone := Zone(START, START + 4500),
        counter := Counter(fetch, LOGGER),
        Rereader(fetch, counter, 50, LOGGER),
        50,
        zone.stop,
    )
    stretch = Stretch(sorted(log.events), zone.stop, [], (500,))
    assert [e for s in proof_.prove(iter([stretch])) for e in s.events] == log.events


def test_what_follows_a_part_that_is_not_proved_is_kept_back() -> None:
    parts = [sorted(a_log(200).events)[n : n + 25] for n in range(0, 200, 25)]
    first_may_be_counted, counted = threading.Event(), threading.Semaphore(0)

    class LateCounter(Counter):
        def count(self, start: int, stop: int, *, archived: bool = False) -> int | None:
            if start == START and stop < START + 1800:
                first_may_be_counted.wait()
                return 26
            counted.release()
            return super().count(start, stop, archived=archived)

    class HelplessRereader(Rereader):
        def reread(self, part: Part, end: int, counts: list[int | None]) -> t.Generator[Stretch]:
            # All of it, and the two parts that wait, with counts that are right.
            assert all(counted.acquire(timeout=10) for _ in range(3))
            raise UncountedError(part.start, end, counts[0], 25)

    def stretches() -> t.Iterator[Stretch]:
        for number, events in enumerate(parts):
            if number == 2:
                first_may_be_counted.set()
            yield Stretch(events, second_of(events[-1].create_time) + 1, [], (25,))

    counter = LateCounter(a_log(200).fetch, LOGGER)
    rereader = HelplessRereader(a_log(200).fetch, counter, 1, LOGGER)
    proof_ = Proof(Zone(START, START + 1800), counter, rereader, 1, START + 1800)
    handed_on: list[Stretch] = []
    with pytest.raises(UncountedError):
        handed_on.extend(proof_.prove(stretches()))
    assert handed_on == []


def test_less_than_is_counted_ends_the_reading() -> None:
    log = a_log(100)
    counter = Counter(log.fetch, LOGGER)
    rereader = Rereader(lambda query: type(log.fetch(query))([]), counter, 50, LOGGER)
    with pytest.raises(UncountedError, match=r"counts 100 events from .* lists only 0"):
        list(rereader.reread(Part(START, (False,)), START + 900, [100]))


def test_an_object_left_out_of_one_database_hides_none_that_is_missing_in_the_other() -> None:
    active, archive = a_log(200), a_log(200)
    half = Reject(archive.events[0].create_time, "half", "broken", "{}")

    def fetch(query: Query) -> Page:
        if query.archived:
            page = archive.fetch(query)
            return page if query.counted else replace(page, rejected=[half], size=page.size + 1)
        page = active.fetch(query)
        return replace(page, count=(page.count or 0) + 1) if query.counted else page

    stop = START + 200 * 9
    reader = ZoneReader(fetch, some_settings(page_size=50), stop, LOGGER)
    with pytest.raises(UncountedError):
        list(reader.read(Zone(START, stop, BOTH)))


# Once a day


def days(api: FakeEndorApi, clock: ManualClock, hours: int, each: int) -> list[str]:
    """Let time pass and events happen."""
    begun = clock()
    clock.advance(hours * 3600)
    api.store.add(make_events(each, begun, clock(), seed=len(api.store)))
    return api.store.uuids()


def test_a_day_of_runs_is_proved_once(empty_api: FakeEndorApi, clock: ManualClock) -> None:
    config = config_for(empty_api, start_date=NOW.isoformat())
    state: dict[str, t.Any] = {}
    uuids: list[str] = []
    requests: list[int] = []
    for _ in range(30):
        days(empty_api, clock, 1, 7)
        asked = len(empty_api.list_requests)
        output = run_inside(config, state)
        state, uuids = output.state, uuids + output.uuids
        requests.append(len(empty_api.list_requests) - asked)
    assert sorted(requests)[:28] == [1] * 28
    assert sum(requests) <= 30 + 2 * 4
    clock.advance(600)
    assert sorted(uuids + run_inside(config, state).uuids) == sorted(empty_api.store.uuids())


def test_a_quiet_log_costs_a_request_a_run(empty_api: FakeEndorApi, clock: ManualClock) -> None:
    config = config_for(empty_api, start_date=(NOW - dt.timedelta(days=1)).isoformat())
    empty_api.store.add(make_events(50, NOW - dt.timedelta(days=1), NOW))
    state = run_inside(config, {}).state
    requests = []
    for _ in range(12):
        clock.advance(6 * 3600)
        asked = len(empty_api.list_requests)
        state = run_inside(config, state).state
        requests.append(len(empty_api.list_requests) - asked)
    assert sorted(requests)[:9] == [1] * 9


@pytest.mark.parametrize("lookback", [0, 300])
def test_what_came_too_late_is_told_with_when_and_how_many(
    lookback: int, empty_api: FakeEndorApi, clock: ManualClock, tmp_path: Path
) -> None:
    config = config_for(empty_api, start_date=NOW.isoformat(), lookback_seconds=lookback)
    state: dict[str, t.Any] = {}
    for _ in range(3):
        days(empty_api, clock, 5, 20)
        state = run_inside(config, state).state
    # Of the first hours, and visible only now.
    empty_api.store.add(
        make_events_at([to_nanoseconds(NOW + dt.timedelta(hours=2, minutes=n)) for n in range(3)], seed=9)
    )
    codes, lines = [], []
    for _ in range(4):
        days(empty_api, clock, 5, 20)
        output = run_command(tmp_path, level=20, config=config, state=state)
        state = output.state
        codes.append(output.code)
        lines += output.errors
    assert codes == [0, 3, 0, 0]
    (line,) = lines
    assert "but only" in line
    assert "3 became visible later than lookback_seconds" in line
    assert line.startswith("From 2026-03-31T12:0")


@pytest.mark.parametrize("hours", [25, 7 * 24, 15 * 24, 20 * 24])
def test_what_comes_to_light_after_a_proof_is_told_by_the_next(
    hours: int, empty_api: FakeEndorApi, clock: ManualClock, tmp_path: Path
) -> None:
    config = config_for(empty_api, start_date=NOW.isoformat())
    state: dict[str, t.Any] = {}
    codes = []
    for day in range(5):
        days(empty_api, clock, hours, 100)
        # The bookmark is then later than what comes to light.
        empty_api.store.add(make_events_at([to_nanoseconds(clock() - dt.timedelta(minutes=6))], seed=50 + day))
        output = run_command(tmp_path, level=20, config=config, state=state)
        state = output.state
        codes.append(output.code)
        if day == 1:
            # When it happened is proved by now.
            empty_api.store.add(make_events_at([to_nanoseconds(clock() - dt.timedelta(minutes=10))], seed=1))
    assert codes == [0, 0, 3, 0, 0]


@pytest.mark.parametrize("age", [10, 60])
def test_what_comes_to_light_after_a_backfill_is_told(
    age: int, empty_api: FakeEndorApi, clock: ManualClock, tmp_path: Path
) -> None:
    start = NOW - dt.timedelta(days=age)
    empty_api.store.add(make_events(300, start, NOW - dt.timedelta(hours=1)))
    empty_api.store.add(make_events_at([to_nanoseconds(NOW - dt.timedelta(minutes=6))], seed=2))
    config = config_for(empty_api, start_date=start.isoformat())
    state = run_inside(config).state
    empty_api.store.add(make_events_at([to_nanoseconds(NOW - dt.timedelta(minutes=30))], seed=1))
    days(empty_api, clock, 25, 20)
    output = run_command(tmp_path, level=20, config=config, state=state)
    assert output.code == 3
    assert "1 became visible later than lookback_seconds" in output.stderr


@pytest.mark.parametrize("days_ahead", [10, 40])
def test_a_clock_that_was_ahead_once_does_not_end_the_proofs(
    days_ahead: int, empty_api: FakeEndorApi, clock: ManualClock, tmp_path: Path
) -> None:
    config = config_for(empty_api, start_date=NOW.isoformat())
    days(empty_api, clock, 25, 20)
    clock.advance(days_ahead * 86_400)
    state = run_inside(config).state
    clock.advance(-days_ahead * 86_400)
    codes = []
    for day in range(4):
        days(empty_api, clock, 25, 100)
        output = run_command(tmp_path, level=20, config=config, state=state)
        state = output.state
        codes.append(output.code)
        if day == 1:
            empty_api.store.add(make_events_at([to_nanoseconds(clock() - dt.timedelta(minutes=10))], seed=1))
    assert codes == [0, 0, 3, 0]


@pytest.mark.parametrize("raised", [7_200, 86_400])
@pytest.mark.parametrize("after", [23, 24])
def test_a_look_back_that_is_raised_is_no_reason_for_an_alarm(
    raised: int, after: int, empty_api: FakeEndorApi, clock: ManualClock, tmp_path: Path
) -> None:
    config = config_for(empty_api, start_date=NOW.isoformat())
    state: dict[str, t.Any] = {}
    codes = []
    for hour in range(80):
        days(empty_api, clock, 1, 10)
        own = config | ({"lookback_seconds": raised} if hour > after else {})
        output = run_command(tmp_path, level=20, config=own, state=state)
        state = output.state
        codes.append(output.code)
    assert set(codes) == {0}


def test_an_empty_answer_does_not_pass_for_a_look_back(empty_api: FakeEndorApi, clock: ManualClock) -> None:
    ago = [dt.timedelta(minutes=minutes) for minutes in (30, 1, 2)]
    *shown, late = make_events_at([to_nanoseconds(NOW - one) for one in ago])
    empty_api.store.add(shown)
    config = config_for(empty_api, start_date=(NOW - dt.timedelta(hours=1)).isoformat())
    state = run_inside(config).state
    clock.advance(600)
    empty_api.store.add([late])
    empty_api.fail(Fault.raw(b"{}"))
    state = run_inside(config, state).state
    assert run_inside(config, state).uuids == [late["uuid"]]


@pytest.mark.parametrize("rejected", [0, 5])
def test_late_events_are_told_however_the_minutes_of_the_first_run_fall(
    rejected: int, empty_api: FakeEndorApi, clock: ManualClock, tmp_path: Path
) -> None:
    clock.advance(30)
    begun = clock()
    config = config_for(empty_api)
    state = run_inside(config).state
    news = make_events_at([to_nanoseconds(begun + dt.timedelta(seconds=n + 1)) for n in range(25)], seed=3)
    last = make_events_at([to_nanoseconds(begun + dt.timedelta(minutes=10, seconds=n)) for n in range(7)], seed=4)
    for item in last[:rejected]:
        del item["uuid"]
    empty_api.store.add(news)
    empty_api.store.add_raw(last)
    clock.advance(3600)
    state = run_command(tmp_path, level=logging.INFO, config=config, state=state).state
    empty_api.store.add(
        make_events_at([to_nanoseconds(begun + dt.timedelta(minutes=5, seconds=n)) for n in range(5)], seed=5)
    )
    clock.advance(25 * 3600)
    output = run_command(tmp_path, level=20, config=config, state=state)
    assert output.code == 3
    assert "5 became visible later than lookback_seconds" in output.stderr


def test_a_server_that_stops_counting_somewhere_hides_nothing() -> None:
    log = a_log(3000, most_counted=400)
    lacking = {e.uuid for e in log.events[::40]}

    def fetch(query: Query) -> Page:
        page = log.fetch(query)
        if not query.is_sorted:
            return page
        return replace(page, events=[event for event in page.events if event.uuid not in lacking])

    reader = ZoneReader(fetch, some_settings(page_size=50), START + 27_000, LOGGER)
    assert [e for stretch in reader.read(Zone(START, START + 27_000)) for e in stretch.events] == log.events


def test_an_honest_server_is_never_read_again(empty_api: FakeEndorApi, tmp_path: Path) -> None:
    empty_api.store.add(make_events(400, NOW - dt.timedelta(days=10), NOW - dt.timedelta(hours=1)))
    empty_api.store.add(make_events(3000, NOW - dt.timedelta(hours=1), NOW - dt.timedelta(minutes=20), seed=1))
    output = run_command(tmp_path, level=20, config=config_for(empty_api, start_date=TEN_DAYS_AGO, page_size=20))
    assert "reading them again" not in output.stderr
    assert len(output.uuids) == 3400


def test_a_server_whose_clock_is_ahead_of_its_events_loses_none(empty_api: FakeEndorApi, clock: ManualClock) -> None:
    config = config_for(empty_api, start_date=(NOW - dt.timedelta(minutes=10)).isoformat())
    state: dict[str, t.Any] = {}
    uuids: list[str] = []
    for n in range(30):
        clock.advance(60)
        # What happens now bears a time of two minutes ago.
        times = [to_nanoseconds(clock() - dt.timedelta(seconds=120 - second)) for second in range(0, 60, 20)]
        empty_api.store.add(make_events_at(times, seed=n))
        output = run_inside(config, state)
        state, uuids = output.state, uuids + output.uuids
    assert sorted(uuids) == sorted(empty_api.store.uuids())


def test_refusals_without_end_take_fifteen_minutes_in_all(api: FakeEndorApi) -> None:
    """What had to wait for its turn meanwhile does not begin anew."""
    api.fail(Fault.status(429), times=None, after=1)
    clock = Clock()
    with pytest.raises(RateLimitedError):
        run_inside(config_for(api, start_date=TEN_DAYS_AGO, concurrency=1), clock=clock)
    assert 890 < clock.now < 1100


@pytest.mark.parametrize("count", [501, 400, 504, "ignored"])
def test_what_lies_before_a_failing_second_is_delivered_without_counts(
    count: t.Any, api: FakeEndorApi, tmp_path: Path
) -> None:
    api.behaviour.count = count
    events = api.store.objects()
    api.fail(Fault.status(500), times=None, when=events[700]["uuid"])
    output = run_command(tmp_path, level=20, config=config_for(api, start_date=TEN_DAYS_AGO, page_size=100))
    assert (output.code, len(output.uuids)) == (3, len(events) - 1)


@pytest.mark.parametrize(
    "behaviour",
    [{"empty_every": 10}, {"max_page_size": 100, "omit": frozenset({"response"})}],
    ids=["empty pages", "clamped pages"],
)
def test_a_failing_second_is_left_out_where_the_log_is_read_again(
    behaviour: dict[str, t.Any], api: FakeEndorApi, clock: ManualClock, tmp_path: Path
) -> None:
    for name, value in behaviour.items():
        setattr(api.behaviour, name, value)
    events = api.store.objects()
    bad = events[700]["uuid"]
    api.fail(Fault.status(500), times=None, when=bad)
    config = config_for(api, start_date=TEN_DAYS_AGO, page_size=150)
    first = run_command(tmp_path, level=20, config=config)
    assert first.code == 3
    assert len(events) - 3 <= len(first.uuids) < len(events)
    api.heal()
    clock.advance(86_400)
    later = run_command(tmp_path, level=20, config=config, state=first.state)
    assert sorted(first.uuids + later.uuids) == sorted(item["uuid"] for item in events)


@pytest.mark.parametrize("check", ["auto", "always", "never"])
def test_a_page_that_ends_within_a_failing_second_is_delivered(
    check: str, empty_api: FakeEndorApi, clock: ManualClock, tmp_path: Path
) -> None:
    begun = NOW - dt.timedelta(hours=20)
    last = begun + dt.timedelta(hours=18)
    offsets = (dt.timedelta(milliseconds=100), dt.timedelta(milliseconds=500), dt.timedelta(hours=1))
    times = [*(begun + n * dt.timedelta(minutes=1) for n in range(19)), *(last + offset for offset in offsets)]
    events = make_events_at([to_nanoseconds(time) for time in times])
    empty_api.store.add(events)
    empty_api.fail(Fault.status(500), times=None, when=events[20]["uuid"])
    config = config_for(empty_api, start_date=begun.isoformat(), page_size=20, completeness_check=check)
    first = run_command(tmp_path, level=20, config=config)
    assert first.code == 3
    assert {item["uuid"] for item in (*events[:19], events[21])} <= set(first.uuids)
    empty_api.heal()
    clock.advance(86_400)
    config |= {"completeness_check": "auto"}
    later = run_command(tmp_path, level=20, config=config, state=first.state)
    assert sorted(first.uuids + later.uuids) == sorted(item["uuid"] for item in events)


def test_a_second_that_always_fails_is_left_out_and_named(api: FakeEndorApi, tmp_path: Path) -> None:
    events = api.store.objects()
    bad = events[700]
    second = bad["meta"]["create_time"][:19]
    api.fail(Fault.status(500), times=None, when=bad["uuid"])
    config = config_for(api, start_date=TEN_DAYS_AGO)
    output = run_command(tmp_path, level=20, config=config)
    assert output.code == 3, output.stderr
    readable = [item["uuid"] for item in events if item["meta"]["create_time"][:19] != second]
    assert sorted(output.uuids) == sorted(readable)
    (gap,) = output.bookmark["gaps"]
    minute = f"{second[:-2]}00.000000Z"
    assert gap["from"] == minute
    assert f"Events from {minute} to" in output.errors[0]
    api.heal()
    days_later = run_command(tmp_path, level=20, config=config, state=output.state)
    rest = [item["uuid"] for item in events if item["meta"]["create_time"][:19] == second]
    assert (days_later.uuids, days_later.bookmark["gaps"], days_later.code) == (rest, [], 0)
