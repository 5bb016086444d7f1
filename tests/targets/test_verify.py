"""`endorlabs-verify` with what real targets write: in PostgreSQL, and called by Meltano with its state."""

from __future__ import annotations

import subprocess
import typing as t

import duckdb
import pytest

from analytics import LOAD
from fake_endor_api import make_events
from tap_endorlabs.verify.digests import days_of, digests_of
from tap_endorlabs.verify.duckdb_table import DuckDbTable
from tap_endorlabs.verify.json_lines import JsonLines
from tap_endorlabs.verify.postgres_table import PostgresTable
from tests.conftest import NOW
from tests.harness import config_for
from tests.meltano import environment_for
from tests.targets.conftest import START
from tests.targets.pipeline import MELTANO, ROOT
from tests.targets.postgres import TABLE
from tests.verifying import differing, found, records_of, verify

if t.TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import Output
    from tests.targets.pipeline import Pipeline
    from tests.targets.postgres import Database

pytestmark = [pytest.mark.targets, pytest.mark.timeout(300)]

BEGIN, END = "2026-03-30T12:00:00.000000Z", "2026-03-31T12:00:00.000000Z"
NUMBERS = [100_000.0, -0.0, 3.4e38, 1e-7, 12345678901234567890, 0.1, 1e22, "é😀\u2028", None, [], {}]
EMPTY = f"CREATE SCHEMA tap_endorlabs; CREATE TABLE {TABLE} (uuid text, create_time timestamp);"
AS_READER = "ALTER ROLE postgres SET role reader;"
OTHER = '{"remote_address": "192.0.2.1"}'


def run(pipeline: Pipeline) -> None:
    code, output = pipeline.run()
    assert code == 0, output


def compare(pipeline: Pipeline, database: Database, *options: str) -> Output:
    url = database.settings["TARGET_POSTGRES_SQLALCHEMY_URL"]
    config = config_for(pipeline.api, start_date=START.isoformat())
    return verify(pipeline.folder, "--postgres", url, "--to", END, *options, config=config)


def test_what_is_removed_doubled_or_altered_in_postgres_is_found(
    postgres: Pipeline, database: Database, tmp_path: Path
) -> None:
    postgres.api.store.add(make_events(300, START, NOW))
    run(postgres)
    records = records_of(postgres.api)
    digests = tmp_path / "digests.jsonl"
    output = compare(postgres, database, "--from", "2026-03-30", "--digests", str(digests))
    assert output.code == 0, output.stderr
    url = database.settings["TARGET_POSTGRES_SQLALCHEMY_URL"]
    against = ("--postgres", url, "--against", str(digests))
    assert verify(tmp_path, *against).code == 0

    database.run(f"UPDATE {TABLE} SET spec = spec || '{OTHER}' WHERE uuid = '{records[0]['uuid']}';")  # noqa: S608
    assert compare(postgres, database).code == 0
    output = verify(tmp_path, *against)
    assert (output.code, output.errors) == (3, ["Altered since the digests were written: 2026-03-30."])

    lost, twice, gone = records[10], records[-1], records[20]
    database.run(f"DELETE FROM {TABLE} WHERE uuid = '{lost['uuid']}';")  # noqa: S608
    database.run(f"ALTER TABLE {TABLE} DROP CONSTRAINT IF EXISTS audit_logs_pkey;")
    database.run(f"INSERT INTO {TABLE} SELECT * FROM {TABLE} WHERE uuid = '{twice['uuid']}';")  # noqa: S608
    postgres.api.store.remove(gone["uuid"])
    output = compare(postgres, database, "--uuids=all", "--json")
    assert differing(output) == {"2026-03-30": (1, 1, 0, 0), "2026-03-31": (0, 0, 1, 0)}
    first = found(output)["rows"][0]
    assert (first["missing_here"][0]["uuid"], first["gone_there"]) == (lost["uuid"], [gone["uuid"]])


def test_a_file_and_both_databases_have_the_same_digests(
    jsonl: Pipeline, postgres: Pipeline, database: Database, tmp_path: Path
) -> None:
    events = make_events(60, START, NOW)
    for event, value in zip(events, NUMBERS, strict=False):
        event["spec"]["payload"] = {"b": value, "a": [{"value": value}]}
    jsonl.api.store.add(events)
    run(jsonl)
    run(postgres)
    with duckdb.connect(str(tmp_path / "a.duckdb")) as connection:
        connection.execute("SET VARIABLE lines = ?", [str(tmp_path / "audit_logs.jsonl")])
        connection.execute(LOAD)
    days = days_of("2026-03-30T00:00:00.000000Z", "2026-04-01T00:00:00.000000Z")
    destinations = [
        JsonLines([str(tmp_path / "audit_logs.jsonl")]),
        DuckDbTable(str(tmp_path / "a.duckdb"), TABLE),
        PostgresTable(database.settings["TARGET_POSTGRES_SQLALCHEMY_URL"], TABLE, print),
    ]
    first, *others = [digests_of(one.records(BEGIN, END, lambda _, __: None), days) for one in destinations]
    for one in destinations:
        one.close()
    assert sum(digest.events for digest in first.values()) == 60
    assert others == [first, first]


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("", "The PostgreSQL database has no table tap_endorlabs.audit_logs: name it with --table."),
        (
            "CREATE SCHEMA tap_endorlabs; CREATE TABLE tap_endorlabs.audit_logs (a integer);",
            "--table tap_endorlabs.audit_logs does not have the columns uuid and create_time.",
        ),
        (
            f"{EMPTY} CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA tap_endorlabs TO reader; {AS_READER}",
            "The user of PostgreSQL may not read tap_endorlabs.audit_logs: it needs USAGE and SELECT.",
        ),
    ],
)
def test_what_is_wrong_with_a_table_is_told_in_a_line(
    statement: str, says: str, postgres: Pipeline, database: Database
) -> None:
    if statement:
        database.run(statement)
    output = compare(postgres, database)
    assert output.code == 1, output.stdout
    assert output.errors[0].startswith(says), output.errors


def test_meltano_hands_over_the_settings_and_the_state(jsonl: Pipeline, tmp_path: Path) -> None:
    jsonl.api.store.add(make_events(200, START, NOW))
    run(jsonl)
    environment = environment_for(jsonl.api.url, tmp_path, START)
    lines = tmp_path / "audit_logs.jsonl"

    def meltano(*arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [str(MELTANO), "--log-level=error", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=environment, input=given, capture_output=True, text=True, check=False
        )

    state = meltano("state", "get", "demo:tap-endorlabs-to-target-jsonl").stdout
    arguments = ("invoke", "tap-endorlabs:verify", "--state", "-", "--jsonl", str(lines))
    done = meltano(*arguments, given=state)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "All agree."), done.stderr
    lines.write_text("".join(lines.read_text().splitlines(keepends=True)[1:]))
    assert meltano(*arguments, given=state).returncode == 3
