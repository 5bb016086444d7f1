"""The pipelines that are measured: this project, another revision of it, and those of others."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import typing as t
from pathlib import Path

import yaml

from benchmarks.cases import COMPETITORS
from benchmarks.environments import FOLDER, OWN_BINARIES, binaries_for, install
from benchmarks.measure import config_for
from benchmarks.pipelines.pipeline import TARGETS, Pipeline, Place

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from benchmarks.cases import Competitor

ROOT = Path(__file__).parent.parent.parent
OURS = COMPETITORS["ours"].label
STOCK = COMPETITORS["stock_sdk"].label
SHIPPED = {"TARGET_POSTGRES_USE_COPY": "true", "TARGET_POSTGRES_VALIDATE_RECORDS": "false"}
"""How `meltano.yml` sets the target of PostgreSQL."""

HUB_VALUES = {"destination_path": "output", "do_timestamp_file": False}
"""How Meltano Hub sets target-jsonl."""


def meltano(
    project: Path, target: str, variables: Callable[[Place], Mapping[str, str]]
) -> Callable[[Place], list[str]]:
    """Give what makes the command line of a pipeline in a Meltano project."""
    plugins = yaml.safe_load((project / "meltano.yml").read_text())["plugins"]
    (extractor,) = plugins["extractors"]
    values = {setting["name"]: setting.get("value") for loader in plugins["loaders"] for setting in loader["settings"]}

    def command(place: Place) -> list[str]:
        # A file of its own, by the setting that costs what the shipped ones cost.
        file = (
            {"TARGET_JSONL_DESTINATION_PATH": str(place.folder)}
            if values["destination_path"]
            else {"TARGET_JSONL_CUSTOM_NAME": f"{place.folder}/audit_logs"}
        )
        own = {
            "MELTANO_CLI_DISABLE_VERSION_CHECK": "true",
            "MELTANO_DATABASE_URI": f"sqlite:///{place.folder}/meltano.db",
            **file,
            "TARGET_POSTGRES_SQLALCHEMY_URL": place.url,
            "TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": "tap_endorlabs",
            **variables(place),
        }
        settings = [f"{name}={value}" for name, value in own.items()]
        program = str(ROOT / ".tools/meltano/bin/meltano")
        return ["env", *settings, program, f"--cwd={project}", "run", extractor["name"], target]

    return command


def variables_of(prefix: str, place: Place) -> dict[str, str]:
    """Give a tap's settings as environment variables."""
    return {f"{prefix}_{name.upper()}": str(value) for name, value in place.config.items()}


def ours(target: str, project: Path = ROOT, label: str = OURS) -> Pipeline:
    """Give the pipeline of this project, with the settings that are shipped."""
    return Pipeline(target, label, meltano(project, target, lambda place: variables_of("TAP_ENDORLABS", place)))


def stock_project(uv: str) -> Path:
    """Make a Meltano project with the stock tap and the targets as they are installed; give its folder."""
    tap = binaries_for(COMPETITORS["stock_sdk"], uv)
    folder = (FOLDER / "pipelines").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "tap-stock"
    python = t.cast("Path", tap).absolute() / "python"
    script.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{python}" -m benchmarks.competitors.stock_sdk "$@"\n')
    script.chmod(0o755)
    shipped = yaml.safe_load((ROOT / "meltano.yml").read_text())["plugins"]["loaders"]
    own = [{"name": name} for name in config_for("", dt.datetime.now(dt.timezone.utc))]
    extractor = {
        "name": "tap-stock",
        "namespace": "tap_stock",
        "executable": str(script),
        "capabilities": ["catalog", "discover", "state"],
        "settings": own,
        "select": ["audit_logs.*"],
    }
    loaders = []
    for loader in shipped:
        name = loader["name"]
        binaries = install(name.replace("-", "_"), str(OWN_BINARIES / "python"), uv)
        # Without its kind a setting would reach the target as text; one of options needs them, too.
        settings = [
            {"name": setting["name"], "value": HUB_VALUES.get(setting["name"])}
            | ({} if setting["kind"] == "options" else {"kind": setting["kind"]})
            for setting in loader["settings"]
        ]
        loaders.append(
            {
                "name": name,
                "namespace": loader["namespace"],
                "executable": str(binaries.absolute() / name),
                "settings": settings,
            }
        )
    project = {
        "version": 1,
        "send_anonymous_usage_stats": False,
        "default_environment": "dev",
        "environments": [{"name": "dev"}],
        "plugins": {"extractors": [extractor], "loaders": loaders},
    }
    (folder / "meltano.yml").write_text(yaml.safe_dump(project))
    return folder


def other_pipelines(uv: str) -> Iterator[Pipeline]:
    """Give the pipelines of others, as far as they can land in JSON lines or PostgreSQL."""
    project = stock_project(uv)
    for target in TARGETS:
        yield Pipeline(target, STOCK, meltano(project, target, lambda place: variables_of("TAP_STOCK", place)))
    # What comes of the tap, and not of the settings.
    command = meltano(project, TARGETS[1], lambda place: variables_of("TAP_STOCK", place) | SHIPPED)
    yield Pipeline(TARGETS[1], f"{STOCK}, target set as ours", command)
    for name, target, files in (
        ("dlt_rest_api", TARGETS[0], COMPETITORS["dlt_rest_api"].files),
        ("airbyte_declarative", TARGETS[0], "stdout"),
        ("dlt_rest_api", TARGETS[1], ""),
    ):
        one = COMPETITORS[name]
        command = _command_of(one, t.cast("Path", binaries_for(one, uv)))
        label = f"{one.label} (messages)" if files == "stdout" else one.label
        yield Pipeline(target, label, command, files, "endor_labs.audit_logs", is_slow=True)


def _command_of(competitor: Competitor, binaries: Path) -> Callable[[Place], list[str]]:
    def command(place: Place) -> list[str]:
        config = place.folder / "config.json"
        config.write_text(json.dumps(place.config))
        places = {"bin": str(binaries), "config": str(config), "folder": str(place.folder)}
        return [*(part.format_map(places) for part in competitor.command), *([place.url] if place.database else [])]

    return command


def revision(name: str) -> Path:
    """Check a revision out into a folder of its own, and install what its pipelines need; give the folder."""
    folder = (FOLDER / f"at-{name}").resolve()
    git, make = (shutil.which(program) or program for program in ("git", "make"))
    if not folder.exists():
        subprocess.run([git, "clone", "--quiet", str(ROOT), str(folder)], check=True)
    commit = subprocess.run([git, "-C", str(ROOT), "rev-parse", name], check=True, capture_output=True, text=True)
    subprocess.run([git, "-C", str(folder), "fetch", "--quiet", "origin"], check=True)
    subprocess.run([git, "-C", str(folder), "checkout", "--quiet", commit.stdout.strip()], check=True)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    subprocess.run([make, "-C", str(folder), ".meltano/.targets-installed"], check=True, env=environment)
    return folder
