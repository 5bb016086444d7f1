"""A few rounds of the kill campaign, and that it notices what it must notice."""

from __future__ import annotations

import typing as t

import pytest

from tests.soak.chain import play
from tests.soak.ledger import Ledger

if t.TYPE_CHECKING:
    from pathlib import Path

START = "2026-03-01T00:00:00.000000Z"
FAR = "2026-04-01T00:00:00.000000Z"
STAMPS = {uuid: f"2026-03-0{uuid}T00:00:00.000000Z" for uuid in "123"}

SEEDS = (36, 44, 45, 218, 434, 471, 515, 527, 578, 709, 726, 734, 850, 868, 1795665405)
"""Short rounds, with each kind of quirk of the server among them."""


@pytest.mark.faults
@pytest.mark.parametrize("seed", SEEDS)
def test_every_event_comes_once_however_runs_end(seed: int, tmp_path: Path) -> None:
    tally = play(seed, tmp_path)
    assert tally.complaints == []
    assert (tally.lost, tally.repeated) == (0, 0)


def item(uuid: str) -> dict[str, t.Any]:
    return {"uuid": uuid, "meta": {"create_time": STAMPS[uuid]}}


def record(uuid: str, **changes: t.Any) -> dict[str, t.Any]:
    return {"type": "RECORD", "record": {**item(uuid), "create_time": STAMPS[uuid], **changes}}


def state(value: str, *emitted: str) -> dict[str, t.Any]:
    bookmark = {"replication_key_value": value, "emitted": [[STAMPS[uuid], uuid] for uuid in emitted]}
    return {"type": "STATE", "value": {"bookmarks": {"audit_logs": bookmark}}}


@pytest.fixture
def ledger() -> Ledger:
    return Ledger([item(uuid) for uuid in STAMPS], START)


def complaints_after(ledger: Ledger, *messages: dict[str, t.Any], limit: str = FAR) -> list[str]:
    for message in messages:
        ledger.take(message, limit)
    return ledger.complaints


def test_a_killed_run_keeps_what_its_last_state_covers(ledger: Ledger) -> None:
    assert complaints_after(ledger, record("1"), state(STAMPS["1"], "1"), record("2")) == []
    ledger.end_run(killed=True)
    assert ledger.lost == {"2", "3"}
    assert complaints_after(ledger, record("2"), record("3"), state(STAMPS["3"], "3")) == []
    ledger.end_run(killed=False)
    assert (ledger.lost, ledger.repeated, ledger.complaints) == (set(), 0, [])


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        ([record("1"), record("1")], "1 came twice"),
        ([record("2"), record("1")], "1 of 2026-03-01T00:00:00.000000Z came after"),
        ([record("1", spec=None)], "1 is not what the API has"),
        ([record("2"), state(STAMPS["2"], "2")], "passed 1 events, such as 1"),
        ([record("1"), state(START)], "names 0 events, not 1"),
        ([record("1"), state(START, "1", "2")], "names 2 events, not 1"),
        ([record("1"), record("2"), state(STAMPS["2"], "2"), state(STAMPS["1"], "1", "2")], "moved back from"),
        ([record("1"), state("2026-03-01T12:00:00.000000Z")], "is beyond"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_noticed(ledger: Ledger, messages: list[dict[str, t.Any]], complaint: str) -> None:
    (found,) = complaints_after(ledger, *messages)
    assert complaint in found


def test_a_bookmark_inside_the_lookback_is_noticed(ledger: Ledger) -> None:
    (found,) = complaints_after(ledger, record("1"), record("2"), state(STAMPS["2"], "2"), limit=STAMPS["1"])
    assert "is beyond 2026-03-01" in found


def test_records_without_a_state_are_noticed_where_the_run_was_not_killed(ledger: Ledger) -> None:
    ledger.take(record("1"), FAR)
    ledger.end_run(killed=False)
    assert ledger.complaints == ["the run ended without a STATE for its last 1 records"]
    assert ledger.lost == {"1", "2", "3"}
