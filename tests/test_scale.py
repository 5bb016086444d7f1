"""docs/scale.md says what its commands work out."""

from __future__ import annotations

import json

import pytest

# The sdist has no benchmarks.
pytest.importorskip("benchmarks.scale")

from benchmarks.scale.arithmetic import Measured, plan
from benchmarks.scale.document import DOCUMENT
from benchmarks.scale.tables import RESULTS, sections
from benchmarks.scale.tenants import AT_ONCE, LIMITS, steady, steady_cell
from tests.markers import between

MEASURED = Measured(
    start_up=0.4,
    latency=0.2,
    requests=1.1,
    wall={1: 400e-6, 8: 80e-6},
    memory={1: 50e6, 8: 80e6},
    empty_state=200,
    state=60,
    state_memory=500,
    state_seconds=20e-6,
    received=1_000,
    received_gzip=200,
    record=1_100,
    landed_gzip=200,
    targets={},
    slot=2.8,
    cpu=1.0,
)


def test_few_events_take_a_log_in_and_a_page_a_run() -> None:
    quiet = plan(MEASURED, 1_000)
    assert quiet.requests == 2 * 288
    assert quiet.concurrency == 1
    assert quiet.seconds == pytest.approx(0.8)
    assert quiet.busy == pytest.approx(2.8 / 300)


def test_many_events_take_pages_and_are_named_in_the_state_for_one_look_back() -> None:
    busy = plan(MEASURED, 86_400_000)
    assert busy.requests == pytest.approx(288 * (1 + 600_000 / 500 * 1.1))
    assert busy.state == 200 + 300_000 * 60
    assert busy.memory == 80e6 + 300_000 * 500
    # At concurrency 1 a run would take 150 s and more: over half of the time to the next.
    assert busy.concurrency == 8
    assert busy.seconds == pytest.approx(0.6 + 600_000 * 80e-6 + 300_000 * 20e-6)


def test_the_tables_follow_from_the_published_figures() -> None:
    document = DOCUMENT.read_text()
    for name, text in sections(Measured.of(json.loads(RESULTS.read_text()))).items():
        assert between(document, name) == text, "python -m benchmarks.scale"


@pytest.mark.parametrize(("limit", "at_once"), [(5, 4), pytest.param(50, 200, marks=pytest.mark.faults)])
def test_the_simulation_gives_the_published_outcome_again(limit: int, at_once: int) -> None:
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in between(DOCUMENT.read_text(), "tenants").splitlines()[2:]
    ]
    cells = dict(zip(LIMITS, rows, strict=True))[limit]
    assert steady_cell(steady(limit, at_once)) == cells[1 + AT_ONCE.index(at_once)], (
        "python -m benchmarks.scale.tenants"
    )


def test_every_place_in_the_document_is_filled() -> None:
    document = DOCUMENT.read_text()
    names = ("inputs", "time", "size", "limits", "backfill", "tenants", "tenants-backfill", "tenants-check")
    assert [name for name in names if not between(document, name)] == []
    assert document.count("<!-- /") == len(names)
