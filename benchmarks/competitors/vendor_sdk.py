"""The vendor's SDK: lists the audit logs and writes each as a line of JSON.

python vendor_sdk.py config.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import endorlabs

PAGE_SIZE = 500


def main(config_file: str) -> None:
    """List the log."""
    config = json.loads(Path(config_file).read_text())
    client = endorlabs.Client(
        tenant=config["namespace"],
        base_url=config["api_url"],
        key=config["api_key"],
        secret=config["api_secret"],
        logging_level="ERROR",
    )
    condition = f"meta.create_time>=date({config['start_date']})"
    for event in client.AuditLog.list_iter(traverse=True, filter=condition, page_size=PAGE_SIZE):
        sys.stdout.write(event.model_dump_json() + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
