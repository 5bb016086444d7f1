"""Settings are refused in one line that names them, before anything is sent."""

from __future__ import annotations

import datetime as dt
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_endorlabs.settings import OWN_SETTINGS, Settings
from tap_endorlabs.tap import TapEndorLabs
from tap_endorlabs.validation import find_environment_faults, find_faults

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
LEAST = {"namespace": "acme", "api_key": "the-key", "api_secret": "the-secret"}


def faults(**changes: t.Any) -> list[str]:
    schema = dict(TapEndorLabs.config_jsonschema)
    TapEndorLabs.append_builtin_config(schema)
    return find_faults({**LEAST, **changes}, schema, NOW)


def test_the_least_settings_suffice_and_the_rest_have_their_defaults() -> None:
    assert faults() == []
    assert Settings.of(LEAST) == Settings(
        namespace="acme",
        api_key="the-key",
        api_secret="the-secret",
        start_date=None,
        end_date=None,
        traverse=True,
        filter=None,
        include_archived=True,
        lookback_seconds=300,
        completeness_check="auto",
        replace_null_characters=False,
        concurrency=4,
        page_size=500,
        request_timeout=120,
        api_url="https://api.endorlabs.com",
    )


def test_null_and_blank_mean_absent() -> None:
    blank: dict[str, t.Any] = {"start_date": None, "filter": "", "page_size": None, "api_url": "", "traverse": None}
    assert faults(**blank) == []
    assert Settings.of({**LEAST, **blank}) == Settings.of(LEAST)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"namespace": None}, "Setting namespace is required: The Endor Labs organization"),
        ({"api_key": ""}, "Setting api_key is required: API key with permission"),
        ({"api_secret": " "}, "Setting api_secret is required"),
        ({"namespace": "a/b"}, "Setting namespace takes letters, digits, - and _, with dots"),
        ({"namespace": "acme..prod"}, "Setting namespace takes"),
        ({"namespace": "acme\n"}, "Setting namespace takes"),
        ({"namespace": "../../v1/auth"}, "Setting namespace takes"),
        ({"namespace": 7}, "Setting namespace takes a string, not 7."),
        ({"start_date": "soon"}, "Setting start_date takes a time such as 2024-11-13T15:30:45Z, not 'soon'."),
        ({"end_date": "2024-13-01"}, "Setting end_date takes a time"),
        ({"start_date": "2026-01-01T00:00:01Z"}, "Setting start_date lies in the future: 2026-01-01T00:00:01.000000Z."),
        (
            {"start_date": "2025-02-01", "end_date": "2025-01-01"},
            "Setting start_date (2025-02-01T00:00:00.000000Z) lies after end_date",
        ),
        ({"traverse": "maybe"}, "Setting traverse takes true or false, not 'maybe'."),
        ({"lookback_seconds": -1}, "Setting lookback_seconds takes an integer of at least 0, not -1."),
        ({"concurrency": 0}, "Setting concurrency takes an integer from 1 to 32, not 0."),
        ({"concurrency": 33}, "Setting concurrency takes an integer from 1 to 32, not 33."),
        ({"page_size": 501}, "Setting page_size takes an integer from 1 to 500, not 501."),
        ({"page_size": 0}, "Setting page_size takes an integer from 1 to 500, not 0."),
        ({"page_size": "10"}, "Setting page_size takes an integer from 1 to 500, not '10'."),
        ({"request_timeout": 0}, "Setting request_timeout takes an integer of at least 1, not 0."),
        ({"filter": "spec.operation=='A') or (meta.name exists"}, "Setting filter takes an expression whose quotes"),
        ({"filter": "spec.operation=='A"}, "Setting filter takes"),
        ({"filter": "(spec.operation=='A'"}, "Setting filter takes"),
        ({"filter": "  "}, "Setting filter takes"),
        ({"api_url": "http://api.endorlabs.com"}, "Setting api_url takes an https URL"),
        (
            {"api_url": "https://key:secret@api.endorlabs.com"},
            (
                "Setting api_url takes an https URL without a query (plain http only to a loopback address), "
                "not 'https://***@api.endorlabs.com'."
            ),
        ),
        ({"api_url": "https://api.endorlabs.com?x=1"}, "Setting api_url takes"),
        ({"api_url": "http://127.0.0.1.evil.example"}, "Setting api_url takes"),
        ({"api_url": "ftp://localhost"}, "Setting api_url takes"),
        ({"api_url": "https://[::1"}, "Setting api_url takes"),
        ({"api_url": "api.endorlabs.com"}, "Setting api_url takes"),
        ({"start_dat": "2024-01-01"}, "There is no setting start_dat. Did you mean start_date?"),
        ({"zzz": 1}, "There is no setting zzz. See tap-endorlabs --about"),
        ({"flattening_max_depth": "deep"}, "Setting flattening_max_depth: 'deep' is not of type 'integer', 'null'."),
    ],
    ids=str,
)
def test_a_fault_is_one_line_that_names_the_setting(changes: dict[str, t.Any], line: str) -> None:
    (fault,) = faults(**changes)
    assert fault.startswith(line)
    assert "\n" not in fault


def test_a_secret_of_the_wrong_type_is_not_shown() -> None:
    assert faults(api_secret=12345678) == ["Setting api_secret takes a string, not what was given."]


@pytest.mark.parametrize(
    "url", ["http://localhost:8080", "http://127.0.0.2", "http://[::1]:9", "https://eu.endor.example/api/"]
)
def test_https_is_needed_but_on_a_loopback_address(url: str) -> None:
    assert faults(api_url=url) == []
    assert not Settings.of({**LEAST, "api_url": url}).api_url.endswith("/")


@pytest.mark.parametrize("expression", ["spec.operation=='A'", "a==')' and (b==\"(\")", r"a=='it\'s ('"])
def test_a_closed_filter_is_taken(expression: str) -> None:
    assert faults(filter=expression) == []


@given(st.text(alphabet="()'\"\\ax", max_size=12))
def test_no_filter_gets_out_of_its_parentheses(expression: str) -> None:
    if expression.strip() and not faults(filter=expression):
        depth, quote, text = 0, "", iter(expression)
        for character in text:
            if quote:
                if character == "\\":
                    next(text)
                elif character == quote:
                    quote = ""
            elif character in "'\"":
                quote = character
            depth += (not quote) * {"(": 1, ")": -1}.get(character, 0)
            assert depth >= 0
        assert (depth, quote) == (0, "")


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("PAGE_SIZE", "ten", "Setting page_size takes an integer, not 'ten' (TAP_ENDORLABS_PAGE_SIZE)."),
        ("TRAVERSE", "maybe", "Setting traverse takes true or false, not 'maybe' (TAP_ENDORLABS_TRAVERSE)."),
    ],
)
def test_environment_variables_are_checked(name: str, value: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAP_ENDORLABS_LOOKBACK_SECONDS", "5")
    assert find_environment_faults("TAP_ENDORLABS_") == []
    monkeypatch.setenv(f"TAP_ENDORLABS_{name}", value)
    assert find_environment_faults("TAP_ENDORLABS_") == [line]


def test_every_setting_is_explained_and_secrets_are_marked() -> None:
    for schema in OWN_SETTINGS.values():
        assert schema["title"]
        assert schema["description"].endswith(".")
    assert {name for name, schema in OWN_SETTINGS.items() if schema.get("secret")} == {"api_key", "api_secret"}
