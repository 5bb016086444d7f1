"""Trying again: how often, how long, and when."""

from __future__ import annotations

import random
import threading
import time
import typing as t
from dataclasses import dataclass, field

from tap_endorlabs.errors import StoppedError, TransientError

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable

_T = t.TypeVar("_T")


@dataclass
class Retry:
    """Exponential backoff with full jitter, bounded in tries and in time; a time named by the server comes first.

    Attributes:
        tries: how often a request is sent at most.
        first_wait: upper bound of the first wait, in seconds; it doubles with each try.
        longest_wait: upper bound of any wait that the server did not ask for, in seconds.
        patience: seconds after the first failure until no further try is begun.
        sleep: waits for an event, so many seconds at most.
    """

    tries: int = 8
    first_wait: float = 1.0
    longest_wait: float = 60.0
    patience: float = 900.0
    sleep: Callable[[threading.Event, float], object] = threading.Event.wait
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[float, float], float] = field(default=random.uniform)

    def call(
        self,
        attempt: Callable[[], _T],
        logger: logging.Logger,
        stopped: threading.Event,
        *,
        hopeless: Callable[[TransientError], bool] = lambda _: False,
    ) -> _T:
        """Call `attempt` until it gives a result.

        Args:
            attempt: does the work, and raises `TransientError` for what may pass.
            logger: gets a line for each failure.
            stopped: ends all waiting when it is set.
            hopeless: tells which failures are not worth another try; they are raised as they are.

        Raises:
            TransientError: the last failure, when tries or patience are used up.
            StoppedError: the run was ended in the meantime.
        """
        begun = self.clock()
        tried = 0
        while True:
            try:
                return attempt()
            except TransientError as error:
                if error.given_up or hopeless(error):
                    raise
                tried += 1
                wait = self._wait(tried, error.retry_after)
                waited = self.clock() - begun
                if tried >= self.tries or waited + wait > self.patience:
                    tries = "1 try" if tried == 1 else f"{tried} tries"
                    asked = f" It asks to wait {wait:.0f} s." if error.retry_after and tried < self.tries else ""
                    told = f"{error}{asked} Gave up after {tries} in {waited:.0f} s. {error.advice}".rstrip()
                    last = type(error)(told)
                    last.given_up = True
                    raise last from error
                logger.warning("%s Trying again in %.1f s (%d of %d).", error, wait, tried, self.tries - 1)
            self.sleep(stopped, wait)
            if stopped.is_set():
                raise StoppedError

    def _wait(self, tried: int, retry_after: float | None) -> float:
        bound = min(self.first_wait * 2 ** (tried - 1), self.longest_wait)
        return retry_after or self.jitter(0, bound)
