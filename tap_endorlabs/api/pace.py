"""How fast requests may follow one another under a rate limit, and how long all of them pause after a 429."""

from __future__ import annotations

import random
import threading
import time
import typing as t
from collections import deque

from tap_endorlabs.errors import StoppedError, TransientError

if t.TYPE_CHECKING:
    from collections.abc import Callable

SLOWER = 0.8
"""After a refusal requests are sent at this share of the rate at which they passed before it."""

GAIN = 0.002
"""The n-th answer since a refusal raises the rate by n times this share of it: gently at first, then boldly."""

MOST_GAIN = 0.1
"""The most that an answer raises the rate, as a share of it."""

PAUSE = 0.125
"""Seconds without a request after a refusal that names no time; they double while nothing passes."""

LONGEST_PAUSE = 8.0
"""The most of them, and of what is added to them by chance."""

SPREAD = 1.0
"""The first seconds that are added to a pause by chance, where others may wait for the same moment; they double."""

LAST = 32
"""So many answers tell whether there is a limit."""

MANY = 0.4
"""The share of them that is refused where there is one. Of fewer the waits that they name are enough; and a server that
refuses at random, whatever the rate is, must not bring it down."""

STILL_MANY = 0.15
"""Where as large a share is refused at a lower rate, it was not for the rate."""

LONGEST_SPREAD = 60.0
"""The most seconds that are added to a pause by chance."""

WINDOW = 5.0
"""The rate at which requests pass is taken from so many seconds at most."""

SLOWEST = 0.1
"""The least rate, in requests per second."""

LONGEST = 900.0
"""Seconds that a request waits for its turn at most: as long as it would be tried again."""

UNLIMITED = 1000.0
"""A rate, in requests per second, that is no limit any more."""

KEY_SHARED = "Check what else uses the same API key: give the tap one of its own, or run it less often."
"""What a user may check where the rate is too low."""


class Pace:
    """Lets the requests of all threads through: at once, or as fast as the server has shown to take them.

    Args:
        clock: seconds on a steady clock.
        sleep: waits for an event, so many seconds at most.
        jitter: gives a number between two by chance.

    Attributes:
        rate: requests per second, None while there is no limit.
        stopped: set to end all waiting, as the run is over.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[threading.Event, float], object] = threading.Event.wait,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.rate: float | None = None
        self.stopped = threading.Event()
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._resume_at = self._next_at = self._slowed_at = float("-inf")
        self._counted_from = clock()
        self._jitter = jitter
        self._passed = self._refused_in_a_row = 0
        self._recent: deque[float] = deque()
        self._outcomes: deque[bool] = deque(maxlen=LAST)

    def wait_for_turn(self) -> float:
        """Wait until a request may be sent; give the time at which it is.

        Raises:
            StoppedError: the run is over.
            TransientError: the server asked for a longer wait than any request may take.
        """
        while not self.stopped.is_set():
            now, wait = self.turn()
            if wait <= 0:
                return now
            self._sleep(self.stopped, wait)
        raise StoppedError

    def turn(self) -> tuple[float, float]:
        """Give the time, and the seconds until a request may be sent; where that is now, the turn is taken.

        Raises:
            TransientError: the server asked for a longer wait than any request may take.
        """
        with self._lock:
            now = self._clock()
            wait = max(self._resume_at, self._next_at) - now
            if wait <= 0 and self.rate is not None:
                self._next_at = now + 1 / self.rate
        if wait > LONGEST:
            raise TransientError("The API lets no request through for now.", wait, KEY_SHARED)
        return now, max(wait, 0.0)

    def note_answer(self) -> None:
        """Take note of a request that has passed."""
        with self._lock:
            self._passed += 1
            self._outcomes.append(True)
            self._refused_in_a_row = 0
            self._recent.append(self._clock())
            while self._recent[0] < self._recent[-1] - WINDOW:
                self._recent.popleft()
            if self.rate is not None:
                faster = self.rate * (1 + min(GAIN * self._passed, MOST_GAIN))
                self.rate = faster if faster < UNLIMITED else None

    def note_refusal(self, sent_at: float, retry_after: float | None) -> None:
        """Take note of a 429.

        Args:
            sent_at: when the refused request was sent.
            retry_after: seconds that the server asked to wait, if it did.
        """
        with self._lock:
            now, in_a_row = self._clock(), self._refused_in_a_row
            pause = retry_after or min(PAUSE * 2**in_a_row, LONGEST_PAUSE)
            self._resume_at = max(self._resume_at, now + pause)
            if sent_at <= self._slowed_at:
                # It was under way when the others were slowed down already.
                return
            self._slowed_at = now
            self._resume_at += self._spread(LONGEST_PAUSE if retry_after is None else LONGEST_SPREAD)
            self._outcomes.append(False)
            refused = self._outcomes.count(False)
            if self.rate is None and refused > MANY * max(len(self._outcomes), LAST // 4):
                self._outcomes.clear()
                self._slow_down(now)
            elif self.rate is not None and refused > STILL_MANY * max(len(self._outcomes), LAST * 3 // 4):
                self._outcomes.clear()
                self.rate = None
            elif self.rate is not None and self._passed:
                # One after which nothing has passed says no more of the rate than the one before.
                self._slow_down(now)

    def _slow_down(self, now: float) -> None:
        before = self.rate or UNLIMITED
        seconds = min(max(now - self._counted_from, 1 / UNLIMITED), WINDOW)
        measured = sum(passed >= now - WINDOW for passed in self._recent) / seconds
        self.rate = max(SLOWER * min(measured or before / 2, before), SLOWEST)
        self._counted_from = self._resume_at
        self._passed = 0
        self._recent.clear()

    def _spread(self, longest: float) -> float:
        """Give seconds to add to a pause, as the server may have told others to wait for the same moment.

        There are none at a first refusal, as it most often meets a tap that is alone and was too fast. Another one
        before a request has passed is the sign of a crowd, which is given more and more time to part.
        """
        doublings = min(self._refused_in_a_row - 1, 10)
        self._refused_in_a_row += 1
        return 0.0 if doublings < 0 else self._jitter(0, min(SPREAD * 2**doublings, longest))
