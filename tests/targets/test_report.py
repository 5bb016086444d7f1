"""The report, in a real browser: it is drawn and printed whole, asks nobody for anything, and runs nothing of a log."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import re
import shutil
import subprocess
import sys
import typing as t
from html import unescape

import duckdb
import pytest

from analytics import statements
from tests.analytics_events import ADMIN, BOB, MONDAY, event, numbered, series, sign_in
from tests.analytics_risks import OPEN, SPREES, change
from tests.test_analytics import fill

if t.TYPE_CHECKING:
    from pathlib import Path

    from tests.analytics_events import Log

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
    "--enable-logging=stderr",
    "--window-size=1200,9000",
)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium or Chrome on this machine")
EVIL = "<script>document.title='run'</script><img src=http://127.0.0.1:9/x onerror=document.title='run'>"
LONG = "x" * 150
A4 = (595, 842)
"""In points."""
MARGIN = 25
"""Less than what the page leaves at each side."""

VISITS = 1_005
CHARTS = {
    "Alerts each day": {"critical", "high", "medium", "low"},
    "Changes each day": {"done", "failed"},
    "Changes by weekday and hour": {"Mon", "Sun", "00", "23"},
    "Who changed most": {"done", "prune@example.com"},
}
"""Titles, and what stands in the chart below each."""

LOG = [
    *SPREES,
    # Each is a failure of its own kind.
    *(
        event(time, "UPDATE", f"Kind{number}", BOB, error={"code": 7, "message": "permission denied"})
        for number, time in enumerate(series(f"{MONDAY}T09:00:00", 7200, 25))
    ),
    *(change("Exporter", {}, at=f"10:{number:02}:00", claims=["user=山田"]) for number in range(55)),
    change("IPAddressPolicy", OPEN),
    change("AuthorizationPolicy", {"clause": [f"email={LONG}"], "permissions": ADMIN}, operation="CREATE"),
    event("2026-03-09T23:30:00", claims=["email=late@example.com"]),
    *(
        event(time, "CREATE", "UITelemetry", ["email=visitor@example.com"])
        for time in series(f"{MONDAY}T09:00:00", 1, VISITS)
    ),
]
SIGN_INS = [
    sign_in(time, [f"email=user{number}@example.com"], success=number != 7)
    for number, time in enumerate(series(f"{MONDAY}T09:00:00", 60, 22))
]


def write_database(path: Path, log: Log, sign_ins: Log | None = None) -> Path:
    with duckdb.connect(str(path)) as connection:
        fill(connection, numbered(log), numbered(sign_ins or [], 1 << 40))
    return path


def run(database: Path, output: Path, *options: str) -> subprocess.CompletedProcess[str]:
    from analytics.report.__main__ import main  # noqa: PLC0415 - what it is drawn with may not be there

    arguments = ["--database", str(database), "--output", str(output), *options]
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(io.StringIO()) as complained:
        code = main(arguments)
    return subprocess.CompletedProcess(arguments, code, said.getvalue(), complained.getvalue())


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report about events one of which says what it should not."""
    folder = tmp_path_factory.mktemp("report")
    evil = event(f"{MONDAY}T08:00:00", "CREATE", f"Policy{EVIL}", [f"email={EVIL}"], namespace=EVIL, address=EVIL)
    evil["spec"]["payload"]["meta"]["name"] = EVIL
    failed = event(f"{MONDAY}T09:30:00", error={"code": 7, "message": EVIL})
    turned = event(f"{MONDAY}T09:40:00", "DELETE", "AuditLog", address="\u202e1.2.3.4", namespace="acme" * 500)
    database = write_database(folder / "it's a log.duckdb", [*[evil] * 20, failed, turned, *LOG], SIGN_INS)
    before = database.read_bytes()
    command = [sys.executable, "-m", "analytics.report", "--database", str(database), "--made-up"]
    done = subprocess.run([*command, "--output", str(folder / "page.html")], capture_output=True, check=True, text=True)
    assert done.stderr == ""
    assert database.read_bytes() == before
    return folder / "page.html"


