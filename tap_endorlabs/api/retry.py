"""Trying a single request again: how often, how long, and when; the pause of all after a 429 is in `pace`."""

from __future__ import annotations

import random
import threading
import time
import typing as t
from copy import copy
from dataclasses import dataclass, field, replace

from tap_endorlabs.errors import RateLimitedError, StoppedError, TransientError

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable

_T = t.TypeVar("_T")


@dataclass
class Retry:
    """Exponential backoff with full jitter, bounded in attempts and in time. A time named by the server comes first.

    A rate limit is bounded in time only: where many share it, being refused often only says that others were faster.

    Attributes:
        max_attempts: how often a request may fail, not counting refusals by a rate limit.
        first_wait: upper bound of the first wait, in seconds; short, as most failures are over at once. With each
            further attempt it is four times as long.
        max_wait: upper bound of any wait that the server did not ask for, in seconds.
        max_elapsed: seconds after the first failure until no further attempt is begun.
        connect_timeout: seconds to wait for a connection at most; the rest of the request timeout is for the answer.
        sleep: waits for an event, so many seconds at most.
    """

    max_attempts: int = 8
    first_wait: float = 0.25
    max_wait: float = 60.0
    max_elapsed: float = 900.0
    connect_timeout: float = 30.0
    sleep: Callable[[threading.Event, float], object] = threading.Event.wait
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[float, float], float] = field(default=random.uniform)

    def for_a_test(self) -> Retry:
        """Give one for somebody who waits for the answer: ten seconds tell whether there is anything to reach."""
        return replace(self, max_attempts=3, max_elapsed=4.0, connect_timeout=min(self.connect_timeout, 3.0))

    def call(
        self,
        attempt: Callable[[], _T],
        logger: logging.Logger,
        stopped: threading.Event,
        *,
        give_up_on: Callable[[TransientError], bool] = lambda _: False,
    ) -> _T:
        """Call `attempt` until it gives a result.

        Args:
            attempt: does the work, and raises `TransientError` for what may pass.
            logger: gets a line for each failure.
            stopped: ends all waiting when it is set.
            give_up_on: tells which failures are not worth another attempt; they are raised as they are.

        Raises:
            TransientError: the last failure, when attempts or time are used up.
            StoppedError: the run was ended in the meantime.
        """
        attempts = Attempts(self)
        while True:
            try:
                return attempt()
            except TransientError as error:
                if error.given_up or give_up_on(error):
                    raise
                wait = attempts.wait_after(error)
                count = (
                    "" if isinstance(error, RateLimitedError) else f" ({attempts.failed} of {self.max_attempts - 1})"
                )
                logger.warning("%s Trying again in %.1f s%s.", error, wait, count)
            self.sleep(stopped, wait)
            if stopped.is_set():
                raise StoppedError


class Attempts:
    """Those of one request: whether there is another, and when.

    Args:
        retry: how often and how long.

    Attributes:
        failed: how many there were, refusals by a rate limit left out.
        refused: how many of those there were.
    """

    def __init__(self, retry: Retry) -> None:
        self.failed = self.refused = 0
        self._retry = retry
        self._begun = retry.clock()

    def wait_after(self, error: TransientError) -> float:
        """Give the seconds to wait after a failure before the next attempt.

        Raises:
            TransientError: there is none: attempts or time are used up.
        """
        retry = self._retry
        if isinstance(error, RateLimitedError):
            self.refused += 1
        else:
            self.failed += 1
        bound = min(retry.first_wait * 4 ** max(self.failed - 1, 0), retry.max_wait)
        wait = error.retry_after or retry.jitter(0, bound)
        waited = retry.clock() - self._begun
        if self.failed < retry.max_attempts and waited + wait <= retry.max_elapsed:
            return wait
        count = self.failed + self.refused
        tries = "1 try" if count == 1 else f"{count} tries"
        asked = f" It asks to wait {wait:.0f} s." if error.retry_after and self.failed < retry.max_attempts else ""
        last = copy(error)
        last.args = (f"{error}{asked} Gave up after {tries} in {waited:.0f} s. {error.advice}".rstrip(),)
        last.given_up = True
        raise last from error
