"""Every fault, at every time, through the command line: nothing is lost, nothing comes twice, and one line says why."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import typing as t
from dataclasses import dataclass

import pytest

from fake_endor_api import FakeEndorApi, make_events_at
from fake_endor_api.times import to_nanoseconds, utc_now
from tests.fault_matrix import CASES, COMPLETE, LEFT_OUT
from tests.faults_in_runs import LAST, MIDDLE, PAGE_SIZE, Case, Outcome, Scene
from tests.harness import Output, config_for
from tests.impatient import ImpatientRun

if t.TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.faults

COUNT = 300
SPACING = 300_000_000
"""Nanoseconds between two events: 300 of them fill 90 seconds and six pages."""


@dataclass(repr=False)
class Cell:
    """A run that meets a fault, and a healthy run after it."""

    case: Case
    scene: Scene
    concurrency: int
    start_date: str

    def __repr__(self) -> str:
        return f"{self.case}, at {self.scene.at}, concurrency {self.concurrency}"

    @property
    def outcome(self) -> Outcome:
        return self.case.outcome_at(self.scene.at)

    @property
    def seconds(self) -> float:
        """How long the run may take with the short waits of the tests."""
        return 10 if self.outcome.within == "at once" else 30

    @property
    def uuids(self) -> list[str]:
        """What a run must deliver that nothing keeps from its end, in order."""
        left_out = self.scene.marked if self.outcome == LEFT_OUT else None
        return [item["uuid"] for item in self.scene.events if item["uuid"] != left_out]

    def start(self, **files: t.Any) -> ImpatientRun:
        settings = {"page_size": PAGE_SIZE, "concurrency": self.concurrency, "request_timeout": 1}
        config = config_for(self.scene.api, start_date=self.start_date, **settings)
        return ImpatientRun(self.scene.folder, config=config, **files)

    def check(self, output: Output) -> None:
        """Hold a run that met the fault to what must come of it."""
        outcome = self.outcome
        assert output.code == outcome.code, output.stderr
        assert "Traceback" not in output.stderr
        assert len(output.errors) == len(outcome.says) if outcome == LEFT_OUT else len(output.errors) <= 1
        said = " ".join(output.errors)
        assert said.count("Gave up") <= 1
        assert re.search(".*".join(map(re.escape, outcome.says)), said), said
        uuids = output.uuids
        assert uuids == (self.uuids if outcome in {COMPLETE, LEFT_OUT} else self.uuids[: len(uuids)])
        # What ends a run may also keep it from proving what it has read, which then doesn't leave.
        assert uuids or self.scene.at not in {MIDDLE, LAST} or outcome.code == 1
        kinds = [message["type"] for message in output.messages]
        assert kinds[-1] == "STATE" if uuids or output.code != 1 else "STATE" not in kinds
        assert len(self.scene.api.auth_requests) in self.case.log_ins

    def check_next(self, output: Output, next_output: Output, late: str) -> None:
        """Hold the healthy run after it to the rest, with an event that became visible late."""
        assert next_output.code == 0, next_output.stderr
        assert next_output.errors == []
        records = next_output.records
        assert records == sorted(records, key=lambda record: record["create_time"])
        # What was left out may be readable by now.
        healed = self.scene.marked if self.outcome == LEFT_OUT else None
        brought = [*output.uuids, *(record["uuid"] for record in records if record["uuid"] != healed)]
        assert sorted(brought) == sorted([*self.uuids, late])


def cells_of(case: Case, folder: Path, stack: contextlib.ExitStack) -> list[Cell]:
    def server_now() -> dt.datetime:
        return utc_now() + case.clock_ahead

    youngest = to_nanoseconds(server_now() - dt.timedelta(seconds=10))
    events = make_events_at(youngest - n * SPACING for n in reversed(range(COUNT)))
    # It must be past by this machine's clock, too.
    start_date = (server_now() - dt.timedelta(seconds=120) - abs(case.clock_ahead)).isoformat()
    cells = []
    for at, concurrency in case.cells:
        api = stack.enter_context(FakeEndorApi(clock=server_now))
        api.store.add(events)
        scene = Scene(api, folder / f"{at} {concurrency}", at, events)
        case.arrange(scene)
        cells.append(Cell(case, scene, concurrency, start_date))
    return cells


# Where the fake refuses connections, one may have been accepted that its server never hears of.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_fault_loses_nothing_and_repeats_nothing(case: Case, tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        cells = cells_of(case, tmp_path, stack)
        runs = [cell.start() for cell in cells]
        outputs = [run.wait(cell.seconds) for cell, run in zip(cells, runs, strict=True)]
        (late,) = make_events_at([to_nanoseconds(utc_now() + case.clock_ahead - dt.timedelta(seconds=20))])
        for cell, output in zip(cells, outputs, strict=True):
            cell.check(output)
            cell.scene.heal()
            cell.scene.api.store.add([late])
        runs = [
            cell.start(state=output.state if output.of("STATE") else {})
            for cell, output in zip(cells, outputs, strict=True)
        ]
        for cell, output, run in zip(cells, outputs, runs, strict=True):
            cell.check_next(output, run.wait(30), late["uuid"])
