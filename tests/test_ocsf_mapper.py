"""The command `endorlabs-ocsf`: what becomes of each message between the tap and a target."""

from __future__ import annotations

import contextlib
import inspect
import io
import json
import logging
import os
import signal
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from jsonschema import Draft4Validator, Draft202012Validator
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.io_base import GenericSingerReader
from singer_sdk.mapper_base import InlineMapper
from singer_sdk.plugin_base import PluginBase

from fake_endor_api import make_events, make_sign_ins
from tap_endorlabs.errors import TapError
from tap_endorlabs.ocsf.mapper import OcsfMapper
from tests.conftest import NOW
from tests.harness import catalog_of, config_for, run_inside
from tests.in_process import log_at
from tests.ocsf_cases import AUDIT, PLAIN, SIGN_INS, lines_of, mapped, mapped_text, problems, records

if t.TYPE_CHECKING:
    from fake_endor_api import FakeEndorApi

COMMAND = str(Path(sys.executable).with_name("endorlabs-ocsf"))
SECRET = "jane@example.com"


def schema_line(stream: str, *names: str) -> str:
    properties: dict[str, t.Any] = {name: {} for name in ("uuid", "create_time", *names)}
    return json.dumps({"type": "SCHEMA", "stream": stream, "schema": {"properties": properties}})


def record_line(stream: str = AUDIT) -> bytes:
    return lines_of([(stream, {"create_time": "2026-03-31T10:00:00.000000Z", **PLAIN})])


@pytest.mark.parametrize("entities", [False, True])
def test_a_run_of_the_tap_becomes_events(empty_api: FakeEndorApi, *, entities: bool) -> None:
    empty_api.store.add(make_events(60, NOW.replace(hour=1), NOW))
    empty_api.sign_ins.add(make_sign_ins(20, NOW.replace(hour=1), NOW))
    config = config_for(empty_api, start_date="2026-03-31")
    output = run_inside(config, catalog=catalog_of(AUDIT, SIGN_INS))
    messages = mapped(output.stdout, entity_management=entities)
    events = [message for message in messages if message["type"] == "RECORD"]
    assert [event["record"]["metadata"]["uid"] for event in events] == output.uuids
    assert all(problems(event["record"], "1.5.0") == [] for event in events)
    classes = {"API Activity": "ocsf_api_activity", "Authentication": "ocsf_authentication"}
    if entities:
        classes["Entity Management"] = "ocsf_entity_management"
    assert {event["record"]["class_name"]: event["stream"] for event in events} == classes
    assert [message for message in messages if message["type"] == "STATE"] == output.of("STATE")
    assert {message["stream"] for message in messages if message["type"] == "SCHEMA"} == set(classes.values())
    extracted = [message["time_extracted"] for message in output.of("RECORD")]
    assert [event["time_extracted"] for event in events] == extracted


@pytest.mark.parametrize("key_column", [False, True])
def test_the_schema_takes_every_event(*, key_column: bool) -> None:
    config = {"entity_management": True, "key_column": key_column}
    head = "\n".join([schema_line(AUDIT), schema_line(SIGN_INS), ""]).encode()
    messages = mapped(head + lines_of(records()), **config)
    schemas = {message["stream"]: message for message in messages if message["type"] == "SCHEMA"}
    assert {tuple(schema["key_properties"]) for schema in schemas.values()} == {("uid",) if key_column else ()}
    assert {tuple(schema["bookmark_properties"]) for schema in schemas.values()} == {("time",)}
    for message in messages[3:]:
        schema, event = schemas[message["stream"]]["schema"], message["record"]
        Draft4Validator(schema).validate(event)
        Draft202012Validator(schema).validate(event)
        assert event.keys() <= schema["properties"].keys()
        assert event.pop("uid", None) == (event["metadata"]["uid"] if key_column else None)


def test_what_is_of_another_stream_passes_as_it_came() -> None:
    lines = (
        '{"type": "SCHEMA", "stream": "other", "schema": {"properties": {"spec__a": {}}}, "key_properties": []}\n'
        '{"type": "RECORD", "stream": "other", "record": {"n": 1.10, "b": 123456789012345678901234567890}}\n'
        '{"type": "ACTIVATE_VERSION", "stream": "other", "version": 7}\n'
        '{"type": "BATCH", "stream": "other", "manifest": []}\n'
        '{"type": "STATE",  "value": {"bookmarks": {"audit_logs": {"a": 1.0}}}}\n'
    )
    assert mapped_text(lines) == lines


def test_numbers_keep_all_their_digits() -> None:
    line = record_line().replace(b"1.1}", b'1.10, "big": 123456789012345678901234567890}')
    text = mapped_text(line)
    assert '"ratio": 1.10, "big": 123456789012345678901234567890' in text


def test_a_deep_payload_passes() -> None:
    payload = b'{"a":' + b"[" * 790 + b"]" * 790 + b"}"
    line = record_line().replace(json.dumps(PLAIN["spec"]["payload"]).encode(), payload)
    assert payload in mapped_text(line).encode()


