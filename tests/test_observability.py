"""What a run tells a machine: metrics, the figures of its closing line, and its exit code."""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
import typing as t
from collections import Counter

import pytest

from fake_endor_api import Fault, make_events
from tap_endorlabs.errors import several
from tests.conftest import NOW
from tests.harness import Output, config_for
from tests.in_process import run_command

if t.TYPE_CHECKING:
    from pathlib import Path

    from fake_endor_api import FakeEndorApi
    from tests.harness import Process

START = "2026-03-03T00:00:00Z"

JSON_LINES = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "singer_sdk.logging.StructuredFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
"""What Meltano gives a tap that can log in a structured way."""


def metrics_of(output: Output, name: str) -> list[dict[str, t.Any]]:
    points = [json.loads(line.partition("METRIC: ")[2]) for line in output.stderr.splitlines() if "METRIC: " in line]
    return [point for point in points if point["metric"] == name]


def closing_line(output: Output) -> str:
    (line,) = [line for line in output.stderr.splitlines() if "| Done: " in line or "| Stopped: " in line]
    return line.split("| ", 3)[-1]


def trouble(api: FakeEndorApi) -> None:
    api.fail(Fault.status(401), after=1)
    api.fail(Fault.status(504), after=2)


def permission_withdrawn(api: FakeEndorApi) -> None:
    api.fail(Fault.status(403), after=1, times=None)


def key_expired(api: FakeEndorApi) -> None:
    api.fail(Fault.status(401), where="auth", times=None)


@pytest.mark.parametrize(
    ("fault", "batches", "closing"),
    [
        (trouble, False, "Done: 1200 events"),
        (trouble, True, "Done: 1200 events"),
        (permission_withdrawn, False, "Stopped: 499 events"),
        (key_expired, False, "Stopped: 0 events"),
    ],
    ids=["with retries", "batch files", "failed in the middle", "failed to log in"],
)
def test_metrics_and_the_closing_line_say_what_the_api_saw(
    *,
    fault: t.Callable[[FakeEndorApi], None],
    batches: bool,
    closing: str,
    api: FakeEndorApi,
    process: Process,
) -> None:
    fault(api)
    config = config_for(api, start_date=START, concurrency=1, completeness_check="never")
    if batches:
        config["batch_config"] = {
            "encoding": {"format": "jsonl"},
            "storage": {"root": f"file://{process.folder}"},
        }
    begun = time.monotonic()
    output = process.run(config=config, environment={"TAP_ENDORLABS_LOGLEVEL": "debug"})
    wall = time.monotonic() - begun

    counts = metrics_of(output, "http_request_count")
    assert {point["tags"]["endpoint"]: point["value"] for point in counts} == Counter(r.path for r in api.requests)
    durations = metrics_of(output, "http_request_duration")
    assert Counter((p["tags"]["endpoint"], p["tags"]["http_status_code"], p["tags"]["status"]) for p in durations) == (
        Counter((r.path, r.status, "succeeded" if r.status == 200 else "failed") for r in api.requests)
    )
    (records,) = metrics_of(output, "record_count")
    (sync,) = metrics_of(output, "sync_duration")
    assert sync["tags"]["status"] == ("succeeded" if output.code == 0 else "failed")
    assert 0 < sum(point["value"] for point in durations) < sync["value"] < wall
    assert {point["tags"]["stream"] for point in (*counts, records, sync)} == {"audit_logs"}

    line = closing_line(output)
    assert line.startswith(f"{closing}, {several(len(api.requests), 'request')}, ")
    assert f": {records['value']} events, " in line
    assert batches or records["value"] == len(output.records)
    bookmark = output.bookmark["replication_key_value"] if output.of("STATE") else None
    assert line.endswith(f"the bookmark is at {bookmark}" if bookmark else "there is no bookmark yet")
    for error in output.errors:
        assert output.stderr.index(line) < output.stderr.index(error)
    assert (output.code, len(output.errors)) == ((0, 0) if closing.startswith("Done") else (1, 1))


def test_a_batch_file_that_can_not_be_written_ends_the_run_before_its_error(api: FakeEndorApi, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    storage = {"root": f"file://{tmp_path}/file"}
    batch = {"encoding": {"format": "jsonl"}, "storage": storage, "batch_size": 100}
    output = run_command(tmp_path, level=logging.INFO, config=config_for(api, start_date=START, batch_config=batch))
    assert output.code == 1
    assert closing_line(output).startswith("Stopped: 100 events")
    (error,) = output.errors
    assert output.stderr.index(closing_line(output)) < output.stderr.index(error)


def test_a_run_that_can_not_log_in_says_where_the_bookmark_is(api: FakeEndorApi, tmp_path: Path) -> None:
    key_expired(api)
    state = {"bookmarks": {"audit_logs": {"replication_key_value": "2026-03-30T00:00:00.000000Z"}}}
    output = run_command(tmp_path, level=logging.INFO, config=config_for(api), state=state)
    assert closing_line(output).endswith("the bookmark is at 2026-03-30T00:00:00.000000Z")


@pytest.fixture
def json_environment(process: Process) -> dict[str, str]:
    file = process.folder / "logging.json"
    file.write_text(json.dumps(JSON_LINES))
    return {"SINGER_SDK_LOG_CONFIG": str(file)}


@pytest.mark.parametrize(
    ("fault", "code"), [(lambda _: None, 3), (permission_withdrawn, 1)], ids=["objects left out", "failed"]
)
def test_a_structured_log_has_the_figures_as_fields(
    fault: t.Callable[[FakeEndorApi], None],
    code: int,
    api: FakeEndorApi,
    process: Process,
    json_environment: dict[str, str],
) -> None:
    broken = make_events(2, NOW - dt.timedelta(hours=2), NOW - dt.timedelta(hours=1), seed=5)
    for item in broken:
        item["uuid"] = ""
    api.store.add_raw(broken)
    fault(api)
    config = config_for(api, start_date=START, concurrency=1, completeness_check="never")
    output = process.run(config=config, environment=json_environment)
    assert output.code == code
    lines = [json.loads(line) for line in output.stderr.splitlines()]
    (closing,) = [line for line in lines if line["message"].startswith(("Done: ", "Stopped: "))]
    assert closing["stream_name"] == "audit_logs"
    assert closing["level"] == "info"
    assert 0 < closing["extra"].pop("seconds") < 60
    assert closing["extra"] == {
        "complete": code == 3,
        "events": len(output.records),
        "left_out": 2 if code == 3 else 0,
        "late": 0,
        "latest_by": 0,
        "requests": len(api.requests),
        "bookmark": output.bookmark["replication_key_value"],
    }
    assert lines[-1]["level"] == "error"
    assert lines.index(closing) < len(lines) - 1
