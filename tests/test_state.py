"""What the tap takes for a state, and that states can be merged at depth, as Meltano does it, without mixing."""

from __future__ import annotations

import copy
import datetime as dt
import json
import logging
import os
import signal
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_endor_api import Fault, make_events
from tap_endorlabs.api.client import LogClient
from tap_endorlabs.errors import ApiError, StateError
from tap_endorlabs.sync.bookmark import Bookmark, Gap, Scope
from tap_endorlabs.sync.state import bookmark_of, scope_of
from tap_endorlabs.tap import TapEndorLabs
from tap_endorlabs.timestamps import normalize, second_after, stamp_of, stamp_of_second
from tests.conftest import NOW
from tests.harness import catalog_of, config_for, run_inside
from tests.in_process import run_command
from tests.log_model import event
from tests.test_run import SCOPE

if t.TYPE_CHECKING:
    from pathlib import Path

    from fake_endor_api import FakeEndorApi, ManualClock

State = dict[str, t.Any]

START = "2026-03-20T00:00:00Z"
MIDDLE = "2026-03-26T00:00:00.000000Z"
SECOND = 1_700_000_000

stamps = st.integers(0, 9).map(lambda n: stamp_of_second(SECOND + n))
gaps = st.lists(st.builds(Gap, stamps, stamps, st.dictionaries(st.sampled_from("de"), stamps)), max_size=3)
bookmarks = st.builds(
    Bookmark,
    stamps,
    st.dictionaries(st.sampled_from("abc"), stamps),
    st.just(""),
    gaps,
    stamps,
    stamps,
    st.integers(0, 9),
    stamps,
    st.integers(0, 9),
)
scopes = st.builds(Scope, st.just("acme"), st.booleans(), st.none() | st.just("a==1"))
states = st.builds(Bookmark.to_state, bookmarks, scopes)


def as_before(state: State) -> State:
    """Give a state as earlier versions wrote it."""
    older: State = state | {"emitted": {uuid: stamp for stamp, uuid in state["emitted"]}}
    del older["proofs"], older["read_to"]
    if not older["gaps"]:
        del older["gaps"]
    return older


def merge(src: State, dest: State) -> State:
    """Merge one state into another, as `meltano.core.utils.merge` does."""
    for key, value in src.items():
        if isinstance(value, dict):
            merge(value, dest.setdefault(key, {}))
        else:
            dest[key] = value
    return dest


@given(old=states | states.map(as_before), new=states)
def test_a_state_that_is_merged_over_another_is_the_new_one_alone(old: State, new: State) -> None:
    assert merge(copy.deepcopy(new), copy.deepcopy(old)) == new


@given(bookmark=bookmarks, scope=scopes)
def test_a_state_is_read_as_it_was_written(bookmark: Bookmark, scope: Scope) -> None:
    bookmark.emitted = {uuid: stamp for uuid, stamp in bookmark.emitted.items() if stamp >= bookmark.value}
    # No gap lies behind V.
    ordered = [gap._replace(begin=min(gap[:2]), end=min(max(gap[:2]), bookmark.value)) for gap in bookmark.gaps]
    bookmark.gaps = [gap for gap in ordered if gap.begin < gap.end]
    state = json.loads(json.dumps(bookmark.to_state(scope)))
    assert (bookmark_of(state), scope_of(state)) == (bookmark, scope)
    older = bookmark_of(as_before(state))
    assert older == Bookmark(bookmark.value, bookmark.emitted, gaps=bookmark.gaps)


