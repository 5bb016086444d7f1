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

try:
    from analytics.report.answers import ReportError, opened, read
    from analytics.report.page import render
    from analytics.report.verified import NOT_VERIFIED, verdict
except ModuleNotFoundError as missing:
    sys.exit(f"The report needs the package {missing.name}: run `make .venv/.report-installed`.")

if t.TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page; give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m analytics.report", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--database", type=Path, required=True, help="a DuckDB file with tap_endorlabs.audit_logs")
    parser.add_argument("--output", type=Path, help="the page to write; else it is in the folder report/")
    parser.add_argument("--verified", type=Path, help="what endorlabs-verify --json has printed about this file")
    parser.add_argument("--made-up", action="store_true", help="say that the events are no real ones")
    given = parser.parse_args(arguments)
    output = given.output or Path("report", "made-up-report.html" if given.made_up else "audit-report.html")
    try:
        with opened(given.database) as source:
            answers = read(source)
            known = verdict(given.verified, source, answers.figures["events"]) if given.verified else NOT_VERIFIED
    except ReportError as error:
        print(error, file=sys.stderr)
        return 1
    page = render(answers, known, dt.datetime.now(dt.timezone.utc), made_up=given.made_up)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(page, encoding="utf-8")
    except OSError as error:
        print(f"{output} can't be written ({error.strerror}): name another file with --output.", file=sys.stderr)
        return 1
    print(f"Written: {output} ({len(page.encode()) // 1000:,} kB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
