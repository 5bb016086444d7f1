"""No secret is shown, wherever it came from and whatever goes wrong."""

from __future__ import annotations

import base64
import html
import json
import logging
import re
import typing as t
from array import array
from urllib.parse import quote, quote_plus

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fake_endor_api import FakeEndorApi, Fault
from tap_endorlabs import redaction
from tap_endorlabs.redaction import Secrets, guarded_log
from tests.harness import Output, Process, config_for
from tests.in_process import run_command

if t.TYPE_CHECKING:
    from pathlib import Path

START = "2026-03-30T00:00:00Z"
KEY = "endr+k/9ü'\"x\\y"
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
    plain |= {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode(), raw.hex(), raw.hex().upper()}
    return plain | {
        "".join(f"\\{byte:03o}" for byte in raw),
        "".join(f"\\u{{{ord(character):x}}}" for character in secret),
        "".join(f"%u{ord(character):04X}" for character in secret),
    }


@pytest.mark.parametrize("user", ["", "u", "us", "endr+user"])
@pytest.mark.parametrize("behind", ["", "@"])
def test_no_secret_comes_out_of_base64_with_a_user(user: str, behind: str) -> None:
    secret = "endr+0123456789abcdef"
    text = base64.b64encode(f"{user}:{secret}{behind}".encode()).decode()
    hidden = Secrets(secret).hide(f"Basic {text}")
    assert "***" in hidden
    left = hidden.removeprefix("Basic ").partition("***")
    assert len(left[2]) <= len("aa=="), left


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
    own_api.fail(Fault.status(400, message=EVERY_FORM), times=None)
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


def in_go(text: str) -> str:
    """As Go writes JSON that may stand in HTML."""
    return re.sub("[<>&]", lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False)[1:-1])


ESCAPES: dict[str, t.Callable[[str], str]] = {
    "HTML": html.escape,
    "HTML of Go": lambda text: html.escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
    "HTML twice": lambda text: html.escape(html.escape(text)),
    "numbers for all": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "JSON of Go": in_go,
    "JSON of PHP": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON, all of it": lambda text: "".join(f"\\u{unit:04X}" for unit in array("H", text.encode("utf-16"))[1:]),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text))[3:-3],
    "URL in URL": lambda text: quote(quote(text, safe=""), safe=""),
    "URL, all of it": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "bytes of Python": lambda text: repr(text.encode())[2:-1],
    "JSON in HTML": lambda text: html.escape(json.dumps(text)[1:-1]),
}


@pytest.mark.parametrize("secret", [KEY, SECRET, "endr+<a>&'b\"/c", "na\u00efve-\U0001f511-key"], ids=ascii)
@pytest.mark.parametrize("name", ESCAPES)
def test_a_secret_is_hidden_however_a_server_escapes_it(name: str, secret: str) -> None:
    escaped = ESCAPES[name](secret)
    assert Secrets(secret).hide(f"the key {escaped} is wrong") == "the key *** is wrong"


@pytest.mark.parametrize("around", ["{}\n", " {}", '"{}"', "\u201c{}\u201d", "\u00a0{}\u200b"], ids=ascii)
def test_a_secret_is_hidden_without_what_copying_put_around_it(around: str) -> None:
    assert Secrets(around.format(SECRET)).hide(f"{SECRET}: unknown") == "***: unknown"


@pytest.mark.parametrize("name", ["api_key", "api_secret"])
def test_a_credential_that_is_refused_is_shown_in_no_form(name: str, api: FakeEndorApi, tmp_path: Path) -> None:
    config = settings_for(api, **{name: f'"{SECRET}"\n', "namespace": SECRET})
    output = run_command(tmp_path, config=config)
    assert (output.code, api.requests) == (1, [])
    assert any(line.startswith(f"Setting {name} has a quote, a line break around it") for line in output.errors)
    assert not any(form in output.stderr + output.stdout for form in forms_of(SECRET))


@pytest.mark.faults
def test_no_part_of_a_secret_is_shown_where_a_message_is_cut(api: FakeEndorApi, tmp_path: Path) -> None:
    long = "endr+" + "0123456789" * 300
    # Hidden, the secrets before the cut are so short that what is cut through would be shown.
    api.secret = long
    api.fail(Fault.status(400, message=f"no {long * 6} {long * 3}"), where="list", times=None)
    output = run_command(tmp_path, config=config_for(api, api_secret=long, start_date=START))
    assert output.code == 1
    assert "answered 400: no ******" in output.stderr
    assert "0123456789" not in output.stderr


def test_the_pattern_of_a_token_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run may get a token for every few requests."""
    made: list[str] = []
    form = redaction._plain_form

    def noted(text: str) -> re.Pattern[str]:
        made.append(text)
        return form(text)

    monkeypatch.setattr(redaction, "_plain_form", noted)
    secrets = Secrets()
    tokens = [f"token-{number:03}" for number in range(100)]
    for token in [*tokens, tokens[0]]:
        secrets.add(token)
    assert made == tokens
    assert secrets.hide(f"{tokens[0]} and {tokens[99]}") == "*** and ***"


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
