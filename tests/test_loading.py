"""Loading into DuckDB keeps the first record of an event; `tests/targets/test_keep_first.py` has it in PostgreSQL."""

from __future__ import annotations

import copy
import datetime as dt
import json
import re
import typing as t

import duckdb
import pytest

from analytics import FOLDER, LOAD
from fake_endor_api import make_events
from tests.conftest import NOW

if t.TYPE_CHECKING:
    from pathlib import Path

Record = dict[str, t.Any]
Load = t.Callable[[list[Record]], tuple[int, int]]

RECORDS = [
    event | {"create_time": f"2026-03-31T12:00:{n:02}.000001Z"}
    for n, event in enumerate(make_events(20, NOW, NOW + dt.timedelta(hours=1)))
]


QUERIES = re.search(r"```sql\n(.*?)```", (FOLDER.parent / "docs/how-to/postgresql.md").read_text(), re.DOTALL)
"""What the page on PostgreSQL asks."""


@pytest.fixture
def connection() -> t.Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def load(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> Load:
    """Add records to the file, and load it: gives how many events there are, and how many came with other content."""
    file = tmp_path / "audit_logs.jsonl"
    connection.execute("SET VARIABLE lines = ?", [str(file)])

    def load(records: list[Record]) -> tuple[int, int]:
        with file.open("a") as lines:
            lines.writelines(f"{json.dumps(record)}\n" for record in records)
        return t.cast("tuple[int, int]", connection.execute(LOAD).fetchone())

    return load


def spec_of(record: Record, connection: duckdb.DuckDBPyConnection) -> t.Any:
    query = "SELECT spec FROM tap_endorlabs.audit_logs WHERE uuid = ?"
    ((spec,),) = connection.execute(query, [record["uuid"]]).fetchall()
    return json.loads(spec)


def altered(record: Record) -> Record:
    return record | {"spec": record["spec"] | {"operation": "OPERATION_NONE"}}


@pytest.mark.parametrize("at_once", [True, False], ids=["one file", "two loads"])
def test_the_first_record_is_kept_and_others_are_put_beside_it(
    *, at_once: bool, load: Load, connection: duckdb.DuckDBPyConnection
) -> None:
    later = [altered(RECORDS[3]), *RECORDS, altered(RECORDS[7])]
    if at_once:
        assert load([*RECORDS, *later]) == (20, 2)
    else:
        assert load(RECORDS) == (20, 0)
        assert load(later) == (20, 2)
    # However often the same lines are loaded.
    assert load([]) == (20, 2)
    for record in RECORDS:
        assert spec_of(record, connection) == record["spec"]
    beside = connection.execute(
        "SELECT stream, uuid, record FROM tap_endorlabs.conflicts ORDER BY loaded_at"
    ).fetchall()
    assert {uuid: (stream, json.loads(record)["spec"]) for stream, uuid, record in beside} == {
        record["uuid"]: ("audit_logs", altered(record)["spec"]) for record in (RECORDS[3], RECORDS[7])
    }


CHANGES: dict[str, t.Callable[[Record], object]] = {
    "another time": lambda record: record.update(create_time="2026-03-31T12:00:00.000002Z"),
    "another namespace": lambda record: record["tenant_meta"].update(namespace="other"),
    "another author": lambda record: record["meta"].update(created_by="other"),
    "no spec": lambda record: record.update(spec=None),
    "a field more": lambda record: record["spec"].update(new=None),
    "a field less": lambda record: record["spec"].pop("payload"),
    "another order of a list": lambda record: record["spec"]["payload"]["list"].reverse(),
    "a number as text": lambda record: record["spec"]["payload"].update(number="1"),
    "an object for a list": lambda record: record["spec"]["payload"].update(list={"0": 1, "1": 2}),
    "two values swapped": lambda record: record["spec"]["payload"].update(a=2, b=1),
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_kind_of_other_content_is_noticed(change: str, load: Load) -> None:
    first = copy.deepcopy(RECORDS[0])
    first["spec"]["payload"] = {"list": [1, 2], "number": 1, "a": 1, "b": 2}
    again = copy.deepcopy(first)
    CHANGES[change](again)
    assert load([first, again]) == (1, 1)


def test_another_order_of_fields_is_no_other_content(load: Load) -> None:
    def turned(value: t.Any) -> t.Any:
        return {name: turned(value[name]) for name in reversed(value)} if isinstance(value, dict) else value

    turned_records = [turned(record) for record in RECORDS]
    assert [*turned_records[0]["spec"]] != [*RECORDS[0]["spec"]]
    assert load([*RECORDS, *turned_records]) == (20, 0)


def test_rows_stand_in_the_order_of_the_file(load: Load, connection: duckdb.DuckDBPyConnection) -> None:
    load([*RECORDS, *reversed(RECORDS)])
    rows = connection.execute("SELECT uuid FROM tap_endorlabs.audit_logs").fetchall()
    assert [uuid for (uuid,) in rows] == [record["uuid"] for record in RECORDS]


def test_the_documented_queries_say_how_many_and_which(load: Load, connection: duckdb.DuckDBPyConnection) -> None:
    load([*RECORDS, altered(RECORDS[3])])
    assert QUERIES is not None
    count, which = (connection.execute(query).fetchall() for query in QUERIES[1].strip().rstrip(";").split(";"))
    assert count == [(1,)]
    ((uuid, _, kept, again),) = which
    assert (uuid, json.loads(kept), json.loads(again)) == (
        RECORDS[3]["uuid"],
        RECORDS[3]["spec"],
        altered(RECORDS[3])["spec"],
    )
