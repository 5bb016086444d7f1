"""The commands in the documents do what they say: all of a document, one after the other, in a copy of the project."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import subprocess
import typing as t

import pytest

from fake_endor_api import DEMO_KEY, DEMO_NAMESPACE, DEMO_SECRET, FakeEndorApi, make_events
from tests.harness import config_for
from tests.meltano import environment_for
from tests.targets.pipeline import ROOT

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.targets, pytest.mark.timeout(300)]

DOCUMENTS = [
    "README.md",
    "docs/tutorial.md",
    "docs/analytics.md",
    # The page on a project of one's own has a test of its own.
    *(str(p.relative_to(ROOT)) for p in sorted(ROOT.glob("docs/how-to/*.md")) if p.name != "meltano-project.md"),
]
SCRIPTS = {
    path: "\n".join(re.findall(r"^ *```sh\n(.*?)^ *```", (ROOT / path).read_text(), re.MULTILINE | re.DOTALL))
    for path in DOCUMENTS
}
EXPECTED = {
    "README.md": ("The API key works",),
    "docs/how-to/schedule.md": ("audit-logs-every-five-minutes",),
    "docs/how-to/first-contact.md": ("question", "as expected", "# How this tenant's API answers"),
    "docs/how-to/prove-completeness.md": (
        "All agree.",
        "missing here:",
        "3 missing, 0 surplus, 0 repeats, 0 in a gap.",
        "Settings that bring what is missing",
        "Altered since the digests were written: 20",
        "the chain ends with",
    ),
    "docs/tutorial.md": (
        "The API key works",
        "2000 audit_logs.jsonl",
        "2050 audit_logs.jsonl",
        "error_message",
    ),
}
"""What the commands of a document must print."""


@pytest.fixture
def api() -> Iterator[FakeEndorApi]:
    with FakeEndorApi() as api:
        now = dt.datetime.now(dt.timezone.utc)
        api.store.add(make_events(300, now - dt.timedelta(days=20), now - dt.timedelta(minutes=5)))
        yield api


@pytest.fixture
def project(api: FakeEndorApi, tmp_path: Path) -> Path:
    """The project in a folder that may be written to, with what its documents presume."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("meltano.yml", "pyproject.toml", "README.md", ".env.example"):
        shutil.copy(ROOT / name, folder)
    # No other: what a user keeps there, as config.json, must not be written through a link.
    for name in (
        ".tools",
        ".venv",
        "Makefile",
        "analytics",
        "fake_endor_api",
        "orchestration",
        "scripts",
        "tap_endorlabs",
    ):
        (folder / name).symlink_to(ROOT / name)
    (folder / "config.json").write_text(json.dumps(config_for(api)))
    return folder


def environment(api: FakeEndorApi, folder: Path) -> dict[str, str]:
    begin = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=21)
    own = environment_for(api.url, folder, begin)
    paths = (".venv/bin", ".tools/meltano/bin", ".meltano/loaders/target-jsonl/venv/bin")
    return own | {
        "ENDOR_NAMESPACE": DEMO_NAMESPACE,
        "ENDOR_API_CREDENTIALS_KEY": DEMO_KEY,
        "ENDOR_API_CREDENTIALS_SECRET": DEMO_SECRET,
        "MELTANO_ENVIRONMENT": "dev",
        "PATH": os.pathsep.join([*(str(ROOT / path) for path in paths), own["PATH"]]),
    }


@pytest.mark.parametrize("path", [path for path, script in SCRIPTS.items() if script])
def test_the_commands_of_a_document_run(path: str, api: FakeEndorApi, project: Path) -> None:
    script = f"set -em -o pipefail\n{SCRIPTS[path]}"
    done = subprocess.run(
        ["/usr/bin/env", "bash", "-c", script],
        cwd=project,
        env=environment(api, project),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    for text in EXPECTED.get(path, ()):
        assert text in done.stdout, done.stdout[-3000:]
