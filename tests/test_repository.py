"""What people meet in the repository: forms that can be filled in, and commands that are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(not (ROOT / "Makefile").exists(), reason="the sdist has no Makefile and no forms")

FLOORS = (
    {"errors", "redaction", "schemas", "settings", "timestamps"},
    {"api"},
    {"reading"},
    {"proof"},
    {"probe"},
    {"sync"},
    {"__main__", "cli", "coercion", "streams", "tap", "validation"},
    {"ocsf", "verify"},
)
"""The parts of the tap, each with the floor that it is on: the ground floor first."""

COMMAND = r"(?:^ *|`|run: |\$ )make ([a-z][a-z-]+)"


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize(
    "path",
    ["README.md", "CONTRIBUTING.md", ".ci/run", ".github/workflows/ci.yml", "docs", "benchmarks", "benchmarks/scale"],
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


def imported_parts(path: Path) -> set[str]:
    """The parts of the tap that a module imports, also where only a type checker looks."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in modules if name.startswith("tap_endorlabs.")}


def test_no_module_of_the_tap_imports_one_that_is_further_up() -> None:
    floors = {part: number for number, parts in enumerate(FLOORS) for part in parts}
    package = ROOT / "tap_endorlabs"
    wrong = [
        f"{path.relative_to(package)} imports {part}"
        for path in package.rglob("*.py")
        if path != package / "__init__.py"
        for part in imported_parts(path)
        if floors[part] > floors[path.relative_to(package).parts[0].removesuffix(".py")]
    ]
    assert wrong == []


def test_every_package_says_in_a_line_what_belongs_in_it() -> None:
    for file in (ROOT / "tap_endorlabs").rglob("__init__.py"):
        docstring = ast.get_docstring(ast.parse(file.read_text()))
        assert docstring is not None, file
        assert "\n" not in docstring, file
