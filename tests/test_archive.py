"""The archive is read where a range reaches back that far, exactly, wherever the boundary to it is."""

from __future__ import annotations

import datetime as dt
import json
import logging
import math
import random
import typing as t
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_endor_api import Fault, make_events
from tap_endorlabs.api.client import LogClient
from tap_endorlabs.api.records import Page
from tap_endorlabs.errors import ArchiveRefusedError, IncompleteError, StateError
from tap_endorlabs.proof.ages import zones
from tap_endorlabs.reading.archive import ACTIVE, ARCHIVE, BOTH, Zone
from tap_endorlabs.settings import Settings
from tap_endorlabs.sync.bookmark import Bookmark, Gap, Scope
from tap_endorlabs.sync.run import LogRun
from tap_endorlabs.sync.state import bookmark_of, resume
from tap_endorlabs.tap import TapEndorLabs
from tests.conftest import NOW, stored
from tests.harness import config_for, run_inside
from tests.in_process import run_command
from tests.log_model import LogModel, event
from tests.test_run import SCOPE, moment, some_settings

if t.TYPE_CHECKING:
    from pathlib import Path

    from fake_endor_api import FakeEndorApi, ManualClock
    from fake_endor_api.seen import Request
    from tap_endorlabs.api.query import Query
    from tap_endorlabs.api.records import Event

DAY = 86_400
BEGUN = 1_700_000_000
LOGGER = logging.getLogger("test")


@dataclass
class Home:
    """Where an event is at a request: active until `leaves`, in the archive from `arrives` on, which is no later."""

    event: Event
    arrives: int
    leaves: int


class TwoDatabases:
    """An active database and an archive, between which events move while requests are answered."""

    def __init__(self, homes: list[Home], seed: int, *, archive_sorts: bool) -> None:
        self.homes = homes
        self.asked: list[Query] = []
        self._rng = random.Random(seed)
        self._archive_sorts = archive_sorts

    def fetch(self, query: Query) -> Page:
        number = len(self.asked)
        self.asked.append(query)
        if query.archived:
            found = [home.event for home in self.homes if number >= home.arrives]
        else:
            found = [home.event for home in self.homes if number < home.leaves]
        sorts = not query.archived or self._archive_sorts
        return LogModel(found, self._rng, sorts=sorts).fetch(query)


AGES = st.one_of(st.integers(0, 90 * DAY - 1), st.integers(29 * DAY, 31 * DAY - 1), st.sampled_from([30 * DAY] * 3))


@given(
    ages=st.lists(st.tuples(AGES, st.integers(0, 12), st.integers(0, 3)), max_size=60),
    sizes=st.tuples(st.integers(1, 12), st.sampled_from([1, 4])),
    killed_after=st.integers(0, 12),
    seed=st.integers(),
    archive_sorts=st.booleans(),
)
def test_events_that_move_between_any_two_requests_come_once_and_in_order(
    ages: list[tuple[int, int, int]],
    sizes: tuple[int, int],
    killed_after: int,
    seed: int,
    *,
    archive_sorts: bool,
) -> None:
    homes = []
    for number, (age, moves_at, overlap) in enumerate(ages):
        one = event((BEGUN - age) * 1_000_000 - 1, f"{number * 7919 % 10_007:05}")
        if age >= 31 * DAY:
            homes.append(Home(one, 0, 0))
        elif age < 29 * DAY:
            homes.append(Home(one, 1 << 30, 1 << 30))
        else:
            homes.append(Home(one, moves_at, moves_at + overlap))
    log = TwoDatabases(homes, seed, archive_sorts=archive_sorts)
    start = event((BEGUN - 95 * DAY) * 1_000_000, "").create_time
    settings = some_settings(start_date=start, page_size=sizes[0], concurrency=sizes[1])
    state: dict[str, t.Any] = {}
    kept: list[Event] = []
    left_at: int | None = None
    for last in (False, True, True):
        before = len(log.asked)
        run = LogRun(settings, resume(state, SCOPE, LOGGER), moment(BEGUN), LOGGER, clock=lambda: 0.0)
        for count, events in enumerate(run.new_events(log.fetch)):
            if count == killed_after and not last:
                break
            run.note(events)
            kept += events
            state = json.loads(json.dumps(run.bookmark.to_state(SCOPE)))
        if run.bookmark.gaps and left_at is None:
            left_at = before
    # While an archive has nothing, nobody knows whether it can be read; what may be there comes a day later.
    assert left_at is None or all(home.arrives >= left_at for home in homes)
    left = [home.event for home in homes if any(g.begin <= home.event.create_time < g.end for g in run.bookmark.gaps)]
    assert (kept if left_at is None else sorted(kept + left)) == sorted(home.event for home in homes)


