"""Deselected fields are left out, whichever way a record leaves, and nothing else is."""

from __future__ import annotations

import copy
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
from tap_endorlabs.tap import TapEndorLabs
from tests.conftest import NOW
from tests.harness import catalog_of, config_for, run_inside
from tests.in_process import run_command

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
    leave_out_misfits(expected, [crumb[1::2] for crumb, is_chosen in mask.items() if not is_chosen])
    assert applied(mask, record, *known) == expected


def leave_out_misfits(fields: dict[str, t.Any], deselected: list[Path_], path: Path_ = ()) -> None:
    """Leave out what is no object, but would have to be one for what is deselected in it."""
    for name, value in list(fields.items()):
        here = (*path, name)
        if isinstance(value, dict):
            leave_out_misfits(value, deselected, here)
        elif value is not None and any(other[: len(here)] == here for other in deselected):
            del fields[name]


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


@pytest.mark.parametrize("value", [[], "{", 1, True, [{"b": 1}], "text"])
@pytest.mark.parametrize("deselected", [("a", "b"), ("a", OTHERS)])
def test_what_is_no_object_leaves_only_where_all_of_it_may(
    value: t.Any, deselected: Path_, caplog: pytest.LogCaptureFixture
) -> None:
    mask = {breadcrumb("a"): True, breadcrumb("a", OTHERS): True, breadcrumb(*deselected): False}
    selection = Selection.of(schema_of([A, B]), SelectionMask(mask), LOGGER)
    assert selection is not None
    raw = json.dumps({"uuid": "x", "a": value}).encode()
    for event in selection.apply([Event("2024-11-13T15:30:45.500000Z", "x", raw)] * 3):
        assert json.loads(event.raw) == {"uuid": "x"}
    (line,) = (record.getMessage() for record in caplog.records)
    assert line.startswith("Field a is left out of events in which it is not an object")
    assert applied({**mask, breadcrumb(*deselected): True}, {"uuid": "x", "a": value}) == {"uuid": "x", "a": value}


def test_null_stays_where_an_object_would_leave_in_part() -> None:
    assert applied({breadcrumb(*B): False}, {"uuid": "x", "a": None}, B) == {"uuid": "x", "a": None}


@pytest.mark.parametrize("mask", [{(): False}, {breadcrumb("uuid"): False}, {breadcrumb("uuid", "a"): False}], ids=str)
def test_no_mask_takes_the_key(mask: dict[Path_, bool]) -> None:
    others = {breadcrumb("a"): False, breadcrumb(OTHERS): False}
    assert applied({**mask, **others}, {"uuid": "x", "a": 1, "b": 1}, ("uuid",), A) == {"uuid": "x"}


CLAIMS = ("spec", "claims")


@pytest.mark.parametrize(
    ("path", "times"),
    [
        (("spec", "claim"), 1),
        (("spec.claims",), 1),
        (("spec", "claims", "subject"), 1),
        (("spec", "error", "details", "reason"), 1),
        (("meta", "name", "first"), 1),
        (("uuid", "x"), 1),
        ((OTHERS, "operation"), 1),
        (CLAIMS, 0),
        (("spec", "payload", "user", "email"), 0),
        (("meta", "annotations", "a.b"), 0),
        (("meta", "references", "x"), 0),
        (("spec", OTHERS), 0),
        (("spec", "payload", OTHERS), 0),
    ],
    ids=str,
)
def test_what_is_deselected_in_vain_is_warned_of(path: Path_, times: int, caplog: pytest.LogCaptureFixture) -> None:
    stream = TapEndorLabs(config={}, validate_config=False).streams["audit_logs"]
    mask = {breadcrumb(*path[:-1], OTHERS): True, breadcrumb(*path): False}
    # What is in an object that leaves as a whole needs no warning.
    outside = {breadcrumb("tenant_meta"): False, breadcrumb("tenant_meta", "no"): False}
    Selection.of(stream.schema, SelectionMask({**mask, **outside, breadcrumb(OTHERS): True}), LOGGER)
    lines = [line for line in caplog.messages if "the schema has no such field" in line]
    assert [line.split(", ")[0] for line in lines] == [f"The catalog deselects {'.'.join(path)}"] * times


ENTRY: dict[str, t.Any] = {"breadcrumb": breadcrumb(*CLAIMS), "metadata": {"selected": False}}


