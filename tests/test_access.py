"""`--test` tells whether the key works: soon, in one line, and with nothing on stdout."""

from __future__ import annotations

import json
import logging
import socket
import typing as t

import pytest
import requests_mock

from fake_endor_api import Fault
from tests.harness import Clock, catalog_of, config_for
from tests.in_process import run_command

if t.TYPE_CHECKING:
    from pathlib import Path

    from fake_endor_api import FakeEndorApi
    from tests.harness import Output

START = "2026-03-03T00:00:00Z"


def works(output: Output) -> list[str]:
    return [line.split("| ", 3)[-1] for line in output.stderr.splitlines() if "The API key works" in line]


@pytest.mark.parametrize(
    ("settings", "sample"),
    [
        ({}, "4 events of audit_logs from 2026-03-31T11:00:00.000000Z"),
        ({"start_date": START}, "100 events of audit_logs from 2026-03-03T00:00:00.000000Z"),
    ],
    ids=str,
)
def test_the_key_is_proved_with_one_small_request(
    settings: dict[str, str], sample: str, api: FakeEndorApi, tmp_path: Path
) -> None:
    output = run_command(tmp_path, "--test", level=logging.INFO, config=config_for(api, **settings))
    assert (output.code, output.errors, output.stdout) == (0, [], "")
    (line,) = works(output)
    assert line.startswith(f"The API key works: namespace acme. Read as a sample: {sample} to 2026-03-31T12:00:00")
    assert line.endswith(" (at most 100 are asked for).")
    assert ("a first run reads no past events" in output.stderr) == (not settings)
    assert "This first run" not in output.stderr
    (request,) = api.list_requests
    assert request.query["list_parameters.page_size"] == "100"
    assert len(api.requests) == 2


def test_a_range_that_begins_in_the_archive_needs_it(empty_api: FakeEndorApi, tmp_path: Path) -> None:
    config = config_for(empty_api, start_date="2026-02-01")
    assert len(works(run_command(tmp_path, "--test", level=logging.INFO, config=config))) == 1
    empty_api.behaviour.archive_denied = True
    output = run_command(tmp_path, "--test", level=logging.INFO, config=config)
    assert (output.code, output.stdout, works(output)) == (1, "", [])
    (line,) = output.errors
    assert "The API key may not read the archive of this log: give it the role" in line
    without = run_command(tmp_path, "--test", level=logging.INFO, config=config | {"include_archived": False})
    assert (without.code, len(works(without))) == (0, 1)


def test_a_quiet_log_is_no_fault(empty_api: FakeEndorApi, tmp_path: Path) -> None:
    output = run_command(tmp_path, "--test", level=logging.INFO, config=config_for(empty_api))
    (line,) = works(output)
    assert "Read as a sample: 0 events of audit_logs" in line
    assert line.endswith("(at most 100 are asked for; none is normal in a quiet log).")
    config = config_for(empty_api, filter="meta.name=='x'")
    (line,) = works(run_command(tmp_path, "--test", level=logging.INFO, config=config))
    assert line.endswith("; none is normal if the setting filter lets none through).")


@pytest.mark.parametrize("failures", [1, 2, 4])
@pytest.mark.parametrize("fault", [Fault.status(504), Fault.status(504, message="context deadline exceeded")], ids=str)
def test_a_query_that_is_too_slow_is_made_smaller(
    fault: Fault, failures: int, api: FakeEndorApi, tmp_path: Path
) -> None:
    api.fail(fault, where="list", times=failures)
    output = run_command(tmp_path, "--test", config=config_for(api, start_date=START))
    assert (output.code, output.errors, output.stdout) == (0, [], "")
    assert len(works(output)) == 1
    sizes = [int(request.query["list_parameters.page_size"]) for request in api.list_requests]
    # Each is asked once more before it is made smaller.
    assert sizes == [100, 100, 50, 50, 50][: failures + 1]
    filters = [request.query["list_parameters.filter"] for request in api.list_requests]
    assert len(set(filters)) == failures // 2 + 1


def test_a_query_that_stays_too_slow_is_given_up_soon(api: FakeEndorApi, tmp_path: Path) -> None:
    api.fail(Fault.status(504), where="list", times=None)
    clock = Clock()
    output = run_command(tmp_path, "--test", level=logging.INFO, clock=clock, config=config_for(api))
    assert (output.code, output.stdout) == (1, "")
    (line,) = output.errors
    assert "answered 504" in line
    assert "Gave up after 3 tries" in line
    assert sum(clock.slept) <= 5


def test_the_end_comes_soon_where_nothing_listens(tmp_path: Path, api: FakeEndorApi) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        config = config_for(api, api_url=f"http://127.0.0.1:{unused.getsockname()[1]}")
        clock = Clock()
        output = run_command(tmp_path, "--test", level=logging.INFO, clock=clock, config=config)
    assert (output.code, output.stdout) == (1, "")
    (line,) = output.errors
    assert "Connection refused" in line
    assert line.endswith("Check the network, the proxy if there is one, and api_url.")
    assert sum(clock.slept) <= 5


def test_the_end_comes_soon_where_the_name_does_not_resolve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()

    def slow_resolver(*_: t.Any, **__: t.Any) -> t.NoReturn:
        clock.now += 5.0
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", slow_resolver)
    config = {"namespace": "acme", "api_key": "the-key", "api_secret": "the-secret", "api_url": "https://x.invalid"}
    output = run_command(tmp_path, "--test", level=logging.INFO, clock=clock, config=config)
    assert output.code == 1
    (line,) = output.errors
    assert "Name or service not known" in line
    assert clock.now <= 10


@pytest.mark.parametrize(("options", "connect"), [((), 30.0), (("--test",), 3.0)])
def test_a_connection_is_waited_for_less_long(options: tuple[str, ...], connect: float, tmp_path: Path) -> None:
    config = {"namespace": "acme", "api_key": "the-key", "api_secret": "the-secret"}
    with requests_mock.Mocker() as mock:
        mock.post("https://api.endorlabs.com/v1/auth/api-key", status_code=401)
        run_command(tmp_path, *options, config=config)
    assert [request.timeout for request in mock.request_history] == [(connect, 120)]


def test_a_stream_that_nobody_selected_is_not_tried(api: FakeEndorApi, tmp_path: Path) -> None:
    output = run_command(tmp_path, "--test", config=config_for(api))
    assert {request.path.rpartition("/")[2] for request in api.list_requests} == {"audit-logs"}
    assert output.code == 0


def test_the_schema_can_still_be_asked_for(tmp_path: Path, api: FakeEndorApi) -> None:
    output = run_command(tmp_path, "--test=schema", config=config_for(api))
    assert [message["type"] for message in output.messages] == ["SCHEMA", "SCHEMA"]
    assert api.requests == []
    assert json.loads(output.stdout.splitlines()[0])["stream"] in catalog_of()["streams"][0]["tap_stream_id"]