def test_what_passes_the_age_of_the_archive_while_the_border_is_found_is_not_missed() -> None:
    ages = [31 * DAY - 5 - 20 * n for n in range(30)]
    homes = [Home(event((BEGUN - age) * 1_000_000, f"{age:09}"), 1 << 30, 1 << 30) for age in ages]
    homes += [Home(event((BEGUN - age * DAY) * 1_000_000, f"old{age}"), 0, 0) for age in range(32, 40)]
    log = TwoDatabases(homes, 1, archive_sorts=True)
    start = event((BEGUN - 45 * DAY) * 1_000_000, "").create_time
    settings = some_settings(start_date=start, completeness_check="always")
    run = LogRun(settings, None, moment(BEGUN), LOGGER, clock=lambda: 60.0 * len(log.asked))
    found = [one for events in run.new_events(log.fetch) for one in events]
    assert found == sorted(home.event for home in homes)


def test_an_event_that_is_archived_while_its_part_is_read_again_is_no_loss() -> None:
    homes = [Home(event((BEGUN - age * DAY) * 1_000_000, f"{age:03}"), 0, 0) for age in range(32, 40)]
    moving = Home(event((BEGUN - 30 * DAY) * 1_000_000, "moving"), 0, 0)
    log = TwoDatabases([*homes, moving], 1, archive_sorts=True)

    def fetch(query: Query) -> Page:
        page = log.fetch(query)
        # The first count of the active database still has it.
        is_first = query.counted and not query.archived and query.start > BEGUN - 32 * DAY
        if is_first and page.count == 0 and not moved:
            moved.append(True)
            return Page([], count=1)
        return page

    moved: list[bool] = []
    settings = some_settings(start_date=homes[-1].event.create_time, completeness_check="always")
    run = LogRun(settings, None, moment(BEGUN), LOGGER, clock=lambda: 0.0)
    kept = [e for events in run.new_events(fetch) for e in noted(run, events)]
    assert (kept, moved) == (sorted(home.event for home in log.homes), [True])


def test_a_range_is_cut_where_its_events_may_be_elsewhere() -> None:
    now = iter([100 * DAY, 101 * DAY])
    assert list(zones(0, 200 * DAY, lambda: next(now))) == [
        Zone(0, 69 * DAY, ARCHIVE),
        # The second time has been asked for when the archive had been read; what moves within the hour is in either.
        Zone(69 * DAY, 72 * DAY + 3600, BOTH),
        Zone(72 * DAY + 3600, 200 * DAY, ACTIVE),
    ]


def test_news_are_looked_for_in_the_active_database_alone() -> None:
    assert list(zones(90 * DAY, 100 * DAY, lambda: 100 * DAY)) == [Zone(90 * DAY, 100 * DAY, ACTIVE)]


def uuids_of(api: FakeEndorApi) -> list[str]:
    return sorted(item["uuid"] for item in api.store.objects())


def fill(api: FakeEndorApi, count: int, days: int) -> dict[str, t.Any]:
    start = NOW - dt.timedelta(days=days)
    api.store.add_all_of(stored(count, days))
    return config_for(api, start_date=start.isoformat(), concurrency=8)


@pytest.mark.parametrize(("count", "days"), [(3000, 90), (3000, 3 * 365), (20, 3 * 365), (40, 31)])
@pytest.mark.parametrize("overlap", [dt.timedelta(0), dt.timedelta(days=2)], ids=str)
@pytest.mark.parametrize("ignores_sort", [True, False])
def test_a_backfill_over_the_archive_is_exact(
    count: int, days: int, overlap: dt.timedelta, *, ignores_sort: bool, empty_api: FakeEndorApi
) -> None:
    config = fill(empty_api, count, days)
    empty_api.behaviour.archive_overlap = overlap
    empty_api.behaviour.archive_ignores_sort = ignores_sort
    output = run_inside(config)
    assert sorted(output.uuids) == uuids_of(empty_api)
    times = [record["create_time"] for record in output.records]
    assert times == sorted(times)
    assert len(empty_api.list_requests) <= 1.3 * math.ceil(count / 500) + 30