def test_a_version_is_that_of_all_that_a_stream_becomes() -> None:
    line = '{"type": "ACTIVATE_VERSION", "stream": "audit_logs", "version": 7}\n'
    assert [(one["stream"], one["version"]) for one in mapped(line, entity_management=True)] == [
        ("ocsf_api_activity", 7),
        ("ocsf_entity_management", 7),
    ]


def test_deselected_fields_are_absent(empty_api: FakeEndorApi) -> None:
    empty_api.store.add(make_events(20, NOW.replace(hour=1), NOW))
    catalog = catalog_of(AUDIT)
    for entry in catalog["streams"][0]["metadata"]:
        hidden = (
            ["properties", "spec", "properties", "claims"],
            ["properties", "spec", "properties", "remote_address"],
        )
        if list(entry["breadcrumb"]) in hidden:
            entry["metadata"]["selected"] = False
    output = run_inside(config_for(empty_api, start_date="2026-03-31"), catalog=catalog)
    events = [message["record"] for message in mapped(output.stdout) if message["type"] == "RECORD"]
    assert len(events) == 20
    for event in events:
        assert problems(event, "1.5.0") == []
        assert event["src_endpoint"] == {"name": "unknown"}
        assert "idp" not in event["actor"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            '{"type": "BATCH", "stream": "audit_logs"}',
            "Batch files can't be mapped: leave the setting batch_config out",
        ),
        (schema_line(AUDIT, "spec__operation"), "The stream audit_logs does not have the tap's own fields"),
        ('{"type": "SCHEMA", "stream": "audit_logs", "schema": {}}', "The stream audit_logs does not have the tap's"),
        ('{"type": "SCHEMA", "stream": "audit_logs"}', "The stream audit_logs does not have the tap's"),
        *(
            (
                f'{{"type": "SCHEMA", "stream": "audit_logs", "schema": {schema}}}',
                "The stream audit_logs does not have the",
            )
            for schema in ("[]", "null", '{"properties": null}', '{"properties": 5}', '{"properties": ["uuid"]}')
        ),
        (
            '{"type": "RECORD", "stream": "audit_logs"}',
            "Line 1 of the input, a record of audit_logs, has no readable uuid: check",
        ),
        (
            '{"type": "RECORD", "stream": "audit_logs", "record": {"uuid": "u"}}',
            "Line 1 of the input, record u of audit_logs, has no readable create_time: check",
        ),
        (
            '{"type": "RECORD", "stream": "audit_logs", "record": {"uuid": "u", "create_time": "jane@example.com"}}',
            "Line 1 of the input, record u of audit_logs, has no readable create_time: check",
        ),
        ('{"type": "OTHER", "who": "jane@example.com"}', "Line 1 of the input is no Singer message (no known type)"),
        ('{"who": "jane@example.com"}', "Line 1 of the input is no Singer message (no type)"),
        ('{"type": "RECORD", "record": {}}', "Line 1 of the input is no Singer message (no stream)"),
        ('["jane@example.com"]', "Line 1 of the input is no Singer message (Expected `object`, got `array`)"),
        (
            '{"type": "RECORD", "record": {"who": "jane@examp',
            "Line 1 of the input is no Singer message (JSON is malformed",
        ),
        ("", "Line 1 of the input is no Singer message (Input data was"),
    ],
    ids=str,
)
def test_what_can_t_be_mapped_is_told_in_a_line_without_a_value(line: str, said: str) -> None:
    with pytest.raises(TapError) as told:
        mapped(f"{line}\n")
    assert str(told.value).startswith(said)
    assert SECRET not in str(told.value)


PLACES = {
    "a record": (b'{"type":"RECORD","stream":"audit_logs","record":{"uuid":"u","create_time":"2026-03-31","a":', b"}}"),
    "a payload": (
        b'{"type":"RECORD","stream":"audit_logs","record":{"uuid":"u","create_time":"2026-03-31","spec":{"payload":',
        b"}}}",
    ),
    "another stream": (b'{"type":"RECORD","stream":"other","record":', b"}"),
    "a schema": (b'{"type":"SCHEMA","stream":"audit_logs","schema":{"properties":{"uuid":', b',"create_time":{}}}}'),
    "a state": (b'{"type":"STATE","value":', b"}"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b'"\xff"', r"is no Singer message \(not UTF-8 from byte \d+ on\)"),
        (b'{"\xc3":1}', r"is no Singer message \(not UTF-8 from byte \d+ on\)"),
        (b"[" * 100_000 + b"]" * 100_000, r"is nested too deeply to be mapped"),
    ],
    ids=["no UTF-8", "a name that is no UTF-8", "deep"],
)
def test_what_no_target_reads_is_told_by_its_line(place: str, value: bytes, said: str) -> None:
    before, after = PLACES[place]
    with pytest.raises(TapError, match=f"^Line 2 of the input {said}"):
        mapped(record_line() + before + value + after + b"\n")