@given(
    steps=st.lists(st.tuples(st.sampled_from(["note", "leave out", "proved"]), st.integers(0, 20)), max_size=20),
    limit=st.integers(0, 30),
)
def test_a_bookmark_counts_what_was_emitted_since_the_last_proof(steps: list[tuple[str, int]], limit: int) -> None:
    bookmark = Bookmark(stamp_of_second(SECOND), limit=stamp_of_second(SECOND + limit))
    seen: list[str] = []
    for number, (step, seconds) in enumerate(steps):
        stamp = stamp_of_second(SECOND + seconds)
        since = [other for other in seen if stamp <= other < bookmark.value]
        if step == "proved":
            bookmark.prove(stamp, len(since))
        elif stamp >= bookmark.value:
            seen.append(stamp)
            if step == "note":
                bookmark.note([event((SECOND + seconds) * 1_000_000, str(number))])
            else:
                bookmark.leave_out([stamp])
        assert bookmark.emitted_since == sum(bookmark.since <= other < bookmark.value for other in seen)
        assert bookmark.emitted_since_proved == sum(bookmark.proved <= other < bookmark.value for other in seen)


def test_a_state_of_an_earlier_version_is_written_anew_before_anything_is_read(api: FakeEndorApi) -> None:
    state = run_inside(config_for(api, start_date=START)).state
    older = {"bookmarks": {"audit_logs": as_before(state["bookmarks"]["audit_logs"]) | {"progress_markers": {"a": 1}}}}
    output = run_inside(config_for(api), older)
    first = output.of("STATE")[0]["value"]["bookmarks"]["audit_logs"]
    assert first["emitted"] == state["bookmarks"]["audit_logs"]["emitted"]
    since = stamp_of_second(-(-second_after(first["replication_key_value"]) // 60) * 60)
    assert first["proofs"] == [[since, 0]] * 2
    assert (output.uuids, first.keys()) == ([], state["bookmarks"]["audit_logs"].keys())


def test_what_the_sdk_would_write_into_a_bookmark_is_left_out(api: FakeEndorApi) -> None:
    foreign = {"progress_markers": "x", "partitions": [1], "starting_replication_value": 1, "new": {"a": 1}}
    own = Bookmark(MIDDLE).to_state(SCOPE)
    output = run_inside(config_for(api), {"bookmarks": {"audit_logs": own | foreign}})
    assert {tuple(message["value"]["bookmarks"]["audit_logs"]) for message in output.of("STATE")} == {tuple(own)}


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda state: {"singer_state": state},
        lambda state: {"type": "STATE", "value": state},
        lambda state: {"singer_state": {"type": "STATE", "value": state}},
    ],
)
def test_a_state_is_taken_out_of_what_it_comes_in(wrapped: t.Callable[[State], State], api: FakeEndorApi) -> None:
    config = config_for(api, start_date=START)
    plain = {"bookmarks": {"audit_logs": {"replication_key_value": MIDDLE}}}
    expected = run_inside(config, plain)
    assert 0 < len(expected.uuids) < len(api.store.objects())
    output = run_inside(config, wrapped(plain))
    assert (output.uuids, output.state) == (expected.uuids, expected.state)


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"bookmarks": {}},
        {"bookmarks": {"audit_logs": {}}},
        {"singer_state": {}},
        {"singer_state": {"bookmarks": {}}},
    ],
)
def test_an_empty_state_means_a_first_run(state: State, api: FakeEndorApi) -> None:
    output = run_inside(config_for(api, start_date=START), state)
    assert len(output.uuids) == len(api.store.objects())


@pytest.mark.parametrize(
    "state",
    [
        {"audit_logs": {"replication_key_value": MIDDLE}},
        {"completed": {"singer_state": {"bookmarks": {}}}, "partial": {}},
        {"currently_syncing": None},
        {"singer_state": None},
        {"singer_state": {"audit_logs": {}}},
        {"type": "RECORD", "value": {"bookmarks": {}}},
        {"bookmarks": None},
        {"bookmarks": {"audit_logs": None}},
    ],
    ids=str,
)
def test_what_is_no_state_is_refused(state: State, api: FakeEndorApi, tmp_path: Path) -> None:
    output = run_command(tmp_path, level=logging.INFO, config=config_for(api, start_date=START), state=state)
    (line,) = output.errors
    assert line.startswith('The state is broken: it takes the form {"bookmarks": {"audit_logs": {…}}}.')
    assert "--state" in line
    assert "meltano state clear" in line
    assert (output.code, output.stdout, api.requests) == (1, "", [])


