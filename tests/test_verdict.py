"""What the report says of the completeness of its file, from what `endorlabs-verify --json` prints."""

from __future__ import annotations

import json
import runpy
import sys
import typing as t

import duckdb
import pytest

from analytics.report.answers import ReportError, opened
from analytics.report.verified import Verdict, verdict
from tap_endorlabs.verify.comparison import Finding, Row
from tap_endorlabs.verify.destination import Tally
from tap_endorlabs.verify.digests import Digest, Seal
from tap_endorlabs.verify.report import AgainstReport, Report
from tap_endorlabs.verify.span import Span
from tests.analytics_events import event, numbered, series
from tests.test_analytics import fill

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from analytics.report.answers import Source

EVENTS = 10
SPAN = Span("2026-03-02T00:00:00.000000Z", "2026-03-02T09:00:00.000000Z")
RANGE = "2026-03-02 00:00 to 2026-03-02 09:00 UTC"


def compared(api: int | None, destination: int, *complaints: str) -> dict[str, t.Any]:
    """What is printed where the API has so many events and the destination so many."""
    (piece, *_) = SPAN.pieces()
    finding = Finding(piece, api, Tally(destination, destination))
    return Report(SPAN, [Row("2026-03-02", [finding])], list(complaints)).as_json()


def held(*now: int) -> dict[str, t.Any]:
    """What is printed of days each of which had five events."""
    seals = [Seal(f"2026-03-{day:02}", 5, 5, "a" * 64) for day in range(1, len(now) + 1)]
    digests = {seal.day: Digest(count, "a" * 64) for seal, count in zip(seals, now, strict=True)}
    return AgainstReport(seals, digests).as_json()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    """A file with an event an hour, the last at nine o'clock."""
    database = tmp_path_factory.mktemp("verdict") / "log.duckdb"
    with duckdb.connect(str(database)) as connection:
        fill(connection, numbered([event(time) for time in series("2026-03-02T00:00:00", 3600, EVENTS)]))
    with opened(database) as source:
        yield source


def said(source: Source, folder: Path, text: str) -> Verdict:
    result = folder / "result.json"
    result.write_text(text)
    return verdict(result, source, EVENTS)


@pytest.mark.parametrize(
    ("result", "wanted"),
    [
        (
            compared(9, 9),
            Verdict("verified", f"Audit logs here and in the API: 9, {RANGE}. Events here that were not compared: 1."),
        ),
        # The state names the last one, which is behind the end.
        (compared(10, 10), Verdict("verified", f"Audit logs here and in the API: 10, {RANGE}.")),
        (
            compared(12, 10, "One has another time."),
            Verdict(
                "differs from the API",
                f"Audit logs in the API: 12, {RANGE}; 2 missing, 0 surplus, 0 repeats, 0 in a gap."
                " One has another time.",
            ),
        ),
        (
            compared(None, 10),
            Verdict(
                "differs from the API",
                f"Audit logs in the API: ?, {RANGE}; 0 missing, 0 surplus, 0 repeats, 0 in a gap.",
            ),
        ),
        (held(5, 5), Verdict("unaltered", "Audit logs that are as their digests say: 10, 2026-03-01 to 2026-03-02.")),
        (
            {"days": [{"day": "2026-03-02", "now": 6, "altered": False}], "agrees": True},
            Verdict("not verified", "The digests are of another file, or older than the last load."),
        ),
        ({"days": [], "agrees": True}, Verdict("not verified", "There are no digests of any day.")),
        (held(5, 4), Verdict("altered", "Days that are not as their digests say: 2026-03-02.")),
    ],
    ids=["agrees", "and behind the end", "differs", "not known", "unaltered", "of another file", "none", "altered"],
)
def test_the_verdict_says_what_was_compared(
    result: dict[str, t.Any], wanted: Verdict, source: Source, tmp_path: Path
) -> None:
    assert said(source, tmp_path, json.dumps(result)) == wanted


@pytest.mark.parametrize("count", [8, 11])
def test_a_result_about_another_file_verifies_nothing(count: int, source: Source, tmp_path: Path) -> None:
    found = said(source, tmp_path, json.dumps(compared(count, count)))
    assert found.word == "not verified"
    assert found.text.startswith(f"The result counts {count}, {RANGE}, and here are 9: ")


@pytest.mark.parametrize(
    "text", ["", "All agree.", "[]", "null", "{}", '{"days": 1}', '{"from": 1, "to": 2, "sum": {}}']
)
def test_what_is_no_result_is_refused_in_a_line(text: str, source: Source, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"result.json is not what endorlabs-verify --json prints.$"):
        said(source, tmp_path, text)


def test_a_result_that_is_not_there_is_named(source: Source, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"none.json can't be read \(No such file or directory\): .* --verified"):
        verdict(tmp_path / "none.json", source, EVENTS)


def test_what_the_report_needs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "analytics.report.page", raising=False)
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("analytics.report", run_name="__main__")
    assert ended.value.code == "The report needs the package jinja2: run `make .venv/.report-installed`."
