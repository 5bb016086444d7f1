"""Measures what a task of Airflow costs beside the tap that it runs.

    python -m benchmarks.scale.engine

It starts Airflow as `make test-airflow` does, lets it backfill months without events, and counts the CPU time of all
its processes, as Linux tells it.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
import typing as t
from pathlib import Path

from benchmarks.environments import OWN_BINARIES
from fake_endor_api import DEMO_NAMESPACE, FakeEndorApi
from fake_endor_api.times import utc_now
from tests.orchestration.airflow import Airflow, configure, months_before, wait_for

if t.TYPE_CHECKING:
    from collections.abc import Iterator

PARALLEL = 2
"""Tasks at once: as many as the machine has cores."""

_POOL = "endorlabs"
_IDLE = 20.0
_TICKS = os.sysconf("SC_CLK_TCK")


def measure_engine(tasks: int) -> dict[str, float]:
    """Let Airflow backfill months without events.

    Args:
        tasks: how many.

    Returns:
        `tasks`; `slot`, the seconds for which each takes up one of the tasks at once, with the waiting between them;
        `cpu`, seconds of CPU time for each, with the tap and what scheduler and API server do for it; `idle`, CPU
        seconds that Airflow takes in a second without any task; `wall`, seconds until all were through.
    """
    with FakeEndorApi() as api, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        airflow = Airflow(folder / "airflow", _settings(folder, api.url, tasks))
        airflow.folder.mkdir()
        with airflow.running():
            return {"tasks": tasks, **_measure(airflow)}


def _settings(folder: Path, api_url: str, tasks: int) -> dict[str, str]:
    now = utc_now()
    configuration = {
        "landing": f"file://{folder}/landing",
        "first_month": months_before(now, tasks)[0],
        "takeover": f"{now:%Y-%m}",
        "api_keys": {_POOL: [DEMO_NAMESPACE]},
        "schedule": None,
        "settings": {"api_url": api_url, "concurrency": 1},
        "tap": str(OWN_BINARIES / "tap-endorlabs"),
    }
    return {
        **configure(folder, configuration),
        "AIRFLOW__CORE__PARALLELISM": str(PARALLEL),
        # As it is unless somebody sets it: the tests do, to be faster.
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "1",
    }


def _measure(airflow: Airflow) -> dict[str, float]:
    airflow.call("POST", "pools", {"name": _POOL, "slots": 1_000})
    wait_for(lambda: airflow.call("GET", "dags")["total_entries"] > 1, "the DAGs", 120)
    # The first task of all imports and compiles.
    airflow.run(f"endorlabs_incremental.{DEMO_NAMESPACE}")
    before = _cpu(airflow)
    time.sleep(_IDLE)
    idle = (_cpu(airflow) - before) / _IDLE
    before, begun = _cpu(airflow), time.monotonic()
    run = airflow.run("endorlabs_backfill")
    wall = time.monotonic() - begun
    cpu = _cpu(airflow) - before - idle * wall
    if run.state != "success":
        raise RuntimeError(f"The backfill failed: {run}")
    tasks = len(run.tasks)
    return {"slot": wall * PARALLEL / tasks, "cpu": cpu / tasks, "idle": idle, "wall": wall}


def _cpu(airflow: Airflow) -> float:
    """Give the seconds of CPU time of all processes in Airflow's sessions, those that have ended included."""
    return sum(ticks for session, ticks in _processes() if session in airflow.sessions) / _TICKS


def _processes() -> Iterator[tuple[int, int]]:
    """Give the session of each process, and the CPU time of it and of its children that have ended, in ticks."""
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield int(fields[3]), sum(map(int, fields[11:15]))


if __name__ == "__main__":
    print(json.dumps(measure_engine(40), indent=1))
