"""Ways to let a run of the tap go wrong, and what may come of it: the words of the fault matrix."""

from __future__ import annotations

import threading
import typing as t
from dataclasses import dataclass
from datetime import timedelta

from fake_endor_api import Fault
from tests.impatient import lookups_fail

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fake_endor_api import FakeEndorApi

    JsonObject = dict[str, t.Any]
    Arrange = Callable[["Scene"], None]

PAGE_SIZE = 50
LOG_IN, FIRST, MIDDLE, LAST = "log-in", "first page", "middle page", "last page"
PAGES = (FIRST, MIDDLE, LAST)
WHOLE_RUN = "whole run"
OUTAGE = 0.05
"""Seconds that a network which comes back is away."""


@dataclass(frozen=True)
class Outcome:
    """What must come of a run.

    Attributes:
        result: it in a word.
        code: the exit code.
        within: how long the run may take to find out, with the default settings.
        says: parts of the line that tells the user, in order.
    """

    result: str
    code: int = 0
    within: str = ""
    says: tuple[str, ...] = ()


@dataclass
class Scene:
    """A run that is about to meet a fault.

    Attributes:
        api: the API that it reads.
        folder: where its files are.
        at: when the fault comes: at the log-in, or with the page that holds a certain event.
        events: the objects of the log.
    """

    api: FakeEndorApi
    folder: Path
    at: str
    events: list[JsonObject]

    @property
    def marked(self) -> str:
        """The uuid of the event whose page the fault comes with."""
        place = {FIRST: 0, MIDDLE: len(self.events) // 2, LAST: -1}[self.at]
        return str(self.events[place]["uuid"])

    def strike(self, fault: Fault, times: int | None, then: Callable[[], object] | None = None) -> None:
        """Let so many requests fail, from the log-in or from the page that holds the marked event on."""
        if self.at == LOG_IN:
            self.api.fail(fault, where="auth", times=times, then=then)
        else:
            self.api.fail(fault, times=times, since=self.marked, then=then)

    def heal(self) -> None:
        """End all faults."""
        lookups_fail(self.folder).unlink(missing_ok=True)
        self.api.heal()


@dataclass(frozen=True)
class Case:
    """A row of the matrix.

    Attributes:
        fault: what goes wrong.
        lasts: for how long.
        arrange: makes it go wrong.
        outcome: what must come where it strikes a page.
        log_in: what must come where it strikes the log-in; None: it can't.
        whole_run: it does not begin with a page, but is there from the start.
        clock_ahead: how far the server's clock is ahead of this machine's.
        log_ins: how often the tap may log in.
    """

    fault: str
    lasts: str
    arrange: Arrange
    outcome: Outcome
    log_in: Outcome | None = None
    whole_run: bool = False
    clock_ahead: timedelta = timedelta(0)
    log_ins: range = range(1, 100)

    def __str__(self) -> str:
        """Name it for a test's id."""
        return f"{self.fault}, {self.lasts}"

    @property
    def cells(self) -> list[tuple[str, int]]:
        """When the fault comes, and with which `concurrency`; at the log-in there is one request anyway."""
        places = (WHOLE_RUN,) if self.whole_run else PAGES
        return [(LOG_IN, 1)] * (self.log_in is not None) + [(at, number) for at in places for number in (1, 8)]

    def outcome_at(self, at: str) -> Outcome:
        """What must come where the fault comes at that place."""
        return self.log_in if at == LOG_IN and self.log_in is not None else self.outcome


def strikes(fault: Fault, times: int | None) -> Arrange:
    """A fault that meets so many requests (None: all)."""
    return lambda scene: scene.strike(fault, times)


def network_goes(begin: Callable[[Scene], object], *, returns: bool) -> Arrange:
    """A network that goes away: the connection in use breaks, and no other can be made."""

    def arrange(scene: Scene) -> None:
        def go_away() -> None:
            begin(scene)
            if returns:
                threading.Timer(OUTAGE, scene.heal).start()

        scene.strike(Fault.reset(), 1, go_away)

    return arrange


def refuse_connections(scene: Scene) -> None:
    """Let no connection be made."""
    scene.api.refuse_connections()


def fail_lookups(scene: Scene) -> None:
    """Let no host be found, and none be reached through a connection that is open, or whose host was found before."""
    lookups_fail(scene.folder).touch()
    scene.api.refuse_connections()


def token_is_revoked(log_in: Fault, times: int | None) -> Arrange:
    """A token that loses its validity early, and a fault that meets so many log-ins after that (None: all)."""

    def arrange(scene: Scene) -> None:
        def revoke() -> None:
            scene.api.tokens.revoke_all()
            scene.api.fail(log_in, where="auth", times=times)

        scene.strike(Fault.status(401), 1, revoke)

    return arrange


def behaves(**behaviour: t.Any) -> Arrange:
    """A server with other options."""

    def arrange(scene: Scene) -> None:
        for name, value in behaviour.items():
            setattr(scene.api.behaviour, name, value)

    return arrange


def out_of_order(scene: Scene) -> None:
    """A page that comes out of order once."""
    scene.strike(Fault.rewritten(lambda objects: objects[::-1]), 1)


def without_uuid(scene: Scene) -> None:
    """An object that never has a uuid."""
    _replace(scene, lambda item: [{**item, "uuid": None}])


def without_time(scene: Scene) -> None:
    """An object that never has a readable time."""
    _replace(scene, lambda item: [{**item, "meta": {**item["meta"], "create_time": "soon"}}])


def with_half_a_character(scene: Scene) -> None:
    """An object that always has half of a surrogate pair."""
    _replace(scene, lambda item: [{**item, "half": "\ud83d"}])


def doubled(scene: Scene) -> None:
    """An object that every page with it has twice."""
    _replace(scene, lambda item: [item, item])


def _replace(scene: Scene, change: Callable[[JsonObject], list[JsonObject]]) -> None:
    def rewrite(objects: list[JsonObject]) -> list[JsonObject]:
        changed = [change(item) if item["uuid"] == scene.marked else [item] for item in objects]
        return [item for items in changed for item in items]

    scene.api.fail(Fault.rewritten(rewrite), times=None)
