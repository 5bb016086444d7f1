"""Writes the files that repeat what the code and `meltano.yml` say: `make generate`.

They are `hub/tap-endorlabs.yml`, what MeltanoHub shows of the tap; `.env.example`, the settings as environment
variables; `docs/reference.md`, settings and fields; and the examples in `docs/how-to/ocsf.md`.
"""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import yaml

from scripts.ocsf_examples import with_examples
from tap_endorlabs.ocsf.settings import SETTINGS_SCHEMA as OCSF_SETTINGS
from tap_endorlabs.settings import OWN_SETTINGS, SETTINGS_SCHEMA
from tap_endorlabs.tap import TapEndorLabs
from tests.markers import filled

if t.TYPE_CHECKING:
    from collections.abc import Iterator

OCSF = "docs/how-to/ocsf.md"

_FILLED_IN = {*SETTINGS_SCHEMA["required"], "start_date"}
"""The settings that `.env.example` leaves blank, for a user to fill in."""

_HUB_SHARED = ("name", "namespace", "label", "description", "executable", "capabilities", "settings_group_validation")
_HUB_SETTING = ("name", "kind", "label", "description", "value", "sensitive", "options")
_HUB_OWN = {
    # The hub names variants by who keeps them: put in the owner of the repository.
    "variant": "endorlabs-community",
    "pip_url": "tap-endorlabs",
    "domain_url": "https://www.endorlabs.com",
    "keywords": ["meltano_sdk", "audit logs", "security"],
    "logo_url": "/assets/logos/extractors/endorlabs.png",
    "maintenance_status": "active",
    "quality": "unknown",
    "log_parser": "singer-sdk",
    "supported_python_versions": ["3.10", "3.11", "3.12", "3.13"],
    "select": ["audit_logs.*"],
    "settings_preamble": "The API key needs the role Read-only: *Access Control*, *API Keys*, *Generate API Key*.",
    "next_steps": "`meltano invoke tap-endorlabs --test` tests the API key with one small request.",
    "usage": "Without `start_date` the first run only sets the bookmark. `authentication_logs.*` adds sign-ins.",
}


_HOW_TO_SET = """
- `api_key` and `api_secret` are secrets. `meltano.yml` takes `namespace`, `api_key`, `api_secret` and `api_url` from
  the variables of `endorctl`: `ENDOR_NAMESPACE`, `ENDOR_API_CREDENTIALS_KEY`, `ENDOR_API_CREDENTIALS_SECRET` and
  `ENDOR_API`.
- With `--config ENV` the tap itself reads `TAP_ENDORLABS_NAMESPACE` and so on. Only Meltano reads a file `.env`.
- Booleans and integers may be text (`yes`, `off`, `4`). Dates are written `2024-11-13`, `2024-11-13T15:30:45Z` or with
  an offset. In `meltano.yml` put a time with an offset in quotes, otherwise Meltano drops the offset.
- The SDK adds `stream_maps`, `flattening_enabled`, `batch_config` and more: `tap-endorlabs --about` lists them all.
- The tap refuses a wrong setting before any request, in one line that names it."""


def main() -> None:
    """Write all of them."""
    for path, text in texts().items():
        Path(path).write_text(text)


def texts() -> dict[str, str]:
    """Give the text of each file, by its path."""
    project = yaml.safe_load(Path("meltano.yml").read_text())
    extractor = project["plugins"]["extractors"][0]
    return {
        "hub/tap-endorlabs.yml": yaml.safe_dump(
            hub_definition(extractor), sort_keys=False, allow_unicode=True, width=120
        ),
        ".env.example": "\n".join(environment(extractor)),
        "docs/reference.md": "\n".join(reference()),
        OCSF: with_ocsf(Path(OCSF).read_text()),
    }


