"""What is built holds the package and nothing else, and depends on no more than it uses."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tarfile
import typing as t
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, t.Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
DEPENDENCIES = (ROOT / "docs" / "dependencies.md").read_text()
VERSION = PROJECT["project"]["version"]

PACKAGE = {
    str(path.relative_to(ROOT))
    for pattern in ("**/*.py", "schemas/*.json", "py.typed")
    for path in (ROOT / "tap_endorlabs").glob(pattern)
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the wheel and the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


def name_of(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9_.-]", requirement, maxsplit=1)[0]


EXTRA = [name_of(item) for item in PROJECT["project"]["optional-dependencies"]["verify"]]


def first_column(table: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)


def test_the_wheel_holds_the_package_and_nothing_else(built: Path) -> None:
    info = f"tap_endorlabs-{VERSION}.dist-info"
    about = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
    with zipfile.ZipFile(built / f"tap_endorlabs-{VERSION}-py3-none-any.whl") as wheel:
        names = wheel.namelist()
        metadata = Parser().parsestr(wheel.read(f"{info}/METADATA").decode())
    assert sorted(names) == sorted(PACKAGE | {f"{info}/{name}" for name in about})
    assert {"tap_endorlabs/schemas/audit_logs.json", "tap_endorlabs/py.typed"} <= PACKAGE
    required = metadata.get_all("Requires-Dist", [])
    always = [one for one in required if "extra" not in one]
    assert sorted(map(name_of, always)) == sorted(map(name_of, PROJECT["project"]["dependencies"]))
    extras = [name_of(one) for one in required if "extra == 'verify'" in one]
    assert sorted(extras) == sorted(EXTRA)
    assert len(required) == len(always) + len(extras)
    assert metadata["License-Expression"] == "Apache-2.0"


def test_the_sdist_holds_what_builds_and_tests_the_package_and_nothing_else(built: Path) -> None:
    with tarfile.open(built / f"tap_endorlabs-{VERSION}.tar.gz") as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    tests = {
        str(path.relative_to(ROOT)) for name in ("tests", "fake_endor_api") for path in (ROOT / name).rglob("*.py")
    }
    analytics = {
        str(path.relative_to(ROOT))
        for end in ("py", "sql", "j2", "css")
        for path in (ROOT / "analytics").rglob(f"*.{end}")
    }
    documents = {str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.*")}
    scripts = {str(path.relative_to(ROOT)) for path in (ROOT / "scripts").glob("*.py")}
    dags = {str(path.relative_to(ROOT)) for path in (ROOT / "orchestration" / "dags").rglob("*.py")}
    own = {
        ".env.example",
        "hub/tap-endorlabs.yml",
        "orchestration/dags/.airflowignore",
        "CHANGELOG.md",
        "LICENSE",
        "README.md",
        "SECURITY.md",
        "CONTRIBUTING.md",
        "meltano.yml",
        "pyproject.toml",
    }
    # The last two are what the build backend adds.
    assert names == PACKAGE | analytics | scripts | tests | documents | dags | own | {"PKG-INFO", ".gitignore"}


def imported(path: Path) -> set[str]:
    """The top-level packages that a module imports, also where only a type checker looks."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


def test_each_dependency_is_imported_and_each_import_is_a_dependency() -> None:
    names = set[str]().union(*(imported(ROOT / name) for name in PACKAGE if name.endswith(".py")))
    foreign = {name.replace("_", "-") for name in names - sys.stdlib_module_names - {"tap_endorlabs"}}
    # The SDK gives errors of its type, which only the type checker has to know. Those of the extra are imported
    # by name, as they may be missing.
    assert foreign - {"jsonschema"} == set(map(name_of, PROJECT["project"]["dependencies"]))


def test_each_dependency_is_justified() -> None:
    shipped, extra, tools = DEPENDENCIES.split("\n## ")[1:]
    assert sorted(first_column(extra)) == sorted(EXTRA)
    assert sorted(first_column(shipped)) == sorted(map(name_of, PROJECT["project"]["dependencies"]))
    groups = PROJECT["dependency-groups"]
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", tools, re.MULTILINE)
    named = sorted((group, name) for group, names in rows for name in re.findall(r"`([^`]+)`", names))
    assert named == sorted((group, name_of(item)) for group in ("test", "check") for item in groups[group])
