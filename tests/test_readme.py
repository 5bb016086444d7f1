"""What README, docs and meltano.yml say is what the tap takes and does."""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from scripts.generate import settings_in_short, texts
from tap_endorlabs.api.records import Event
from tap_endorlabs.ocsf.mapper import OcsfMapper
from tap_endorlabs.ocsf.settings import SETTINGS_SCHEMA as OCSF_SETTINGS
from tap_endorlabs.settings import OWN_SETTINGS, SETTINGS_SCHEMA, VARIABLES
from tap_endorlabs.streams import STREAMS
from tap_endorlabs.sync.bookmark import Scope
from tap_endorlabs.sync.lateness import Lateness
from tap_endorlabs.sync.messages import to_record
from tap_endorlabs.sync.progress import Outcome
from tap_endorlabs.sync.state import bookmark_of
from tap_endorlabs.tap import TapEndorLabs
from tap_endorlabs.timestamps import earlier, normalize
from tests.markers import between

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PROJECT = yaml.safe_load((ROOT / "meltano.yml").read_text())
EXTRACTOR = PROJECT["plugins"]["extractors"][0]
BY_NAME = {setting["name"]: setting for setting in EXTRACTOR["settings"]}


def schema_of(stream: str) -> dict[str, t.Any]:
    return dict(TapEndorLabs(config={}, validate_config=False).streams[stream].schema)


