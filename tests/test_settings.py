"""Settings are refused in one line that names them, before anything is sent."""

from __future__ import annotations

import datetime as dt
import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.exceptions import ConfigValidationError

from tap_endorlabs.settings import OWN_SETTINGS, Settings
from tap_endorlabs.tap import TapEndorLabs
from tap_endorlabs.validation import find_errors

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
LEAST = {"namespace": "acme", "api_key": "the-key", "api_secret": "the-secret"}
NAMESPACE = "letters, digits, - and _, with dots between the levels, such as acme or acme.prod"
BATCH: dict[str, t.Any] = {"encoding": {"format": "jsonl"}, "storage": {"root": "/srv"}}
TIME = "a date or time from 1970 on, such as 2024-11-13, 2024-11-13T15:30:45Z or 2024-11-13T15:30:45+02:00"


def faults(**changes: t.Any) -> list[str]:
    return judged(**changes)[0]


def judged(**changes: t.Any) -> tuple[list[str], dict[str, t.Any]]:
    """Give what is wrong with the settings, and what became of them."""
    schema = dict(TapEndorLabs.config_jsonschema)
    TapEndorLabs.append_builtin_config(schema)
    config = {**LEAST, **changes}
    return find_errors(config, schema, NOW), config


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
    blank: dict[str, t.Any] = {"start_date": None, "filter": "", "page_size": " ", "api_url": "", "traverse": None}
    blank |= {"stream_maps": None, "include_archived": "", "lookback_seconds": None}
    assert faults(**blank) == []
    assert Settings.of(judged(**blank)[1]) == Settings.of(LEAST)


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        *(("traverse", text, True) for text in ("true", "True", "TRUE", "yes", "on", "1", " true ", True)),
        *(("traverse", text, False) for text in ("false", "False", "no", "off", "0", False)),
        ("replace_null_characters", "on", True),
        ("concurrency", "4", 4),
        ("concurrency", "+4", 4),
        ("page_size", " 100\n", 100),
        ("page_size", 100.0, 100),
        ("lookback_seconds", "0", 0),
        ("completeness_check", "never", "never"),
        ("completeness_check", " Auto\n", "auto"),
        ("flattening_enabled", "no", False),
        ("flattening_max_depth", "1", 1),
        ("stream_maps", '{"audit_logs": {"x": "uuid"}}', {"audit_logs": {"x": "uuid"}}),
        ("batch_config", BATCH | {"batch_size": " 100 "}, BATCH | {"batch_size": 100}),
        ("batch_config", json.dumps(BATCH | {"batch_size": "100"}), BATCH | {"batch_size": 100}),
        ("batch_config", BATCH | {"batch_size": None}, BATCH),
        ("batch_config", BATCH | {"batch_size": ""}, BATCH),
    ],
)
def test_text_is_taken_for_what_it_says(name: str, given: t.Any, value: t.Any) -> None:
    found, config = judged(**{name: given})
    assert found == []
    assert config[name] == value
    assert type(config[name]) is type(value)


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        ("2026-01-01", "2026-01-01T00:00:00.000000Z"),
        ("2025-12-31T23:00:00-01:00", "2026-01-01T00:00:00.000000Z"),
        # As Meltano writes a time of YAML.
        ("2026-01-01T00:00:00", "2026-01-01T00:00:00.000000Z"),
        ("2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00.000000Z"),
    ],
)
def test_dates_are_taken_in_the_forms_that_the_message_names(text: str, stamp: str) -> None:
    assert faults(start_date=text) == []
    assert Settings.of({**LEAST, "start_date": text}).start_date == stamp


@pytest.mark.parametrize("name", ["api_key", "api_secret"])
@pytest.mark.parametrize(
    ("before", "after", "seen"),
    [
        (" ", "", "a blank around it"),
        ("", "\n", "a line break around it"),
        ("", "\r\n", "a line break around it"),
        ("\t", "\u00a0", "a tab, a no-break space around it"),
        ("\ufeff", "", "a zero width no-break space around it"),
        ("", "\u200b", "a zero width space around it"),
        ("", "\x00", "the character U+0000 around it"),
        ('"', '"', "a quote around it"),
        ("'", "'", "a quote around it"),
        ("\u201c", "\u201d\n", "a left double quotation mark, a right double quotation mark, a line break around it"),
    ],
    ids=ascii,
)
def test_what_copying_put_around_a_credential_is_named(name: str, before: str, after: str, seen: str) -> None:
    line = f"Setting {name} has {seen}: set it without, as Endor Labs showed it."
    assert faults(**{name: f"{before}endr+0123456789{after}"}) == [line]


