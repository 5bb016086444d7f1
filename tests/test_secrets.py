"""No secret is shown, wherever it came from and whatever goes wrong."""

from __future__ import annotations

import base64
import json
import logging
import typing as t
from urllib.parse import quote, quote_plus

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tap_endorlabs.redaction import Secrets, guarded_log
from tests.fake_endor_api import FakeEndorApi, Fault
from tests.harness import Output, Process, config_for
from tests.in_process import run_command

if t.TYPE_CHECKING:
    from pathlib import Path

START = "2026-03-30T00:00:00Z"
KEY = "endr+k/9 ü'\"x\\y"
SECRET = "endr+s3cr3t/%&?=+"
DEBUG = {"TAP_ENDORLABS_LOGLEVEL": "debug"}


def forms_of(secret: str) -> set[str]:
    raw = secret.encode()
    plain = {
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote(secret, safe="").lower(),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
    }
    return plain | {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}


def shown(output: Output, api: FakeEndorApi) -> set[str]:
    text = output.stdout + output.stderr
    return {form for secret in (api.key, api.secret, *api.tokens) for form in forms_of(secret) if form in text}


@pytest.fixture
def own_api(api: FakeEndorApi) -> FakeEndorApi:
    """An API whose credentials change their form in URLs, in JSON and in Python's messages."""
    api.key, api.secret = KEY, SECRET
    return api


def settings_for(api: FakeEndorApi, **settings: t.Any) -> dict[str, t.Any]:
    return config_for(api, **({"api_key": KEY, "api_secret": SECRET, "start_date": START} | settings))


EVERY_FORM = " ".join(sorted(forms_of(KEY) | forms_of(SECRET)))
FAULTS: dict[str, tuple[Fault, t.Literal["auth", "list"]]] = {
    "an error that quotes them": (Fault.status(400, message=EVERY_FORM), "list"),
    "a refusal at the log-in": (Fault.status(403, message=EVERY_FORM), "auth"),
    "a redirect with them": (
        Fault.redirect(f"https://{quote(SECRET, safe='')}:{quote(KEY, safe='')}@x.example"),
        "list",
    ),
    "no such path": (Fault.status(404, message=EVERY_FORM), "auth"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_no_form_of_a_secret_is_shown_at_debug_level(case: str, own_api: FakeEndorApi, tmp_path: Path) -> None:
    fault, where = FAULTS[case]
    own_api.fail(fault, where=where, times=None)
    output = run_command(tmp_path, config=settings_for(own_api))
    assert output.code == 1
    assert "Traceback" in output.stderr
    assert shown(output, own_api) == set()


def test_a_complete_run_shows_no_secret_in_output_state_or_debug_log(own_api: FakeEndorApi, process: Process) -> None:
    output = process.run(config=settings_for(own_api), environment=DEBUG)
    assert output.code == 0, output.stderr
    assert len(output.records) > 10
    assert "urllib3.connectionpool" in output.stderr
    assert output.state
    assert shown(output, own_api) == set()


def test_a_structured_log_shows_no_secret_either(own_api: FakeEndorApi, process: Process) -> None:
    own_api.fail(Fault.status(400, message=EVERY_FORM))
    log = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "singer_sdk.logging.StructuredFormatter"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"level": "DEBUG", "handlers": ["stderr"]},
    }
    path = process.folder / "log.yml"
    path.write_text(yaml.safe_dump(log))
    environment = DEBUG | {"SINGER_SDK_LOG_CONFIG": str(path)}
    output = process.run(config=settings_for(own_api), environment=environment)
    lines = [json.loads(line) for line in output.stderr.splitlines()]
    assert any(line["level"] == "error" and "Traceback" in line["extra"]["traceback"] for line in lines)
    assert any("metric_info" in line for line in lines)
    assert shown(output, own_api) == set()


@pytest.mark.parametrize(
    "settings",
    [
        {"namespace": SECRET},
        {"filter": f"({SECRET}"},
        {"api_url": f"https://x:{SECRET}@api.endorlabs.com"},
        {"api_url": f"ftp://{SECRET}"},
        {"start_date": SECRET},
        {"page_size": SECRET},
        {"flattening_max_depth": SECRET},
        {SECRET: 1},
        {"api_key": [KEY]},
    ],
    ids=str,
)
def test_a_message_about_a_setting_shows_no_secret(
    settings: dict[str, t.Any], own_api: FakeEndorApi, tmp_path: Path
) -> None:
    output = run_command(tmp_path, config=settings_for(own_api, **settings))
    assert (output.code, output.stdout) == (1, "")
    assert output.errors
    assert shown(output, own_api) == set()


def test_settings_given_in_the_place_of_a_file_are_not_repeated(process: Process) -> None:
    output = process.run("--config", json.dumps({"api_secret": SECRET}), environment=DEBUG)
    assert output.errors == ["--config takes the path of a JSON file, not JSON."]
    assert SECRET not in output.stderr


@pytest.mark.parametrize("option", ["--about", "--discover"])
def test_what_describes_the_tap_shows_no_secret_of_the_environment(option: str, process: Process) -> None:
    environment = {"TAP_ENDORLABS_API_SECRET": SECRET, "ENDOR_API_CREDENTIALS_SECRET": SECRET, **DEBUG}
    output = process.run("--config", "ENV", option, environment=environment)
    assert output.code == 0
    assert SECRET not in output.stdout + output.stderr


@given(st.text(min_size=6), st.text(), st.text())
def test_every_form_of_a_secret_is_hidden(secret: str, before: str, after: str) -> None:
    if len(secret.strip()) < 6:
        return
    raw = secret.encode(errors="replace")
    secrets = Secrets("another secret")
    secrets.add(secret)
    for form in (secret, quote(raw), quote(raw, safe=""), quote_plus(raw), json.dumps(secret)[1:-1]):
        assert form not in secrets.hide(f"{before}{form}{after}")


def test_a_short_text_is_no_secret() -> None:
    secrets = Secrets("", "      ", "wrong")
    assert secrets.hide("the key is wrong") == "the key is wrong"


def fail_in_a_library() -> t.NoReturn:
    raise ValueError(f"no connection to https://{quote(SECRET)}@proxy\nFORGED {SECRET!r}")


def fail_in_two() -> t.NoReturn:
    try:
        fail_in_a_library()
    except ValueError as error:
        raise RuntimeError(SECRET) from error


def test_chained_exceptions_of_libraries_show_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("test")
    with guarded_log(Secrets(SECRET)), pytest.raises(RuntimeError) as caught:
        fail_in_two()
    with guarded_log(Secrets(SECRET)):
        logger.error("it failed: %s", SECRET, exc_info=caught.value)
        logger.error("%d %s", SECRET)  # noqa: PLE1206 - a library's mistake
    text = caplog.text
    assert "Traceback" in text
    assert "direct cause" in text
    assert not any(form in text for form in forms_of(SECRET))
    assert "\nFORGED" not in text
