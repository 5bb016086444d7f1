"""The environments in which the competitors run: one for each, in `.bench`, with the versions in `requirements`."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.cases import Competitor

FOLDER = Path(".bench")
REQUIREMENTS = Path("benchmarks/requirements")
OWN_BINARIES = Path(sys.prefix) / "bin"
NEWEST_PYTHON = 14


def binaries_for(competitor: Competitor, uv: str) -> Path | None:
    """Give the folder of a competitor's executables, installed if need be; None where no Python is new enough."""
    if not competitor.own_environment:
        return OWN_BINARIES
    python = find_python(competitor.python)
    return None if python is None else install(competitor.name, python, uv)


def install(name: str, python: str, uv: str) -> Path:
    """Make the environment of a requirements file, unless it is there already; give the folder of its executables."""
    folder, requirements = FOLDER / name, REQUIREMENTS / f"{name}.txt"
    binaries, stamp = folder / "bin", folder / ".installed"
    wanted = hashlib.sha256(requirements.read_bytes() + python.encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"Installing {requirements} into {folder}", flush=True)
        _run(uv, "venv", "--quiet", "--clear", "--python", python, str(folder))
        _run(uv, "pip", "sync", "--quiet", "--compile-bytecode", "--python", f"{binaries}/python", str(requirements))
        stamp.write_text(wanted)
    return binaries


def find_python(least: tuple[int, int]) -> str | None:
    """Give a Python of at least a version: the one that runs this, or the oldest that does on the path or in pyenv."""
    if sys.version_info >= least:
        return sys.executable
    return next((python for python in _pythons(least) if _works(python)), None)


def _pythons(least: tuple[int, int]) -> Iterator[str]:
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for minor in range(least[1], NEWEST_PYTHON + 1):
        if found := shutil.which(f"python3.{minor}"):
            yield found
        yield from (str(python) for python in pyenv.glob(f"versions/3.{minor}.*/bin/python"))


def _works(python: str) -> bool:
    # A shim of pyenv is on the path for versions that are not active, too, and fails.
    return subprocess.run([python, "--version"], capture_output=True, check=False).returncode == 0


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


def version_of(package: str, binaries: Path) -> str:
    """Give the version of a distribution, and that of the Python it runs on."""
    code = (
        "import importlib.metadata, platform, sys;"
        "print(importlib.metadata.version(sys.argv[1]), 'on Python', platform.python_version())"
    )
    done = subprocess.run(
        [f"{binaries}/python", "-c", code, package], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()
