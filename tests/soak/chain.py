"""Plays a round: the runs of a scenario one after the other, each resumed from what the target kept of those before."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
import typing as t
from dataclasses import dataclass, field, fields

from fake_endor_api import FakeEndorApi, ManualClock
from tap_endorlabs.timestamps import earlier, stamp_of
from tests.conftest import NOW
from tests.harness import Process, config_for
from tests.soak.ledger import Ledger
from tests.soak.scenario import Kill, Run, Scenario

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator
    from pathlib import Path

FAILED, INCOMPLETE = 1, 3
"""Exit codes of the tap: the run could not go on; it went on, and something is missing."""

LONGEST_RUN = 90
"""Seconds after which a run counts as hung."""


@dataclass
class Tally:
    """What happened in some rounds; `faults` are those of the API, `complaints` those of the tap."""

    rounds: int = 0
    runs: int = 0
    sigkill: int = 0
    sigterm: int = 0
    faults: int = 0
    events: int = 0
    lost: int = 0
    repeated: int = 0
    complaints: list[str] = field(default_factory=list)

    def __add__(self, other: Tally) -> Tally:
        """Give the sum."""
        return Tally(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    def __str__(self) -> str:
        """Say it in a line."""
        kills = f"{self.sigkill + self.sigterm} kills ({self.sigkill} SIGKILL, {self.sigterm} SIGTERM)"
        outcome = f"lost {self.lost}, repeated {self.repeated}"
        return f"{self.rounds} rounds, {kills}, {self.faults} faults, {self.runs} runs, {self.events} events, {outcome}"


class TickingClock(ManualClock):
    """A clock that each reading moves on by some seconds, so that time passes without waiting."""

    def __init__(self, now: dt.datetime, tick: float) -> None:
        super().__init__(now)
        self._tick = tick

    def __call__(self) -> dt.datetime:
        if self._tick:
            self.advance(self._tick)
        return super().__call__()

    def advance_to(self, moment: dt.datetime) -> None:
        self.advance(max(0.0, (moment - super().__call__()).total_seconds()))


def _environment() -> dict[str, str]:
    # The coverage of processes that are killed is never written.
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


def play(seed: int, folder: Path) -> Tally:
    """Play the round of a seed, with the tap's files in a folder."""
    scenario = Scenario(seed)
    clock = TickingClock(NOW, scenario.tick)
    with FakeEndorApi(clock=clock) as api:
        api.behaviour.latency = scenario.latency
        for name, value in scenario.quirk.behaviour.items():
            setattr(api.behaviour, name, value)
        for event in scenario.events:
            api.store.add([event.item], event.visible_at)
        chain = Chain(scenario, api, clock, folder)
        for run in (*scenario.runs, scenario.last):
            chain.play(run)
        chain.play_again_if_skipped()
    return chain.tally()


