"""Over any sequence of runs every event is emitted once: with late events, ties, kills and small pages."""

from __future__ import annotations

import datetime as dt
import json
import logging
import random
import typing as t
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_endorlabs.errors import StateError
from tap_endorlabs.settings import Settings
from tap_endorlabs.sync.bookmark import Bookmark, Scope
from tap_endorlabs.sync.run import LogRun
from tap_endorlabs.sync.state import bookmark_of, resume, scope_of
from tap_endorlabs.timestamps import stamp_of, stamp_of_second
from tests.log_model import LogModel, event

if t.TYPE_CHECKING:
    from tap_endorlabs.api.records import Event

START = 1_700_000_000
SCOPE = Scope("acme", traverse=True, filter=None)
LOGGER = logging.getLogger("test")


def some_settings(**changes: t.Any) -> Settings:
    given_settings = {
        "namespace": "acme",
        "api_key": "k",
        "api_secret": "s",
        "start_date": stamp_of_second(START),
        "lookback_seconds": 5,
        **changes,
    }
    return Settings.of(given_settings)


def moment(second: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(second, tz=dt.timezone.utc)


@dataclass
class Chain:
    """Runs one after the other, each with the state that the one before left to the target."""

    arrivals: list[tuple[int, Event]]
    rng: random.Random
    page_size: int
    state: dict[str, t.Any] = field(default_factory=dict)
    kept: list[Event] = field(default_factory=list)
    begin: str = stamp_of_second(START)

    def run(self, now: int, *, killed_after: int | None = None, **changes: t.Any) -> LogRun:
        """Run at a second of the server's clock; a killed run keeps what a target had got by its last STATE."""
        log = LogModel([e for seen, e in self.arrivals if seen <= now], self.rng)
        run_settings = some_settings(page_size=self.page_size, **changes)
        run = LogRun(run_settings, resume(self.state, SCOPE, LOGGER), moment(now), LOGGER)
        for count, events in enumerate(run.new_events(log.fetch)):
            if count == killed_after:
                return run
            run.note(events)
            self.kept += events
            self.state = json.loads(json.dumps(run.bookmark.to_state(SCOPE)))
            self.check(run, log)
        self.state = json.loads(json.dumps(run.bookmark.to_state(SCOPE)))
        return run

    def check(self, run: LogRun, log: LogModel) -> None:
        """Every event before V has been emitted, and of those after it exactly the ones in S."""
        kept = {e.uuid for e in self.kept}
        bookmark = run.bookmark
        assert {e.uuid for e in log.events if self.begin <= e.create_time < bookmark.value} <= kept
        assert {e.uuid for e in self.kept if e.create_time >= bookmark.value} == bookmark.emitted.keys()
        assert bookmark.emitted_since == sum(bookmark.since <= e.create_time < bookmark.value for e in self.kept)


arrival = st.tuples(
    st.one_of(st.integers(0, 60_000_000), st.sampled_from([0, 7_000_000, 7_000_001, 30_000_000])),
    st.integers(0, 5),
)
one_run = st.tuples(st.integers(0, 20), st.one_of(st.none(), st.integers(0, 4)))


@given(
    arrivals=st.lists(arrival, max_size=60),
    runs=st.lists(one_run, max_size=8),
    page_size=st.integers(1, 12),
    concurrency=st.sampled_from([1, 4]),
    seed=st.integers(),
)
def test_the_union_of_any_runs_is_exact(
    arrivals: list[tuple[int, int]],
    runs: list[tuple[int, int | None]],
    page_size: int,
    concurrency: int,
    seed: int,
) -> None:
    # An event is visible at most lookback_seconds after it happened.
    log = [
        (START + micros // 1_000_000 + late, event(START * 1_000_000 + micros, f"{n:04}"))
        for n, (micros, late) in enumerate(arrivals)
    ]
    chain = Chain(log, random.Random(seed), page_size)
    now = START
    for seconds, killed_after in runs:
        now += seconds
        before = chain.state.get("replication_key_value", "")
        chain.run(now, killed_after=killed_after, concurrency=concurrency)
        assert chain.state.get("replication_key_value", "") >= before
    chain.run(START + 100, concurrency=concurrency)
    assert sorted(chain.kept) == sorted(e for _, e in log)


def test_a_first_run_without_start_date_reads_nothing_and_bookmarks_its_own_start() -> None:
    chain = Chain([(START, event(START * 1_000_000, "a"))], random.Random(1), 10)
    chain.begin = stamp_of_second(START + 10)
    chain.run(START + 10, start_date=None)
    assert chain.kept == []
    assert chain.state["replication_key_value"] == stamp_of_second(START + 10)
    chain.arrivals.append((START + 11, event((START + 11) * 1_000_000, "b")))
    chain.run(START + 20, start_date=None)
    assert [e.uuid for e in chain.kept] == ["b"]


def test_the_bookmark_never_passes_the_last_event_emitted() -> None:
    chain = Chain([(START, event(START * 1_000_000 + 5, "a"))], random.Random(1), 10)
    chain.run(START + 50_000)
    assert chain.state["replication_key_value"] == "2023-11-14T22:13:20.000005Z"
    assert [uuid for _, uuid in chain.state["emitted"]] == ["a"]


def test_the_bookmark_stays_behind_the_look_back() -> None:
    chain = Chain([(START + 99, event((START + 99) * 1_000_000, "a"))], random.Random(1), 10)
    run = chain.run(START + 100)
    # As far as whole minutes go: no count can prove more.
    assert run.bookmark.value == stamp_of_second((START + 95) // 60 * 60)
    assert list(run.bookmark.emitted) == ["a"]


def test_end_date_is_exclusive() -> None:
    log = [(START, event(START * 1_000_000 + micros, str(micros))) for micros in (0, 499_999, 500_000)]
    chain = Chain(log, random.Random(1), 10)
    chain.run(START + 100, end_date="2023-11-14T22:13:20.5Z")
    assert [e.uuid for e in chain.kept] == ["0", "499999"]
    chain.run(START + 100)
    assert [e.uuid for e in chain.kept] == ["0", "499999", "500000"]


def test_an_end_date_to_come_ends_where_the_run_starts() -> None:
    chain = Chain([(START, event((START + 60) * 1_000_000, "a"))], random.Random(1), 10)
    chain.run(START + 50, end_date=stamp_of_second(START + 100))
    assert chain.kept == []
    chain.run(START + 70, end_date=stamp_of_second(START + 100))
    assert len(chain.kept) == 1


def test_a_state_comes_before_start_date() -> None:
    chain = Chain([(START, event((START + 1) * 1_000_000, "a"))], random.Random(1), 10)
    chain.run(START)
    chain.run(START + 100, start_date=stamp_of_second(START + 50))
    assert len(chain.kept) == 1


def test_a_bookmark_after_the_end_reads_nothing(caplog: pytest.LogCaptureFixture) -> None:
    chain = Chain([(START, event((START + 1) * 1_000_000, "a"))], random.Random(1), 10)
    chain.state = Bookmark(stamp_of_second(START + 90)).to_state(SCOPE)
    with caplog.at_level(logging.INFO):
        chain.run(START + 50)
    assert chain.state["replication_key_value"] == stamp_of_second(START + 90)
    assert "Nothing to read" in caplog.text


def test_events_older_than_the_active_retention_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    Chain([], random.Random(1), 10).run(START + 31 * 86_400, include_archived=False)
    assert "The archive is not read: events before 2023-11-16T" in caplog.text


def test_a_state_of_another_namespace_is_refused() -> None:
    state = Bookmark(stamp_of_second(START)).to_state(Scope("other", traverse=True, filter=None))
    with pytest.raises(
        StateError, match=r"belongs to namespace 'other'.*is 'acme'. Correct it, or keep a state for each"
    ):
        resume(state, SCOPE, LOGGER)


@pytest.mark.parametrize(
    "scope", [Scope("acme", traverse=False, filter=None), Scope("acme", traverse=True, filter="x==1")]
)
def test_another_filter_or_traverse_is_warned_of(scope: Scope, caplog: pytest.LogCaptureFixture) -> None:
    state = Bookmark(stamp_of_second(START)).to_state(scope)
    assert resume(state, SCOPE, LOGGER) == Bookmark(stamp_of_second(START))
    assert "are not fetched" in caplog.text


def test_a_state_with_a_time_alone_is_taken() -> None:
    state = {"replication_key": "create_time", "replication_key_value": "2024-11-13T15:30:45Z"}
    assert resume(state, SCOPE, LOGGER) == Bookmark("2024-11-13T15:30:45.000000Z")


def test_uuids_before_the_value_are_not_needed() -> None:
    # Meltano merged the states of earlier versions at depth, so they may have more uuids than their value needs.
    state = {
        "replication_key_value": "2024-01-02T00:00:00Z",
        "emitted": {"old": "2024-01-01T00:00:00.000000Z", "new": "2024-01-02T00:00:00.000000Z"},
    }
    bookmark = bookmark_of(state)
    assert bookmark is not None
    assert list(bookmark.emitted) == ["new"]


@pytest.mark.parametrize(
    ("state", "line"),
    [
        ({"replication_key": "updated_at", "replication_key_value": "x"}, "not written by this tap.*'updated_at'"),
        ({"replication_key_value": "yesterday"}, "replication_key_value takes a time.*'yesterday'"),
        ({"replication_key_value": 7}, "replication_key_value takes a time"),
        ({"emitted": {}}, "replication_key_value takes a time.*'None'"),
        ({"replication_key_value": "2024-01-01T00:00:00Z", "emitted": ["a"]}, "emitted takes a list"),
        ({"replication_key_value": "2024-01-01T00:00:00Z", "emitted": "a"}, "emitted takes a list"),
        ({"replication_key_value": "2024-01-01T00:00:00Z", "emitted": [["a"]]}, "emitted takes a list"),
        ({"replication_key_value": "2024-01-01T00:00:00Z", "emitted": [["soon", "a"]]}, "emitted takes a time"),
        ({"replication_key_value": "2024-01-01T00:00:00Z", "emitted": [["2024-01-01", 7]]}, "emitted takes a list"),
        ({"replication_key_value": "2024-01-01T00:00:00Z", "proofs": "x"}, "proofs takes two times"),
        ({"replication_key_value": "2024-01-01T00:00:00Z", "proofs": [["soon", 1]] * 2}, "proofs takes a time"),
        ({"replication_key_value": "2024-01-01T00:00:00Z", "proofs": [["2024-01-01", 1]]}, "proofs takes two times"),
        ({"replication_key_value": "2024-01-01T00:00:00Z", "proofs": [["2024-01-01", -1]] * 2}, "proofs takes two"),
        ({"replication_key_value": "2024-01-01T00:00:00Z", "proofs": [["2024-01-01", True]] * 2}, "proofs takes two"),
        ({"replication_key_value": "2024-01-01T00:00:00Z", "emitted": {"a": 1}}, "emitted takes a time"),
        ({"replication_key_value": "2024-01-01T00:00:00Z", "scope": "acme"}, "scope takes an object"),
        ({"replication_key_value": "2024-01-01T00:00:00Z", "scope": {"tenant": "acme"}}, "scope takes an object"),
        (
            {
                "replication_key_value": "2024-01-01T00:00:00Z",
                "scope": {"namespace": 7, "traverse": True, "filter": None},
            },
            "scope takes an object",
        ),
        (
            {
                "replication_key_value": "2024-01-01T00:00:00Z",
                "scope": {"namespace": "acme", "traverse": "yes", "filter": None},
            },
            "scope takes an object",
        ),
    ],
)
def test_a_broken_state_is_refused_in_one_line(state: dict[str, t.Any], line: str) -> None:
    with pytest.raises(StateError, match=line) as caught:
        resume(state, SCOPE, LOGGER)
    assert "\n" not in str(caught.value)


def test_no_scope_is_known_of_an_empty_state() -> None:
    assert scope_of({}) is None
    assert bookmark_of({}) is None
    assert stamp_of(moment(START)) == stamp_of_second(START)
