"""Syncs from the fake API to JSON lines with Meltano, twice, loads them into DuckDB, and asks the table.

Exits with 1 if anything is missing or repeated.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from analytics import LOAD, statements
from scripts.stage import Stage, meltano_of, report, sync_twice

FOLDER = Path("demo-duckdb")
LINES = FOLDER / "audit_logs.jsonl"
DATABASE = FOLDER / "audit_logs.duckdb"
PARQUET = FOLDER / "audit_logs.parquet"

QUESTIONS = {
    "Who did most?": """
        SELECT actor, count(*) AS operations, max(happened_at) AS latest
        FROM audit_events GROUP BY actor ORDER BY operations DESC, actor LIMIT 5
    """,
    "What failed most often?": """
        SELECT operation, error_message, count(*) AS events
        FROM failed_operations GROUP BY ALL ORDER BY events DESC, operation, error_message LIMIT 5
    """,
    "What should somebody look at?": """
        SELECT happened_at, severity, rule, actor, object
        FROM alerts LIMIT 5
    """,
}
"""What a security engineer may ask."""


def main() -> int:
    """Run the demo; give the exit code."""
    settings = {"TARGET_JSONL_DESTINATION_PATH": str(FOLDER)}
    with Stage(FOLDER, meltano_of(__doc__), "target-jsonl", settings).opened() as stage:
        counts = sync_twice(stage, load)
        in_api = stage.uuids()
    with duckdb.connect(str(DATABASE)) as connection:
        for statement in statements("duckdb"):
            connection.execute(statement)
        print("\nThe columns of tap_endorlabs.audit_logs:")
        for name, kind, *_ in connection.execute("DESCRIBE tap_endorlabs.audit_logs").fetchall():
            print(f"  {name:26}{kind}")
        for question, query in QUESTIONS.items():
            print(f"\n{question}")
            connection.sql(query).show()
        connection.execute(f"COPY tap_endorlabs.audit_logs TO '{PARQUET}'")
        ((conflicts,),) = connection.execute("SELECT count(DISTINCT uuid) FROM tap_endorlabs.conflicts").fetchall()
    rows = {"other content": f"{conflicts:,}", "database": str(DATABASE), "Parquet": str(PARQUET)}
    return report(in_api, load(), counts, rows)


def load() -> list[str]:
    """Load all lines that have been delivered so far; give the uuids of all rows."""
    with duckdb.connect(str(DATABASE)) as connection:
        connection.execute("SET VARIABLE lines = ?", [str(LINES)])
        connection.execute(LOAD)
        return [uuid for (uuid,) in connection.execute("SELECT uuid FROM tap_endorlabs.audit_logs").fetchall()]


if __name__ == "__main__":
    sys.exit(main())
