"""What is known of how dense the events are: averaged where chance explains the differences, fresh where it doesn't."""

from __future__ import annotations

import pytest

from tap_endorlabs.reading.density import Density
from tests.log_model import event

PAGE = 100


def stretch(sizes: list[int], seconds: int) -> Density:
    """Groups of these sizes, each in a second of its own."""
    events = [event(second * 1_000_000, "") for second, size in enumerate(sizes) for _ in range(size)]
    return Density.of(events, seconds, PAGE)


def test_events_that_come_alone_have_a_rate_and_no_crowd() -> None:
    density = stretch([1] * 50, 100)
    assert density.rate == pytest.approx(0.005, rel=0.05)
    assert density.crowd == pytest.approx(1 / PAGE)


def test_the_group_of_an_average_event_is_what_counts() -> None:
    assert stretch([80, 20], 10).crowd == pytest.approx((0.8 * 80 + 0.2 * 20) / PAGE)


def test_one_group_tells_nothing_of_how_far_apart_groups_are() -> None:
    assert stretch([80], 10).rate == 0


def test_nothing_is_known_at_first() -> None:
    assert (Density().rate, Density().crowd) == (0, 0)
    some = stretch([1] * 50, 100)
    assert Density().after(some, PAGE) == some


def test_what_chance_explains_is_averaged() -> None:
    density = stretch([1] * 50, 100).after(stretch([1] * 60, 100), PAGE)
    assert density.pages == pytest.approx(1.1)
    assert density.seconds == 200


@pytest.mark.parametrize("burst", [stretch([1] * 50, 60), stretch([90, 90, 90], 3)], ids=["alone", "in groups"])
def test_a_burst_speaks_for_itself_at_both_ends(burst: Density) -> None:
    quiet = stretch([1] * 50, 5000)
    assert quiet.after(burst, PAGE) == burst
    assert burst.after(quiet, PAGE) == quiet


def test_a_lone_group_is_no_burst() -> None:
    quiet = stretch([1] * 50, 5000)
    assert quiet.after(stretch([1, 1, 90], 200), PAGE).seconds == 5200


def test_random_groups_are_averaged_over_many_and_the_oldest_are_forgotten() -> None:
    density = Density()
    for size in (10, 90, 40, 70) * 10:
        density = density.after(stretch([size], 100), PAGE)
    assert 8 < density.pages / density.crowd < 16
    assert density.pages / density.seconds == pytest.approx(0.525 / 100, rel=0.1)
