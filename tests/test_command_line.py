"""The tap as its users start it: one process, real files, the fake API."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import logging
import os
import signal
import subprocess
import threading
import time
import typing as t
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft202012Validator

from fake_endor_api import (
    DEMO_SECRET,
    Fault,
    make_events,
)
from tap_endorlabs.settings import OWN_SETTINGS
from tap_endorlabs.timestamps import earlier, normalize, stamp_of
from tests.conftest import NOW
from tests.harness import Output, Process, config_for
from tests.harness import catalog_of as own_catalog
from tests.in_process import run_command

if t.TYPE_CHECKING:
    from fake_endor_api import FakeEndorApi, ManualClock

START = "2026-03-03T00:00:00Z"


def expected(api: FakeEndorApi) -> dict[str, dict[str, t.Any]]:
    """The API's objects by uuid."""
    return {item["uuid"]: item for item in api.store.objects()}


def furthest(api: FakeEndorApi) -> str:
    """How far a run may move the bookmark: to the last event, and no nearer to now than the look-back."""
    last = max(normalize(item["meta"]["create_time"]) for item in api.store.objects())
    return min(last, earlier(stamp_of(NOW), OWN_SETTINGS["lookback_seconds"]["default"]))


def test_a_run_and_the_next(api: FakeEndorApi, clock: ManualClock, process: Process) -> None:
    config = config_for(api, start_date=START)
    first = process.run(config=config)
    assert first.code == 0, first.stderr
    objects = expected(api)
    assert sorted(first.uuids) == sorted(objects)
    times = [record["create_time"] for record in first.records]
    assert times == sorted(times)
    for record in first.records:
        stamp = record.pop("create_time")
        assert len(stamp) == len("2024-11-13T15:30:45.123456Z")
        assert record == objects[record["uuid"]]
    (schema,) = first.of("SCHEMA")
    assert (schema["key_properties"], schema["bookmark_properties"]) == (["uuid"], ["create_time"])
    validator = Draft202012Validator(schema["schema"], format_checker=Draft202012Validator.FORMAT_CHECKER)
    for message in first.of("RECORD"):
        validator.validate(message["record"])
    assert first.messages[-1]["type"] == "STATE"

    clock.advance(300)
    api.store.add(make_events(30, NOW, NOW + dt.timedelta(minutes=4), seed=2))
    asked = len(api.requests)
    second = process.run(config=config, state=first.state)
    assert sorted([*first.uuids, *second.uuids]) == sorted(expected(api))
    assert [request.method for request in api.requests[asked:]] == ["POST", "GET"]
    third = process.run(config=config, state=second.state)
    assert third.uuids == []
    assert third.code == 0


def test_log_lines_let_a_person_follow(api: FakeEndorApi, process: Process) -> None:
    lines = process.run(config=config_for(api, start_date=START)).stderr
    assert "Reading events from 2026-03-03T00:00:00.000000Z to 2026-03-31T12:00:00.000000Z" in lines
    assert "Done: 1200 events, " in lines
    assert '"metric":"record_count","value":1200' in lines


def test_a_first_run_without_start_date_marks_its_own_start(api: FakeEndorApi, tmp_path: Path) -> None:
    output = run_command(tmp_path, level=logging.INFO, config=config_for(api))
    assert (output.code, output.records) == (0, [])
    assert output.bookmark["replication_key_value"] == "2026-03-31T12:00:00.000000Z"
    assert [request.method for request in api.requests] == ["POST"]
    (warning,) = [line for line in output.stderr.splitlines() if "| WARNING" in line]
    assert "This first run reads no past events, as start_date is not set." in warning
    later = run_command(tmp_path, level=logging.INFO, config=config_for(api), state=output.state)
    assert (later.code, "| WARNING" in later.stderr) == (0, False)


def test_no_secret_is_written_even_at_debug_level(api: FakeEndorApi, process: Process) -> None:
    api.fail(Fault.status(400, message=f"the secret is {DEMO_SECRET}"), where="list", times=None)
    output = process.run(config=config_for(api, start_date=START), environment={"TAP_ENDORLABS_LOGLEVEL": "debug"})
    assert output.code == 1
    assert "Traceback" in output.stderr
    for secret in (DEMO_SECRET, "endr+demo-key", *api.tokens):
        assert secret not in output.stderr + output.stdout


def catalog_of(tmp_path: Path) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", json.loads(run_command(tmp_path, "--discover").stdout))


