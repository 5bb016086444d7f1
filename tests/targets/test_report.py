"""The report, in a real browser: it is drawn, it asks nobody for anything, and runs nothing that stands in a log."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import typing as t

import duckdb
import pytest

from tests.analytics_events import MONDAY, event, numbered
from tests.analytics_risks import SPREES
from tests.test_analytics import fill

if t.TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.targets, pytest.mark.timeout(120)]

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--window-size=1200,1600",
)
EVIL = "<script>document.title='run'</script><img src=http://127.0.0.1:9/x onerror=document.title='run'>"


def write_database(path: Path, log: list[dict[str, t.Any]]) -> Path:
    with duckdb.connect(str(path)) as connection:
        fill(connection, numbered(log))
    return path


def run(database: Path, output: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "analytics.report", "--database", str(database), "--output", str(output)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A report about events one of which says what it should not."""
    evil = event(f"{MONDAY}T08:00:00", "CREATE", f"Policy{EVIL}", [f"email={EVIL}"], namespace=EVIL, address=EVIL)
    evil["spec"]["payload"]["meta"]["name"] = EVIL
    failed = event(f"{MONDAY}T09:30:00", error={"code": 7, "message": EVIL})
    database = write_database(tmp_path / "it's a log.duckdb", [evil, failed, *SPREES])
    before = database.read_bytes()
    done = run(database, tmp_path / "page.html")
    assert (done.returncode, done.stderr) == (0, "")
    assert database.read_bytes() == before
    return tmp_path / "page.html"


def test_the_page_names_what_there_is_and_runs_nothing(page: Path) -> None:
    text = page.read_text()
    assert "default-src 'none'" in text
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;script&gt;" in text
    addresses = set(re.findall(r"https?://[^\s\"'<&]+", text.replace("http://127.0.0.1:9/x", "")))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert not re.search(r"(src|href)=[\"'](?!#)", text)
    assert "mallory@example.com" in text


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium or Chrome on this machine")
def test_a_browser_draws_the_charts_without_a_complaint(page: Path, tmp_path: Path) -> None:
    from PIL import Image  # noqa: PLC0415 - comes with what the report is drawn with

    assert BROWSER is not None
    picture = tmp_path / "page.png"
    command = [BROWSER, *OPTIONS, f"--user-data-dir={tmp_path / 'profile'}", f"--screenshot={picture}", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    colours = {colour for _, colour in Image.open(picture).convert("RGB").getcolors(1 << 24) or []}
    # Of the bars for what was created and deleted, what was done, and the busiest hour.
    assert {(0, 158, 115), (213, 94, 0), (86, 180, 233), (0, 114, 178)} <= colours
    dumped = subprocess.run(
        [BROWSER, *OPTIONS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "<title>Audit report</title>" in dumped


def test_what_can_t_be_reported_on_is_said_in_one_line(tmp_path: Path) -> None:
    output = tmp_path / "page.html"
    other = tmp_path / "other.duckdb"
    duckdb.connect(str(other)).close()
    text = tmp_path / "text.duckdb"
    text.write_text("no database")
    cases = {
        tmp_path / "none.duckdb": "There is no file",
        other: "has no table tap_endorlabs.audit_logs",
        text: "has no table tap_endorlabs.audit_logs that can be read",
        write_database(tmp_path / "empty.duckdb", []): "There is no event in",
    }
    for database, line in cases.items():
        done = run(database, output)
        assert done.returncode == 1
        assert line in done.stderr
        assert done.stderr.count("\n") == 1
    assert not output.exists()