@pytest.mark.parametrize("character", [" ", "\n", "\u00a0", "\u200b", "\u2028", "\x1b"])
def test_a_space_or_unseen_character_in_a_credential_is_named(character: str) -> None:
    (line,) = faults(api_key=f"endr+{character}0123456789")
    assert line.startswith("Setting api_key has ")
    assert " in it: set it without" in line
    assert "endr" not in line


@pytest.mark.parametrize("credential", ["endr+0123456789", "a-b_c.d/e=", "it's", 'a"b', "\u00fcber"])
def test_other_credentials_are_left_to_the_api(credential: str) -> None:
    assert faults(api_key=credential, api_secret=credential) == []


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("acme.endorlabs.com", "acme"),
        ("ACME.ENDORLABS.COM", "ACME"),
        ("acme.prod.endorlabs.com", "acme.prod"),
        ("https://acme.endorlabs.com/", "acme"),
        ("https://app.endorlabs.com/t/acme/dashboard", "acme"),
        ("app.endorlabs.com/t/acme.prod?x=1", "acme.prod"),
        ("https://api.endorlabs.com/v1/namespaces/acme/audit-logs", "acme"),
        (" acme ", "acme"),
        ("acme\u00a0", "acme"),
        ('"acme"', "acme"),
        (".acme", "acme"),
        ("acme.", "acme"),
        ("acme..prod", "acme.prod"),
        ("acme . prod", "acme.prod"),
        ("acme/", "acme"),
        ("https://app.endorlabs.com/", None),
        ("api.endorlabs.com", None),
        ("endorlabs.com", None),
        ("Acme Corporation", None),
        ("acme/prod", None),
        ("../../v1/auth", None),
    ],
    ids=ascii,
)
def test_the_namespace_that_was_meant_is_named(given: str, meant: str | None) -> None:
    (line,) = faults(namespace=given)
    assert line.startswith(f"Setting namespace takes {NAMESPACE}, not ")
    assert line.partition(" Did you mean ")[2] == (f"{meant}?" if meant else "")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"namespace": None},
            "Setting namespace is required (ENDOR_NAMESPACE with Meltano, TAP_ENDORLABS_NAMESPACE with --config ENV): ",
        ),
        ({"api_key": ""}, "Setting api_key is required (ENDOR_API_CREDENTIALS_KEY with Meltano, "),
        ({"api_secret": " "}, "Setting api_secret is required"),
        ({"namespace": "a/b"}, "Setting namespace takes letters, digits, - and _, with dots"),
        ({"namespace": "acme..prod"}, "Setting namespace takes"),
        ({"namespace": "acme\n"}, "Setting namespace takes"),
        ({"namespace": "../../v1/auth"}, "Setting namespace takes"),
        ({"namespace": 7}, f"Setting namespace takes {NAMESPACE}, not 7."),
        ({"start_date": "soon"}, f"Setting start_date takes {TIME}, not 'soon'."),
        ({"start_date": "01.11.2026"}, f"Setting start_date takes {TIME}, not '01.11.2026'."),
        ({"start_date": 20261101}, f"Setting start_date takes {TIME}, not 20261101."),
        ({"end_date": "2024-13-01"}, f"Setting end_date takes {TIME}"),
        (
            {"start_date": "2026-01-01T00:00:01Z"},
            "Setting start_date lies in the future: 2026-01-01T00:00:01.000000Z. Check its year and time zone.",
        ),
        (
            {"start_date": "2025-02-01", "end_date": "2025-01-01"},
            "Setting start_date (2025-02-01T00:00:00.000000Z) lies after end_date",
        ),
        ({"traverse": "maybe"}, "Setting traverse takes true or false, not 'maybe'."),
        ({"lookback_seconds": -1}, "Setting lookback_seconds takes an integer from 0 to 2592000, not -1."),
        ({"concurrency": 0}, "Setting concurrency takes an integer from 1 to 32, not 0."),
        ({"concurrency": 33}, "Setting concurrency takes an integer from 1 to 32, not 33."),
        ({"page_size": 501}, "Setting page_size takes an integer from 1 to 500, not 501."),
        ({"page_size": 0}, "Setting page_size takes an integer from 1 to 500, not 0."),
        ({"page_size": "ten"}, "Setting page_size takes an integer from 1 to 500, not 'ten'."),
        ({"page_size": "501"}, "Setting page_size takes an integer from 1 to 500, not 501."),
        ({"page_size": "9" * 5000}, "Setting page_size takes an integer from 1 to 500, not '999"),
        ({"page_size": 1.5}, "Setting page_size takes an integer from 1 to 500, not 1.5."),
        ({"page_size": True}, "Setting page_size takes an integer from 1 to 500, not True."),
        ({"completeness_check": "maybe"}, "Setting completeness_check takes auto, always or never, not 'maybe'."),
        ({"completeness_check": True}, "Setting completeness_check takes auto, always or never, not True."),
        ({"start_date": "0001-01-01"}, f"Setting start_date takes {TIME}, not '0001-01-01'."),
        ({"start_date": "1969-12-31T23:59:59Z"}, f"Setting start_date takes {TIME}"),
        ({"end_date": "2025-01-01"}, "Setting end_date needs start_date: without it the first run reads no past"),
        ({"lookback_seconds": 2592001}, "Setting lookback_seconds takes an integer from 0 to 2592000, not 2592001."),
        ({"request_timeout": 10**12}, "Setting request_timeout takes an integer from 1 to 86400, not 1000000000000."),
        ({"api_key": "\u200b\u200b"}, "Setting api_key has nothing but a zero width space: set it as Endor Labs"),
        ({"api_secret": "''"}, "Setting api_secret has nothing but a quote: set it as"),
        ({"stream_maps": {"audit_logs": "abc"}}, "Setting stream_maps.audit_logs takes an object"),
        ({"replace_null_characters": 2}, "Setting replace_null_characters takes true or false, not 2."),
        ({"request_timeout": 0}, "Setting request_timeout takes an integer from 1 to 86400, not 0."),
        (
            {"filter": "spec.operation=='A') or (meta.name exists"},
            "Setting filter takes an expression, not blank, ",
        ),
        ({"filter": "spec.operation=='A"}, "Setting filter takes"),
        ({"filter": "(spec.operation=='A'"}, "Setting filter takes"),
        ({"filter": "  "}, "Setting filter takes"),
        ({"api_url": "http://api.endorlabs.com"}, "Setting api_url takes an https URL"),
        (
            {"api_url": "https://key:secret@api.endorlabs.com"},
            (
                "Setting api_url takes an https URL such as https://api.endorlabs.com, without a user or a query "
                "(http only to loopback), not 'https://***@api.endorlabs.com'."
            ),
        ),
        ({"api_url": "https://api.endorlabs.com?x=1"}, "Setting api_url takes"),
        ({"api_url": "http://127.0.0.1.evil.example"}, "Setting api_url takes"),
        ({"api_url": "ftp://localhost"}, "Setting api_url takes"),
        ({"api_url": "https://[::1"}, "Setting api_url takes"),
        ({"api_url": "api.endorlabs.com"}, "Setting api_url takes"),
        ({"start_dat": "2024-01-01"}, "There is no setting start_dat. Did you mean start_date?"),
        ({"zzz": 1}, "There is no setting zzz. See --about"),
        ({"flattening_max_depth": "deep"}, "Setting flattening_max_depth takes an integer, not 'deep'."),
        ({"flattening_enabled": "maybe"}, "Setting flattening_enabled takes true or false, not 'maybe'."),
        ({"stream_maps": "{"}, "Setting stream_maps takes an object, not '{'."),
        ({"batch_config": "file:///srv"}, "Setting batch_config takes an object with encoding and storage, not 'file:"),
        ({"batch_config": BATCH | {"encoding": None}}, "Setting batch_config: 'encoding' is a required property."),
        (
            {"batch_config": BATCH | {"encoding": {"format": "csv"}}},
            "Setting batch_config.encoding.format: 'csv' is not one of",
        ),
        (
            {"batch_config": BATCH | {"encoding": {"format": "jsonl", "compression": "zstd"}}},
            "Setting batch_config.encoding.compression: 'zstd' is not one of ['gzip', 'none'].",
        ),
        ({"batch_config": BATCH | {"storage": {}}}, "Setting batch_config.storage: 'root' is a required property."),
        ({"batch_config": BATCH | {"storage": "/srv"}}, "Setting batch_config.storage: '/srv' is not of type"),
        *(
            (
                {"batch_config": BATCH | {"storage": {"root": root}}},
                "Setting batch_config.storage.root takes a folder, or the URL of one, that the target can read, too, ",
            )
            for root in ("", "memory://x", 5)
        ),
        *(
            (
                {"batch_config": BATCH | {"storage": {"root": "/srv", "prefix": prefix}}},
                "Setting batch_config.storage.prefix takes what the names of the files begin with, without a folder, ",
            )
            for prefix in ("sub/logs-", "../logs-", "\\logs-", 5)
        ),
        (
            {"batch_config": BATCH | {"batch_size": "ten"}},
            "Setting batch_config.batch_size takes an integer from 1 on, ",
        ),
        (
            {"batch_config": BATCH | {"size": 1}},
            "Setting batch_config: Additional properties are not allowed ('size' was",
        ),
    ],
    ids=str,
)
def test_a_fault_is_one_line_that_names_the_setting(changes: dict[str, t.Any], line: str) -> None:
    (fault,) = faults(**changes)
    assert fault.startswith(line)
    assert "\n" not in fault