def is_count(request: Request) -> bool:
    return "list_parameters.count" in request.query


def test_in_the_archive_the_kind_comes_first_and_nothing_is_sorted(empty_api: FakeEndorApi) -> None:
    run_inside(fill(empty_api, 200, 90) | {"filter": "spec.operation=='OPERATION_DELETE'"})
    pages = [
        request for request in empty_api.list_requests if request.path.endswith("/archived") and not is_count(request)
    ]
    asked = [request.query for request in pages]
    assert asked
    for query in asked:
        assert query["list_parameters.filter"].startswith("spec.message_kind!='none' and meta.create_time>=date(")
        assert query["list_parameters.filter"].endswith(" and (spec.operation=='OPERATION_DELETE')")
        assert "list_parameters.sort.path" not in query


def test_a_run_that_was_away_for_forty_days_catches_up(empty_api: FakeEndorApi, clock: ManualClock) -> None:
    config = fill(empty_api, 500, 20)
    first = run_inside(config)
    empty_api.store.add(make_events(2000, NOW, NOW + dt.timedelta(days=40), seed=2))
    clock.advance(40 * DAY)
    second = run_inside(config, first.state)
    assert sorted(first.uuids + second.uuids) == uuids_of(empty_api)


def test_the_archive_is_left_alone_where_that_is_asked_for(empty_api: FakeEndorApi) -> None:
    output = run_inside(fill(empty_api, 900, 90) | {"include_archived": False})
    assert 250 < len(output.uuids) < 350
    assert not any(request.path.endswith("/archived") for request in empty_api.list_requests)


def test_a_key_that_may_not_read_the_archive_gets_the_rest_and_one_warning(
    empty_api: FakeEndorApi, tmp_path: Path
) -> None:
    config = fill(empty_api, 900, 90)
    empty_api.behaviour.archive_denied = True
    output = run_command(tmp_path, level=logging.INFO, config=config)
    recent = [
        item["uuid"] for item in empty_api.store.objects() if item["meta"]["create_time"] >= "2026-03-02T12:00:00Z"
    ]
    assert sorted(output.uuids) == sorted(recent)
    assert output.stderr.count("may not read the archive") == 1
    (line,) = output.errors
    assert output.code == 3
    assert line.startswith(
        "Any archived events from 2025-12-31T12:00:00.000000Z to 2026-03-02T12:00:00.000000Z are missing;"
    )
    gap = {"from": "2025-12-31T12:00:00.000000Z", "to": "2026-03-02T12:00:00.000000Z", "emitted": []}
    assert output.bookmark["gaps"] == [gap]

    # The next run asks again, and those of the day after it don't.
    second = run_command(tmp_path, level=logging.INFO, config=config, state=output.state)
    assert (second.code, second.uuids, second.bookmark["gaps"]) == (3, [], [gap])
    assert "are still missing" in second.errors[0]
    asked = len(empty_api.list_requests)
    third = run_command(tmp_path, level=logging.INFO, config=config, state=second.state)
    assert (third.code, third.uuids, len(empty_api.list_requests) - asked) == (0, [], 1)
    assert third.bookmark["gaps"] == [gap]


@pytest.mark.parametrize("killed_after", [0, 1, 3, 100])
def test_a_gap_is_filled_when_the_archive_can_be_read_again(killed_after: int, empty_api: FakeEndorApi) -> None:
    config = fill(empty_api, 900, 90) | {"page_size": 50}
    empty_api.behaviour.archive_denied = True
    with pytest.raises(IncompleteError):
        run_inside(config)
    first = LogRun(Settings.of(config), None, NOW, LOGGER)
    client = client_of(config)
    kept = [e for events in first.new_events(client.fetch) for e in noted(first, events)]
    assert first.bookmark.gaps
    empty_api.behaviour.archive_denied = False
    state = first.bookmark.to_state(SCOPE)
    for last in (False, True):
        run = LogRun(Settings.of(config), bookmark_of(json.loads(json.dumps(state))), NOW, LOGGER)
        for count, events in enumerate(run.new_events(client.fetch)):
            if count == killed_after and not last:
                break
            kept += noted(run, events)
            state = run.bookmark.to_state(SCOPE)
        state = run.bookmark.to_state(SCOPE) if last else state
    assert sorted(event.uuid for event in kept) == uuids_of(empty_api)
    assert run.bookmark.gaps == []