def with_ocsf(document: str) -> str:
    """Give the how-to of the mapper with its settings and its examples."""
    rows = [
        f"| `{name}` | {kind_of(schema)} | `{json.dumps(schema['default'])}` | {schema['description']} |"
        for name, schema in OCSF_SETTINGS["properties"].items()
    ]
    table = "\n".join(["| setting | kind | default | meaning |\n|---|---|---|---|", *rows])
    return with_examples(filled(document, "settings", table))


def hub_definition(extractor: dict[str, t.Any]) -> dict[str, t.Any]:
    """Give the hub's definition of the extractor of a `meltano.yml`."""
    settings = [{name: setting[name] for name in _HUB_SETTING if name in setting} for setting in extractor["settings"]]
    return dict(sorted(({name: extractor[name] for name in _HUB_SHARED} | _HUB_OWN | {"settings": settings}).items()))


def environment(extractor: dict[str, t.Any]) -> Iterator[str]:
    """Give the lines that set each setting of the tap's own, those that a user fills in first."""
    yield "# Copy this file to .env, which Meltano reads. Don't share .env: it holds the secret."
    own = [setting for setting in extractor["settings"] if setting["name"] in OWN_SETTINGS]
    for setting in sorted(own, key=lambda one: one["name"] not in _FILLED_IN):
        name = setting["name"]
        value = setting.get("value", "")
        is_variable = str(value).startswith("$")
        variable = value[1:] if is_variable else f"TAP_ENDORLABS_{name.upper()}"
        default = OWN_SETTINGS[name].get("default", "") if is_variable else value
        shown = json.dumps(default) if isinstance(default, bool) else default
        yield f"\n# {setting['description']}"
        yield f"{'' if name in _FILLED_IN else '# '}{variable}={shown}"
    yield ""


def reference() -> Iterator[str]:
    """Give the lines of the reference."""
    yield "# Reference\n\n`make generate` writes this page from the code.\n\n## Settings\n"
    yield from settings_table()
    yield _HOW_TO_SET
    for stream in TapEndorLabs(config={}, validate_config=False).streams.values():
        yield f"\n## Stream `{stream.name}`\n"
        selected = "Selected" if stream.selected_by_default else "Not selected"
        yield f"Key `{stream.primary_keys[0]}`, replication key `{stream.replication_key}`. {selected} by default.\n"
        yield "| field | type | what it is |\n|---|---|---|"
        yield from _field_rows(dict(stream.schema))
    yield ""


def settings_table() -> Iterator[str]:
    """Give the lines of the table of the tap's own settings."""
    yield "| setting | kind | default | meaning |\n|---|---|---|---|"
    for name, schema in OWN_SETTINGS.items():
        default = "required" if name in SETTINGS_SCHEMA["required"] else "none"
        if "default" in schema:
            default = f"`{json.dumps(schema['default'])}`"
        yield f"| `{name}` | {kind_of(schema)} | {default} | {schema['description']} |"


def settings_in_short() -> Iterator[str]:
    """Give the lines of a table of the tap's own settings with their defaults alone."""
    yield "| setting | default |\n|---|---|"
    for name, schema in OWN_SETTINGS.items():
        default = "required" if name in SETTINGS_SCHEMA["required"] else "none"
        yield f"| `{name}` | {json.dumps(schema['default']).strip(chr(34)) if 'default' in schema else default} |"


def kind_of(schema: dict[str, t.Any]) -> str:
    """Give the kind of a setting or field in a word."""
    if schema.get("format") == "date-time":
        return "date-time"
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return " or ".join(kind for kind in types if kind != "null")


def _field_rows(schema: dict[str, t.Any], prefix: str = "") -> Iterator[str]:
    for name, field in schema["properties"].items():
        items = f" of {kind_of(field['items'])}" if "items" in field else ""
        yield f"| `{prefix}{name}` | {kind_of(field)}{items} | {field['description']} |"
        if "properties" in field:
            yield from _field_rows(field, f"{prefix}{name}.")


if __name__ == "__main__":
    main()
