"""Pipelines with a JSON Lines file, and with a PostgreSQL of their own."""

from __future__ import annotations

import datetime as dt
import json
import typing as t

import pytest

from tests.conftest import NOW
from tests.targets.pipeline import Pipeline, Row
from tests.targets.postgres import TABLE, Database, running

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fake_endor_api import FakeEndorApi

START = NOW - dt.timedelta(days=1)


@pytest.fixture
def jsonl(empty_api: FakeEndorApi, tmp_path: Path) -> Pipeline:
    file = tmp_path / "audit_logs.jsonl"

    def delivered() -> list[Row]:
        records = map(json.loads, file.read_text().splitlines() if file.exists() else [])
        return [(record["uuid"], record["create_time"]) for record in records]

    settings = {"TARGET_JSONL_DESTINATION_PATH": str(tmp_path)}
    return Pipeline(empty_api, START, tmp_path, "target-jsonl", settings, delivered, file.unlink)


@pytest.fixture
def database() -> Iterator[Database]:
    with running() as database:
        yield database


@pytest.fixture
def postgres(empty_api: FakeEndorApi, tmp_path: Path, database: Database) -> Pipeline:
    def truncate() -> None:
        database.run(f"TRUNCATE {TABLE};")

    # The target inserts so many at a time, else 10,000.
    settings = database.settings | {"TARGET_POSTGRES_BATCH_SIZE_ROWS": "100"}
    return Pipeline(empty_api, START, tmp_path, "target-postgres", settings, database.rows, truncate)


@pytest.fixture(params=["jsonl", "postgres"])
def pipeline(request: pytest.FixtureRequest) -> Pipeline:
    return t.cast("Pipeline", request.getfixturevalue(request.param))
