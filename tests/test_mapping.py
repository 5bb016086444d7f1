"""Stream maps, flattening and batch files that can't work are told in one line that names the setting."""

from __future__ import annotations

import datetime as dt
import logging
import typing as t

import pytest

from fake_endor_api import make_events
from tests.conftest import NOW
from tests.harness import catalog_of, config_for
from tests.in_process import run_command

if t.TYPE_CHECKING:
    from pathlib import Path

    from fake_endor_api import FakeEndorApi
    from tests.harness import Output

START = "2026-03-03T00:00:00Z"


@pytest.fixture
def api(empty_api: FakeEndorApi) -> FakeEndorApi:
    empty_api.store.add(make_events(20, NOW - dt.timedelta(days=2), NOW))
    return empty_api


def run(api: FakeEndorApi, folder: Path, catalog: dict[str, t.Any] | None = None, **settings: t.Any) -> Output:
    files: dict[str, t.Any] = {"catalog": catalog} if catalog else {}
    return run_command(folder, level=logging.INFO, config=config_for(api, start_date=START, **settings), **files)


def first_uuid(api: FakeEndorApi) -> str:
    return str(min(api.store.objects(), key=lambda item: (item["meta"]["create_time"], item["uuid"]))["uuid"])


SYNTAX = "SyntaxError: "


@pytest.mark.parametrize(
    ("maps", "setting", "reason"),
    [
        ({"audit_logs": {"__filter__": "(("}}, ".audit_logs.__filter__ fails", SYNTAX),
        ({"audit_logs": {"y": "uuid", "x": "1 +"}}, ".audit_logs.x fails", SYNTAX),
        ({"audit_logs": {"x": ""}}, ".audit_logs.x fails", ""),
        ({"audit_logs": {"__alias__": "1 +"}}, ".audit_logs.__alias__ fails", SYNTAX),
        (
            {"audit_logs": {"uuid": None}},
            ".audit_logs.uuid fails",
            "StreamMapConfigError: Removing key property 'uuid'",
        ),
        ({"audit_logs": {"__key_properties__": ["id"]}}, ".audit_logs.__key_properties__ fails", ""),
        ({"audit_logs": {"__else__": None}}, ".audit_logs.__else__ fails", "StreamMapConfigError: Invalid key"),
        ({"audit_logs": {"x": 5}}, ".audit_logs.x takes a string", "not 5."),
        ({"audit_logs": "x"}, ".audit_logs takes an object", "not 'x'."),
        ({"audit_logs": {"__else__": "x"}}, ".__else__: takes null alone", ""),
        ({"__other__": {}}, " fails", "StreamMapConfigError: Option '__other__"),
    ],
    ids=str,
)
def test_a_map_that_can_t_be_understood_is_named_before_any_request(
    maps: dict[str, t.Any], setting: str, reason: str, api: FakeEndorApi, tmp_path: Path
) -> None:
    output = run(api, tmp_path, stream_maps=maps)
    (line,) = output.errors
    assert line.startswith(f"Setting stream_maps{setting}")
    assert reason in line
    assert (output.code, output.stdout, api.requests) == (1, "", [])


@pytest.mark.parametrize(
    ("maps", "setting", "reason"),
    [
        ({"audit_logs": {"y": "uuid", "x": "record['nope']"}}, "audit_logs.x", "KeyError: 'nope'"),
        ({"audit_logs": {"x": "1 + uuid"}}, "audit_logs.x", "TypeError: unsupported operand"),
        ({"audit_logs": {"x": "int(meta['name'])"}}, "audit_logs.x", "ValueError: invalid literal"),
        ({"audit_logs": {"__filter__": "nope == 1"}}, "audit_logs.__filter__", "NameNotDefined: 'nope'"),
        ({"copy": {"__source__": "audit_logs", "x": "nope"}}, "copy.x", "NameNotDefined: 'nope'"),
        ({"audit_*": {"x": "nope"}}, "audit_*.x", "NameNotDefined: 'nope'"),
        (
            {"audit_logs": {"__key_properties__": ["id"], "id": "uuid", "uuid": None, "__else__": None, "x": "nope"}},
            "audit_logs.x",
            "NameNotDefined: 'nope'",
        ),
        ({"audit_logs": {"x": "fake.name()"}}, "audit_logs.x", "fake needs the package faker beside the tap"),
    ],
    ids=str,
)
def test_a_map_that_fails_is_named_with_the_event(
    maps: dict[str, t.Any], setting: str, reason: str, api: FakeEndorApi, tmp_path: Path
) -> None:
    output = run(api, tmp_path, stream_maps=maps)
    (line,) = output.errors
    assert line.startswith(f"Setting stream_maps.{setting} fails for event {first_uuid(api)}: {reason}")
    assert (output.code, output.records) == (1, [])


def test_a_map_that_fails_for_a_batch_file_is_named_with_the_event(api: FakeEndorApi, tmp_path: Path) -> None:
    output = run(api, tmp_path, stream_maps={"audit_logs": {"x": "nope"}}, batch_config=batch_config(tmp_path))
    (line,) = output.errors
    assert line.startswith(f"Setting stream_maps.audit_logs.x fails for event {first_uuid(api)}: NameNotDefined")
    assert (output.code, output.of("BATCH")) == (1, [])


