"""Times compare as text once they are normalized."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_endorlabs import timestamps as ts


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        ("2024-11-13T15:30:45Z", "2024-11-13T15:30:45.000000Z"),
        ("2024-11-13T15:30:45.5Z", "2024-11-13T15:30:45.500000Z"),
        ("2024-11-13T15:30:45.500Z", "2024-11-13T15:30:45.500000Z"),
        ("2024-11-13T15:30:45.123456Z", "2024-11-13T15:30:45.123456Z"),
        ("2024-11-13T15:30:45.123456999Z", "2024-11-13T15:30:45.123456Z"),
        ("2024-11-13T15:30:45+02:00", "2024-11-13T13:30:45.000000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
    ],
)
def test_any_number_of_digits_becomes_six(text: str, stamp: str) -> None:
    assert ts.normalize(text) == stamp


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        ("2024-11-13", "2024-11-13T00:00:00.000000Z"),
        ("2024-11-13 15:30:45", "2024-11-13T15:30:45.000000Z"),
        (" 2024-11-13t15:30:45.25z ", "2024-11-13T15:30:45.250000Z"),
        ("2024-11-13T15:30:45-05:30", "2024-11-13T21:00:45.000000Z"),
    ],
)
def test_a_person_may_leave_out_time_and_zone(text: str, stamp: str) -> None:
    assert ts.parse(text) == stamp


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2024-13-01",
        "2024-02-30T00:00:00Z",
        "2024-01-01T25:00:00Z",
        "2024-01-01T00:00:60Z",
        "٢٠٢٤-01-01",
        "0001-01-01T00:00:00+23:00",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        ts.normalize(text)


moments = st.datetimes(timezones=st.just(dt.timezone.utc))


@given(moments, moments)
def test_stamps_sort_as_times(one: dt.datetime, two: dt.datetime) -> None:
    assert (ts.stamp_of(one) < ts.stamp_of(two)) == (one < two)
    assert ts.moment_of(ts.stamp_of(one)) == one
    assert ts.normalize(ts.stamp_of(one)) == ts.stamp_of(one)


@given(moments.filter(lambda moment: moment.year < 9999))
def test_seconds_bracket_a_time(moment: dt.datetime) -> None:
    stamp = ts.stamp_of(moment)
    assert ts.stamp_of_second(ts.second_of(stamp)) <= stamp <= ts.stamp_of_second(ts.second_after(stamp))
    assert ts.second_after(stamp) - ts.second_of(stamp) == (moment.microsecond > 0)


def test_earlier_stops_at_the_earliest() -> None:
    assert ts.earlier("2024-01-01T00:01:00.000000Z", 60) == "2024-01-01T00:00:00.000000Z"
    assert ts.earlier("2024-01-01T00:00:00.000000Z", 1e18) == "0001-01-01T00:00:00.000000Z"
