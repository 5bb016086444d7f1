"""Airflow's own scheduler runs the DAGs, and what has landed is held against the API, event for event."""

from __future__ import annotations

import datetime as dt
import gzip
import itertools
import json
import re
import shlex
import typing as t

import pytest

from fake_endor_api import DEMO_KEY, DEMO_SECRET, FakeEndorApi, Fault
from fake_endor_api.times import utc_now
from tests.orchestration.airflow import ROOT, wait_for
from tests.orchestration.object_store import ObjectStore
from tests.orchestration.site import API_KEYS, CONCURRENCY, NAMESPACES, SLOTS, Site, sorted_events
from tests.raw_server import RawServer

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from endor_landing.months import Month
    from tests.orchestration.airflow import DagRun, TaskRun

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600)]

BACKFILL = "endorlabs_backfill"
INCREMENTAL = {namespace: f"endorlabs_incremental.{namespace}" for namespace in NAMESPACES}
ALL_WELL = dict.fromkeys(NAMESPACES, ("success", 1))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    store = ObjectStore(folder / "store.log")
    with FakeEndorApi() as api, RawServer(lambda: [b"HTTP/1.1 403 Forbidden\r\n\r\n"]) as outside, store.running():
        site = Site.at(folder, api, store, outside)
        with site.airflow.running():
            for name, slots in SLOTS.items():
                site.airflow.call("POST", "pools", {"name": name, "slots": slots})
            yield site


@pytest.fixture(scope="module")
def backfill(site: Site) -> list[TaskRun]:
    """The tasks of a backfill in which the API refused a request, and a tap and a task were killed."""
    site.api.behaviour.latency = 0.1
    first, second, third, _ = site.months
    site.api.fail(Fault.status(402), when=one_of(site, "acme", first))
    site.api.fail(Fault.stall(1), when=one_of(site, "globex", second), then=lambda: site.kill_tap("globex", second))
    site.api.fail(Fault.stall(1), when=one_of(site, "initech", third), then=lambda: site.kill_task("initech", third))
    state, tasks = site.airflow.run(BACKFILL)
    site.api.behaviour.latency = 0
    assert site.api.faults_met == 3
    assert state == "success", tasks
    return tasks


def one_of(site: Site, namespace: str, month: Month) -> str:
    """Give the uuid of an event that only the task of its namespace and month asks for."""
    return str(site.in_api(namespace, month.start, month.next.start)[100]["uuid"])


def newest(site: Site, namespace: str) -> str:
    """Give the uuid of an event that each incremental run of its namespace asks for."""
    return str(site.in_api(namespace)[-1]["uuid"])


def news_of(site: Site, namespace: str) -> list[str]:
    return sorted(path for path in site.files() if path.startswith(f"{namespace}/news/"))


def assert_every_event_landed_once(site: Site) -> None:
    for namespace in NAMESPACES:
        assert site.landed(namespace) == site.in_api(namespace)


def begin_incremental_runs(site: Site, *namespaces: str) -> dict[str, str]:
    """Begin a run of each namespace, of all by default, at once; give their paths in Airflow's REST API."""
    return {namespace: site.airflow.begin(INCREMENTAL[namespace]) for namespace in namespaces or NAMESPACES}


def ends_of(site: Site, runs: dict[str, str]) -> dict[str, tuple[str, int]]:
    """Wait for the end of runs; give the state of each and how many tries it took."""
    return {namespace: outcome(site.airflow.end(path)) for namespace, path in runs.items()}


def outcome(run: DagRun) -> tuple[str, int]:
    (task,) = run.tasks
    assert task.state == run.state
    return run.state, task.tries


def run_incremental(site: Site) -> dict[str, tuple[str, int]]:
    return ends_of(site, begin_incremental_runs(site))


def test_the_dags_load(site: Site) -> None:
    assert site.airflow.call("GET", "importErrors")["import_errors"] == []
    assert {dag["dag_id"] for dag in site.airflow.call("GET", "dags")["dags"]} == {BACKFILL, *INCREMENTAL.values()}
    for api_key, namespaces in API_KEYS.items():
        found = site.airflow.call("GET", f"dags?tags=incremental&tags=api_key:{api_key}&tags_match_mode=all")
        assert {dag["dag_id"] for dag in found["dags"]} == {INCREMENTAL[namespace] for namespace in namespaces}


def test_an_incremental_run_goes_before_a_backfill_that_waits_for_the_same_pool(site: Site) -> None:
    weights = {
        dag: {task["priority_weight"] for task in site.airflow.call("GET", f"dags/{dag}/tasks")["tasks"]}
        for dag in (BACKFILL, *INCREMENTAL.values())
    }
    assert all(min(weights[dag]) > max(weights[BACKFILL]) for dag in INCREMENTAL.values())


def test_the_command_in_the_manual_switches_all_incremental_dags_on(site: Site) -> None:
    (command,) = re.findall(r"`airflow (dags unpause [^`]+)`", (ROOT / "docs" / "airflow.md").read_text())
    site.airflow.command(*shlex.split(command))
    paused = {dag["dag_id"]: dag["is_paused"] for dag in site.airflow.call("GET", "dags")["dags"]}
    assert [paused[dag] for dag in INCREMENTAL.values()] == [False] * len(NAMESPACES)