def test_a_deselected_field_is_left_out(api: FakeEndorApi, tmp_path: Path) -> None:
    catalog = catalog_of(tmp_path)
    for entry in catalog["streams"][0]["metadata"]:
        if entry["breadcrumb"] in (["properties", "meta"], ["properties", "spec", "properties", "claims"]):
            entry["metadata"]["selected"] = False
    output = run_command(tmp_path, level=logging.INFO, config=config_for(api, start_date=START), catalog=catalog)
    assert len(output.records) == 1200
    for record in output.records:
        assert {"uuid", "create_time"} <= record.keys()
        assert "meta" not in record
        assert "claims" not in record["spec"]
    properties = output.of("SCHEMA")[0]["schema"]["properties"]
    assert "meta" not in properties
    assert "create_time" in properties


def test_a_deselected_stream_is_not_read(api: FakeEndorApi, tmp_path: Path) -> None:
    catalog = catalog_of(tmp_path)
    for entry in catalog["streams"][0]["metadata"]:
        if entry["breadcrumb"] == []:
            entry["metadata"]["selected"] = False
    output = run_command(tmp_path, level=logging.INFO, config=config_for(api, start_date=START), catalog=catalog)
    assert (output.code, output.records, api.requests) == (1, [], [])
    assert output.errors[0].startswith("No stream is selected")


def test_stream_maps_filter_and_rename(api: FakeEndorApi, tmp_path: Path) -> None:
    maps = {
        "audit_logs": {
            "__alias__": "deletions",
            "__filter__": "record['spec']['operation'] == 'OPERATION_DELETE'",
            "operation": "record['spec']['operation']",
            "spec": None,
        }
    }
    output = run_command(tmp_path, level=logging.INFO, config=config_for(api, start_date=START, stream_maps=maps))
    deleted = {u for u, item in expected(api).items() if item["spec"]["operation"] == "OPERATION_DELETE"}
    assert set(output.uuids) == deleted
    assert {message["stream"] for message in output.of("RECORD")} == {"deletions"}
    assert {record["operation"] for record in output.records} == {"OPERATION_DELETE"}
    assert output.bookmark["replication_key_value"] == furthest(api)


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_flattening_loses_no_field(depth: int, api: FakeEndorApi, tmp_path: Path) -> None:
    settings = {"flattening_enabled": True, "flattening_max_depth": depth}
    output = run_command(tmp_path, level=logging.INFO, config=config_for(api, start_date=START, **settings))
    assert output.code == 0, output.stderr
    objects = expected(api)
    properties = output.of("SCHEMA")[0]["schema"]["properties"]
    name = "spec" if depth == 0 else "spec__payload"
    assert name in properties
    for record in output.records:
        assert record.keys() <= properties.keys()
        found = record.get(name)
        wanted = objects[record["uuid"]]["spec"]
        if depth == 0:
            assert found == wanted
        else:
            assert (json.loads(found) if found is not None else None) == wanted.get("payload")


def test_batch_files_hold_every_event_once(api: FakeEndorApi, tmp_path: Path) -> None:
    batch = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": f"file://{tmp_path}"},
        "batch_size": 500,
    }
    output = run_command(tmp_path, level=logging.INFO, config=config_for(api, start_date=START, batch_config=batch))
    assert output.code == 0, output.stderr
    kinds = [message["type"] for message in output.messages]
    assert kinds == ["SCHEMA", *["BATCH", "STATE"] * 3]
    kept: list[str] = []
    for message in output.messages[1:]:
        if message["type"] == "BATCH":
            for url in message["manifest"]:
                lines = gzip.decompress(Path(urlsplit(url).path).read_bytes()).splitlines()
                kept += [json.loads(line)["uuid"] for line in lines]
        else:
            bookmark = message["value"]["bookmarks"]["audit_logs"]
            value = bookmark["replication_key_value"]
            times = {u: item["meta"]["create_time"] for u, item in expected(api).items()}
            assert {u for u in kept if times[u][:19] > value[:19]} <= {uuid for _, uuid in bookmark["emitted"]}
    assert sorted(kept) == sorted(expected(api))


@pytest.mark.parametrize("option", ["--about", "--discover", "--version", "--help"])
def test_neither_credentials_nor_network_are_needed_to_look(option: str, process: Process) -> None:
    output = process.run(option, environment={"HTTPS_PROXY": "http://127.0.0.1:9"})
    assert output.code == 0
    assert output.stdout
    assert output.errors == []


