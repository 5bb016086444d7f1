"""Syncs from the fake API to a PostgreSQL server with Meltano, twice, then everything again, and asks the table.

Exits with 1 if anything is missing or repeated.
"""

from __future__ import annotations

import sys
from pathlib import Path

from analytics import KEEP_FIRST
from scripts.stage import Stage, meltano_of, report, sync_twice
from tests.targets.postgres import TABLE, Database, running

QUESTIONS = {
    "Who did most?": """
        SELECT meta->>'created_by' AS actor, count(*) AS operations, max(create_time) AS latest
        FROM tap_endorlabs.audit_logs
        GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5
    """,
    "What failed most often?": """
        SELECT spec->>'operation' AS operation, spec->'error'->>'message' AS error, count(*) AS events
        FROM tap_endorlabs.audit_logs WHERE spec->'error' IS NOT NULL
        GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 5
    """,
    "Who deleted policies last, and from where?": """
        SELECT create_time, meta->>'created_by' AS actor, spec->>'message_uuid' AS policy,
               spec->>'remote_address' AS address
        FROM tap_endorlabs.audit_logs
        WHERE spec->>'operation' = 'OPERATION_DELETE' AND spec->>'message_kind' LIKE '%Policy'
        ORDER BY create_time DESC LIMIT 5
    """,
}
"""What a security engineer may ask of the table."""

FINGERPRINT = """
    SELECT md5(string_agg(md5(ROW(uuid, create_time, tenant_meta, meta, spec)::text), '' ORDER BY uuid))
    FROM tap_endorlabs.audit_logs
"""
"""Stands for all that the API sent."""


def main() -> int:
    """Run the demo; give the exit code."""
    meltano = meltano_of(__doc__)
    with (
        running() as database,
        Stage(Path("demo-postgres"), meltano, "target-postgres", database.settings).opened() as stage,
    ):
        database.run(KEEP_FIRST)
        counts = sync_twice(stage, lambda: uuids(database))
        before = database.ask(FINGERPRINT)
        stage.run("everything again", "--full-refresh")
        again = database.ask(FINGERPRINT)
        print(f"\nThe columns of {TABLE}:")
        for name, kind in database.columns().items():
            print(f"  {name:26}{kind}")
        for question, query in QUESTIONS.items():
            print(f"\n{question}\n{database.ask(query)}")
        ((conflicts,),) = database.select("SELECT count(DISTINCT uuid) FROM tap_endorlabs.conflicts")
        rows = {
            "rows after a full refresh": f"{len(database.rows()):,}",
            "other content": f"{conflicts:,}",
            "changed by it": "nothing" if again == before else "SOMETHING",
        }
        code = report(stage.uuids(), uuids(database), counts, rows)
    return code or int(again != before)


def uuids(database: Database) -> list[str]:
    """Give the uuids of all rows."""
    return [uuid for uuid, _ in database.rows()]


if __name__ == "__main__":
    sys.exit(main())
