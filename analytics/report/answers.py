"""What a DuckDB file, which is only read, answers to the report's questions."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass

import duckdb

from analytics import statements
from analytics.report import questions

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator
    from pathlib import Path

Rows = list[dict[str, t.Any]]

_MOST_LISTED = 20
SEVERITIES = ("critical", "high", "medium", "low")

_TABLES = """
SELECT table_name AS name FROM information_schema.tables
WHERE table_catalog = 'source' AND table_schema = 'tap_endorlabs'
    AND table_name IN ('audit_logs', 'authentication_logs')
"""


class ReportError(Exception):
    """The file can't be reported on; the text is the line that the user reads."""


class Listing(t.NamedTuple):
    """The first rows of a list.

    Attributes:
        rows: those that are shown.
        total: how many there are.
    """

    rows: Rows
    total: int


@dataclass(frozen=True)
class Answers:
    """What the report shows.

    Attributes:
        figures: the headline figures, by name.
        organizations: the names of the organizations that the events belong to, the one with most first.
        activities: events, failures, actors and addresses of each kind of activity.
        alerts: the newest of each severity.
        rules: how many alerts each rule gave, by severity.
        failures: what failed, what was refused first.
        news: the new actors and addresses of the last seven days.
        sign_ins: who signed in, those with most failures first.
        alerts_by_day: how many of each severity.
        changes_by_day: how many were done, and how many failed.
        changes_by_actor: the same, for those who changed most.
        changes_by_hour: how many by weekday (1 is Monday) and hour, in the time zone of the settings.
    """

    figures: dict[str, t.Any]
    organizations: list[str]
    activities: Rows
    alerts: dict[str, Listing]
    rules: Rows
    failures: Listing
    news: Listing
    sign_ins: Listing
    alerts_by_day: Rows
    changes_by_day: Rows
    changes_by_actor: Listing
    changes_by_hour: Rows


class Source:
    """A DuckDB file with the views on it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def rows(self, query: str, given: t.Any = None) -> Rows:  # noqa: ANN401 - what DuckDB takes as parameters
        """Give what a query finds.

        Raises:
            ReportError: it can't be answered.
        """
        try:
            found = self._connection.execute(query, given)
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        except (duckdb.Error, ValueError, OverflowError) as error:
            raise ReportError(f"The report can't be made of this file: {_cause(error)}") from error

    def listing(self, query: str, most: int = _MOST_LISTED, **given: t.Any) -> Listing:  # noqa: ANN401 - the same
        """Give at most so many rows of a query that says in `total` how much there is."""
        rows = self.rows(query, {"most": most, **given})
        return Listing(rows, rows[0]["total"] if rows else 0)

    def events_between(self, start: dt.datetime, stop: dt.datetime) -> tuple[int, int]:
        """Count the audit logs from `start` to `stop`, exclusive, and those from there on; both in UTC."""
        (found,) = self.rows(questions.EVENTS_BETWEEN, {"start": start, "stop": stop})
        return found["inside"], found["behind"]


@contextlib.contextmanager
def opened(database: Path) -> Iterator[Source]:
    """Open a DuckDB file that has the table `tap_endorlabs.audit_logs`, or that of sign-ins.

    Raises:
        ReportError: there is no such file or table, or a setting of the views is wrong.
    """
    if not database.is_file():
        raise ReportError(f"There is no file {database}: name a DuckDB file with DATABASE=.")
    # Else a file of another kind would be asked of the network: there is an extension for it.
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
        try:
            path = str(database).replace("'", "''")
            connection.execute(f"ATTACH '{path}' AS source (READ_ONLY)")
            connection.execute("CREATE SCHEMA tap_endorlabs")
            tables = connection.execute(_TABLES).fetchall()
            for (table,) in tables:
                connection.execute(f"CREATE VIEW tap_endorlabs.{table} AS FROM source.tap_endorlabs.{table}")
        except duckdb.Error as error:
            raise ReportError(f"{database} can't be read as a DuckDB file: {_cause(error)}") from error
        if not tables:
            raise ReportError(f"{database} has no table tap_endorlabs.audit_logs: load the log into it first.")
        try:
            for statement in (*statements("duckdb"), questions.FIND_ALERTS, questions.FIND_RANGE):
                connection.execute(statement)
        except duckdb.Error as error:
            raise ReportError(f"The views of analytics/ can't be made in {database}: {_cause(error)}") from error
        yield Source(connection)


def _cause(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]


def read(source: Source) -> Answers:
    """Ask all that the report shows.

    Raises:
        ReportError: there is no event.
    """
    (figures,) = source.rows(questions.FIGURES)
    if figures["first_at"] is None:
        raise ReportError("There is no event in the table tap_endorlabs.audit_logs.")
    try:
        changes_by_hour = source.rows(questions.CHANGES_BY_HOUR)
    except ReportError as error:
        raise ReportError(f"Check time_zone in analytics/settings.sql. {error}") from error
    return Answers(
        figures=figures,
        organizations=[row["name"] for row in source.rows(questions.ORGANIZATIONS)],
        activities=source.rows(questions.ACTIVITIES),
        alerts={severity: source.listing(questions.ALERTS, severity=severity) for severity in SEVERITIES},
        rules=source.rows(questions.RULES),
        failures=source.listing(questions.FAILURES),
        news=source.listing(questions.NEW),
        sign_ins=source.listing(questions.SIGN_INS),
        alerts_by_day=source.rows(questions.ALERTS_BY_DAY),
        changes_by_day=source.rows(questions.CHANGES_BY_DAY),
        changes_by_actor=source.listing(questions.CHANGES_BY_ACTOR, most=10),
        changes_by_hour=changes_by_hour,
    )
