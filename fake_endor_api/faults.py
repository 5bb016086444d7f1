"""Faults that the fake can be told to have."""

from __future__ import annotations

import threading
import typing as t
from dataclasses import dataclass, field
from random import Random

from fake_endor_api.errors import ApiError

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fake_endor_api.filters import JsonObject

Where = t.Literal["list", "auth"]
Kind = t.Literal[
    "status",
    "reset",
    "reset in body",
    "truncated",
    "html",
    "empty",
    "wrong encoding",
    "stall",
    "stall in body",
    "redirect",
    "raw",
    "rewritten",
]


@dataclass(frozen=True)
class Fault:
    """What happens to a request instead of its answer; made by the methods named after the kinds."""

    kind: Kind
    code: int = 200
    grpc: int | None = None
    message: str = "a fault"
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    body: bytes = b""
    rewrite: Callable[[list[JsonObject]], list[JsonObject]] | None = None

    def __str__(self) -> str:
        """Name it for a test's id."""
        return f"{self.kind} {self.code}" if self.kind == "status" else self.kind

    @classmethod
    def status(
        cls, code: int, *, message: str = "a fault", headers: Mapping[str, str] | None = None, grpc: int | None = None
    ) -> Fault:
        """An error answer; `grpc` is its gRPC code, if not the one that goes with the status."""
        return cls("status", code=code, message=message, headers=headers or {}, grpc=grpc)

    @classmethod
    def reset(cls) -> Fault:
        """The connection is cut before the answer."""
        return cls("reset")

    @classmethod
    def reset_in_body(cls) -> Fault:
        """The connection is cut inside the answer's body."""
        return cls("reset in body")

    @classmethod
    def truncated(cls) -> Fault:
        """The answer is half of its JSON, and says that this is all."""
        return cls("truncated")

    @classmethod
    def html(cls) -> Fault:
        """A page for people, with status 200."""
        return cls("html", body=b"<html><body>Please stand by</body></html>")

    @classmethod
    def empty(cls) -> Fault:
        """Nothing, with status 200."""
        return cls("empty")

    @classmethod
    def wrong_encoding(cls) -> Fault:
        """An answer that claims to be compressed and is not."""
        return cls("wrong encoding")

    @classmethod
    def stall(cls, seconds: float) -> Fault:
        """The answer, late."""
        return cls("stall", seconds=seconds)

    @classmethod
    def stall_in_body(cls, seconds: float) -> Fault:
        """The answer's body halts in the middle, and the connection is cut."""
        return cls("stall in body", seconds=seconds)

    @classmethod
    def redirect(cls, url: str) -> Fault:
        """A redirect to another URL."""
        return cls("redirect", code=307, headers={"Location": url})

    @classmethod
    def raw(cls, body: bytes) -> Fault:
        """Any body, with status 200."""
        return cls("raw", body=body)

    @classmethod
    def rewritten(cls, rewrite: Callable[[list[JsonObject]], list[JsonObject]]) -> Fault:
        """The page, with its objects changed."""
        return cls("rewritten", rewrite=rewrite)

    def error(self) -> ApiError:
        """Give the error answer of a fault with a status."""
        return ApiError(self.code, self.message, code=self.grpc, headers=self.headers)


@dataclass
class _Rule:
    fault: Fault
    where: Where
    left: float
    after: int
    since: bytes | None
    when: bytes | None
    share: float
    then: Callable[[], object] | None


class Faults:
    """The faults to come; safe for threads.

    Attributes:
        met: how many requests have met one.
    """

    def __init__(self) -> None:
        self.met = 0
        self._rules: list[_Rule] = []
        self._rng = Random(1)
        self._lock = threading.Lock()

    def add(  # noqa: PLR0913
        self,
        fault: Fault,
        *,
        where: Where,
        times: int | None,
        after: int,
        since: str | None,
        when: str | None,
        share: float,
        then: Callable[[], object] | None,
    ) -> None:
        """Plan a fault for `times` requests (None: all), from the one after the next `after` on.

        Args:
            fault: what happens to them.
            where: which requests are meant.
            times: how many of them.
            after: how many pass before that.
            since: the fault begins with the first answer that holds this text.
            when: it meets only the answers that hold this text.
            share: it meets so many of the requests, by chance.
            then: is called each time.
        """
        begins, only = (None if text is None else text.encode() for text in (since, when))
        with self._lock:
            self._rules.append(
                _Rule(fault, where, float("inf") if times is None else times, after, begins, only, share, then)
            )

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._rules.clear()

    def next(self, where: Where, body: bytes | None = None) -> Fault | None:
        """Give the fault that meets this request, if any does.

        Args:
            where: which request it is.
            body: its answer; without it, what begins with an answer that is yet to come is not asked for.
        """
        met = None
        with self._lock:
            for rule in self._rules:
                if rule.where != where or (rule.since is None and rule.when is None) != (body is None):
                    continue
                if rule.when is not None and rule.when not in (body or b""):
                    continue
                if rule.since is not None and body is not None:
                    if rule.since not in body:
                        continue
                    rule.since = None
                if rule.after > 0:
                    rule.after -= 1
                elif met is None and rule.left > 0 and self._rng.random() < rule.share:
                    rule.left -= 1
                    met = rule
                    self.met += 1
        if met is None:
            return None
        if met.then is not None:
            met.then()
        return met.fault
