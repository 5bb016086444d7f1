"""A dlt pipeline with the source `rest_api`: from the audit logs to JSON Lines files, or to PostgreSQL.

python dlt_rest_api.py config.json output-folder [database-url]
"""

from __future__ import annotations

import json
import sys
import typing as t
from pathlib import Path

import dlt
from dlt.sources.helpers import requests
from dlt.sources.rest_api import rest_api_source

PAGE_SIZE = 500


def source_of(config: dict[str, str], token: str) -> dict[str, t.Any]:
    """Give the configuration of the source."""
    return {
        "client": {
            "base_url": f"{config['api_url']}/v1/namespaces/{config['namespace']}/",
            "auth": {"type": "bearer", "token": token},
            "paginator": {
                "type": "offset",
                "limit": PAGE_SIZE,
                "limit_param": "list_parameters.page_size",
                "offset_param": "list_parameters.page_token",
                "total_path": None,
            },
        },
        "resources": [
            {
                "name": "audit_logs",
                "primary_key": "uuid",
                "write_disposition": "append",
                "endpoint": {
                    "path": "audit-logs",
                    "data_selector": "list.objects",
                    "params": {
                        "list_parameters.traverse": "true",
                        "list_parameters.sort.path": "meta.create_time",
                        "list_parameters.sort.order": "SORT_ENTRY_ORDER_ASC",
                        "list_parameters.filter": "meta.create_time>=date({incremental.start_value})",
                    },
                    "incremental": {"cursor_path": "meta.create_time", "initial_value": config["start_date"]},
                },
            }
        ],
    }


def main(config_file: str, folder: str, database: str = "") -> None:
    """Run the pipeline."""
    config = json.loads(Path(config_file).read_text())
    login = {"key": config["api_key"], "secret": config["api_secret"]}
    token = requests.post(f"{config['api_url']}/v1/auth/api-key", json=login).json()["token"]
    pipeline = dlt.pipeline(
        pipeline_name="audit_logs",
        pipelines_dir=f"{folder}/pipelines",
        destination=dlt.destinations.postgres(database.replace("+psycopg", "").replace("@/", "@localhost/"))
        if database
        else dlt.destinations.filesystem(bucket_url=f"{folder}/files"),
        dataset_name="endor_labs",
    )
    source = rest_api_source(source_of(config, token))
    if database:
        # In columns of their own some numbers of payloads are too large for it.
        source.max_table_nesting = 0
    form: t.Any = None if database else "jsonl"
    pipeline.run(source, loader_file_format=form).raise_on_failed_jobs()


if __name__ == "__main__":
    main(*sys.argv[1:])