def test_about_lists_the_settings(process: Process) -> None:
    about = json.loads(process.run("--about", "--format", "json").stdout)
    properties = about["settings"]["properties"]
    assert properties["api_secret"]["secret"] is True
    assert properties["page_size"]["default"] == 500
    assert {"namespace", "start_date", "filter", "lookback_seconds", "concurrency"} <= properties.keys()
    assert properties["include_archived"]["default"] is True


@pytest.mark.parametrize("arguments", [("--test",), ()], ids=str)
def test_a_wrong_key_ends_after_one_request(arguments: tuple[str, ...], api: FakeEndorApi, tmp_path: Path) -> None:
    output = run_command(tmp_path, *arguments, level=logging.INFO, config=config_for(api, api_secret="wrong"))
    assert output.code == 1
    (line,) = output.errors
    assert line.startswith("Endor Labs refused the API key: api_key or api_secret is wrong, or the key has expired. ")
    assert line.endswith("under Access Control > API Keys > Generate API Key.")
    assert len(api.requests) == 1
    assert "Traceback" not in output.stderr


@pytest.mark.parametrize("arguments", [("--test",), ()], ids=str)
def test_a_missing_permission_is_named(arguments: tuple[str, ...], api: FakeEndorApi, tmp_path: Path) -> None:
    api.behaviour.denied_namespaces = frozenset({"acme"})
    output = run_command(tmp_path, *arguments, level=logging.INFO, config=config_for(api, start_date=START))
    assert output.code == 1
    (line,) = output.errors
    assert "give it the role Read-only" in line


OTHER = {
    "bookmarks": {
        "audit_logs": {
            "replication_key_value": "2026-03-03T00:00:00Z",
            "scope": {"namespace": "other", "traverse": True, "filter": None},
        }
    }
}
BROKEN = {"bookmarks": {"audit_logs": {"replication_key_value": "soon"}}}
OF_ANOTHER_TAP: dict[str, t.Any] = {
    "streams": [{"tap_stream_id": "users", "stream": "users", "schema": {}, "metadata": []}]
}
EMPTY_CATALOGS: list[dict[str, t.Any]] = [{}, {"streams": []}, OF_ANOTHER_TAP, own_catalog()]
NOTHING_SELECTED = (
    "No stream is selected: check select in meltano.yml, or the file given with --catalog. "
    "The streams are audit_logs and authentication_logs."
)


def test_the_help_names_what_the_options_take(tmp_path: Path) -> None:
    shown = " ".join(run_command(tmp_path, "--help").stdout.split())
    assert all(text in shown for text in ("ENV, for variables such as", "--test=probe", "--discover prints"))


@pytest.mark.parametrize(
    ("files", "line"),
    [
        ({"config": ""}, "config.json is empty."),
        ({"state": " \n"}, "state.json is empty. Leave --state out of a first run."),
        ({"catalog": ""}, "catalog.json is empty."),
        ({"config": "{"}, "config.json is not JSON"),
        ({"config": "[1]"}, "config.json is not a JSON object"),
        ({"config": {}}, "No settings were given: name their file with --config"),
        ({"start_dat": "2026-01-01"}, "There is no setting start_dat. Did you mean start_date?"),
        ({"namespace": "acme/prod"}, "Setting namespace takes letters"),
        ({"start_date": "2999-01-01"}, "Setting start_date lies in the future"),
        ({"state": "nonsense"}, "state.json is not JSON"),
        ({"state": '{"bookmarks": {}}\n{"bookmarks": {}}'}, "If it has several lines, as some targets print, "),
        ({"state": []}, "state.json is not a JSON object"),
        ({"state": {"bookmarks": []}}, "The state is broken"),
        ({"state": OTHER}, "The state belongs to namespace 'other'"),
        ({"state": {"bookmarks": {"users": {}}}}, "not written by this tap: it has bookmarks for users"),
        ({"state": BROKEN}, "The state is broken: replication_key_value takes a time"),
        ({"state": {"bookmarks": {"audit_logs": {"replication_key_value": "0001-01-01T00:00:00Z"}}}}, "from 1970 on"),
        ({"catalog": "nonsense"}, "catalog.json is not JSON"),
        *(({"catalog": catalog}, NOTHING_SELECTED) for catalog in EMPTY_CATALOGS),
    ],
    ids=str,
)
def test_a_user_s_mistake_is_told_in_one_line_before_any_request(
    files: dict[str, t.Any], line: str, api: FakeEndorApi, tmp_path: Path
) -> None:
    own = {name: content for name, content in files.items() if name in {"config", "state", "catalog"}}
    settings = {name: content for name, content in files.items() if name not in own}
    output = run_command(tmp_path, level=logging.INFO, **{"config": config_for(api, **settings)} | own)
    assert output.code == 1
    assert line in output.errors[0]
    if files != {"config": {}}:
        assert len(output.errors) == 1
    assert output.stdout == ""
    assert "Traceback" not in output.stderr
    assert api.requests == []


