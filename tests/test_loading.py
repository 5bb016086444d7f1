"""Loading into DuckDB keeps the first record of each; `tests/targets/test_keep_first.py` has it in PostgreSQL."""

from __future__ import annotations

import copy
import datetime as dt
import json
import re
import subprocess
import typing as t

import duckdb
import pytest

from analytics import FOLDER, LOAD, LOAD_SIGN_INS
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


FILES = {"audit_logs": ("lines", LOAD), "authentication_logs": ("sign_ins", LOAD_SIGN_INS)}
"""The variable that names the lines of each stream, and what loads them."""


@pytest.fixture
def stream() -> str:
    return "audit_logs"


@pytest.fixture
def load(stream: str, connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> Load:
    """Add records to the file, and load it: gives how many events there are, and how many came with other content."""
    file = tmp_path / f"{stream}.jsonl"
    variable, text = FILES[stream]
    connection.execute(f"SET VARIABLE {variable} = ?", [str(file)])

    def load(records: list[Record]) -> tuple[int, int]:
        with file.open("a") as lines:
            lines.writelines(f"{json.dumps(record)}\n" for record in records)
        return t.cast("tuple[int, int]", connection.execute(text).fetchone())

    return load


def altered(record: Record) -> Record:
    return record | {"spec": record["spec"] | {"operation": "OPERATION_NONE"}}


@pytest.mark.parametrize("stream", FILES)
@pytest.mark.parametrize("at_once", [True, False], ids=["one file", "two loads"])
def test_the_first_record_is_kept_and_others_are_put_beside_it(
    *, at_once: bool, stream: str, load: Load, connection: duckdb.DuckDBPyConnection
) -> None:
    later = [altered(RECORDS[3]), *RECORDS, altered(RECORDS[7])]
    if at_once:
        assert load([*RECORDS, *later]) == (20, 2)
    else:
        assert load(RECORDS) == (20, 0)
        assert load(later) == (20, 2)
    # However often the same lines are loaded.
    assert load([]) == (20, 2)
    kept = connection.execute(f"SELECT uuid, spec FROM tap_endorlabs.{stream}").fetchall()  # noqa: S608
    assert {uuid: json.loads(spec) for uuid, spec in kept} == {record["uuid"]: record["spec"] for record in RECORDS}
    beside = connection.execute(
        "SELECT stream, uuid, record FROM tap_endorlabs.conflicts ORDER BY loaded_at"
    ).fetchall()
    assert {uuid: (stream, json.loads(record)["spec"]) for stream, uuid, record in beside} == {
        record["uuid"]: (stream, altered(record)["spec"]) for record in (RECORDS[3], RECORDS[7])
    }


def test_sign_ins_are_loaded_as_events_are() -> None:
    events, sign_ins = (text.partition("CREATE SCHEMA")[2] for text in (LOAD, LOAD_SIGN_INS))
    assert sign_ins == (
        events.replace("audit_logs", "authentication_logs")
        .replace("getvariable('lines')", "getvariable('sign_ins')")
        .replace("AS events", "AS sign_ins")
    )


def test_each_log_counts_its_own(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    counts = []
    for number, (stream, (variable, text)) in enumerate(FILES.items()):
        file = tmp_path / stream
        records = [*RECORDS, *map(altered, RECORDS[: number + 1])]
        file.write_text("".join(f"{json.dumps(record)}\n" for record in records))
        connection.execute(f"SET VARIABLE {variable} = ?", [str(file)])
        counts.append((text, (20, number + 1)))
    assert [connection.execute(text).fetchone() for text, _ in counts * 2] == [found for _, found in counts * 2]


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


def test_another_order_of_fields_is_no_other_content(load: Load, connection: duckdb.DuckDBPyConnection) -> None:
    def turned(value: t.Any) -> t.Any:
        return {name: turned(value[name]) for name in reversed(value)} if isinstance(value, dict) else value

    turned_records = [turned(record) for record in RECORDS]
    assert [*turned_records[0]["spec"]] != [*RECORDS[0]["spec"]]
    assert load([*RECORDS, *turned_records]) == (20, 0)
    # Nor is it for what came with other content.
    other = altered(RECORDS[3])
    for records in ([other, turned(other)], [turned(other)], [turned(other), other]):
        load(records)
    assert connection.execute("SELECT count(*) FROM tap_endorlabs.conflicts").fetchone() == (1,)


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


def test_half_a_line_is_removed_as_the_manual_says(load: Load, tmp_path: Path) -> None:
    manual = (FOLDER.parent / "docs/troubleshooting.md").read_text()
    (command,) = re.findall(r"```sh\n(.*?)```", manual, re.DOTALL)
    load(RECORDS[:10])
    file = tmp_path / "audit_logs.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole + json.dumps(RECORDS[10]).encode()[:100])
    with pytest.raises(duckdb.InvalidInputException, match="Malformed JSON"):
        load([])
    for _ in range(2):
        subprocess.run(["/usr/bin/env", "bash", "-ec", command], cwd=tmp_path, check=True)
        assert file.read_bytes() == whole
    assert load(RECORDS[10:]) == (20, 0)