def words(html: str) -> str:
    """Give what a page shows, without its charts."""
    body = re.sub(r"<svg.*?</svg>", "", html[html.index("<body") :], flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body.replace("<wbr>", ""))).split())


def browse(folder: Path, page: Path, *options: str) -> subprocess.CompletedProcess[str]:
    assert BROWSER is not None
    command = [BROWSER, *OPTIONS, f"--user-data-dir={folder / 'profile'}", *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, check=True)


def test_the_page_names_what_there_is_and_runs_nothing(page: Path) -> None:
    text = page.read_text()
    assert "default-src 'none'" in text
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;script&gt;" in text
    addresses = set(re.findall(r"https?://[^\s\"'<&]+", text.replace("http://127.0.0.1:9/x", "")))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert not re.search(r"(src|href)=[\"'](?!#)", text)
    # What turns the order of characters would show another address.
    assert "\u202e" not in text
    assert {"mallory@example.com", "山田", "late@example.com", r"\u202e1.2.3.4"} <= set(words(text).split())


def test_the_page_goes_by_severity_and_says_how_much_it_leaves_out(page: Path) -> None:
    text = words(page.read_text())
    parts = [
        "Audit report: acme",
        "Made-up data",
        f"audit logs {len(LOG) + 22:,}, sign-ins 22",
        "not verified . No result of endorlabs-verify was given.",
        "critical 2 of 2",
        "The organization may be used from",
        "Full rights for",
        "medium 20 of 5",
        "exporter 55, ",
        "low 2 of 2",
        "Failures 20 of 27",
        "New actors and addresses, last seven days 1 of 1",
        "Sign-ins, by actor and credential 20 of 22",
        # Who failed comes first.
        "user7@example.com",
        "user0@example.com",
        f"page visits (telemetry) {VISITS:,} 0 1 1",
        "Who changed most 10 of",
    ]
    places = [text.find(part) for part in parts]
    assert -1 not in places, parts[places.index(-1)]
    assert places == sorted(places)
    assert "visitor@example.com" not in text


def test_the_hours_have_their_counts_and_an_empty_one_has_none(tmp_path: Path) -> None:
    times = [*series(f"{MONDAY}T08:00:00", 1, 12), "2026-03-08T23:00:00"]
    page = tmp_path / "page.html"
    assert run(write_database(tmp_path / "log.duckdb", [*map(event, times)]), page).returncode == 0
    text = page.read_text()
    chart = text[text.index("Changes by weekday and hour</h2>") :].split("</svg>")[0]
    hours = [f"{hour:02}" for hour in range(24)]
    days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    assert sorted(re.findall(r">([^<>]*?)</text>", chart)) == sorted([*hours, *days, "12", "1"])
    assert "Made-up" not in text


def test_a_log_with_nothing_to_draw_has_a_page(tmp_path: Path) -> None:
    # At a time at which nobody waits for more events yet.
    now = dt.datetime.now(dt.timezone.utc).replace(tzinfo=None)
    page = tmp_path / "page.html"
    done = run(write_database(tmp_path / "log.duckdb", [event(now.isoformat(), "CREATE", "UITelemetry")]), page)
    assert (done.returncode, done.stderr) == (0, "")
    text = words(page.read_text())
    assert "Alerts critical 0 of 0 None. high 0 of 0 None." in text
    assert text.endswith("Changes by weekday and hour None. Who changed most 0 of 0 None.")