@pytest.mark.parametrize("files", [{}, {"config": {}}], ids=["variables", "file"])
def test_a_misspelled_variable_is_told(files: dict[str, t.Any], api: FakeEndorApi, process: Process) -> None:
    names = {f"TAP_ENDORLABS_{name.upper()}": str(value) for name, value in config_for(api).items()}
    others = {"TAP_ENDORLABS_SIEM_NAMESPACE": "acme", "TAP_ENDORLABS_LOGLEVEL": "info", "TAP_ENDORLABS__STATE": "x"}
    wrong = {"TAP_ENDORLABS_START_DAT": "2026-01-01"}
    output = process.run("--config", "ENV", environment=names | others | wrong, **files)
    (line,) = (line for line in output.stderr.splitlines() if "names no setting" in line)
    assert line.endswith(
        "The variable TAP_ENDORLABS_START_DAT names no setting and has no effect. "
        "Did you mean TAP_ENDORLABS_START_DATE?"
    )
    assert output.code == 0


def test_a_misspelled_setting_of_meltano_is_told_once(api: FakeEndorApi, process: Process) -> None:
    """Meltano writes it into the file, and makes a variable of it."""
    output = process.run(config=config_for(api, page_siz="5"), environment={"TAP_ENDORLABS_PAGE_SIZ": "5"})
    assert output.errors == ["There is no setting page_siz. Did you mean page_size?"]
    assert "names no setting" not in output.stderr


@pytest.mark.parametrize("name", ["TAP_ENDORLABS_LOGLEVEL", "LOGLEVEL"])
def test_a_log_level_that_there_is_not_is_told(name: str, process: Process) -> None:
    output = process.run("--version", environment={name: "quatsch"})
    assert output.code == 1
    assert output.stderr == f"{name} takes debug, info, warning, error or critical, not 'quatsch'.\n"


def test_a_missing_config_file_is_told(process: Process) -> None:
    output = process.run("--config", "nowhere.json")
    assert output.code == 1
    assert output.errors == ["--config nowhere.json can't be read: No such file or directory."]


def test_settings_come_from_the_environment_too(api: FakeEndorApi, process: Process) -> None:
    names = {f"TAP_ENDORLABS_{name.upper()}": value for name, value in config_for(api, page_size="7").items()}
    output = process.run("--config", "ENV", "--test", environment=names)
    assert output.code == 0, output.stderr
    assert api.list_requests[0].query["list_parameters.page_size"] == "7"
    wrong = process.run("--config", "ENV", environment=names | {"TAP_ENDORLABS_PAGE_SIZE": "seven"})
    assert wrong.errors == ["Setting page_size takes an integer from 1 to 500, not 'seven'."]


def test_objects_that_cannot_be_records_are_counted_and_fail_the_run(api: FakeEndorApi, process: Process) -> None:
    broken = make_events(2, NOW - dt.timedelta(hours=2), NOW - dt.timedelta(hours=1), seed=5)
    del broken[0]["uuid"]
    broken[1]["uuid"] = ""
    api.store.add_raw(broken)
    output = process.run(config=config_for(api, start_date=START))
    assert output.code == 3
    assert len(output.records) == 1200
    assert output.bookmark["replication_key_value"] == furthest(api)
    assert output.errors[-1].startswith("Left out: 2 objects that can't be a record")
    assert broken[0]["meta"]["create_time"] in "".join(output.errors[:2])
    assert "Traceback" not in output.stderr


