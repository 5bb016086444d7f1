"""SECURITY.md names a test for each threat, and each of them exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TABLE = (ROOT / "SECURITY.md").read_text().split("|---|---|---|\n")[1].split("\n\n")[0]
ROWS = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in TABLE.splitlines()]
THREATS = {row[0]: row for row in ROWS if not row[0].startswith("**")}
TEST = re.compile(r"`(tests/(?:\w+/)?test_\w+\.py)::(test_\w+)`")


def functions_of(path: str) -> set[str]:
    file = ROOT / path
    tree = ast.parse(file.read_text()) if file.exists() else ast.Module([], [])
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("threat", THREATS)
def test_each_threat_names_tests_that_exist(threat: str) -> None:
    _, answer, tests = THREATS[threat]
    assert answer
    named = TEST.findall(tests)
    assert named
    assert TEST.sub("", tests).strip(", ") == ""
    for path, function in named:
        assert function in functions_of(path), f"{path}::{function}"


def test_the_table_is_read_completely() -> None:
    assert len(THREATS) > 30
    assert TABLE.count("::test_") == sum(len(TEST.findall(row[2])) for row in THREATS.values())