def test_nothing_of_an_event_is_written_where_one_of_its_maps_fails(api: FakeEndorApi, tmp_path: Path) -> None:
    # The first map makes a record, the second can't: the event comes again, and so would that record.
    output = run(api, tmp_path, stream_maps={"copy": {"__source__": "audit_logs", "x": "nope"}})
    assert (output.code, output.records) == (1, [])


def test_a_map_for_a_stream_that_is_not_selected_has_no_effect(api: FakeEndorApi, tmp_path: Path) -> None:
    output = run(api, tmp_path, stream_maps={"authentication_logs": {"who": "spec['claims']"}})
    assert output.code == 0
    assert len(output.records) == 20
    assert "| INFO     | tap-endorlabs" in output.stderr
    assert "Setting stream_maps.authentication_logs has no effect: that stream is not selected." in output.stderr


def test_a_map_for_all_streams_works_for_those_that_are_selected(api: FakeEndorApi, tmp_path: Path) -> None:
    output = run(api, tmp_path, stream_maps={"*": {"spec": None}})
    assert output.code == 0
    assert len(output.records) == 20
    assert not any("spec" in record for record in output.records)
    assert "has no effect" not in output.stderr


def test_a_map_for_no_stream_of_the_tap_is_warned_of(api: FakeEndorApi, tmp_path: Path) -> None:
    output = run(api, tmp_path, stream_maps={"users": {"x": "uuid"}, "__else__": None})
    (line,) = [line for line in output.stderr.splitlines() if "| WARNING" in line]
    assert line.endswith("Setting stream_maps.users has no effect: the streams are audit_logs, authentication_logs.")
    assert output.code == 0


def test_a_map_counts_where_its_stream_is_selected(api: FakeEndorApi, tmp_path: Path) -> None:
    maps = {"authentication_logs": {"who": "nope"}}
    api.sign_ins.add(list(api.store.objects())[:3])
    output = run(api, tmp_path, catalog_of("authentication_logs"), stream_maps=maps)
    assert output.errors[0].startswith("Setting stream_maps.authentication_logs.who fails for event ")


@pytest.mark.parametrize("length", [1, 4, 10])
def test_keys_that_are_cut_too_short_are_told_before_any_request(
    length: int, api: FakeEndorApi, tmp_path: Path
) -> None:
    flattening: dict[str, t.Any] = {
        "flattening_enabled": True,
        "flattening_max_depth": 1,
        "flattening_max_key_length": length,
    }
    output = run(api, tmp_path, **flattening)
    (line,) = output.errors
    assert line.startswith("Setting flattening_max_key_length fails: ValueError: Duplicate column name")
    assert (output.code, output.stdout, api.requests) == (1, "", [])


def test_flattening_needs_its_depth(api: FakeEndorApi, tmp_path: Path) -> None:
    output = run(api, tmp_path, flattening_enabled=True)
    assert output.errors == [
        "Setting flattening_max_depth is required where flattening_enabled is true: how many levels to flatten."
    ]


def batch_config(folder: Path, **changes: t.Any) -> dict[str, t.Any]:
    encoding = {"format": "jsonl", "compression": "gzip"}
    return {"encoding": encoding, "storage": {"root": f"file://{folder}"}} | changes


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"storage": {"root": "s3://bucket"}}, "a file can't be written (Install s3fs to access S3)"),
        ({"encoding": {"format": "parquet"}}, "a file can't be written (No module named 'pyarrow')"),
        ({"storage": {"root": "file:///dev/null/x"}}, "a file can't be written ("),
    ],
    ids=str,
)
def test_batch_files_that_can_t_be_written_name_the_setting(
    changes: dict[str, t.Any], reason: str, api: FakeEndorApi, tmp_path: Path
) -> None:
    output = run(api, tmp_path, batch_config=batch_config(tmp_path, **changes))
    (line,) = output.errors
    assert line.startswith(f"Setting batch_config: {reason}")
    assert output.code == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"storage": None},
        {"encoding": None},
        {"storage": {}},
        {"encoding": {}},
        *({"batch_size": size} for size in (0, -1, 2.5, "five", True)),
    ],
    ids=str,
)
def test_an_incomplete_batch_config_is_refused(changes: dict[str, t.Any], api: FakeEndorApi, tmp_path: Path) -> None:
    output = run(api, tmp_path, batch_config=batch_config(tmp_path, **changes))
    (line,) = output.errors
    assert line.startswith("Setting batch_config")
    # The part alone, not all of it.
    assert str(tmp_path) not in line
    assert (output.code, output.stdout, api.requests) == (1, "", [])


COPY = {"copy": {"__source__": "audit_logs"}}


@pytest.mark.parametrize(
    ("maps", "names"),
    [
        (COPY, "audit_logs, copy"),
        ({"audit_logs": {"__alias__": "a"}} | COPY, "a, copy"),
        ({"audit_logs": None} | COPY, ""),
    ],
    ids=str,
)
def test_batch_files_of_several_streams_of_one_are_refused(
    maps: dict[str, t.Any], names: str, api: FakeEndorApi, tmp_path: Path
) -> None:
    output = run(api, tmp_path, stream_maps=maps, batch_config=batch_config(tmp_path))
    (line,) = output.errors
    assert line.startswith("Setting stream_maps makes several streams of audit_logs (")
    assert names in line
    assert "but batch_config can write the files of only one" in line
    assert (output.code, output.stdout, api.requests) == (1, "", [])