class Chain:
    """The runs of a round so far."""

    def __init__(self, scenario: Scenario, api: FakeEndorApi, clock: TickingClock, folder: Path) -> None:
        self._scenario = scenario
        self._api = api
        self._clock = clock
        self._process = Process(folder, module="tests.soak.impatient_tap")
        self._ledger = Ledger((event.item for event in scenario.events), stamp_of(scenario.start))
        self._tally = Tally(rounds=1, events=len(scenario.events))
        self._lines = 0
        self._killed = False
        self._code = 0

    def tally(self) -> Tally:
        """Say what happened."""
        self._tally.faults += self._api.faults_met
        # What a run that says so could not read is there for the next one, as no bookmark has passed it.
        lost = 0 if self._code == FAILED else len(self._ledger.lost)
        self._tally.lost, self._tally.repeated = lost, self._ledger.repeated
        self._tally.complaints += self._ledger.complaints
        if lost:
            self._tally.complaints.append(f"{lost} events never came")
        return self._tally

    def play_again_if_skipped(self) -> None:
        """Run once more where a server may have hidden everything from the last run."""
        if self._scenario.quirk.skips and self._ledger.lost:
            self.play(self._scenario.last)

    def play(self, run: Run) -> None:
        """Run the tap once, from the last STATE that the target kept."""
        self._clock.advance_to(run.at)
        self._api.heal()
        for fault, where, after, times in run.faults:
            self._api.fail(fault, where=where, after=after, times=times)
        self._tally.runs += 1
        self._lines, self._killed = 0, False
        log = self._process.folder / f"run-{self._tally.runs}.log"
        with (
            log.open("w") as stderr,
            subprocess.Popen(self._command(run), stdout=subprocess.PIPE, stderr=stderr, env=_environment()) as tap,
            self._attended(tap, run.kill),
        ):
            self._read(tap, run)
            tap.wait()
        self._ledger.end_run(killed=self._killed and tap.returncode == -signal.SIGKILL)
        self._code = tap.returncode
        self._check_exit(run, log)

    def _command(self, run: Run) -> list[str]:
        settings = {"start_date": stamp_of(self._scenario.start), "lookback_seconds": self._scenario.lookback}
        files: dict[str, t.Any] = {"config": config_for(self._api, **settings, **run.settings)}
        if self._ledger.state is not None:
            files["state"] = self._ledger.state
        return self._process.command(**files)

    def _read(self, tap: subprocess.Popen[bytes], run: Run) -> None:
        for line in t.cast("t.IO[bytes]", tap.stdout):
            if self._killed and run.kill is not None and run.kill.target_dies:
                break
            if line.endswith(b"\n"):
                limit = earlier(stamp_of(self._clock()), self._scenario.lookback)
                self._ledger.take(json.loads(line), limit)
            elif not self._killed:
                self._tally.complaints.append("the last line is not whole")
            self._lines += 1
            if self._lines == run.revoke_after:
                self._api.tokens.revoke_all()
                self._tally.faults += 1
            if run.kill is not None and run.kill.unit == "lines" and self._lines > run.kill.after:
                self._strike(tap, run.kill)

    @contextlib.contextmanager
    def _attended(self, tap: subprocess.Popen[bytes], kill: Kill | None) -> Iterator[None]:
        watchdog = threading.Timer(LONGEST_RUN, self._give_up, [tap])
        killer = threading.Thread(target=self._kill_by_requests, args=(tap, kill, len(self._api.requests)))
        watchdog.start()
        killer.start()
        try:
            yield
        finally:
            watchdog.cancel()
            killer.join()

    def _kill_by_requests(self, tap: subprocess.Popen[bytes], kill: Kill | None, before: int) -> None:
        while kill is not None and kill.unit == "requests" and tap.poll() is None:
            if len(self._api.requests) - before >= kill.after:
                self._strike(tap, kill)
                return
            time.sleep(0.001)

    def _strike(self, tap: subprocess.Popen[bytes], kill: Kill) -> None:
        if self._killed or tap.poll() is not None:
            return
        self._killed = True
        tap.send_signal(kill.number)
        if kill.number == signal.SIGKILL:
            self._tally.sigkill += 1
        else:
            self._tally.sigterm += 1

    def _give_up(self, tap: subprocess.Popen[bytes]) -> None:
        self._tally.complaints.append(f"run {self._tally.runs} did not end within {LONGEST_RUN} s")
        tap.kill()

    def _check_exit(self, run: Run, log: Path) -> None:
        quirk = self._scenario.quirk
        allowed = {0, *((FAILED,) if run.may_fail or quirk.may_be_told else ())}
        if quirk.may_be_told and self._ledger.has_gaps:
            allowed.add(INCOMPLETE)
        if self._killed and run.kill is not None:
            allowed |= {-run.kill.number, 128 + run.kill.number}
        if self._code not in allowed:
            last = (log.read_text().splitlines() or ["nothing"])[-1]
            self._tally.complaints.append(f"run {self._tally.runs} ended with {self._code}, and said: {last}")
        if "Traceback" in log.read_text():
            self._tally.complaints.append(f"run {self._tally.runs} showed a traceback")