@pytest.mark.parametrize("broken", [{"replication_key_value": "soon"}, {"replication_key": "id"}])
def test_advice_about_a_broken_state_is_for_meltano_too(broken: State) -> None:
    with pytest.raises(StateError, match=r"--state.*meltano state clear"):
        bookmark_of(broken)


def test_a_bookmark_in_the_future_is_refused(api: FakeEndorApi, tmp_path: Path) -> None:
    def run_at(seconds: int) -> tuple[int, list[str]]:
        state = {"bookmarks": {"audit_logs": {"replication_key_value": stamp_of(NOW + dt.timedelta(seconds=seconds))}}}
        output = run_command(tmp_path, level=logging.INFO, config=config_for(api), state=state)
        return output.code, output.errors

    assert run_at(300) == (0, [])
    code, (line,) = run_at(301)
    assert code == 1
    assert line.startswith(
        "The state's bookmark lies in the future: it is at 2026-03-31T12:05:01.000000Z, the server's"
    )
    assert "meltano state clear" in line


def test_a_byte_order_mark_is_read_over(api: FakeEndorApi, tmp_path: Path) -> None:
    files = {
        "config": config_for(api, start_date=START),
        "state": {"bookmarks": {"audit_logs": {"replication_key_value": MIDDLE}}},
        "catalog": catalog_of("audit_logs"),
    }
    marked: dict[str, t.Any] = {name: f"\ufeff{json.dumps(content)}" for name, content in files.items()}
    output = run_command(tmp_path, level=logging.INFO, **marked)
    assert output.code == 0, output.stderr
    assert 0 < len(output.uuids) < len(api.store.objects())


def test_a_run_that_goes_on_from_a_state_says_what_start_date_is_for(api: FakeEndorApi, tmp_path: Path) -> None:
    def lines(**files: t.Any) -> list[str]:
        output = run_command(tmp_path, level=logging.INFO, **files)
        return [line for line in output.stderr.splitlines() if "start_date" in line]

    config = config_for(api, start_date=START)
    state = {"bookmarks": {"audit_logs": {"replication_key_value": MIDDLE}}}
    (line,) = lines(config=config, state=state)
    assert "INFO" in line
    assert line.endswith("Goes on from the state; start_date 2026-03-20T00:00:00.000000Z is for the first run only")
    assert lines(config=config) == lines(config=config_for(api), state=state) == []


def states_of_failed_run(api: FakeEndorApi, folder: Path, **files: t.Any) -> list[State]:
    # Each page leaves as soon as it is read.
    settings = {"start_date": START, "page_size": 100, "concurrency": 1, "completeness_check": "never"}
    output = run_command(folder, level=logging.INFO, config=config_for(api, **settings), **files)
    assert output.code not in {0, 3}
    return [message["value"]["bookmarks"] for message in output.of("STATE")]


@pytest.mark.parametrize("where", ["auth", "list"])
def test_a_first_run_that_fails_before_it_has_read_anything_writes_no_state(
    where: t.Literal["auth", "list"], api: FakeEndorApi, tmp_path: Path
) -> None:
    api.fail(Fault.status(403), where=where, times=None)
    assert states_of_failed_run(api, tmp_path) == []


def test_a_first_run_that_fails_later_writes_its_state(api: FakeEndorApi, tmp_path: Path) -> None:
    api.fail(Fault.status(403), after=6, times=None)
    assert states_of_failed_run(api, tmp_path)[-1]["audit_logs"]["replication_key_value"] > START