def test_text_in_any_language_passes() -> None:
    line = record_line().replace(b"1.1}", '1.1, "t": "Grüße, 世界 🙂"}'.encode())
    assert '"t": "Grüße, 世界 🙂"' in mapped_text(line)


@pytest.mark.parametrize("version", [1.5, "1.5", "1.5.0", None])
def test_a_version_may_be_a_number(version: t.Any) -> None:
    (message,) = mapped(record_line(), version=version)
    assert message["record"]["metadata"]["version"] == "1.5.0"


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ({"version": "1.0"}, "Setting version takes 1.1, 1.2, 1.3, 1.4, 1.5, 1.6 or 1.7, not '1.0'."),
        ({"entity_management": "maybe"}, "Setting entity_management takes true or false, not 'maybe'."),
        (
            {"entity_management": "yes", "version": "1.3"},
            "Setting entity_management needs version 1.4 or later, not 1.3.",
        ),
        ({"key_colum": True}, "There is no setting key_colum. Did you mean key_column?"),
        ({"stream_maps": {}}, "There is no setting stream_maps. See --about for those there are."),
    ],
    ids=str,
)
def test_a_wrong_setting_is_told(config: dict[str, t.Any], line: str) -> None:
    with pytest.raises(ConfigValidationError) as told:
        OcsfMapper(config=config)
    assert told.value.errors == [line]


def run(*arguments: str, lines: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [COMMAND, *arguments], input=lines, capture_output=True, check=False, env=os.environ | environment
    )


def test_the_command_maps_its_input(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"version": 1.1}')
    (tmp_path / "input.jsonl").write_bytes(record_line())
    done = run("--config", str(tmp_path / "config.json"), lines=record_line())
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["record"]["metadata"]["version"] == "1.1.0"
    of_a_file = run("--config", "ENV", "--input", str(tmp_path / "input.jsonl"), ENDORLABS_OCSF_KEY_COLUMN="on")
    assert json.loads(of_a_file.stdout)["record"]["uid"] == PLAIN["uuid"]


def in_process(*arguments: str) -> tuple[int, str]:
    with (
        log_at(logging.INFO) as log,
        contextlib.redirect_stdout(io.StringIO()) as out,
        pytest.raises(SystemExit) as ended,
    ):
        OcsfMapper.get_singer_command().main(list(arguments))
    return t.cast("int", ended.value.code), log.getvalue() + out.getvalue()


def test_a_failure_ends_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "input.jsonl"
    path.write_text("{\n")
    code, output = in_process("--input", str(path))
    assert code == 1
    assert output.count("ERROR") == 1
    assert "Traceback" not in output
    (tmp_path / "config.json").write_text('{"version": 2}')
    code, output = in_process("--config", str(tmp_path / "config.json"))
    assert (code, output.count("ERROR")) == (1, 1)
    assert "Setting version takes 1.1" in output


def test_a_file_is_read_as_stdin_is(tmp_path: Path) -> None:
    path = tmp_path / "input.jsonl"
    path.write_bytes(record_line().replace(b"1.1}", b'1.1, "t": "\xff"}'))
    code, output = in_process("--input", str(path))
    assert (code, output.count("ERROR")) == (1, 1)
    assert "Line 1 of the input is no Singer message (not UTF-8" in output


def test_a_closed_stdin_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    code, output = in_process()
    assert (code, output.count("ERROR")) == (1, 1)
    assert "The mapper has no stdin, as it was closed: pipe the tap's output into it." in output


def test_about_names_every_setting() -> None:
    code, output = in_process("--about")
    assert code == 0
    assert all(name in output for name in ("version", "entity_management", "key_column"))


def test_a_signal_ends_it_with_its_number_after_a_whole_line() -> None:
    with subprocess.Popen(
        [COMMAND], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(record_line())
        process.stdin.flush()
        line = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
    assert json.loads(line)["stream"] == "ocsf_api_activity"
    assert rest == b""
    assert process.returncode == 128 + signal.SIGTERM


def test_a_target_that_goes_away_is_told_in_a_line() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([COMMAND], input=record_line(), stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert done.returncode == 1
    assert b"The target closed the pipe: see its own log for the reason." in done.stderr
    assert b"Traceback" not in done.stderr


def test_what_it_needs_of_the_sdk_is_still_there() -> None:
    assert "self.message_reader.process_lines(" in inspect.getsource(OcsfMapper.process_lines)
    assert "self.deserialize_json(line)" in inspect.getsource(GenericSingerReader.process_lines)
    assert "self._write_messages(self.map_record_message(message_dict))" in inspect.getsource(InlineMapper)
    ours, theirs = (inspect.signature(one._handle_termination) for one in (OcsfMapper, PluginBase))
    assert [*ours.parameters] == [*theirs.parameters]
    assert "self._handle_termination" in inspect.getsource(PluginBase._setup_signal_handlers)
