"""What people meet in the repository: forms that can be filled in, and commands that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(not (ROOT / "Makefile").exists(), reason="the sdist has no Makefile and no forms")

COMMAND = r"(?:^ *|`|run: |\$ )make ([a-z][a-z-]+)"


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize(
    "path", ["README.md", "CONTRIBUTING.md", ".ci/run", ".github/workflows/ci.yml", "docs", "benchmarks/README.md"]
)
def test_every_command_of_make_is_there(path: str) -> None:
    files = (ROOT / path).glob("*.md") if (ROOT / path).is_dir() else [ROOT / path]
    named = {name for file in files for name in re.findall(COMMAND, file.read_text(), re.MULTILINE)}
    assert named - make_targets() == set()


def test_the_issue_form_asks_for_what_it_takes_to_help() -> None:
    form = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/bug.yml").read_text())
    assert {"name", "description", "body"} <= form.keys()
    fields = {item["id"]: item for item in form["body"] if item["type"] != "markdown"}
    assert {item["type"] for item in fields.values()} <= {"input", "textarea", "dropdown", "checkboxes"}
    assert all(item["attributes"]["label"] for item in fields.values())
    required = {name for name, item in fields.items() if item.get("validations", {}).get("required")}
    assert required == {"version", "happened"}


def test_each_link_between_documents_leads_somewhere() -> None:
    broken = [
        (file.name, target)
        for file in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.read_text())
        if not (file.parent / target).exists()
    ]
    assert broken == []
