"""What the report asks of a DuckDB file, which is only read."""

from __future__ import annotations

import datetime as dt
import typing as t
from dataclasses import dataclass

import duckdb

from analytics import statements

if t.TYPE_CHECKING:
    from pathlib import Path

Rows = list[dict[str, t.Any]]

_FIGURES = """
SELECT
    count(*) AS events,
    count(DISTINCT actor) AS actors,
    count(DISTINCT remote_address) AS addresses,
    sum(CASE WHEN failed THEN 1 ELSE 0 END) AS failed,
    (SELECT count(*) FROM risky_changes) AS sensitive,
    (SELECT count(*) FROM off_hours) AS outside,
    (SELECT count(*) FROM deletions) AS sprees,
    min(happened_at) AS first_at,
    max(happened_at) AS last_at,
    (SELECT time_zone FROM audit_settings) AS time_zone
FROM audit_events
WHERE stream = 'audit_logs'
"""
_TIMELINE = """
SELECT CAST(happened_at AS DATE) AS day, {operation} AS operation, count(*) AS events
FROM audit_events WHERE stream = 'audit_logs' GROUP BY ALL ORDER BY day, operation
"""
_OPERATION = """
CASE
    WHEN operation LIKE '%CREATE' THEN 'create'
    WHEN operation LIKE '%UPDATE' OR operation LIKE '%UPSERT' THEN 'update'
    WHEN operation LIKE '%DELETE' THEN 'delete'
    ELSE 'other'
END
"""
_ACTORS = """
SELECT actor, count(*) AS events, sum(CASE WHEN failed THEN 1 ELSE 0 END) AS failed
FROM audit_events WHERE stream = 'audit_logs' GROUP BY actor ORDER BY events DESC, actor LIMIT 10
"""
_HOURS = """
SELECT isodow(local_time) AS weekday, hour(local_time) AS hour, count(*) AS events
FROM (
    SELECT (happened_at AT TIME ZONE 'UTC') AT TIME ZONE time_zone AS local_time
    FROM audit_events CROSS JOIN audit_settings
    WHERE stream = 'audit_logs'
) GROUP BY ALL
"""
_SENSITIVE = """
SELECT * FROM risky_changes ORDER BY happened_at DESC, uuid LIMIT 20
"""
_SPREES = "SELECT * FROM deletions ORDER BY happened_at DESC, uuid LIMIT 20"
_NEW = "SELECT * FROM new_for_actor WHERE rule = 'new actor' ORDER BY happened_at DESC, uuid LIMIT 10"

_HAS_TABLE = """
SELECT 1 FROM duckdb_tables()
WHERE database_name = 'source' AND schema_name = 'tap_endorlabs' AND table_name = ?
"""


class ReportError(Exception):
    """The file can't be reported on; the text is the line that the user reads."""


@dataclass(frozen=True)
class Answers:
    """What the report shows.

    Attributes:
        figures: the headline figures, by name.
        timeline: events by day and operation.
        actors: who did most.
        hours: events by weekday (1 is Monday) and hour, in the time zone of the settings.
        sensitive: the latest risky changes.
        sprees: who deleted more than usual.
        new_actors: those that appeared last.
    """

    figures: dict[str, t.Any]
    timeline: Rows
    actors: Rows
    hours: Rows
    sensitive: Rows
    sprees: Rows
    new_actors: Rows


def read(database: Path) -> Answers:
    """Ask a DuckDB file that has the table `tap_endorlabs.audit_logs`.

    Raises:
        ReportError: there is no such file or table, or no event in it.
    """
    if not database.is_file():
        raise ReportError(f"There is no file {database}: name a DuckDB file with DATABASE=.")
    with duckdb.connect() as connection:
        try:
            path = str(database).replace("'", "''")
            connection.execute(f"ATTACH '{path}' AS source (READ_ONLY)")
            connection.execute("CREATE SCHEMA tap_endorlabs")
            for table in ("audit_logs", "authentication_logs"):
                if table == "audit_logs" or connection.execute(_HAS_TABLE, [table]).fetchone():
                    connection.execute(f"CREATE VIEW tap_endorlabs.{table} AS FROM source.tap_endorlabs.{table}")
            for statement in statements("duckdb"):
                connection.execute(statement)
        except duckdb.Error as error:
            cause = str(error).splitlines()[0]
            raise ReportError(f"{database} has no table tap_endorlabs.audit_logs that can be read: {cause}") from error

        def ask(query: str) -> Rows:
            found = connection.execute(query)
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

        (figures,) = ask(_FIGURES)
        if not figures["events"]:
            raise ReportError(f"There is no event in {database}.")
        return Answers(
            figures=figures,
            timeline=ask(_TIMELINE.format(operation=_OPERATION)),
            actors=ask(_ACTORS),
            hours=ask(_HOURS),
            sensitive=ask(_SENSITIVE),
            sprees=ask(_SPREES),
            new_actors=ask(_NEW),
        )


def days_between(figures: dict[str, t.Any]) -> list[dt.date]:
    """Give all days from the first event to the last."""
    first, last = figures["first_at"].date(), figures["last_at"].date()
    return [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]
