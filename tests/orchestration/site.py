"""A site where the DAGs run: the fake API with three tenants, Airflow, and an object store where the events land."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
import shlex
import signal
import typing as t
from dataclasses import dataclass

from endor_landing.months import Month
from fake_endor_api import FakeEndorApi, make_events, make_events_at
from fake_endor_api.times import SECOND, to_nanoseconds, utc_now
from tap_endorlabs.timestamps import normalize
from tests.orchestration.airflow import ROOT, Airflow, configure, months_before

if t.TYPE_CHECKING:
    from pathlib import Path

    from tests.orchestration.object_store import ObjectStore
    from tests.raw_server import RawServer

API_KEYS = {"endorlabs": ["acme", "globex"], "endorlabs_initech": ["initech"]}
NAMESPACES = [name for names in API_KEYS.values() for name in names]
SLOTS = {"endorlabs": 4, "endorlabs_initech": 2}
CONCURRENCY = 2
MONTHS = 4
TAP = ROOT / ".venv" / "bin" / "tap-endorlabs"
_LANDING = "security/endorlabs"

Events = list[dict[str, t.Any]]


@dataclass
class Site:
    """What the tests look at.

    Attributes:
        api: has a few hundred events a month in each namespace, and several at each boundary of months.
        airflow: runs the DAGs.
        store: where the events land.
        months: those of the backfill.
        outside: the proxy for all that is not on loopback.
        started: the file that has a line for each tap that was started: its process, the one that started it, and what
            it reads.
        configuration: that of the DAGs.
    """

    api: FakeEndorApi
    airflow: Airflow
    store: ObjectStore
    months: list[Month]
    outside: RawServer
    started: Path
    configuration: dict[str, t.Any]

    @classmethod
    def at(cls, folder: Path, api: FakeEndorApi, store: ObjectStore, outside: RawServer) -> Site:
        """Write the configuration, and fill the API."""
        months = [Month.parse(month) for month in months_before(utc_now() - dt.timedelta(days=2), MONTHS)]
        takeover = months[-1].next
        started = folder / "started"
        configuration = {
            "landing": store.url("lake", _LANDING),
            "first_month": str(months[0]),
            "takeover": str(takeover),
            "api_keys": API_KEYS,
            "schedule": None,
            "settings": {"api_url": api.url, "concurrency": CONCURRENCY, "page_size": 50},
            "tap": str(_telling_tap(folder / "tap-endorlabs", started)),
        }
        proxies = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), outside.url) | {"no_proxy": "127.0.0.1"}
        settings = {**configure(folder, configuration), "AIRFLOW_CONN_LAKE": store.connection, **proxies}
        airflow = Airflow(folder / "airflow", settings)
        airflow.folder.mkdir()
        site = cls(api, airflow, store, months, outside, started, configuration)
        for number, namespace in enumerate(NAMESPACES):
            end = utc_now() - dt.timedelta(minutes=3)
            api.store.add(make_events(1000, months[0].start, end, seed=number, namespace=namespace))
            boundaries = [to_nanoseconds(month.start) for month in (*months[1:], takeover)]
            times = [at + shift for at in boundaries for shift in (-SECOND, -1000, 0, 0, 0, 1000)]
            api.store.add(make_events_at(times, seed=100 + number, namespace=namespace))
        return site

    @property
    def takeover(self) -> Month:
        """The month with which the incremental runs begin."""
        return self.months[-1].next

    def elsewhere(self, folder: Path) -> Airflow:
        """Give another Airflow, with the same configuration but for the landing, which is a folder."""
        other = configure(folder, self.configuration | {"landing": f"file://{folder}/landing"})
        return Airflow(folder, self.airflow.settings | other)

    def add(self, count: int, begin: dt.datetime, end: dt.datetime) -> None:
        """Let events be in each namespace at once that happened in [begin, end)."""
        for namespace in NAMESPACES:
            self.api.store.add(make_events(count, begin, end, seed=len(self.api.store), namespace=namespace))

    def in_api(self, namespace: str, begin: dt.datetime | None = None, end: dt.datetime | None = None) -> Events:
        """Give the events of a namespace and its children that happened in [begin, end), as records, sorted."""
        stamped = [
            {**item, "create_time": normalize(item["meta"]["create_time"])}
            for item in self.api.store.objects()
            if item["tenant_meta"]["namespace"].split(".")[0] == namespace and "uuid" in item
        ]
        first, last = (None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S}" for moment in (begin, end))
        return sorted_events(
            item
            for item in stamped
            if (first is None or item["create_time"] >= first) and (last is None or item["create_time"] < last)
        )

    def files(self) -> dict[str, Events]:
        """Give the events of each file that has landed, by its path, in their order there."""
        return {
            path: [json.loads(line) for line in gzip.decompress(content).splitlines()]
            for path, content in self.store.files(_LANDING).items()
            if "/_state/" not in path
        }

    def landed(self, namespace: str) -> Events:
        """Give the events in all files of a namespace, sorted."""
        return sorted_events(
            event for path, events in self.files().items() if path.startswith(f"{namespace}/") for event in events
        )

    def kill_tap(self, namespace: str, month: Month) -> None:
        """Kill the tap that started last to read a namespace from the start of a month on."""
        os.kill(self._last_tap(namespace, month)[0], signal.SIGKILL)

    def kill_task(self, namespace: str, month: Month) -> None:
        """Kill the process of Airflow that waits for that tap."""
        os.kill(self._last_tap(namespace, month)[1], signal.SIGKILL)

    def _last_tap(self, namespace: str, month: Month) -> tuple[int, int]:
        lines = [line.split() for line in self.started.read_text().splitlines()]
        *_, last = (line for line in lines if line[2] == namespace and line[3].startswith(str(month)))
        return int(last[0]), int(last[1])


def _telling_tap(script: Path, started: Path) -> Path:
    """Write a tap that says in a file which process it is: a list of the machine's processes may not show it."""
    line = "$$ $PPID $TAP_ENDORLABS_NAMESPACE $TAP_ENDORLABS_START_DATE"
    lines = ("#!/bin/sh", f"echo {line} >> {shlex.quote(str(started))}", f'exec {shlex.quote(str(TAP))} "$@"', "")
    script.write_text("\n".join(lines))
    script.chmod(0o755)
    return script


def sorted_events(events: t.Iterable[dict[str, t.Any]]) -> Events:
    """Sort them by time, and by uuid where they share one."""
    return sorted(events, key=lambda event: (event["create_time"], event["uuid"]))
