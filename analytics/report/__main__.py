"""Writes a self-contained HTML page about the audit logs in a DuckDB file.

    python -m analytics.report --database audit.duckdb --output report/audit-report.html

The page has neither scripts nor links, and forbids itself both: what stands in an audit log is not to be trusted.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import typing as t
from pathlib import Path

import jinja2
from markupsafe import Markup

from analytics.report import charts
from analytics.report.answers import Answers, ReportError, read

HEADLINES = (
    ("events", "events", False),
    ("actors", "actors", False),
    ("addresses", "addresses", False),
    ("failed", "failed", True),
    ("risky changes", "sensitive", False),
    ("at unusual hours", "outside", False),
    ("unusual deletions", "sprees", True),
)


def main() -> int:
    """Write the page; give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m analytics.report", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--database", type=Path, required=True, help="a DuckDB file with tap_endorlabs.audit_logs")
    parser.add_argument("--output", type=Path, default=Path("report/audit-report.html"), help="the page to write")
    given = parser.parse_args()
    try:
        page = render(read(given.database))
    except ReportError as error:
        print(error, file=sys.stderr)
        return 1
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(page, encoding="utf-8")
    print(f"Written: {given.output} ({len(page.encode()) // 1000:,} kB)")
    return 0


def render(answers: Answers) -> str:
    """Give the page."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("analytics.report", "."), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["shown"] = shown
    environment.tests["time"] = lambda value: isinstance(value, dt.datetime)
    page: str = environment.get_template("page.html.j2").render(
        answers=answers,
        figures=answers.figures,
        headlines=HEADLINES,
        # The charts' texts have been escaped.
        timeline=Markup(charts.timeline(answers)),  # noqa: S704
        actors=Markup(charts.actors(answers)),  # noqa: S704
        hours=Markup(charts.hours(answers)),  # noqa: S704
    )
    return page


def shown(value: t.Any) -> str:  # noqa: ANN401 - whatever a column holds
    """Give a value as the page shows it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime):
        return value.isoformat(" ", "seconds")
    return str(value)


if __name__ == "__main__":
    sys.exit(main())