def test_a_killed_run_resumes_exactly(api: FakeEndorApi, process: Process) -> None:
    config = config_for(api, start_date=START, page_size=50)
    api.behaviour.latency = 0.02
    kept: list[str] = []
    state: dict[str, t.Any] = {}
    for states in (2, 5, 9):
        left = states
        with subprocess.Popen(
            process.command(config=config, state=state), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as running:
            assert running.stdout is not None
            since_state: list[str] = []
            for line in running.stdout:
                message = json.loads(line)
                if message["type"] == "RECORD":
                    since_state.append(message["record"]["uuid"])
                elif message["type"] == "STATE":
                    kept, since_state, state = kept + since_state, [], message["value"]
                    left -= 1
                    if left == 0:
                        break
            running.kill()
    rest = process.run(config=config, state=state)
    assert sorted(kept + rest.uuids) == sorted(expected(api))


def test_a_fault_in_mid_run_ends_with_the_state_of_what_was_written(api: FakeEndorApi, process: Process) -> None:
    api.fail(Fault.status(403), where="list", after=110, times=None)
    output = process.run(config=config_for(api, start_date=START, page_size=10))
    assert output.code == 1
    assert len(output.errors) == 1
    assert output.records
    assert output.messages[-1]["type"] == "STATE"
    api.heal()
    rest = process.run(config=config_for(api, start_date=START), state=output.state)
    assert sorted(output.uuids + rest.uuids) == sorted(expected(api))


def test_a_target_that_goes_away_is_told_in_one_line(api: FakeEndorApi, process: Process) -> None:
    with subprocess.Popen(
        process.command(config=config_for(api, start_date=START)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        stderr = running.stderr.read()
    assert running.returncode == 1
    output = Output("", stderr, 1)
    assert output.errors == ["The target closed the pipe: see its own log for the reason."]
    assert "Traceback" not in stderr
    assert "Exception ignored" not in stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_whole_lines_and_a_state_that_resumes(
    number: signal.Signals, api: FakeEndorApi, process: Process
) -> None:
    api.behaviour.latency = 0.05
    config = config_for(api, start_date=START, page_size=50)
    with subprocess.Popen(
        process.command(config=config), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as running:
        assert running.stdout is not None
        lines = [running.stdout.readline() for _ in range(120)]
        os.kill(running.pid, number)
        lines += running.stdout.readlines()
    output = Output("".join(lines))
    assert running.returncode == 128 + number
    assert len(output.records) < 1200
    assert output.messages[-1]["type"] == "STATE"
    rest = process.run(config=config, state=output.state)
    assert sorted(output.uuids + rest.uuids) == sorted(expected(api))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("fault", [Fault.stall(60), Fault.status(503, headers={"Retry-After": "60"})], ids=str)
def test_a_signal_ends_the_run_whatever_its_workers_wait_for(
    number: signal.Signals, fault: Fault, api: FakeEndorApi, process: Process
) -> None:
    api.fail(fault, times=None, after=4)
    config = config_for(api, start_date=START, page_size=50, concurrency=8, completeness_check="never")
    with subprocess.Popen(
        process.command(config=config), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        lines = [running.stdout.readline() for _ in range(30)]
        while len(api.list_requests) < 8:
            time.sleep(0.01)
        os.kill(running.pid, number)
        watchdog = threading.Timer(20, running.kill)
        watchdog.start()
        output = Output("".join([*lines, *running.stdout]), running.stderr.read(), running.wait())
        watchdog.cancel()
    assert output.code == 128 + number
    assert output.errors == []
    assert output.messages[-1]["type"] == "STATE"
    api.heal()
    rest = process.run(config=config, state=output.state)
    assert sorted(output.uuids + rest.uuids) == sorted(expected(api))


@pytest.mark.parametrize("option", ["--test", "--discover", "--about", None])
def test_a_closed_stdout_is_told_in_one_line(option: str | None, api: FakeEndorApi, process: Process) -> None:
    command = process.command(*([option] if option else []), config=config_for(api))
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *command], stderr=subprocess.PIPE, text=True, check=False
    )
    output = Output("", done.stderr, done.returncode)
    assert output.code == 1
    assert output.errors == ["The tap's stdout is closed: send the output to a file or a target."]
    assert api.requests == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_is_told_in_one_line(api: FakeEndorApi, process: Process) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            process.command(config=config_for(api)), stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    output = Output("", done.stderr, done.returncode)
    assert output.code == 1
    assert output.errors == ["The output can't be written (No space left on device): check where stdout leads."]
    assert "Traceback" not in output.stderr
    assert "Exception ignored" not in output.stderr
