"""Meltano hands the tap's settings on as they are: the tap judges them."""

from __future__ import annotations

import subprocess
import typing as t

import pytest

from tests.meltano import environment_for
from tests.targets.conftest import START
from tests.targets.pipeline import MELTANO, ROOT

if t.TYPE_CHECKING:
    from pathlib import Path

    from fake_endor_api import FakeEndorApi

pytestmark = [pytest.mark.targets, pytest.mark.timeout(300)]


def invoke(api: FakeEndorApi, folder: Path, **settings: str) -> tuple[int, str]:
    own = {f"TAP_ENDORLABS_{name.upper()}": text for name, text in settings.items()}
    done = subprocess.run(
        [str(MELTANO), "invoke", "tap-endorlabs", "--test"],
        cwd=ROOT,
        env=environment_for(api.url, folder, START) | own,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"traverse": "maybe"}, "Setting traverse takes true or false, not 'maybe'."),
        ({"start_date": "01.11.2026"}, "Setting start_date takes a date or time from 1970 on, such as 2024-11-13, "),
        ({"page_size": "ten"}, "Setting page_size takes an integer from 1 to 500, not 'ten'."),
        ({"completeness_check": "maybe"}, "Setting completeness_check takes auto, always or never, not 'maybe'."),
    ],
    ids=str,
)
def test_the_tap_sees_what_was_set(
    settings: dict[str, str], line: str, empty_api: FakeEndorApi, tmp_path: Path
) -> None:
    code, output = invoke(empty_api, tmp_path, **settings)
    assert code == 1
    assert line in output
    assert empty_api.requests == []


def test_text_that_says_what_a_setting_takes_is_taken(empty_api: FakeEndorApi, tmp_path: Path) -> None:
    code, output = invoke(empty_api, tmp_path, traverse="no", page_size="7", completeness_check="never")
    assert code == 0, output
    assert "The API key works: namespace acme" in output
    (request,) = empty_api.list_requests
    assert request.query["list_parameters.page_size"] == "7"
    assert "list_parameters.traverse" not in request.query