@pytest.mark.parametrize("secret", ["endr+SECR3T", "the-secret", "endr%2BSECR3T"])
@pytest.mark.parametrize(
    "place",
    [
        lambda secret: {"namespace": f"{secret}!"},
        lambda secret: {"namespace": f" {secret}"},
        lambda secret: {"start_date": secret},
        lambda secret: {"page_size": secret},
        lambda secret: {"filter": f"a=='{'x' * 85}{secret}"},
        lambda secret: {"api_url": f"ftp://{secret}"},
        lambda secret: {f"{secret}": "1"},
        lambda secret: {"stream_maps": {secret: secret}},
        lambda secret: {"batch_config": {"encoding": {"format": secret}}},
        lambda secret: {"batch_config": {"storage": {"root": f"memory://{secret}"}}},
    ],
)
def test_a_secret_in_the_wrong_field_is_not_shown(place: Callable[[str], dict[str, t.Any]], secret: str) -> None:
    lines = "".join(faults(**place(secret)))
    assert "***" in lines
    assert secret[5:9] not in lines.replace("api_secret", "")


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
        ("PAGE_SIZE", "ten", "Setting page_size takes an integer from 1 to 500, not 'ten'."),
        ("TRAVERSE", "maybe", "Setting traverse takes true or false, not 'maybe'."),
        ("FLATTENING_ENABLED", "maybe", "Setting flattening_enabled takes true or false, not 'maybe'."),
        ("STREAM_MAPS", "{", "Setting stream_maps takes an object, not '{'."),
    ],
)
def test_environment_variables_are_judged_alike(
    name: str, value: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting, text in {**LEAST, "lookback_seconds": "5", "traverse": "off"}.items():
        monkeypatch.setenv(f"TAP_ENDORLABS_{setting.upper()}", text)
    config = TapEndorLabs(parse_env_config=True).config
    assert (config["lookback_seconds"], config["traverse"]) == (5, False)
    monkeypatch.setenv(f"TAP_ENDORLABS_{name}", value)
    with pytest.raises(ConfigValidationError) as caught:
        TapEndorLabs(parse_env_config=True)
    assert caught.value.errors == [line]


def test_a_file_env_does_not_count_more_than_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The SDK would look for one in the folders above its own, and let it win."""
    (tmp_path / ".env").write_text("TAP_ENDORLABS_NAMESPACE=other\nTAP_ENDORLABS_START_DATE=2026-01-01\n")
    monkeypatch.setattr("singer_sdk.configuration._dict_config.find_dotenv", lambda: str(tmp_path / ".env"))
    monkeypatch.chdir(tmp_path)
    for setting, text in LEAST.items():
        monkeypatch.setenv(f"TAP_ENDORLABS_{setting.upper()}", str(text))
    config = TapEndorLabs(parse_env_config=True).config
    assert (config["namespace"], config.get("start_date")) == (LEAST["namespace"], None)


def test_every_setting_is_explained_and_secrets_are_marked() -> None:
    for schema in OWN_SETTINGS.values():
        assert schema["title"]
        assert schema["description"].endswith(".")
    assert {name for name, schema in OWN_SETTINGS.items() if schema.get("secret")} == {"api_key", "api_secret"}