def of_fields(entry: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    return [one for one in entry["metadata"] if one["breadcrumb"]]


METADATA: dict[str, t.Callable[[dict[str, t.Any]], dict[str, t.Any]]] = {
    "none": lambda _: {},
    "empty": lambda _: {"metadata": []},
    "of one field": lambda _: {"metadata": [ENTRY]},
    "of all fields": lambda entry: {"metadata": of_fields(entry)},
}


@pytest.mark.parametrize("metadata", METADATA)
@pytest.mark.parametrize("way", ["as they are", "mapped", "batch files"])
def test_metadata_without_the_stream_itself_leaves_it_selected(
    metadata: str, way: str, api: FakeEndorApi, tmp_path: Path
) -> None:
    entry = TapEndorLabs(config={}, validate_config=False).catalog_dict["streams"][0]
    changes = METADATA[metadata](entry)
    del entry["metadata"]
    has_claims = {event["uuid"]: "claims" in event["spec"] for event in api.store.objects()}
    assert any(has_claims.values())
    for record in records(api, tmp_path, {"streams": [entry | changes]}, WAYS[way]):
        assert {"uuid", "create_time", "tenant_meta", "meta", "spec"} <= record.keys()
        assert ("claims" in record["spec"]) == (has_claims[record["uuid"]] and metadata != "of one field")


def test_metadata_of_fields_alone_selects_no_stream_that_is_not_by_default(
    api: FakeEndorApi, caplog: pytest.LogCaptureFixture
) -> None:
    catalog = catalog_of("audit_logs")
    for entry in catalog["streams"]:
        entry["metadata"] = of_fields(entry)
    output = run_inside(config_for(api, start_date=START), catalog=catalog)
    assert {message["stream"] for message in output.of("SCHEMA")} == {"audit_logs"}
    assert len(output.records) == 60
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


IN_METADATA = "--catalog: in the metadata of stream audit_logs, "
NO_BREADCRUMB = f"{IN_METADATA}an entry has no breadcrumb of pairs"


@pytest.mark.parametrize(
    "given",
    [
        None,
        "properties.spec",
        5,
        {},
        ["properties"],
        ["spec", "claims"],
        ["properties", 0],
        ["properties", "spec", "claims"],
        ["properties", "spec", "properties", "claims", "items", "properties", "subject"],
    ],
    ids=str,
)
def test_a_breadcrumb_that_names_no_field_is_refused(given: object, api: FakeEndorApi, tmp_path: Path) -> None:
    refuse({"metadata": [ENTRY | {"breadcrumb": given}]}, NO_BREADCRUMB, api, tmp_path)


@pytest.mark.parametrize("given", ["false", 0, None, []], ids=str)
def test_only_true_and_false_say_what_is_selected(given: object, api: FakeEndorApi, tmp_path: Path) -> None:
    for name in ("selected", "selected-by-default"):
        line = f"{IN_METADATA}{name} takes true or false: "
        refuse({"metadata": [ENTRY | {"metadata": {name: given}}]}, line, api, tmp_path)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"metadata": [{"metadata": {"selected": False}}]}, NO_BREADCRUMB),
        ({"metadata": [ENTRY | {"metadata": {"inclusion": "NONE"}}]}, f"{IN_METADATA}inclusion takes available, "),
        ({"metadata": [{"breadcrumb": []}]}, f"{IN_METADATA}an entry has no object metadata: "),
        ({"metadata": [None]}, f"{IN_METADATA}an entry has no object metadata: null"),
        ({"metadata": {"selected": True}}, "--catalog: metadata of stream audit_logs takes a list."),
        ({"metadata": None}, "--catalog: metadata of stream audit_logs takes a list."),
        ({"tap_stream_id": None}, "--catalog: a stream is not an object with a tap_stream_id."),
    ],
    ids=str,
)
def test_a_catalog_that_may_mean_something_else_is_refused(
    changes: dict[str, t.Any], line: str, api: FakeEndorApi, tmp_path: Path
) -> None:
    refuse(changes, line, api, tmp_path)


@pytest.mark.parametrize("streams", [None, {}, "audit_logs"])
def test_a_catalog_without_a_list_of_streams_is_refused(streams: object, api: FakeEndorApi, tmp_path: Path) -> None:
    refuse_catalog({"streams": streams}, "--catalog: streams takes a list.", api, tmp_path)


def refuse(changes: dict[str, t.Any], line: str, api: FakeEndorApi, folder: Path) -> None:
    catalog = catalog_of("audit_logs")
    catalog["streams"][0] |= changes
    refuse_catalog(catalog, line, api, folder)


def refuse_catalog(catalog: dict[str, t.Any], line: str, api: FakeEndorApi, folder: Path) -> None:
    output = run_command(folder, level=logging.INFO, config=config_for(api, start_date=START), catalog=catalog)
    (error,) = output.errors
    assert error.startswith(line)
    assert (output.code, output.stdout, api.requests) == (1, "", [])


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
    for event in copy.deepcopy(api.store.objects()):
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
    assert told.startswith("The catalog deselects some fields of spec, but does not mention fields")