def test_a_result_of_verify_is_in_the_page(tmp_path: Path) -> None:
    database, result = write_database(tmp_path / "log.duckdb", [event(f"{MONDAY}T08:00:00")]), tmp_path / "result.json"
    result.write_text('{"agrees": false, "days": [], "complaints": ["A line was <b>taken out</b>."]}')
    assert run(database, tmp_path / "page.html", "--verified", str(result)).returncode == 0
    assert "<b>altered</b>. A line was &lt;b&gt;taken out&lt;/b&gt;." in (tmp_path / "page.html").read_text()
    days = [{"day": f"2026-01-{day:02}", "altered": True} for day in range(1, 31)]
    complaints = [f"A line of day {number} was taken out {'x' * 500}" for number in range(40)]
    result.write_text(json.dumps({"agrees": False, "days": days, "complaints": complaints}))
    assert run(database, tmp_path / "page.html", "--verified", str(result)).returncode == 0
    text = words((tmp_path / "page.html").read_text())
    said = text[text.index("Completeness") : text.index("Report made")]
    assert "2026-01-01, 2026-01-02, 2026-01-03, 27 more." in said
    assert said.endswith("37 more are in the result. ")
    result.write_text("All agree.")
    done = run(database, tmp_path / "none.html", "--verified", str(result))
    assert (done.returncode, done.stderr) == (1, f"{result} is not what endorlabs-verify --json prints.\n")


@needs_browser
def test_a_browser_draws_the_page_without_a_complaint(page: Path, tmp_path: Path) -> None:
    from PIL import Image, ImageColor  # noqa: PLC0415 - comes with what the report is drawn with

    from analytics.report.charts import COLOURS, DONE, FAILED  # noqa: PLC0415

    picture = tmp_path / "page.png"
    done = browse(tmp_path, page, "--hide-scrollbars", f"--screenshot={picture}")
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    colours = {colour for _, colour in Image.open(picture).convert("RGB").getcolors(1 << 24) or []}
    assert {ImageColor.getrgb(one) for one in (*COLOURS.values(), DONE, FAILED)} <= colours
    assert "<title>Audit report</title>" in browse(tmp_path, page, "--dump-dom").stdout


@needs_browser
# Further down, other things are at the end of a page.
@pytest.mark.parametrize("shift", [0, 250, 500, 750])
def test_a_print_on_a4_is_whole(shift: int, page: Path, tmp_path: Path) -> None:
    import pypdfium2  # noqa: PLC0415 - comes with what the report is drawn with

    shifted = tmp_path / "shifted.html"
    shifted.write_text(page.read_text().replace("<main>", f'<main><div style="height: {shift}px"></div>'))
    browse(tmp_path, shifted, "--no-pdf-header-footer", f"--print-to-pdf={tmp_path / 'page.pdf'}")
    with pypdfium2.PdfDocument(tmp_path / "page.pdf") as document:
        sizes = {tuple(map(round, sheet.get_size())) for sheet in document}
        texts = [sheet.get_textpage() for sheet in document]
        lines = [text.get_text_bounded().split("\r\n") for text in texts]
        edges = [text.get_charbox(n)[::2] for text in texts for n in range(text.count_chars())]
    assert sizes == {A4}
    assert min(left for left, _ in edges) > MARGIN
    assert max(right for _, right in edges) < A4[0] - MARGIN
    assert [sheet[0] for sheet in lines] == [f"Made-up data {n} of {len(lines)}" for n in range(1, len(lines) + 1)]
    whole = "".join(line for sheet in lines for line in sheet)
    assert LONG in whole
    for title, inside in CHARTS.items():
        (sheet,) = [sheet for sheet in lines if any(line.startswith(title) for line in sheet)]
        assert inside <= {word for line in sheet for word in line.split()}, title
    headings = ("Alerts", "Critical", "High", "Medium", "Low", "Failures", "New actors", "Sign-ins", "Totals")
    assert not [sheet[-1] for sheet in lines if sheet[-1].startswith(headings)]