def document(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def samples(text: str) -> list[dict[str, t.Any]]:
    return [json.loads(block.split("```")[0]) for block in text.split("```json\n")[1:]]


def test_the_readme_has_the_table_of_settings() -> None:
    table = between(README, "settings")
    wanted = "\n".join(settings_in_short())
    assert table == wanted, f"Paste this between the markers:\n{wanted}"


def test_the_readme_is_short() -> None:
    assert len(README.split()) <= 1000


@pytest.mark.parametrize("path", texts())
def test_what_is_generated_is_up_to_date(path: str) -> None:
    assert (ROOT / path).read_text() == texts()[path], "make generate"


def test_the_hub_is_told_of_every_setting() -> None:
    # What the hub's JSON schema asks for and allows.
    definition = yaml.safe_load((ROOT / "hub/tap-endorlabs.yml").read_text())
    assert {"name", "namespace", "variant", "quality", "pip_url", "executable", "label"} <= definition.keys()
    assert [setting["name"] for setting in definition["settings"]] == list(BY_NAME)
    kinds = {"object", "string"}
    for setting in definition["settings"]:
        assert setting.keys() <= {"name", "kind", "label", "description", "value", "sensitive", "options"}
        assert setting["kind"] in kinds
    secrets = {setting["name"] for setting in definition["settings"] if setting.get("sensitive")}
    assert secrets == {"api_key", "api_secret"}


def test_the_example_sets_each_variable_and_no_secret() -> None:
    variables = dict(re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    wanted = {VARIABLES.get(name, f"TAP_ENDORLABS_{name.upper()}") for name in OWN_SETTINGS}
    assert wanted == variables.keys()
    assert {variables[VARIABLES[name]] for name in ("api_key", "api_secret")} == {""}


@pytest.mark.parametrize("name", OWN_SETTINGS)
def test_meltano_offers_the_setting_as_it_is(name: str) -> None:
    schema, setting = OWN_SETTINGS[name], BY_NAME[name]
    assert setting["label"] == schema["title"]
    assert setting["description"] == schema["description"]
    # Of any other kind Meltano would cast what was set, before the tap can judge it.
    assert setting["kind"] == "string"
    assert setting.get("sensitive", False) == schema.get("secret", False)
    # Without that variable the tap's own default holds.
    assert setting.get("value") == (f"${VARIABLES[name]}" if name in VARIABLES else schema.get("default"))


def test_meltano_offers_no_setting_that_the_tap_does_not_know() -> None:
    schema: dict[str, t.Any] = {"properties": dict(SETTINGS_SCHEMA["properties"])}
    TapEndorLabs.append_builtin_config(schema)
    assert BY_NAME.keys() <= schema["properties"].keys()


def test_meltano_asks_no_hub_and_sends_no_statistics() -> None:
    plugins = [*PROJECT["plugins"]["extractors"], *PROJECT["plugins"]["loaders"]]
    assert all({"namespace", "pip_url", "executable", "settings"} <= plugin.keys() for plugin in plugins)
    assert [plugin["name"] for plugin in plugins] == ["tap-endorlabs", "target-jsonl", "target-postgres"]
    (mapper,) = PROJECT["plugins"]["mappers"]
    assert {"namespace", "pip_url", "executable", "mappings"} <= mapper.keys()
    assert PROJECT["send_anonymous_usage_stats"] is False
    assert {environment["name"] for environment in PROJECT["environments"]} == {"dev", "prod", "demo"}


@pytest.mark.parametrize("name", STREAMS)
def test_the_tables_of_fields_have_every_field(name: str) -> None:
    schema = schema_of(name)
    tables = document("records.md").split("| field | what it is |")[1:]
    rows = [row for table in tables for row in table.split("\n\n")[0].splitlines()]
    for field, inner in schema["properties"].items():
        own = [row for row in rows if row.startswith((f"| `{field}`", f"| `{field}."))]
        for part in inner.get("properties", {}):
            assert any(f"`{part}`" in row or f"`{field}.{part}`" in row for row in own), f"{field}.{part}"
        assert own, field


def test_the_sample_is_a_record_as_the_tap_emits_it() -> None:
    (sample,) = samples(README)
    item = {name: value for name, value in sample.items() if name != "create_time"}
    event = Event(normalize(item["meta"]["create_time"]), item["uuid"], json.dumps(item).encode())
    assert sample == to_record(event)
    assert list(sample)[-1] == "create_time"
    Draft202012Validator(schema_of("audit_logs")).validate(sample)


def test_a_run_makes_the_second_state_of_the_first() -> None:
    before, after = (sample["bookmarks"]["audit_logs"] for sample in samples(document("incremental-sync.md")))
    bookmark = bookmark_of(before)
    assert bookmark is not None
    assert bookmark.to_state(Scope("acme", traverse=True, filter=None)) == before
    bookmark.limit = earlier("2026-11-22T10:10:00.000000Z", OWN_SETTINGS["lookback_seconds"]["default"])
    news = [Event(time, uuid, b"") for time, uuid in after["emitted"]]
    lateness = Lateness(bookmark.read_to, OWN_SETTINGS["lookback_seconds"]["default"])
    lateness.note(news)
    assert f"late by at least {lateness.latest_by:.0f} seconds" in document("incremental-sync.md")
    bookmark.note(news)
    bookmark.read_to = "2026-11-22T10:10:00.000000Z"
    assert bookmark.to_state(Scope("acme", traverse=True, filter=None)) == after


def test_the_mapper_takes_what_its_mappings_say() -> None:
    (mapper,) = PROJECT["plugins"]["mappers"]
    settings = {mapping["name"]: OcsfMapper(config=mapping["config"]).config for mapping in mapper["mappings"]}
    assert {name: given["key_column"] for name, given in settings.items()} == {"ocsf": False, "ocsf-table": True}
    assert {given["version"] for given in settings.values()} == {OCSF_SETTINGS["properties"]["version"]["default"]}


def test_the_architecture_names_every_module() -> None:
    modules = {path.name for path in (ROOT / "tap_endorlabs").rglob("*.py")} - {"__init__.py", "__main__.py"}
    assert {module for module in modules if f"`{module}`" in document("architecture.md")} == modules


def test_the_fields_of_the_closing_line_are_named() -> None:
    assert {field.name for field in fields(Outcome) if f"`{field.name}`" not in document("how-to/monitor.md")} == set()