def test_a_refusal_that_passes_leaves_no_gap(empty_api: FakeEndorApi) -> None:
    config = fill(empty_api, 900, 90)
    empty_api.fail(Fault.status(403))
    output = run_inside(config)
    assert sorted(output.uuids) == uuids_of(empty_api)
    assert output.bookmark["gaps"] == []


def test_a_key_that_may_read_nothing_leaves_no_gap(empty_api: FakeEndorApi, tmp_path: Path) -> None:
    config = fill(empty_api, 900, 90)
    empty_api.fail(Fault.status(403), times=None)
    output = run_command(tmp_path, level=logging.INFO, config=config)
    assert (output.code, output.uuids) == (1, [])
    assert "give it the role Read-only" in output.errors[0]
    assert output.of("STATE") == []
    empty_api.heal()
    assert sorted(run_command(tmp_path, level=logging.INFO, config=config).uuids) == uuids_of(empty_api)


def client_of(config: dict[str, t.Any]) -> LogClient:
    return LogClient(TapEndorLabs(config=config).api, "audit-logs", LOGGER)


def noted(run: LogRun, events: list[Event]) -> list[Event]:
    run.note(events)
    return events


def test_a_refusal_after_the_archive_was_read_fails_the_run_and_the_next_goes_on_there() -> None:
    homes = [Home(event((BEGUN - 90 * DAY + n * 36_000) * 1_000_000, f"{n:03}"), 0, 0) for n in range(100)]
    log = TwoDatabases(homes, 1, archive_sorts=True)

    def fetch(query: Query) -> Page:
        if query.archived and query.start > BEGUN - 60 * DAY:
            raise ArchiveRefusedError("no", 403)
        return log.fetch(query)

    settings = some_settings(start_date=event((BEGUN - 90 * DAY) * 1_000_000, "").create_time, page_size=10)
    kept: list[Event] = []

    first = LogRun(settings, None, moment(BEGUN), LOGGER, clock=lambda: 0.0)
    with pytest.raises(ArchiveRefusedError):
        kept.extend(e for events in first.new_events(fetch) for e in noted(first, events))
    assert kept
    assert first.bookmark.gaps == []
    rest = [
        e for events in LogRun(settings, first.bookmark, moment(BEGUN), LOGGER).new_events(log.fetch) for e in events
    ]
    assert kept + rest == [home.event for home in homes]


def test_gaps_are_kept_in_the_state_and_joined() -> None:
    days = [f"2025-01-0{day}T00:00:00.000000Z" for day in range(1, 9)]
    bookmark = Bookmark(days[0], {"a": days[1], "b": days[6]})
    assert all(bookmark.leave_gap(days[begin], days[end]) for begin, end in ((0, 1), (1, 2), (4, 5)))
    assert not bookmark.leave_gap(days[3], days[4])
    # What has been emitted of a gap is not emitted once more where it is filled.
    assert bookmark.gaps == [Gap(days[0], days[2], {"a": days[1]}), Gap(days[4], days[5])]
    assert (bookmark.value, bookmark.emitted) == (days[5], {"b": days[6]})
    assert bookmark_of(bookmark.to_state(Scope("acme", traverse=True, filter=None))) == bookmark


@pytest.mark.parametrize("gaps", ["x", [1], [{"from": "soon", "to": "2026-01-01T00:00:00Z"}], [{}]])
def test_broken_gaps_are_refused(gaps: object) -> None:
    with pytest.raises(StateError, match="The state is broken: gaps"):
        bookmark_of({"replication_key_value": "2026-01-01T00:00:00Z", "gaps": gaps})


@pytest.mark.parametrize(
    "behaviour",
    [{}, {"blind_kinds": frozenset({"!="})}, {"archive_path": "empty"}, {"archive_path": "ignored"}],
    ids=str,
)
def test_an_early_archive_is_read_in_the_way_that_finds_most(
    behaviour: dict[str, t.Any], empty_api: FakeEndorApi, tmp_path: Path
) -> None:
    start = NOW - dt.timedelta(days=10)
    empty_api.store.add(make_events(600, start, NOW - dt.timedelta(minutes=10)))
    empty_api.behaviour.archive_after = dt.timedelta(days=7)
    for name, value in behaviour.items():
        setattr(empty_api.behaviour, name, value)
    output = run_command(tmp_path, level=20, config=config_for(empty_api, start_date=start.isoformat()))
    assert output.code == 0
    assert sorted(output.uuids) == sorted(empty_api.store.uuids())