def test_what_can_t_be_reported_on_is_said_in_one_line(tmp_path: Path) -> None:
    output = tmp_path / "page.html"
    other = tmp_path / "other.duckdb"
    duckdb.connect(str(other)).close()
    text = tmp_path / "text.duckdb"
    text.write_text("no database")
    cases = {
        tmp_path / "none.duckdb": "There is no file",
        other: "has no table tap_endorlabs.audit_logs",
        text: "can't be read as a DuckDB file",
        write_database(tmp_path / "empty.duckdb", []): "There is no event in",
    }
    for database, line in cases.items():
        done = run(database, output)
        assert done.returncode == 1
        assert line in done.stderr
        assert done.stderr.count("\n") == 1
    assert not output.exists()
    database = write_database(tmp_path / "log.duckdb", [event(f"{MONDAY}T08:00:00")])
    for taken in (tmp_path, text / "page.html"):
        done = run(database, taken)
        assert done.returncode == 1
        assert done.stderr.startswith(f"{taken} can't be written (")
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [
        ("'UTC' AS time_zone", "'Europa/Berlin' AS time_zone", "Check time_zone in analytics/settings.sql. "),
        ("7 AS baseline_days", "'week' AS baseline_days", "The views of analytics/ can't be made in "),
    ],
)
def test_a_mistyped_setting_is_said_in_one_line(
    right: str, wrong: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from analytics.report import answers  # noqa: PLC0415

    database = write_database(tmp_path / "log.duckdb", [event(f"{MONDAY}T08:00:00")])
    texts = [text.replace(right, wrong) for text in statements("duckdb")]
    monkeypatch.setattr(answers, "statements", lambda _: texts)
    done = run(database, tmp_path / "page.html")
    assert done.returncode == 1
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1


def test_a_log_of_sign_ins_has_a_report(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "log.duckdb")) as connection:
        fill(connection, [], numbered(SIGN_INS))
        connection.execute("DROP TABLE tap_endorlabs.audit_logs")
    page = tmp_path / "page.html"
    done = run(tmp_path / "log.duckdb", page)
    assert (done.returncode, done.stderr) == (0, "")
    text = words(page.read_text())
    assert text.startswith(f"Audit report Events {MONDAY} 09:00:00 to {MONDAY} 09:21:00 UTC; audit logs 0, sign-ins 22")
    assert "Sign-ins, by actor and credential 20 of 22" in text
    assert "Who changed most 0 of 0" in text


@pytest.mark.parametrize("other", ["0001-01-01T00:00:00", "1999-01-01T00:00:00", "9999-12-31T23:59:59", "infinity"])
def test_an_event_of_another_time_leaves_the_charts_as_they_are(other: str, tmp_path: Path) -> None:
    log = [event(time) for time in series(f"{MONDAY}T08:00:00", 3600, 9)]
    pages = []
    for number, items in enumerate((log, [*log, event(other, "CREATE", "UITelemetry")])):
        pages.append(tmp_path / f"page{number}.html")
        done = run(write_database(tmp_path / f"{number}.duckdb", items), pages[-1])
        assert (done.returncode, done.stderr) == (0, "")
    texts = [page.read_text() for page in pages]
    charts = [re.findall(r"Changes each day</h2>.*?</svg>", text, re.DOTALL) for text in texts]
    assert charts[0] == charts[1] != []
    assert "events of other times: 1." in texts[1]
    assert "events of other times" not in texts[0]


def test_names_that_can_t_be_seen_are_named(tmp_path: Path) -> None:
    names = {"\u3164": r"\u3164", "\u2800": r"\u2800", "\ufe0f": r"\ufe0f", " ": r"\u0020"}
    log = [change("Exporter", {}, claims=[f"user={name}"]) for name in names]
    for item, name in zip(log, names, strict=True):
        item["spec"]["message_kind"] = f"x.{name}"
    assert run(write_database(tmp_path / "log.duckdb", log), tmp_path / "page.html").returncode == 0
    text = (tmp_path / "page.html").read_text()
    chart = text[text.index("Who changed most") :]
    assert [name for name in names.values() if name not in chart] == []
