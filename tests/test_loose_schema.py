"""The schema that a target gets: no event breaks it, and what becomes a column has a type."""

from __future__ import annotations

import datetime as dt
import typing as t

import pytest
from jsonschema import Draft4Validator, Draft202012Validator

from fake_endor_api import make_events
from tests.conftest import NOW
from tests.harness import config_for, run_inside

if t.TYPE_CHECKING:
    from fake_endor_api import FakeEndorApi

START = "2026-03-03T00:00:00Z"


def odd_events() -> list[dict[str, t.Any]]:
    """Events as the API may send them, against what its pages say of their fields."""
    events = make_events(6, NOW - dt.timedelta(hours=3), NOW - dt.timedelta(hours=1))
    for event, score in zip(events, ["NaN", "-Infinity", 0.5, None, 7, 1e300], strict=True):
        event["meta"]["index_data"] = {"search_score": score, "data": [1, None, {"a": []}]}
        event["spec"]["claims"] = ["email=a@b.c", 5, {"a": 1}, None, [2]]
    events[0]["meta"] |= {"tags": [1, {"a": 2}], "annotations": {"a": {"b": [None]}}, "references": {"a": 5}}
    events[1]["spec"]["error"] = {"code": 7, "message": "no", "details": [5, "text", {"@type": "x"}, None]}
    events[2]["spec"]["payload"] = {"@type": "x", "value": {"deep": [1, "a"]}}
    events[3]["tenant_meta"]["more"] = 5
    return events


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_no_event_breaks_it(depth: int, empty_api: FakeEndorApi) -> None:
    empty_api.store.add_raw(odd_events())
    settings = {"flattening_enabled": True, "flattening_max_depth": depth} if depth else {}
    output = run_inside(config_for(empty_api, start_date=START, **settings))
    (schema,) = (message["schema"] for message in output.of("SCHEMA"))
    assert len(output.records) == 6
    for validator in (Draft4Validator(schema), Draft202012Validator(schema)):
        for record in output.records:
            validator.validate(record)


def test_a_target_is_told_no_type_inside_of_json(empty_api: FakeEndorApi) -> None:
    output = run_inside(config_for(empty_api, start_date=START))
    (schema,) = (message["schema"] for message in output.of("SCHEMA"))
    assert schema["properties"].keys() == {"uuid", "create_time", "tenant_meta", "meta", "spec"}
    assert not any("properties" in field for field in schema["properties"].values())