def test_a_later_run_that_fails_writes_its_state(api: FakeEndorApi, tmp_path: Path) -> None:
    api.fail(Fault.status(403), times=None)
    state = {"bookmarks": {"audit_logs": Bookmark(MIDDLE).to_state(SCOPE)}}
    assert states_of_failed_run(api, tmp_path, state=state) == [state["bookmarks"]]


def test_a_signal_before_anything_was_read_leaves_no_state(
    api: FakeEndorApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def struck(*_: object) -> t.NoReturn:
        os.kill(os.getpid(), signal.SIGTERM)
        raise ApiError("Whichever comes first ends the run.")

    monkeypatch.setattr(LogClient, "fetch", struck)
    assert states_of_failed_run(api, tmp_path) == []


def test_a_stream_s_first_run_that_fails_leaves_the_others_their_state(api: FakeEndorApi, tmp_path: Path) -> None:
    run_inside(config_for(api, start_date=START, page_size=100, concurrency=1, completeness_check="never"))
    api.fail(Fault.status(403), after=len(api.list_requests), times=None)
    both = catalog_of("audit_logs", "authentication_logs")
    last = states_of_failed_run(api, tmp_path, catalog=both)[-1]
    assert last["audit_logs"]["replication_key_value"] > START
    assert not last.get("authentication_logs")


@pytest.mark.parametrize(("begin", "value"), [(START, "2026-03-20T00:00:00.000000Z"), (None, stamp_of(NOW))])
def test_a_first_run_without_events_writes_a_state(begin: str | None, value: str, empty_api: FakeEndorApi) -> None:
    bookmark = run_inside(config_for(empty_api, start_date=begin)).bookmark
    assert bookmark["replication_key_value"] == value
    assert [count for _, count in bookmark["proofs"]] == [0, 0]


def test_what_was_left_out_is_counted_once_for_the_next_proof(
    empty_api: FakeEndorApi, clock: ManualClock, tmp_path: Path
) -> None:
    items: list[State] = []
    state: State = {}
    for seed in (1, 2):
        now = clock()
        news = make_events(300, now - dt.timedelta(hours=4), now, seed=seed)
        for item in news[::10]:
            del item["uuid"]
        items += news
        empty_api.store.add_raw(news)
        output = run_command(
            tmp_path,
            level=logging.INFO,
            config=config_for(empty_api, start_date=START, page_size=20, completeness_check="never"),
            state=state,
        )
        assert output.code == 3
        state = output.state
        value, (since, emitted) = output.bookmark["replication_key_value"], output.bookmark["proofs"][0]
        times = [normalize(item["meta"]["create_time"]) for item in items]
        assert emitted == sum(since <= time < value for time in times) > 200 * seed
        clock.advance(4 * 3600)


def test_another_filter_begins_a_new_count(api: FakeEndorApi) -> None:
    first = run_inside(config_for(api, start_date=START, completeness_check="never"))
    assert first.bookmark["proofs"][0][1] > 1000
    second = run_inside(config_for(api, filter="spec.operation=='OPERATION_DELETE'"), first.state)
    since = stamp_of_second(-(-second_after(first.bookmark["replication_key_value"]) // 60) * 60)
    assert second.bookmark["proofs"] == [[since, 0]] * 2


def test_a_quiet_run_leaves_behind_what_lay_within_a_longer_look_back(api: FakeEndorApi) -> None:
    first = run_inside(config_for(api, start_date=START, lookback_seconds=20 * 86_400))
    assert len(first.bookmark["emitted"]) == len(api.store.objects())
    output = run_inside(config_for(api), first.state)
    assert output.uuids == []
    assert len(output.bookmark["emitted"]) < 10


def test_a_signal_after_the_run_changes_nothing(
    api: FakeEndorApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def struck(_: TapEndorLabs) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(TapEndorLabs, "raise_if_incomplete", struck)
    output = run_command(tmp_path, level=logging.INFO, config=config_for(api, start_date=START))
    assert (output.code, len(output.uuids)) == (0, len(api.store.objects()))
