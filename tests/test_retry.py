"""Failures that may pass are tried again: so often, so long, and not before the server allows it."""

from __future__ import annotations

import logging
import threading
import typing as t

import pytest

from tap_endorlabs.errors import RateLimitedError, TooLargeError, TooSlowError, TransientError
from tests.harness import Clock

LOGGER = logging.getLogger("test")
STOPPED = threading.Event()


def failing(times: int, error: Exception) -> t.Callable[[], str]:
    left = [error] * times

    def attempt() -> str:
        if left:
            raise left.pop()
        return "done"

    return attempt


def test_waits_grow_up_to_a_bound() -> None:
    clock = Clock()
    assert clock.retry(max_wait=10).call(failing(6, TransientError("no")), LOGGER, STOPPED) == "done"
    assert clock.slept == [0.25, 1, 4, 10, 10, 10]


def test_jitter_takes_the_whole_interval() -> None:
    clock = Clock()
    clock.retry(jitter=lambda lower, upper: (lower + upper) / 2).call(failing(2, TransientError("no")), LOGGER, STOPPED)
    assert clock.slept == [0.125, 0.5]


def test_a_time_named_by_the_server_comes_first() -> None:
    clock = Clock()
    clock.retry().call(failing(1, TransientError("no", retry_after=42)), LOGGER, STOPPED)
    assert clock.slept == [42]


def test_tries_are_bounded_and_the_last_failure_says_so(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    gone = TransientError("The server is gone.", advice="Look after it.")
    with pytest.raises(TransientError, match=r"^The server is gone. Gave up after 3 tries in 1 s. Look after it.$"):
        clock.retry(max_attempts=3).call(failing(9, gone), LOGGER, STOPPED)
    assert [record.message for record in caplog.records] == [
        "The server is gone. Trying again in 0.2 s (1 of 2).",
        "The server is gone. Trying again in 1.0 s (2 of 2).",
    ]


def test_the_last_failure_still_says_of_what_kind_it_was() -> None:
    large = TooLargeError("Too large.", 7, "Ask for less.", 429)
    with pytest.raises(TooLargeError) as caught:
        Clock().retry(max_attempts=2).call(failing(9, large), LOGGER, STOPPED)
    last = caught.value
    assert (last.too_large, last.status, last.given_up, large.given_up) == (True, 429, True, False)


def test_no_attempt_begins_after_max_elapsed() -> None:
    clock = Clock()
    with pytest.raises(TransientError, match=r"^No. It asks to wait 61 s. Gave up after 1 try in 0 s.$"):
        clock.retry(max_elapsed=60).call(failing(9, TransientError("No.", retry_after=61)), LOGGER, STOPPED)
    assert clock.slept == []


def test_a_rate_limit_is_waited_out_however_often_it_refuses(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    refused = RateLimitedError("Too many.", retry_after=2)
    assert clock.retry().call(failing(50, refused), LOGGER, STOPPED) == "done"
    assert clock.slept == [2] * 50
    assert caplog.records[-1].message == "Too many. Trying again in 2.0 s."


def test_refusals_by_a_rate_limit_leave_the_tries_of_other_failures() -> None:
    clock = Clock()
    left: list[Exception] = [TransientError("no"), RateLimitedError("Too many.", retry_after=5)] * 7

    def attempt() -> str:
        if left:
            raise left.pop()
        return "done"

    assert clock.retry().call(attempt, LOGGER, STOPPED) == "done"
    assert clock.slept == [5, 0.25, 5, 1, 5, 4, 5, 16, 5, 60, 5, 60, 5, 60]


def test_a_rate_limit_that_does_not_pass_ends_after_max_elapsed() -> None:
    clock = Clock()
    with pytest.raises(RateLimitedError, match=r"^Too many. It asks to wait 10 s. Gave up after 91 tries in 900 s."):
        clock.retry().call(failing(999, RateLimitedError("Too many.", 10, "Ask.")), LOGGER, STOPPED)


def test_what_is_given_up_on_is_raised_as_it_is() -> None:
    error = TooSlowError("too slow")
    with pytest.raises(TooSlowError) as caught:
        Clock().retry().call(failing(1, error), LOGGER, STOPPED, give_up_on=lambda e: e is error)
    assert caught.value is error
