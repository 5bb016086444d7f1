"""The built wheel in a Meltano project of its own, as docs/how-to/meltano-project.md says."""

from __future__ import annotations

import json
import re
import subprocess
import typing as t

import pytest
import yaml

from tests.targets.pipeline import ROOT
from tests.targets.test_documents import api, environment

if t.TYPE_CHECKING:
    from pathlib import Path

    from fake_endor_api import FakeEndorApi

__all__ = ["api"]

pytestmark = [pytest.mark.targets, pytest.mark.timeout(300)]

PAGE = (ROOT / "docs/how-to/meltano-project.md").read_text()
PLUGINS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
(START_DATE,) = re.findall(r"^TAP_ENDORLABS_START_DATE=(\S+)$", PAGE, re.MULTILINE)
MAKE_PROJECT, RUN = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    command = [str(ROOT / ".venv/bin/python"), "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = (tmp_path / "dist").glob("*.whl")
    return path


def run(script: str, folder: Path, variables: dict[str, str]) -> str:
    command = ["/usr/bin/env", "bash", "-ec", script]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    return done.stdout


def test_the_first_row_arrives_in_a_project_of_one_s_own(wheel: Path, api: FakeEndorApi, tmp_path: Path) -> None:
    variables = environment(api, tmp_path) | {"MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false"}
    variables["TAP_ENDORLABS_START_DATE"] = START_DATE
    del variables["MELTANO_SYS_DIR_ROOT"]
    run(MAKE_PROJECT, tmp_path, variables)
    project = tmp_path / "security-logs"
    (plugins,) = PLUGINS
    assert f"/{wheel.name}\n" in plugins
    named = re.sub(r"pip_url: \S+\.whl", f"pip_url: {wheel}", plugins)
    assert named != plugins
    with (project / "meltano.yml").open("a") as file:
        file.write(named)
    first = json.loads(run(RUN, project, variables).splitlines()[-1])
    assert "endorlabs-verify" in run("meltano invoke tap-endorlabs:verify --help", project, variables)
    assert first["uuid"] in api.store.uuids()
    lines = (project / "audit_logs.jsonl").read_text().splitlines()
    wanted = [item["uuid"] for item in api.store.objects() if item["meta"]["create_time"] >= START_DATE]
    assert sorted(json.loads(line)["uuid"] for line in lines) == sorted(wanted)
    assert [path.name for path in project.glob("*.jsonl")] == ["audit_logs.jsonl"], "no sign-ins"


def test_the_page_names_all_capabilities_and_each_setting_that_a_variable_may_set() -> None:
    (extractor,) = yaml.safe_load(PLUGINS[0])["plugins"]["extractors"]
    hub = yaml.safe_load((ROOT / "hub/tap-endorlabs.yml").read_text())
    assert extractor["capabilities"] == hub["capabilities"]
    named = {setting["name"] for setting in extractor["settings"]}
    plain = {setting["name"] for setting in hub["settings"] if setting["kind"] == "string"}
    assert named == {name for name in plain if not name.startswith("flattening_")}
