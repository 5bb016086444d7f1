"""Syncs from the fake API to a JSON Lines file with Meltano, twice, and compares the file with the API.

Exits with 1 if anything is missing or repeated.
"""

from __future__ import annotations

import json
import sys
import typing as t
from pathlib import Path

from scripts.stage import Stage, meltano_of, report, sync_twice

FOLDER = Path("demo")
OUTPUT = FOLDER / "output" / "audit_logs.jsonl"


def main() -> int:
    """Run the demo; give the exit code."""
    with Stage(FOLDER, meltano_of(__doc__), "target-jsonl").opened() as stage:
        counts = sync_twice(stage, delivered)
        in_api = stage.uuids()
    print("\nOne event: somebody has changed a policy.")
    event = next(one for one in records() if one["meta"]["name"] == "update Policy")
    print(json.dumps(event, indent=2, ensure_ascii=False))
    first, second = stage.seconds
    rows = {"seconds, first run": f"{first:.1f}", "seconds, second run": f"{second:.1f}", "file": str(OUTPUT)}
    return report(in_api, delivered(), counts, rows)


def delivered() -> list[str]:
    """Give the uuids of all lines that have been delivered so far."""
    return [record["uuid"] for record in records()]


def records() -> list[dict[str, t.Any]]:
    """Give all lines that have been delivered so far."""
    if not OUTPUT.exists():
        return []
    with OUTPUT.open() as lines:
        return [json.loads(line) for line in lines]


if __name__ == "__main__":
    sys.exit(main())
