"""Deselected fields are left out, whichever way a record leaves, and nothing else is."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import logging
import typing as t
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.helpers._catalog import pop_deselected_record_properties
from singer_sdk.singerlib import SelectionMask

from fake_endor_api import make_events
from tap_endorlabs.api.records import Event
from tap_endorlabs.sync.selection import OTHERS, Selection, with_others
from tests.conftest import NOW
from tests.harness import catalog_of, config_for, run_inside

if t.TYPE_CHECKING:
    from fake_endor_api import FakeEndorApi

    Path_ = tuple[str, ...]

START = "2026-03-03T00:00:00Z"
NEW = {"a field": {"of": ["a later version"]}}
LOGGER = logging.getLogger(__name__)

names = st.sampled_from(["a", "b", "c", 'é"'])
values = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


def breadcrumb(*path: str) -> Path_:
    return tuple(part for name in path for part in ("properties", name))


def schema_of(paths: t.Iterable[Path_]) -> dict[str, t.Any]:
    schema: dict[str, t.Any] = {}
    for path in paths:
        inner = schema
        for name in path:
            inner = inner.setdefault("properties", {}).setdefault(name, {})
    return schema


def applied(mask: t.Mapping[Path_, bool], record: dict[str, t.Any], *known: Path_) -> dict[str, t.Any]:
    selection = Selection.of(schema_of(known), SelectionMask(mask), LOGGER)
    if selection is None:
        return record
    ((_, _, raw),) = selection.apply([Event("2024-11-13T15:30:45.500000Z", "a", json.dumps(record).encode())])
    return t.cast("dict[str, t.Any]", json.loads(raw))


paths = st.lists(names, min_size=1, max_size=3).map(tuple)


@given(
    record=st.dictionaries(names, values, max_size=4),
    chosen=st.dictionaries(paths, st.booleans(), max_size=6),
    known=st.lists(paths, max_size=6),
)
def test_the_sdk_would_leave_the_same(record: dict[str, t.Any], chosen: dict[Path_, bool], known: list[Path_]) -> None:
    """However little a catalog names; but that it speaks of what the schema does not know."""
    objects = {path[:length] for path in [*chosen, *known] for length in range(len(path))}
    wanted = chosen | {(*path, OTHERS): True for path in objects}
    # What is in an object that is not wanted isn't, either.
    mask = SelectionMask(
        {
            breadcrumb(*path): all(wanted.get(path[:length], True) for length in range(1, len(path) + 1))
            for path in wanted
        }
    )
    expected = json.loads(json.dumps(record))
    pop_deselected_record_properties(expected, {}, mask)
    assert applied(mask, record, *known) == expected


A, B = ("a",), ("a", "b")


@pytest.mark.parametrize(
    ("mask", "left"),
    [
        ({}, {"uuid": "x", "a": {"b": 1, "new": 2}, "new": {"b": 3}}),
        ({A: False, (OTHERS,): True}, {"uuid": "x", "new": {"b": 3}}),
        ({A: True, (OTHERS,): False}, {"uuid": "x", "a": {"b": 1, "new": 2}}),
        ({A: True, B: True, ("a", OTHERS): False, (OTHERS,): False}, {"uuid": "x", "a": {"b": 1}}),
        ({B: False, A: True, ("a", OTHERS): True}, {"uuid": "x", "a": {"new": 2}, "new": {"b": 3}}),
        ({B: False}, {"uuid": "x", "a": {}, "new": {"b": 3}}),
        ({A: False}, {"uuid": "x"}),
    ],
    ids=str,
)
def test_what_the_schema_does_not_know_is_left_out_where_the_catalog_says_so(
    mask: dict[Path_, bool], left: dict[str, t.Any]
) -> None:
    record = {"uuid": "x", "a": {"b": 1, "new": 2}, "new": {"b": 3}}
    masked = {breadcrumb(*path): chosen for path, chosen in mask.items()}
    assert applied(masked, record, ("uuid",), A, B) == left


def test_a_catalog_that_names_one_field_alone_deselects_no_other(api: FakeEndorApi) -> None:
    catalog = catalog_of("audit_logs")
    entry = catalog["streams"][0]
    root = [one for one in entry["metadata"] if not one["breadcrumb"]]
    claims = {"breadcrumb": ["properties", "spec", "properties", "claims"], "metadata": {"selected": False}}
    uuid = {"breadcrumb": ["properties", "uuid"], "metadata": {"selected": False}}
    time = {"breadcrumb": ["properties", "create_time"], "metadata": {"selected": False}}
    entry["metadata"] = [*root, claims, uuid, time]
    output = run_inside(config_for(api, start_date=START), catalog=catalog)
    (schema,) = (message["schema"] for message in output.of("SCHEMA"))
    assert {"uuid", "create_time"} <= schema["properties"].keys()
    events = {event["uuid"]: event for event in api.store.objects()}
    assert len(output.records) == len(events)
    for record in output.records:
        event = events[record["uuid"]]
        assert record["meta"] == event["meta"]
        assert record["spec"] == {k: v for k, v in event["spec"].items() if k not in {"claims", *NEW}}


@pytest.mark.parametrize("value", [None, [], "{", 1, [{"b": 1}]])
def test_what_is_no_object_stays_as_it_is(value: t.Any) -> None:
    mask = {breadcrumb("a"): True, breadcrumb("a", "b"): False, breadcrumb("a", OTHERS): False}
    assert applied(mask, {"uuid": "x", "a": value}) == {"uuid": "x", "a": value}


def test_a_catalog_names_what_its_schemas_do_not_know_once() -> None:
    schema: dict[str, t.Any] = {"properties": {"a": {"properties": {"b": {}}}, "c": {}}}
    catalog: dict[str, t.Any] = {
        "streams": [{"schema": schema, "metadata": [{"breadcrumb": ["properties", "*"], "metadata": {}}]}]
    }
    for _ in range(2):
        catalog = with_others(catalog)
    named = [entry["breadcrumb"] for entry in catalog["streams"][0]["metadata"]]
    assert named == [["properties", "*"], ["properties", "a", "properties", "*"]]


def select(catalog: dict[str, t.Any], choose: t.Callable[[str], bool]) -> dict[str, t.Any]:
    """Select fields as `meltano.yml` does, by what their path is."""
    for entry in catalog["streams"][0]["metadata"]:
        if entry["breadcrumb"]:
            entry["metadata"]["selected"] = choose(".".join(entry["breadcrumb"][1::2]))
    return catalog


@pytest.fixture
def api(empty_api: FakeEndorApi) -> FakeEndorApi:
    events = make_events(60, NOW - dt.timedelta(days=2), NOW)
    for event in events:
        event.update(NEW)
        event["spec"].update(NEW)
    empty_api.store.add(events)
    return empty_api


BATCH = {"encoding": {"format": "jsonl", "compression": "gzip"}, "batch_size": 25}
WAYS: dict[str, dict[str, t.Any]] = {
    "as they are": {},
    "mapped": {"stream_maps": {"audit_logs": {"__alias__": "audit_logs"}}},
    "batch files": {"batch_config": BATCH},
    "mapped into batch files": {
        "batch_config": BATCH,
        "stream_maps": {"audit_logs": {"__alias__": "audit_logs"}},
    },
}


def records(api: FakeEndorApi, folder: Path, catalog: dict[str, t.Any], settings: dict[str, t.Any]) -> t.Any:
    if "batch_config" in settings:
        settings = settings | {"batch_config": BATCH | {"storage": {"root": f"file://{folder}"}}}
    output = run_inside(config_for(api, start_date=START, **settings), catalog=catalog)
    found = list(output.records)
    for message in output.of("BATCH"):
        for url in message["manifest"]:
            found += map(json.loads, gzip.decompress(Path(urlsplit(url).path).read_bytes()).splitlines())
    assert len(found) == 60
    return found


@pytest.mark.parametrize("settings", WAYS.values(), ids=WAYS)
def test_a_list_of_what_may_leave_is_complete(api: FakeEndorApi, tmp_path: Path, settings: dict[str, t.Any]) -> None:
    catalog = select(catalog_of("audit_logs"), {"uuid", "create_time", "spec", "spec.operation"}.__contains__)
    for record in records(api, tmp_path, catalog, settings):
        assert record.keys() == {"uuid", "create_time", "spec"}
        assert record["spec"].keys() == {"operation"}


@pytest.mark.parametrize("settings", WAYS.values(), ids=WAYS)
def test_what_may_not_leave_takes_nothing_else_along(
    api: FakeEndorApi, tmp_path: Path, settings: dict[str, t.Any]
) -> None:
    catalog = select(catalog_of("audit_logs"), lambda name: name not in {"spec.claims", "meta.created_by"})
    expected = {}
    for event in api.store.objects():
        event["spec"].pop("claims", None)
        event["meta"].pop("created_by", None)
        expected[event["uuid"]] = event
    for record in records(api, tmp_path, catalog, settings):
        del record["create_time"]
        assert record == expected[record["uuid"]]


def test_a_catalog_that_says_nothing_of_other_fields_is_told_that_they_stay_here(
    api: FakeEndorApi, caplog: pytest.LogCaptureFixture
) -> None:
    catalog = select(catalog_of("audit_logs"), lambda name: name != "spec.claims")
    stream = catalog["streams"][0]
    stream["metadata"] = [entry for entry in stream["metadata"] if OTHERS not in entry["breadcrumb"]]
    output = run_inside(config_for(api, start_date=START), catalog=catalog)
    assert all(NEW.items() <= record.items() for record in output.records)
    assert not any("a field" in record["spec"] for record in output.records)
    (told,) = (record.getMessage() for record in caplog.records if record.levelname == "WARNING")
    assert told.startswith("The catalog deselects some fields of spec, and is silent about those")
