"""The configuration of the DAGs says what runs, and in one line what is wrong with it."""

from __future__ import annotations

import json
import typing as t

import pytest

from endor_landing.configuration import FILE_VARIABLE, Configuration, ConfigurationError

if t.TYPE_CHECKING:
    from pathlib import Path

GOOD: dict[str, t.Any] = {
    "landing": "file:///srv/endorlabs",
    "first_month": "2025-12",
    "takeover": "2026-02",
    "api_keys": {"endorlabs": ["acme", "globex"]},
}


def load(folder: Path, **changes: t.Any) -> Configuration:
    path = folder / "orchestration.json"
    path.write_text(json.dumps(GOOD | changes))
    return Configuration.load(str(path))


def line_of(path: Path) -> str:
    """Give the line that says what is wrong with a file, without its path."""
    with pytest.raises(ConfigurationError) as caught:
        Configuration.load(str(path))
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{path}: ")
    return line.removeprefix(f"{path}: ")


def test_a_configuration_says_what_runs(tmp_path: Path) -> None:
    configuration = load(tmp_path, settings={"concurrency": 8, "lookback_seconds": 300})
    assert configuration.months == ["2025-12", "2026-01"]
    assert (configuration.concurrency, configuration.lookback_seconds) == (8, 300)


@pytest.mark.parametrize("settings", [{}, {"traverse": True}, {"traverse": None}])
def test_a_parent_and_a_child_are_both_read_only_where_no_run_reads_child_namespaces(
    tmp_path: Path, settings: dict[str, t.Any]
) -> None:
    both = {"one": ["acme"], "two": ["acme.prod"]}
    assert load(tmp_path, api_keys=both, settings={"traverse": False}).api_keys == both
    with pytest.raises(ConfigurationError, match="names acme and a child of it: set traverse to false in settings"):
        load(tmp_path, api_keys=both, settings=settings)


A_FOLDER = "landing takes the URL of a folder"
A_MONTH = "takes a month, such as 2026-11"
API_KEYS = "api_keys takes an object of Airflow connections, each with a list of its namespaces"
SETTINGS = "settings takes an object of settings of the tap, in lower case"
CONCURRENCY = "settings.concurrency takes a whole number from 1 to 32"
LOOKBACK = "settings.lookback_seconds takes a whole number of seconds, 0 or more"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"namespaces": []}, "has the unknown name 'namespaces': there are landing, first_month, takeover, api_keys, "),
        ({"landing": None}, A_FOLDER),
        ({"landing": ""}, A_FOLDER),
        ({"landing": ["file:///srv"]}, A_FOLDER),
        ({"first_month": 202512}, f"first_month {A_MONTH}"),
        ({"first_month": "December"}, f"first_month {A_MONTH}"),
        ({"takeover": "2026-02-15"}, f"takeover {A_MONTH}"),
        ({"takeover": "2026-13"}, f"takeover {A_MONTH}"),
        ({"first_month": "2026-03"}, "first_month lies after takeover"),
        ({"api_keys": {}}, API_KEYS),
        ({"api_keys": ["acme"]}, API_KEYS),
        ({"api_keys": {"endorlabs": "acme"}}, API_KEYS),
        ({"api_keys": {"endorlabs": []}}, API_KEYS),
        ({"api_keys": {"endorlabs": ["acme", ""]}}, API_KEYS),
        ({"api_keys": {"endorlabs": ["acme", None]}}, API_KEYS),
        ({"api_keys": {"endor labs": ["acme"]}}, API_KEYS),
        ({"api_keys": {"endorlabs": ["../acme"]}}, API_KEYS),
        ({"api_keys": {"endorlabs": ["acme..prod"]}}, API_KEYS),
        ({"api_keys": {"one": ["acme"], "two": ["globex", "acme"]}}, "api_keys names the namespace acme twice"),
        ({"schedule": 5}, "schedule takes a text, such as */5 * * * *, or null"),
        ({"schedule": ""}, "schedule takes a text"),
        ({"settings": None}, SETTINGS),
        ({"settings": ["concurrency"]}, SETTINGS),
        ({"settings": {"END_DATE": "2026-01-01T00:00:00Z"}}, SETTINGS),
        (
            {"settings": {"end_date": None, "api_key": "x"}},
            "settings may not have api_key, end_date: the DAGs set these",
        ),
        ({"settings": {"concurrency": "4"}}, CONCURRENCY),
        ({"settings": {"concurrency": 0}}, CONCURRENCY),
        ({"settings": {"concurrency": 33}}, CONCURRENCY),
        ({"settings": {"concurrency": True}}, CONCURRENCY),
        ({"settings": {"concurrency": None}}, CONCURRENCY),
        ({"settings": {"lookback_seconds": 1.5}}, LOOKBACK),
        ({"settings": {"lookback_seconds": -1}}, LOOKBACK),
        ({"settings": {"batch_config": {"storage": {"root": "file:///srv"}}}}, "settings.batch_config takes null, as "),
        ({"tap": None}, "tap takes the path or the name of an executable"),
    ],
)
def test_a_mistake_gets_a_line_with_the_file_and_the_name(tmp_path: Path, changes: dict[str, t.Any], line: str) -> None:
    path = tmp_path / "orchestration.json"
    path.write_text(json.dumps(GOOD | changes))
    assert line_of(path).startswith(line)


@pytest.mark.parametrize("name", GOOD)
def test_a_name_that_is_missing_gets_a_line_that_says_what_it_takes(tmp_path: Path, name: str) -> None:
    path = tmp_path / "orchestration.json"
    path.write_text(json.dumps({other: value for other, value in GOOD.items() if other != name}))
    assert line_of(path).startswith(f"{name} is missing: it takes ")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "is not JSON: Expecting value: line 1 column 1 (char 0)"),
        (b'{\n"landing": "x",\n}', "is not JSON: "),
        (b"\xff", "is not JSON: "),
        (b"[]", "is not a JSON object"),
        (b'"acme"', "is not a JSON object"),
        (b'{"api_keys": {"one": ["acme"], "one": ["globex"]}}', "has 'one' twice in an object"),
    ],
)
def test_a_file_that_holds_no_configuration_gets_a_line(tmp_path: Path, content: bytes, line: str) -> None:
    path = tmp_path / "orchestration.json"
    path.write_bytes(content)
    assert line_of(path).startswith(line)


def test_a_file_that_cannot_be_read_gets_a_line(tmp_path: Path) -> None:
    assert line_of(tmp_path / "elsewhere.json") == "can't be read: No such file or directory"
    assert line_of(tmp_path) == "can't be read: Is a directory"


@pytest.mark.parametrize("value", [None, ""])
def test_an_environment_that_names_no_file_gets_a_line(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv(FILE_VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(FILE_VARIABLE, value)
    with pytest.raises(
        ConfigurationError, match=r"\Athe environment variable ENDORLABS_ORCHESTRATION must name the .*\Z"
    ):
        Configuration.load()


def test_the_environment_names_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "orchestration.json"
    path.write_text(json.dumps(GOOD))
    monkeypatch.setenv(FILE_VARIABLE, str(path))
    assert Configuration.load().api_keys == GOOD["api_keys"]


def test_no_value_shows_in_a_line_as_it_may_be_a_secret(tmp_path: Path) -> None:
    path = tmp_path / "orchestration.json"
    path.write_text(json.dumps(GOOD | {"api_keys": {"endorlabs": {"key": "hidden"}}, "settings": {"concurrency": 4}}))
    assert "hidden" not in line_of(path)
