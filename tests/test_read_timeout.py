"""An answer that is overdue is asked for again, long before the longest time that a user allows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_endor_api import FakeEndorApi, Fault
from tap_endorlabs.api.read_timeout import ReadTimeout
from tests.harness import config_for, run_inside

SECONDS = st.floats(0.001, 1000)


def tries(longest: float, *answers: float) -> list[float]:
    timeout = ReadTimeout(longest)
    for seconds in answers:
        timeout.note(seconds, succeeded=True)
    return list(timeout.tries())


def test_the_first_answer_has_more_time() -> None:
    assert tries(120) == [5, 10, 20, 120]
    assert tries(10) == [10]


def test_what_is_overdue_depends_on_the_answers_before() -> None:
    assert tries(120, 1.0) == [4, 8, 16, 120]
    assert tries(120, 0.01) == [0.25, 0.5, 1, 2, 4, 8, 16, 120]
    assert tries(120, 30.0) == [120]


def test_a_slow_answer_counts_for_some_time() -> None:
    (first, *_), (later, *_) = tries(120, 4.0, 0.1), tries(120, 4.0, *[0.1] * 20)
    assert first > 14
    assert later < 2


def test_at_first_the_answers_of_another_kind_count() -> None:
    timeout = ReadTimeout(120)
    assert list(timeout.tries(usual_of_others=1.0)) == [4, 8, 16, 120]
    timeout.note(0.1, succeeded=True)
    assert next(timeout.tries(usual_of_others=1.0)) == 0.4


def test_refusals_make_nothing_overdue_sooner() -> None:
    timeout = ReadTimeout(120)
    timeout.note(4.0, succeeded=True)
    for _ in range(50):
        timeout.note(0.01, succeeded=False)
    assert next(timeout.tries()) == 16


@given(longest=st.integers(1, 86_400), answers=st.lists(SECONDS))
def test_the_early_tries_take_half_of_the_longest_time_at_most(longest: int, answers: list[float]) -> None:
    *early, last = tries(longest, *answers)
    assert early == sorted(set(early))
    assert sum(early) <= longest / 2
    assert all(seconds >= max(answers[-1:], default=0) for seconds in early)
    assert last == longest


@pytest.mark.parametrize("fault", [Fault.stall(3600), Fault.stall_in_body(3600)], ids=str)
@pytest.mark.parametrize("concurrency", [1, 4])
def test_answers_that_never_come_are_asked_for_again(
    api: FakeEndorApi, fault: Fault, concurrency: int, caplog: pytest.LogCaptureFixture
) -> None:
    """With this limit the run would else take an hour for each."""
    api.fail(fault, after=2, times=2)
    config = config_for(
        api, start_date="2026-03-20T00:00:00Z", page_size=50, request_timeout=3600, concurrency=concurrency
    )
    assert sorted(run_inside(config).uuids) == sorted(api.store.uuids())
    assert api.faults_met == 2
    assert "did not answer" not in caplog.text


def test_a_first_page_may_take_longer_than_the_log_in(empty_api: FakeEndorApi) -> None:
    empty_api.fail(Fault.stall(0.5))
    run_inside(config_for(empty_api, start_date="2026-03-20T00:00:00Z"))
    asked = [(request.path, str(request.query)) for request in empty_api.requests]
    assert len(asked) == len(set(asked))
