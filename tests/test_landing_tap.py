"""A run of the tap as a task starts it: what fails says so, with no credential, and no setting comes from elsewhere."""

from __future__ import annotations

import json
import shutil
import sys
import traceback
import typing as t

import fsspec
import pytest

from endor_landing.files import Folder
from endor_landing.landing import Landing
from endor_landing.months import Month
from endor_landing.tap import Tap, TapFailedError
from tests.conftest import NOW
from tests.harness import TAP, config_for

if t.TYPE_CHECKING:
    from pathlib import Path

    from fake_endor_api import FakeEndorApi


def test_a_tap_that_fails_says_so(tmp_path: Path, empty_api: FakeEndorApi) -> None:
    with (tmp_path / "sink").open("wb") as sink:
        with pytest.raises(TapFailedError, match="exit code 1"):
            Tap(TAP, config_for(empty_api, api_secret="wrong")).run(sink)
        empty_api.store.add_raw(
            [{"meta": {"create_time": "2026-03-01T00:00:00Z"}, "tenant_meta": {"namespace": "acme"}}]
        )
        delivery = Tap(TAP, config_for(empty_api)).run(sink, start_date="2026-03-01T00:00:00Z")
    assert (delivery.events, delivery.incomplete) == (0, True)


@pytest.mark.parametrize(
    ("executable", "message"), [(TAP, "exit code 1"), ("/nowhere/tap", "/nowhere/tap can't be started: No such file")]
)
def test_no_variable_in_the_traceback_of_a_failure_holds_a_credential(
    tmp_path: Path, executable: str, message: str
) -> None:
    tap = Tap(executable, {"api_key": "hidden-key", "api_secret": "hidden-secret"})
    with (tmp_path / "sink").open("wb") as sink, pytest.raises(TapFailedError, match=message) as caught:
        tap.run(sink)
    reported = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert message in reported
    assert "tap = Tap(" in reported
    assert "hidden" not in reported


def test_a_program_that_ends_well_and_says_nothing_is_not_taken_for_the_tap(tmp_path: Path) -> None:
    folder = Folder(fsspec.filesystem("file", skip_instance_cache=True), f"{tmp_path}/acme")
    state = {"files": 1, "state": {"bookmarks": {}}}
    (folder / "_state").write("incremental.json", json.dumps(state).encode())
    landing, other = Landing(folder, Month(2026, 3)), Tap(shutil.which("true") or "", {})
    with pytest.raises(TapFailedError, match="ended without a state"):
        landing.land_news(other)
    with pytest.raises(TapFailedError, match="ended without a state"):
        landing.land_month(other, Month(2026, 2), NOW, 60)
    # Without the state the next run would read the same events again, and an empty month would count as read.
    assert json.loads((folder / "_state").read("incremental.json") or b"") == state
    assert folder.read("2026-02.jsonl.gz") is None


def test_no_run_takes_a_setting_of_the_workers_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TAP_ENDORLABS_FILTER", "false")
    program = tmp_path / "tap"
    program.write_text(
        f"#!{sys.executable}\nimport json, os\n"
        "value = {name: text for name, text in os.environ.items() if name.startswith('TAP_')}\n"
        "print(json.dumps({'type': 'STATE', 'value': value}))\n"
    )
    program.chmod(0o700)
    with (tmp_path / "sink").open("wb") as sink:
        tap = Tap(str(program), {"traverse": False, "concurrency": 2, "page_size": None})
        delivery = tap.run(sink, end_date="2026-03-01T00:00:00Z")
    assert delivery.state == {
        "TAP_ENDORLABS_TRAVERSE": "false",
        "TAP_ENDORLABS_CONCURRENCY": "2",
        "TAP_ENDORLABS_END_DATE": "2026-03-01T00:00:00Z",
    }
