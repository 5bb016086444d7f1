"""Works out what a number of events a day takes, from what `make bench` has measured."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from benchmarks.cases import COMPETITORS, OURS
from tap_endorlabs.settings import OWN_SETTINGS

DAY = 86_400
INTERVAL = 300
"""Seconds between two runs."""
LOOK_BACK = OWN_SETTINGS["lookback_seconds"]["default"]
PAGE = OWN_SETTINGS["page_size"]["default"]

_LONG_STATE = 10_000
"""Uuids from which on writing the state is felt."""


@dataclass(frozen=True)
class Measured:
    """What the arithmetic starts from; seconds and bytes, those of an event where nothing else is said.

    Attributes:
        start_up: of a run without events.
        latency: of a request, at which `wall` was measured.
        requests: for each page of events, in a long range.
        wall: by `concurrency`.
        memory: of the process, by `concurrency`.
        empty_state: of a state that names no uuid.
        state: in the state, for each uuid that it names.
        state_memory: of the process, for each of these.
        state_seconds: what writing long states adds.
        received, received_gzip, record, landed_gzip: bytes in answers, in these compressed, as a line, and landed.
        targets: of a pipeline into each target.
        slot, cpu: of a task of the engine that runs a tap without news.
    """

    start_up: float
    latency: float
    requests: float
    wall: dict[int, float]
    memory: dict[int, float]
    empty_state: float
    state: float
    state_memory: float
    state_seconds: float
    received: float
    received_gzip: float
    record: float
    landed_gzip: float
    targets: dict[str, float]
    slot: float
    cpu: float

    @classmethod
    def of(cls, results: dict[str, t.Any]) -> Measured:
        """Take it out of the figures of `make bench`."""
        ours = [case | case["median"] for case in results["cases"] if case["competitor"] == OURS]
        few, *_, many = (case for case in ours if case["table"] == "growth")
        waiting = [case for case in ours if case["table"] == "concurrency"]
        (start_up,) = (case["wall"] for case in ours if case["table"] == "start-up")
        inputs, engine = results["inputs"], results["engine"]
        pipelines = [row for row in results["pipelines"] if row["label"] == COMPETITORS[OURS].label]
        most = max(row["events"] for row in pipelines)
        short, *_, long = inputs["states"]
        named = long["events"]
        state = (long["state"] - short["state"]) / (named - short["events"])
        return cls(
            start_up=start_up,
            latency=results["latency"],
            requests=(many["requests"] - few["requests"]) / (many["events"] - few["events"]) * PAGE,
            wall={case["concurrency"]: (case["wall"] - start_up) / case["events"] for case in waiting},
            memory={case["concurrency"]: case["rss"] * 1e6 for case in waiting},
            empty_state=short["state"] - state * short["events"],
            state=state,
            state_memory=(long["rss"] - many["rss"]) * 1e6 / named,
            state_seconds=(long["wall"] - many["wall"]) / named,
            **inputs["bytes"],
            targets={row["target"]: row["wall"] / row["events"] for row in pipelines if row["events"] == most},
            slot=engine["slot"],
            cpu=engine["cpu"],
        )


@dataclass(frozen=True)
class Plan:
    """What a number of events a day takes, read every five minutes by one tap.

    Attributes:
        events: a day.
        requests: a day.
        concurrency: the least at which a run takes no more than half of the time to the next; the most if none does.
        seconds: of a run.
        state: bytes of the state.
        memory: bytes of the process.
        busy: the share of the time in which a worker is taken up, with what the engine takes for each task.
    """

    events: int
    requests: float
    concurrency: int
    seconds: float
    state: float
    memory: float
    busy: float


def plan(measured: Measured, events: int) -> Plan:
    """Work out what a number of events a day takes."""
    named = events / DAY * LOOK_BACK
    new = events / DAY * INTERVAL
    pages = max((new + named) / PAGE * measured.requests, 1)

    def seconds(concurrency: int) -> float:
        reading = measured.latency if pages == 1 else (new + named) * measured.wall[concurrency]
        writing = new * measured.state_seconds if named > _LONG_STATE else 0
        return measured.start_up + measured.latency + reading + writing

    fitting = [number for number in measured.wall if seconds(number) <= INTERVAL / 2]
    concurrency = min(fitting, default=max(measured.wall))
    return Plan(
        events,
        requests=(1 + pages) * DAY / INTERVAL,
        concurrency=concurrency,
        seconds=seconds(concurrency),
        state=measured.empty_state + named * measured.state,
        memory=measured.memory[concurrency] + named * measured.state_memory,
        busy=(seconds(concurrency) - measured.start_up - 2 * measured.latency + measured.slot) / INTERVAL,
    )
