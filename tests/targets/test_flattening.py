"""What flattening makes of the records in PostgreSQL: other columns, but no field less."""

from __future__ import annotations

import datetime as dt
import json
import typing as t

import pytest

from fake_endor_api import make_events
from tap_endorlabs.timestamps import normalize
from tests.conftest import NOW
from tests.targets.conftest import START

if t.TYPE_CHECKING:
    from tests.targets.pipeline import Pipeline
    from tests.targets.postgres import Database

pytestmark = [pytest.mark.targets, pytest.mark.timeout(300)]

COLUMNS: dict[int, dict[str, str]] = {
    0: {"create_time": "timestamp without time zone", "tenant_meta": "jsonb", "meta": "jsonb", "spec": "jsonb"},
    1: {
        "create_time": "timestamp without time zone",
        "tenant_meta__namespace": "text",
        "meta__create_time": "timestamp without time zone",
        "meta__tags": "text",
        "spec__operation": "text",
        "spec__payload": "text",
        "spec__claims": "text",
        "spec__error": "text",
    },
    2: {
        "create_time": "timestamp without time zone",
        "meta__annotations": "text",
        "meta__references": "text",
        "meta__index_data__search_score": "numeric",
        "spec__payload": "text",
        "spec__error__code": "bigint",
        "spec__error__details": "text",
    },
}
"""Some columns and their types, by depth."""


@pytest.mark.parametrize("depth", COLUMNS)
def test_no_field_is_lost(depth: int, postgres: Pipeline, database: Database) -> None:
    events = make_events(200, START, NOW)
    for event in events[:3]:
        event["spec"]["error"] = {"code": 7, "message": "denied", "details": [{"@type": "x", "deep": {"er": [1]}}]}
    postgres.api.store.add(events)
    postgres.settings |= {
        "TAP_ENDORLABS_FLATTENING_ENABLED": "true",
        "TAP_ENDORLABS_FLATTENING_MAX_DEPTH": str(depth),
    }
    code, output = postgres.run()
    assert code == 0, output
    columns = database.columns()
    assert {name: columns.get(name) for name in COLUMNS[depth]} == COLUMNS[depth]
    records = database.records()
    assert len(records) == 200
    for event in events:
        row = records[event["uuid"]]
        for path, value in leaves(event):
            assert same(found(row, path), value), path


def leaves(value: t.Any, path: tuple[str, ...] = ()) -> t.Iterator[tuple[tuple[str, ...], t.Any]]:
    """Every field that is no object, with its path."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    else:
        yield path, value


def found(row: dict[str, t.Any], path: tuple[str, ...]) -> t.Any:
    """What a row has at a path, in whichever column that is."""
    length = next(length for length in range(len(path), 0, -1) if "__".join(path[:length]) in row)
    value = row["__".join(path[:length])]
    for name in path[length:]:
        value = (json.loads(value) if isinstance(value, str) else value)[name]
    return value


def same(in_row: t.Any, in_api: t.Any) -> bool:
    """Whether a value has arrived: lists as JSON text, times to the microsecond."""
    if in_row == in_api:
        return True
    if isinstance(in_api, (list, dict)):
        return bool(json.loads(in_row) == in_api)
    arrived, sent = (dt.datetime.fromisoformat(normalize(time)[:-1]) for time in (f"{in_row}Z", in_api))
    difference = arrived - sent
    return abs(difference) <= dt.timedelta(microseconds=1)
