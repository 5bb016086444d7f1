"""`endorlabs-verify` finds what a destination lacks, has twice, or has beside what the API has, and exactly that."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import logging
import re
import subprocess
import sys
import typing as t

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics import LOAD
from fake_endor_api import Fault, SlowQuery, make_events, make_sign_ins
from tap_endorlabs.sync.bookmark import Gap
from tap_endorlabs.verify.in_order import in_order
from tap_endorlabs.verify.packed import Uuids, distinct
from tap_endorlabs.verify.span import Span
from tap_endorlabs.verify.task import _bar
from tests.conftest import NOW, stored
from tests.harness import config_for, run_inside
from tests.in_process import run_command
from tests.verifying import differing, found, records_of, verify, write_lines

if t.TYPE_CHECKING:
    from pathlib import Path

    from fake_endor_api import FakeEndorApi, ManualClock
    from tests.harness import Output

    Records = list[dict[str, t.Any]]

START = NOW - dt.timedelta(days=6)
LATER = NOW - dt.timedelta(hours=1)


class Case:
    """A log, and a destination that a target has made of it."""

    def __init__(self, api: FakeEndorApi, folder: Path, kind: str, **settings: t.Any) -> None:
        self.api, self.folder, self.kind = api, folder, kind
        self.config = config_for(api, start_date=START.isoformat()) | settings
        self.state: dict[str, t.Any] | None = None

    def deliver(self) -> Records:
        """Let the tap run; give its records."""
        output = run_inside(self.config, self.state)
        self.state = output.state
        return output.records

    def verify(self, records: Records, *options: str) -> Output:
        """Compare the API with a destination that has these records."""
        path = write_lines(self.folder / "audit_logs.jsonl", records)
        if self.kind == "duckdb":
            path = load(path, self.folder / "audit_logs.duckdb")
        files = {"config": self.config} | ({} if self.state is None else {"state": self.state})
        return verify(self.folder, f"--{self.kind}", str(path), *options, **files)


def load(lines: Path, database: Path) -> Path:
    """Make a table of lines, in which repeats stay."""
    with duckdb.connect(str(database)) as connection:
        connection.execute("SET VARIABLE lines = ?", [str(lines)])
        connection.execute("DROP TABLE IF EXISTS tap_endorlabs.audit_logs")
        connection.execute(LOAD.split("INSERT", maxsplit=1)[0].replace("uuid VARCHAR PRIMARY KEY", "uuid VARCHAR"))
        columns = "{uuid: 'VARCHAR', create_time: 'TIMESTAMP', tenant_meta: 'JSON', meta: 'JSON', spec: 'JSON'}"
        connection.execute(
            "INSERT INTO tap_endorlabs.audit_logs BY NAME FROM "
            f"read_json(getvariable('lines'), format = 'newline_delimited', columns = {columns})"
        )
    return database


@pytest.fixture(params=["jsonl", "duckdb"])
def case(request: pytest.FixtureRequest, empty_api: FakeEndorApi, tmp_path: Path) -> Case:
    empty_api.store.add_all_of(stored(600, 6))
    return Case(empty_api, tmp_path, request.param)


def on(day: str) -> t.Callable[[dict[str, t.Any]], bool]:
    return lambda record: record["create_time"].startswith(day)


def test_what_agrees_is_told_so(case: Case) -> None:
    output = case.verify(case.deliver())
    assert output.code == 0, output.stderr
    head, *rows, total, _, last = output.stdout.splitlines()
    assert head.split() == ["day", "API", "destination", "missing", "surplus", "repeats", "in", "a", "gap"]
    assert [row.split()[0] for row in rows] == [f"2026-03-{day}" for day in range(25, 32)]
    assert total.split() == ["sum", "600", "600", "0", "0", "0", "0"]
    assert last == "All agree."


def test_days_that_are_removed_or_doubled_are_found_and_no_others(case: Case) -> None:
    records = case.deliver()
    removed, doubled = list(filter(on("2026-03-27"), records)), list(filter(on("2026-03-29"), records))
    output = case.verify([record for record in records if record not in removed] + doubled[::-1], "--json")
    assert output.code == 3
    assert differing(output) == {
        "2026-03-27": (len(removed), 0, 0, 0),
        "2026-03-29": (0, 0, len(doubled), 0),
    }
    what = f"{len(removed)} missing, 0 surplus, {len(doubled)} repeats, 0 in a gap"
    assert output.errors == [f"The destination does not agree with the API for 2026-03-27 and 2026-03-29: {what}."]


def test_few_days_are_named_in_the_line_and_of_many_some(case: Case) -> None:
    case.deliver()
    (days,), hours = case.verify([]).errors, case.verify([], "--by", "hour").errors[0]
    assert "for 2026-03-25, 2026-03-26, 2026-03-27, 2026-03-28, 2026-03-29, 2026-03-30 and 2026-03-31:" in days
    assert "for 2026-03-25T12:00, " in hours
    assert " more: 600 missing" in hours


def test_what_is_missing_here_and_what_is_gone_there_are_named(case: Case) -> None:
    records = case.deliver()
    gone, missing = records[200], records[400]
    case.api.store.remove(gone["uuid"])
    output = case.verify(records[:400] + records[401:], "--uuids", "--json")
    rows = {row["day"]: row for row in found(output)["rows"] if not row["agrees"]}
    named = {day: (row["missing_here"], row["gone_there"]) for day, row in rows.items()}
    assert named == {
        gone["create_time"][:10]: ([], [gone["uuid"]]),
        missing["create_time"][:10]: ([{name: missing[name] for name in ("uuid", "create_time")}], []),
    }
    listing = [request.query for request in case.api.list_requests[-8:] if "list_parameters.count" not in request.query]
    assert {query.get("list_parameters.mask") for query in listing} == {"uuid,meta.create_time"}


def test_one_lost_and_one_deleted_on_a_day_are_found_by_listing_each(case: Case) -> None:
    records = case.deliver()
    day = list(filter(on("2026-03-28"), records))
    case.api.store.remove(day[0]["uuid"])
    rest = [record for record in records if record is not day[1]]
    assert case.verify(rest, "--uuids").code == 0
    output = case.verify(rest, "--uuids=all", "--json")
    assert (output.code, differing(output)) == (3, {"2026-03-28": (1, 1, 0, 0)})


def test_a_repair_brings_what_is_missing(case: Case) -> None:
    records = case.deliver()
    kept = records[:100] + records[130:300] + records[301:]
    output = case.verify(kept, "--uuids", "--repair", "--json")
    brought = [
        record
        for settings in found(output)["repairs"]
        for record in run_inside(case.config | settings).records
        if record not in kept
    ]
    assert brought == [*records[100:130], records[300]]
    assert case.verify(kept + brought).code == 0
    by_day = found(case.verify(kept, "--repair", "--json"))["repairs"]
    assert by_day[0]["start_date"] == "2026-03-26T00:00:00Z"


def test_the_end_is_the_bookmark_with_what_it_names(case: Case, clock: ManualClock) -> None:
    # These lie within the look-back, as the bookmark names them, and one comes to light after the run.
    soon = make_events(30, NOW, NOW + dt.timedelta(seconds=200), seed=3)
    case.api.store.add(soon[:29])
    clock.advance(240)
    records = case.deliver()
    assert case.state is not None
    assert len(case.state["bookmarks"]["audit_logs"]["emitted"]) >= 29
    case.api.store.add(soon[29:])
    assert case.verify(records).code == 0
    # What was delivered after the state is no surplus.
    late = next(one for one in records_of(case.api) if one["uuid"] == soon[29]["uuid"])
    assert case.verify([*records, late]).code == 0
    output = case.verify(records[:-2], "--json")
    assert differing(output) == {"2026-03-31": (2, 0, 0, 0)}


@pytest.mark.parametrize("start", ["2026-03-26T10:11:12.345678Z", "2026-03-26"])
def test_the_ends_are_exact_and_the_rows_may_be_hours(case: Case, start: str) -> None:
    records = [record for record in case.deliver() if start <= record["create_time"] < "2026-03-27T05:06:07.890000Z"]
    times = ("--from", start, "--to", "2026-03-27T05:06:07.89Z", "--by", "hour", "--json")
    output = case.verify(records, *times)
    assert output.code == 0, output.stdout
    assert found(output)["sum"]["api"] == len(records)
    lost = records.pop(40)
    assert list(differing(case.verify(records, *times))) == [f"{lost['create_time'][:13]}:00"]


def test_the_archive_is_counted_once_where_an_event_is_in_both(case: Case) -> None:
    begin = NOW - dt.timedelta(days=60)
    case.config["start_date"] = begin.isoformat()
    case.api.store.add(make_events(900, begin, START, seed=5))
    case.api.behaviour.archive_overlap = dt.timedelta(days=1)
    records = case.deliver()
    assert len(records) == 1500
    assert case.verify(records).code == 0
    rest = [record for record in records if not record["create_time"].startswith(("2026-02-05", "2026-03-01"))]
    output = case.verify(rest, "--json", "--uuids")
    assert list(differing(output)) == ["2026-02-05", "2026-03-01"]


def test_what_the_state_names_as_a_gap_has_a_column_of_its_own(case: Case) -> None:
    records = case.deliver()
    assert case.state is not None
    first, last = "2026-03-26T06:00:00.000000Z", "2026-03-28T00:00:00.000000Z"
    case.state["bookmarks"]["audit_logs"]["gaps"] = [{"from": first, "to": last, "emitted": []}]
    rest = [record for record in records if not first <= record["create_time"] < last]
    output = case.verify(rest[:-1], "--json")
    lost = records[-1]["create_time"][:10]
    gaps = {row["day"]: row["in_gap"] for row in found(output)["rows"] if row["in_gap"]}
    assert gaps == {
        day: len([r for r in records if on(day)(r) and r not in rest]) for day in ("2026-03-26", "2026-03-27")
    }
    assert differing(output)[lost][:2] == (1, 0)
    assert found(output)["sum"]["missing"] == 1
    assert case.verify(rest).code == 3


def test_a_second_that_the_api_fails_to_answer_is_in_a_gap(empty_api: FakeEndorApi, tmp_path: Path) -> None:
    empty_api.store.add_all_of(stored(300, 6))
    broken = records_of(empty_api)[150]
    empty_api.fail(Fault.status(500), times=None, when=broken["uuid"])
    config = config_for(empty_api, start_date=START.isoformat())
    run = run_command(tmp_path, level=logging.INFO, config=config)
    assert (run.code, len(run.bookmark["gaps"])) == (3, 1)
    path = str(write_lines(tmp_path / "audit_logs.jsonl", run.records))
    for options in ((), ("--uuids",)):
        output = verify(tmp_path, "--jsonl", path, "--json", "--repair", *options, config=config, state=run.state)
        assert (output.code, differing(output)) == (3, {broken["create_time"][:10]: (0, 0, 0, 1)}), output.stderr
        # The tap itself tries again.
        assert found(output)["repairs"] == []
    empty_api.behaviour.count = 501
    output = verify(tmp_path, "--jsonl", path, config=config, state=run.state)
    (row,) = [line.split() for line in output.stdout.splitlines() if line.startswith(broken["create_time"][:10])]
    assert (output.code, row[1], row[-1]) == (3, "?", "?")


def test_the_settings_of_the_tap_hold(empty_api: FakeEndorApi, tmp_path: Path) -> None:
    empty_api.store.add_all_of(stored(600, 50))
    case = Case(empty_api, tmp_path, "jsonl", filter="spec.operation=='OPERATION_DELETE'", traverse=False)
    case.config |= {"start_date": "2026-03-01", "end_date": "2026-03-20"}
    records = case.deliver()
    assert 0 < len(records) < 200
    assert case.verify(records).code == 0
    case.config |= {"filter": None}
    output = case.verify(records)
    assert output.code == 3
    assert "The state was made with" in output.stderr


def test_without_the_archive_only_what_is_active_is_compared(empty_api: FakeEndorApi, tmp_path: Path) -> None:
    empty_api.store.add_all_of(stored(600, 50))
    case = Case(empty_api, tmp_path, "jsonl", include_archived=False)
    case.config["start_date"] = "2026-02-15"
    output = case.verify(records_of(empty_api), "--to", NOW.isoformat(), "--json")
    assert output.code == 0, output.stderr
    assert found(output)["rows"][0]["day"] == "2026-03-02"
    assert "the archive is not read" in output.stderr


def test_an_archive_that_may_not_be_read_is_no_agreement(empty_api: FakeEndorApi, tmp_path: Path) -> None:
    empty_api.store.add_all_of(stored(600, 50))
    empty_api.behaviour.archive_denied = True
    case = Case(empty_api, tmp_path, "jsonl")
    case.config["start_date"] = "2026-02-15"
    output = case.verify(records_of(empty_api), "--to", NOW.isoformat(), "--json")
    assert output.code == 3
    assert {row["api"] for row in found(output)["rows"][:14]} == {None}
    assert not found(output)["sum"]["missing"]
    assert "The API key may not read the archive" in output.errors[0]


@pytest.mark.parametrize("how", [400, 501, "ignored"])
def test_an_api_that_does_not_count_is_listed(how: t.Any, case: Case) -> None:
    records = case.deliver()
    case.api.behaviour.count = how
    assert case.verify(records).code == 0
    assert differing(case.verify(records[:20] + records[21:], "--json")) == {"2026-03-25": (1, 0, 0, 0)}


def test_an_api_that_stops_counting_is_counted_in_parts(case: Case) -> None:
    records = case.deliver()
    case.api.behaviour.most_counted = 60
    assert case.verify(records).code == 0


@pytest.mark.faults
@pytest.mark.parametrize(
    "behaviour",
    [
        {"count": "low"},
        {"date_unit": dt.timedelta(minutes=1)},
        {"strict_bounds": True},
        {"max_page_size": 100, "omit": frozenset({"response"})},
        {"ignore_sort": True},
        {"archive_path": 404},
        {"archive_path": "empty", "archive_parameter": "read"},
        {"refused_kinds": frozenset({"!="})},
        {"archive_after": dt.timedelta(days=7)},
        {"slow_query": SlowQuery(max_range=dt.timedelta(days=2))},
    ],
    ids=str,
)
def test_what_is_known_of_servers_holds_here_too(
    behaviour: dict[str, t.Any], empty_api: FakeEndorApi, tmp_path: Path
) -> None:
    empty_api.store.add(make_events(900, NOW - dt.timedelta(days=45), NOW))
    for name, value in behaviour.items():
        setattr(empty_api.behaviour, name, value)
    case = Case(empty_api, tmp_path, "jsonl")
    case.config["start_date"] = "2026-02-10T07:08:09.5Z"
    records = [one for one in records_of(empty_api) if one["create_time"] >= "2026-02-10T07:08:09.5"]
    # Counts that are too low hide what is missing, so each day is listed.
    options = ("--to", "2026-03-31T11:10:09.5Z", "--uuids=all", "--json")
    records = [one for one in records if one["create_time"] < "2026-03-31T11:10:09.5"]
    output = case.verify(records, *options)
    assert output.code == 0, output.stderr
    lost = records.pop(100)
    output = case.verify(records, *options)
    named = [one["uuid"] for row in found(output)["rows"] for one in row.get("missing_here", [])]
    assert (output.code, named) == (3, [lost["uuid"]])


def test_a_count_that_the_list_does_not_bear_out_is_told(case: Case) -> None:
    records = case.deliver()
    case.api.behaviour.count = "high"
    output = case.verify(records, "--uuids")
    assert output.code == 1
    assert "the API counts more events there than it lists" in output.errors[0]


def test_a_server_that_fails_is_no_agreement(case: Case) -> None:
    records = case.deliver()
    case.api.fail(Fault.status(503), after=2, times=100)
    output = case.verify(records)
    assert (output.code, output.stdout) == (1, "")
    assert "503" in output.errors[0]


def test_sign_ins_have_a_table_of_their_own(empty_api: FakeEndorApi, tmp_path: Path) -> None:
    sign_ins = make_sign_ins(100, START, NOW)
    empty_api.sign_ins.add(sign_ins)
    path = write_lines(tmp_path / "authentication_logs.jsonl", records_of_store(sign_ins))
    arguments = ("--stream", "authentication_logs", "--from", START.isoformat(), "--to", NOW.isoformat())
    output = verify(tmp_path, "--jsonl", str(path), *arguments, config=config_for(empty_api))
    assert output.code == 0, output.stderr


def records_of_store(items: Records) -> Records:
    return [item | {"create_time": item["meta"]["create_time"]} for item in items]


def test_several_files_are_one_destination(empty_api: FakeEndorApi, tmp_path: Path) -> None:
    empty_api.store.add(make_events(50, START, NOW))
    case = Case(empty_api, tmp_path, "jsonl")
    records = case.deliver()
    more = write_lines(tmp_path / "more.jsonl", records[30:])
    assert case.verify(records[:30]).code == 3
    assert case.verify(records[:30], "--jsonl", str(more)).code == 0


def test_a_line_that_is_cut_off_is_told(empty_api: FakeEndorApi, tmp_path: Path) -> None:
    empty_api.store.add(make_events(50, START, NOW))
    case = Case(empty_api, tmp_path, "jsonl")
    records = case.deliver()
    path = write_lines(tmp_path / "cut.jsonl", records)
    path.write_bytes(path.read_bytes()[:-30])
    output = verify(tmp_path, "--jsonl", str(path), "--json", config=case.config, state=case.state)
    assert output.code == 3
    assert found(output)["complaints"] == [f"{path}: 1 of its lines can't be read as records; the first is line 50."]
    assert found(output)["sum"]["missing"] == 1


def with_rows(path: Path, statement: str) -> Path:
    with duckdb.connect(str(path)) as connection:
        connection.execute(statement)
    return path


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        ((), 2, "Name one destination: --jsonl, --duckdb or --postgres."),
        (("--jsonl", "a", "--duckdb", "b"), 2, "Name one destination"),
        (("--jsonl", "none.jsonl"), 1, "--jsonl none.jsonl can't be read: No such file or directory."),
        (("--jsonl", "{text}"), 1, "is not a JSON Lines file of records"),
        (("--duckdb", "none.duckdb"), 1, "--duckdb none.duckdb can't be read: there is no such file."),
        (("--duckdb", "{text}"), 1, "text is not a DuckDB file."),
        (("--duckdb", "{lines}"), 1, "audit_logs.jsonl is not a DuckDB file."),
        (("--duckdb", "{database}"), 1, "has no table tap_endorlabs.audit_logs: name it with --table."),
        (
            ("--duckdb", "{database}", "--table", "other"),
            1,
            "--table other does not have the columns uuid and create_time",
        ),
        (("--duckdb", "{database}", "--table", "a b; --"), 1, "--table takes a name such as tap_endorlabs.audit_logs"),
        (("--jsonl", "{text}", "--from", "yesterday"), 2, "is not a time such as"),
        (("--jsonl", "{text}", "--from", "1969-12-31"), 2, "Invalid value for '--from': '1969-12-31' lies before 1970"),
        (("--jsonl", "{text}", "--to", "0001-01-01"), 2, "Invalid value for '--to': '0001-01-01' lies before 1970"),
        (("--jsonl", "{text}", "--to", "2026-03-01"), 1, "There is nothing to compare from"),
        (("--jsonl", "{text}", "--against", "{text}"), 1, "is not a file of digests: line 1 is not a digest."),
        (("--jsonl", "{text}", "--against", "none"), 1, "none can't be read: No such file or directory."),
        (
            ("--jsonl", "{text}", "--against", "none", "--digests", "new", "--from", "2026-03-01", "--uuids"),
            2,
            "--against compares all days of the digests, without the API: leave out --from, --uuids, --digests.",
        ),
        (("--postgres", "host=/nowhere"), 1, "PostgreSQL can't be asked: "),
        (("--postgres", "nonsense"), 1, "--postgres takes a connection string or URL"),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_in_a_line(
    options: tuple[str, ...], code: int, says: str, empty_api: FakeEndorApi, tmp_path: Path
) -> None:
    text = tmp_path / "text"
    text.write_text("no record\n\n")
    lines = write_lines(tmp_path / "audit_logs.jsonl", [])
    database = with_rows(tmp_path / "some.duckdb", "CREATE TABLE other (a INTEGER)")
    times = () if {"--to", "--against"} & {*options} else ("--to", NOW.isoformat())
    given = [option.format(text=text, lines=lines, database=database) for option in options]
    output = verify(tmp_path, *given, *times, config=config_for(empty_api, start_date=START.isoformat()))
    assert output.code == code, output.stderr
    assert says in (output.errors[0] if code == 1 else output.stderr)
    assert "Traceback" not in output.stderr


def test_it_says_when_the_range_is_not_known(empty_api: FakeEndorApi, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "some.jsonl", [])
    config = config_for(empty_api)
    output = verify(tmp_path, "--jsonl", str(path), config=config)
    assert output.errors == ["The beginning is not known: give it with --from, or set start_date."]
    output = verify(tmp_path, "--jsonl", str(path), "--from", "2026-03-01", config=config)
    (line,) = output.errors
    assert line == (
        "The end is not known, as no state with a bookmark of audit_logs was given: give --to, or with --state the "
        "state of a run that has read this stream."
    )


@pytest.mark.parametrize(
    ("state", "fault"),
    [
        ("", r"--state .*state.json is empty\."),
        ('{"bookmarks": {}}\n{"bookmarks": {}}\n', r"--state .*state.json is not JSON: .*\."),
        ('{"namespace": "acme"}', r"The state is broken: .*\."),
        ('{"bookmarks": {"audit_logs": {"replication_key_value": "soon"}}}', r"The state is broken: .*\."),
    ],
)
def test_a_state_that_can_not_be_used_is_not_to_be_cleared(
    state: str, fault: str, empty_api: FakeEndorApi, tmp_path: Path
) -> None:
    path = write_lines(tmp_path / "some.jsonl", [])
    (tmp_path / "state.json").write_text(state)
    options = ("--jsonl", str(path), "--state", str(tmp_path / "state.json"))
    (line,) = verify(tmp_path, *options, config=config_for(empty_api, start_date="2026-03-01")).errors
    assert re.fullmatch(
        fault + r" Check --state, which takes one state, the last; or leave it out, and give --to\.", line
    )


def test_a_range_after_the_bookmark_is_told_so(empty_api: FakeEndorApi, tmp_path: Path) -> None:
    empty_api.store.add(make_events(20, START, NOW))
    case = Case(empty_api, tmp_path, "jsonl")
    records = case.deliver()
    assert case.state is not None
    bookmark = case.state["bookmarks"]["audit_logs"]["replication_key_value"]
    after = NOW.isoformat(timespec="microseconds").replace("+00:00", "Z")
    for options in ((), ("--to", "2026-04-01")):
        (line,) = case.verify(records, "--from", after, *options).errors
        assert line.startswith(f"There is nothing to compare from {after} on: the comparison ends at the bookmark")
        assert f"{bookmark}. Check --from and --state." in line


def test_a_locked_database_is_told(case: Case) -> None:
    if case.kind != "duckdb":
        return
    records = case.deliver()
    case.verify(records)
    path = str(case.folder / "audit_logs.duckdb")
    holder = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", holder, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert t.cast("t.IO[str]", process.stdout).readline() == "held\n"
        output = verify(case.folder, "--duckdb", path, config=case.config, state=case.state)
        process.communicate("")
    assert output.code == 1
    assert "is locked by another program: close it there." in output.errors[0]


@pytest.mark.parametrize("package", ["duckdb", "psycopg"])
def test_an_extra_that_is_not_installed_is_told(package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    option = {"duckdb": "--duckdb", "psycopg": "--postgres"}[package]
    output = verify(tmp_path, option, "x")
    assert output.errors[0].startswith(f"The package {package} is not installed: install tap-endorlabs[verify]")


def test_no_uuid_steers_a_terminal(empty_api: FakeEndorApi, tmp_path: Path) -> None:
    events = make_events(20, START, NOW)
    events[3]["uuid"] = "\x1b[2J\r\nAll agree."
    empty_api.store.add(events)
    case = Case(empty_api, tmp_path, "jsonl")
    records = case.deliver()
    missing_here = case.verify([record for record in records if record["uuid"] != events[3]["uuid"]], "--uuids")
    empty_api.store.remove(events[3]["uuid"])
    gone_there = case.verify(records, "--uuids")
    for output in (missing_here, gone_there):
        assert output.code == 3
        assert "[2J All agree." in output.stdout
        assert output.stdout.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "where",
    [
        "host=h password=top hush-hush-123",
        "postgresql://u:pa%sshush-hush-123@h/db",
        "postgres://u:hush-hush-123@[::1/db",
        "postgresql://u:pa@hush-hush-123@h/db",
    ],
)
def test_a_malformed_connection_is_told_without_any_of_it(where: str, tmp_path: Path) -> None:
    output = verify(tmp_path, "--postgres", where)
    assert (output.code, "hush" in output.stderr) == (1, False)
    assert output.errors[0].startswith("--postgres takes a connection string or URL. The given text is neither.")


def test_no_password_is_shown(tmp_path: Path) -> None:
    output = verify(tmp_path, "--postgres", "postgresql+psycopg://me:hush-hush-123@127.0.0.1:1/none")
    assert output.code == 1
    assert "hush-hush-123" not in output.stderr + output.stdout
    output = verify(tmp_path, "--postgres", "postgresql://me:hush-hush-123@127.0.0.1:port/none")
    assert "hush-hush-123" not in output.stderr + output.stdout


@given(
    st.lists(st.integers(0, 5 * 86_400 * 10).map(lambda n: n / 10), min_size=2, max_size=2, unique=True),
    st.lists(st.tuples(st.integers(0, 430_000), st.integers(1, 90_000)), max_size=3),
    st.dictionaries(st.text(max_size=2), st.integers(0, 300), max_size=3),
    st.sampled_from(["day", "hour"]),
)
def test_the_pieces_of_a_range_lie_one_behind_the_other(
    ends: list[float], gaps: list[tuple[int, int]], emitted: dict[str, int], by: t.Any
) -> None:
    def at(seconds: float) -> str:
        return (START + dt.timedelta(seconds=seconds)).isoformat(timespec="microseconds").replace("+00:00", "Z")

    start, stop = sorted(ends)
    left = [Gap(at(begin), at(begin + length)) for begin, length in gaps]
    named = {uuid: at(stop + after) for uuid, after in emitted.items()}
    span = Span(at(start), at(stop), by, left, named)
    pieces = span.pieces()
    assert (pieces[0].start, pieces[-1].stop) == (at(start), span.end)
    for piece, following in zip(pieces, [*pieces[1:], None], strict=True):
        assert piece.start < piece.stop
        assert following is None or following.start == piece.stop
        assert span.bucket_of(piece.start) == piece.bucket
        assert not piece.start < at(stop) < piece.stop
        for gap in left:
            assert piece.in_gap or not (gap.begin <= piece.start < gap.end)
            assert not piece.start < gap.begin < piece.stop


@given(st.lists(st.sampled_from(["", "a" * 24, "A" * 24, "0123456789abcdef01234567", "x", "a1b2c3d4-e5f6"])))
def test_packed_uuids_are_the_same_uuids(uuids: list[str]) -> None:
    packed = Uuids()
    for uuid in uuids:
        packed.add(uuid)
    assert (len(packed), sorted(packed)) == (len(uuids), sorted(uuids))
    assert sorted(packed.distinct()) == sorted(set(uuids))


def test_many_packed_pieces_come_once_and_in_order() -> None:
    pieces = [(n * 7919 % 60_000).to_bytes(3, "big") for n in range(120_000)]
    assert list(distinct(bytearray(b"".join(pieces)), 3)) == sorted(set(pieces))


def test_results_come_in_order_and_a_failure_after_what_is_before_it() -> None:
    def work(number: int) -> int:
        if number == 30:
            raise ValueError(number)
        return number

    seen: list[tuple[int, int]] = []
    with pytest.raises(ValueError, match="30"):
        seen.extend(in_order(work, range(100), 4))
    assert seen == [(number, number) for number in range(30)]


def test_json_and_table_say_the_same(case: Case) -> None:
    records = case.deliver()[5:]
    table, machine = case.verify(records), found(case.verify(records, "--json"))
    total = machine["sum"]
    assert table.stdout.splitlines()[-1].split()[1:] == [f"{value:,}" for value in total.values()]
    assert json.dumps(machine["agrees"]) == "false"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_only_a_terminal_shows_how_far_it_is(stream: type[io.StringIO]) -> None:
    with contextlib.redirect_stderr(stream()) as shown, _bar("Counting") as update:
        for done in (1, 2, 2):
            update(done, 2)
    text = shown.getvalue()
    assert ("Counting" in text and "100%" in text) if stream is Terminal else text == ""