def test_a_backfill_lands_each_month_whole_whatever_was_killed(site: Site, backfill: list[TaskRun]) -> None:
    wanted = {f"{namespace} {month}" for namespace in NAMESPACES for month in site.months}
    first, second, third, _ = site.months
    tried_again = {f"acme {first}", f"globex {second}", f"initech {third}"}
    assert {task.name: task.tries for task in backfill} == {name: 1 + (name in tried_again) for name in wanted}

    months = {path: events for path, events in site.files().items() if "/news/" not in path}
    assert months.keys() == {f"{name.replace(' ', '/')}.jsonl.gz" for name in wanted}
    for namespace, month in itertools.product(NAMESPACES, site.months):
        events = months[f"{namespace}/{month}.jsonl.gz"]
        assert sorted(event["create_time"] for event in events) == [event["create_time"] for event in events]
        assert len(events) > 100
        assert sorted_events(events) == site.in_api(namespace, month.start, month.next.start)


def test_a_pool_bounds_the_requests_with_an_api_key(backfill: list[TaskRun]) -> None:
    for pool, slots in SLOTS.items():
        tasks = [task for task in backfill if task.pool == pool]
        most = max(sum(other.began <= task.began < other.ended for other in tasks) for task in tasks)
        assert most * CONCURRENCY <= slots


@pytest.mark.usefixtures("backfill")
def test_incremental_runs_take_over_without_gap_or_overlap(site: Site) -> None:
    assert run_incremental(site) == ALL_WELL
    assert_every_event_landed_once(site)

    # The API refuses a request.
    before = utc_now() - dt.timedelta(seconds=2)
    site.add(120, before - dt.timedelta(seconds=20), before)
    site.api.fail(Fault.status(402), when=newest(site, "initech"))
    assert run_incremental(site) == ALL_WELL | {"initech": ("success", 2)}
    assert_every_event_landed_once(site)

    # Some happened before those, and become visible after them; a tap is killed.
    site.add(30, before - dt.timedelta(seconds=20), before)
    site.api.fail(Fault.stall(1), when=newest(site, "globex"), then=lambda: site.kill_tap("globex", site.takeover))
    assert run_incremental(site) == ALL_WELL | {"globex": ("success", 2)}
    assert_every_event_landed_once(site)

    # A run without news leaves no file.
    assert run_incremental(site) == ALL_WELL
    assert_every_event_landed_once(site)
    for namespace in NAMESPACES:
        assert news_of(site, namespace) == [f"{namespace}/news/{number:08d}.jsonl.gz" for number in (1, 2, 3)]


@pytest.mark.usefixtures("backfill")
def test_a_namespace_that_waits_or_fails_holds_up_no_other(site: Site) -> None:
    moment = utc_now() - dt.timedelta(seconds=2)
    site.add(20, moment - dt.timedelta(seconds=5), moment)
    # acme's tap waits for an answer, however often it asks.
    met = site.api.faults_met
    site.api.fail(Fault.stall(110), times=None, when=newest(site, "acme"))
    slow = begin_incremental_runs(site, "acme")
    wait_for(lambda: site.api.faults_met > met, "acme's request", 60)
    # globex's key has been revoked, and then it has not.
    for denied, end in (({"globex"}, ("failed", 2)), (set(), ("success", 1))):
        site.api.behaviour.denied_namespaces = frozenset(denied)
        others = begin_incremental_runs(site, "globex", "initech")
        assert ends_of(site, others) == {"globex": end, "initech": ("success", 1)}
        assert site.landed("initech") == site.in_api("initech")
    assert site.landed("globex") == site.in_api("globex")
    assert site.airflow.call("GET", slow["acme"])["state"] == "running"
    site.kill_tap("acme", site.takeover)
    site.api.heal()
    assert ends_of(site, slow) == {"acme": ("success", 2)}
    assert_every_event_landed_once(site)


@pytest.mark.usefixtures("backfill")
def test_a_task_that_finds_something_missing_lands_the_rest_and_fails_once(site: Site) -> None:
    assert run_incremental(site) == ALL_WELL
    moment = utc_now() - dt.timedelta(seconds=3)
    site.add(5, moment - dt.timedelta(seconds=5), moment)
    nameless = {"meta": {"create_time": f"{moment:%Y-%m-%dT%H:%M:%S}Z"}, "tenant_meta": {"namespace": "acme"}}
    site.api.store.add_raw([nameless])
    assert run_incremental(site) == ALL_WELL | {"acme": ("failed", 1)}
    assert_every_event_landed_once(site)


@pytest.mark.usefixtures("backfill")
def test_a_folder_of_a_disk_serves_as_well(site: Site, tmp_path: Path) -> None:
    airflow = site.elsewhere(tmp_path)
    airflow.command("db", "migrate")
    airflow.command("dags", "test", INCREMENTAL["initech"])
    with gzip.open(tmp_path / "landing" / "initech" / "news" / "00000001.jsonl.gz") as file:
        assert sorted_events(map(json.loads, file)) == site.in_api("initech", site.takeover.start)


@pytest.mark.usefixtures("backfill")
def test_airflow_keeps_no_secret(site: Site) -> None:
    kept = [path for path in site.airflow.folder.rglob("*") if path.is_file()]
    assert {".db", ".log"} <= {path.suffix for path in kept}
    for secret in (DEMO_KEY, DEMO_SECRET):
        assert [path for path in kept if secret.encode() in path.read_bytes()] == []


@pytest.mark.usefixtures("backfill")
def test_airflow_calls_nobody_outside(site: Site) -> None:
    assert site.outside.seen == []
