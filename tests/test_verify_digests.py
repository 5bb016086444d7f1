"""The digests of days: the same wherever the records are, and another one as soon as a record changes."""

from __future__ import annotations

import datetime as dt
import json
import typing as t
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics import LOAD
from fake_endor_api import make_events
from tap_endorlabs.verify.digests import days_of, digests_of, read_seals
from tap_endorlabs.verify.duckdb_table import DuckDbTable
from tap_endorlabs.verify.json_lines import JsonLines
from tap_endorlabs.verify.normal_form import decode, hash_of
from tests.conftest import NOW
from tests.harness import config_for
from tests.verifying import found, records_of, verify, write_lines

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fake_endor_api import FakeEndorApi
    from tests.harness import Output

    Record = dict[str, t.Any]

NUMBERS = ("1e999999999", "1e999999998", "1e400", "1e99999999999999999999", "-1e-99999999999999999999")
STAMP = "2026-03-28T01:02:03.500000Z"
START = NOW - dt.timedelta(days=6)

Scalars = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(st.characters(codec="utf-8"))
Numbers = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [1e5, -0.0, 3.4e38, 5e-324, 1e22, 1.7976931348623157e308, 0.1, 123456789012345680.0]
)
Objects = st.recursive(
    Scalars | Numbers,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=12,
)


def as_target_jsonl(text: str) -> str:
    """Give a record as `target-jsonl` writes it: escapes for what is not ASCII, numbers as `Decimal` prints them."""
    kept: list[str] = []

    def keep(number: str) -> str:
        kept.append(str(Decimal(number)))
        return f"\0{len(kept) - 1}"

    line = json.dumps(json.loads(text, parse_float=keep))
    for number, digits in enumerate(kept):
        line = line.replace(f'"\\u0000{number}"', digits)
    return line


def as_rounding_target(text: str) -> str:
    """Give a record as a target writes it that takes numbers for 64-bit floats."""
    return json.dumps(json.loads(text), ensure_ascii=False)


def as_jsonb(text: str) -> str:
    """Give a record as PostgreSQL prints it: numbers with all digits, names by their length."""

    def plain(number: str) -> object:
        kept.append(format(abs(Decimal(number)) if Decimal(number) == 0 else Decimal(number), "f"))
        return f"\0{len(kept) - 1}"

    def by_length(pairs: list[tuple[str, t.Any]]) -> Record:
        return dict(sorted(dict(pairs).items(), key=lambda pair: (len(pair[0].encode()), pair[0])))

    kept: list[str] = []
    line = json.dumps(json.loads(text, parse_float=plain, object_pairs_hook=by_length), indent=1)
    for number, digits in enumerate(kept):
        line = line.replace(f'"\\u0000{number}"', digits)
    return line


@given(st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\0")), Objects, max_size=3))
def test_a_record_has_the_same_hash_in_all_forms(spec: Record) -> None:
    api = json.dumps({"uuid": "a", "spec": spec, "meta": {}}, separators=(",", ":"))
    if "\\u0000" in api:
        # Which the tap replaces where a target can't take it.
        return
    own = hash_of(STAMP, decode(api))
    for form in (as_target_jsonl, as_rounding_target, as_jsonb):
        assert hash_of(STAMP, decode(form(api))) == own, form(api)
    columns = decode(as_jsonb(api)) | {
        "tenant_meta": None,
        "_sdc_batched_at": "now",
        "create_time": "2026-03-28 01:02:03.5",
    }
    assert hash_of(STAMP, columns) == own


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a":1}', '{"a":2}'),
        ('{"a":1}', '{"a":"1"}'),
        ('{"a":1e5000}', '{"a":"1e5000"}'),
        ('{"a":1e99999999999999999999}', '{"a":"1e99999999999999999999"}'),
        ('{"a":12345678901234567890}', '{"a":12345678901234567891}'),
        ('{"a":0.1}', '{"a":0.10000000000000002}'),
        ('{"a":[1,2]}', '{"a":[2,1]}'),
        ('{"a":{"b":null}}', '{"a":{}}'),
        ('{"a":true}', '{"a":1}'),
        ('{"a":"\\u00e9"}', '{"a":"e\\u0301"}'),
    ],
)
def test_what_is_not_the_same_has_another_hash(one: str, other: str) -> None:
    assert hash_of(STAMP, decode(one)) != hash_of(STAMP, decode(other))


def test_a_number_that_no_database_takes_has_a_hash_all_the_same() -> None:
    assert len({hash_of(STAMP, decode(f'{{"a":{text}}}')) for text in NUMBERS}) == len(NUMBERS)


def test_a_record_of_many_levels_has_a_hash() -> None:
    assert hash_of(STAMP, decode('{"a":' + "[" * 790 + "1.5" + "]" * 790 + "}"))


def odd(records: list[Record]) -> list[Record]:
    """Put numbers and texts that databases write in another way into some records."""
    values = [100_000.0, -0.0, 3.4e38, 1e-7, 12345678901234567890, 0.1, 5e-324, "é😀\u2028 \\u0041", None, [], {}]
    for record, value in zip(records, values, strict=False):
        record["spec"] = record["spec"] | {"payload": {"b": value, "a": {"value": value}}}
    return records


def through_duckdb(lines: Path, database: Path) -> Path:
    with duckdb.connect(str(database)) as connection:
        connection.execute("SET VARIABLE lines = ?", [str(lines)])
        connection.execute(LOAD)
    return database


def test_a_file_and_a_table_have_the_same_digests(empty_api: FakeEndorApi, tmp_path: Path) -> None:
    empty_api.store.add(make_events(300, START, NOW))
    records = odd(records_of(empty_api))
    lines = write_lines(tmp_path / "a.jsonl", [*records, *records[5:50]])
    days = days_of("2026-03-26T00:00:00.000000Z", "2026-03-31T00:00:00.000000Z")
    table = DuckDbTable(str(through_duckdb(lines, tmp_path / "a.duckdb")), "tap_endorlabs.audit_logs")
    ends = "2026-03-26T00:00:00.000000Z", "2026-03-31T00:00:00.000000Z"
    by_file, by_table = (
        digests_of(one.records(*ends, lambda _, __: None), days) for one in (JsonLines([str(lines)]), table)
    )
    table.close()
    assert by_file == by_table
    assert list(by_file) == days
    counts = {day: sum(record["create_time"].startswith(day) for record in records) for day in days}
    assert {day: digest.events for day, digest in by_file.items()} == counts


@pytest.mark.faults
def test_large_records_are_read_from_a_table_as_well(tmp_path: Path) -> None:
    database = tmp_path / "large.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            "CREATE TABLE large AS SELECT 'u' || n AS uuid, TIMESTAMP '2026-03-28' + INTERVAL (n) SECOND AS create_time"
            """, ('{"a":"' || repeat(md5(n::VARCHAR), 3000) || '"}')::JSON AS spec FROM range(2100) AS numbers(n)"""
        )
    table = DuckDbTable(str(database), "large")
    rows = list(table.records("2026-03-28T00:00:00.000000Z", "2026-03-29T00:00:00.000000Z", lambda _, __: None))
    table.close()
    assert [record["uuid"] for _, record in rows] == [f"u{n}" for n in range(2100)]


class Sealed:
    """A destination whose days have been sealed."""

    def __init__(self, api: FakeEndorApi, folder: Path, kind: str = "jsonl") -> None:
        self.kind = kind
        self.folder, self.digests = folder, folder / "digests.jsonl"
        api.store.add(make_events(300, START, NOW))
        self.records = records_of(api)
        self.config = config_for(api, start_date="2026-03-26")

    def destination(self) -> tuple[str, str]:
        path = write_lines(self.folder / "a.jsonl", self.records)
        if self.kind == "duckdb":
            database = self.folder / "a.duckdb"
            database.unlink(missing_ok=True)
            path = through_duckdb(path, database)
        return f"--{self.kind}", str(path)

    def seal(self, to: str = "2026-03-30T12:00:00Z", *options: str) -> Output:
        given = (*self.destination(), "--to", to, "--digests", str(self.digests), *options)
        return verify(self.folder, *given, config=self.config)

    def against(self, *options: str) -> Output:
        return verify(self.folder, *self.destination(), "--against", str(self.digests), *options)

    def altered(self) -> list[str]:
        days = found(self.against("--json"))["days"]
        return [one["day"] for one in days if one["altered"]]


@pytest.fixture(params=["jsonl", "duckdb"])
def sealed(request: pytest.FixtureRequest, empty_api: FakeEndorApi, tmp_path: Path) -> Sealed:
    one = Sealed(empty_api, tmp_path, request.param)
    assert one.seal().code == 0
    return one


def alter(records: list[Record], place: int) -> None:
    records[place] = records[place] | {"spec": records[place]["spec"] | {"remote_address": "192.0.2.255"}}


@pytest.mark.parametrize(
    "change",
    [
        alter,
        lambda records, place: records.pop(place),
        lambda records, place: records.insert(0, records[place] | {"uuid": "x"}),
    ],
    ids=["altered", "removed", "added"],
)
def test_the_days_that_were_altered_are_named_and_no_others(
    change: Callable[[list[Record], int], object], sealed: Sealed
) -> None:
    assert sealed.against().code == 0
    place = next(n for n, record in enumerate(sealed.records) if record["create_time"].startswith("2026-03-28"))
    change(sealed.records, place)
    output = sealed.against()
    assert output.code == 3
    assert output.errors == ["Altered since the digests were written: 2026-03-28."]
    assert sealed.altered() == ["2026-03-28"]


def test_the_order_and_what_comes_twice_alter_nothing(sealed: Sealed) -> None:
    sealed.records = [*sealed.records[::-1], *sealed.records[:40]]
    assert sealed.against().code == 0


def test_the_file_goes_on_where_it_ended(sealed: Sealed) -> None:
    before = sealed.digests.read_bytes()
    assert [seal.day for seal in read_seals(sealed.digests)] == [f"2026-03-{day}" for day in range(26, 30)]
    output = sealed.seal("2026-03-31T00:00:00Z", "--from", "2026-03-29")
    assert output.code == 0, output.stderr
    assert sealed.digests.read_bytes().startswith(before)
    *_, last = read_seals(sealed.digests)
    assert (last.day, last.api) == ("2026-03-30", last.events)
    assert f"the chain ends with {last.link}" in output.stdout
    assert sealed.against().code == 0
    # A second time there is nothing to add.
    assert sealed.seal("2026-03-31T00:00:00Z").code == 0
    assert len(read_seals(sealed.digests)) == 5


def test_no_day_is_left_out_of_the_file(sealed: Sealed) -> None:
    output = sealed.seal("2026-03-31T12:00:00Z", "--from", "2026-03-31")
    assert output.code == 0
    sealed.digests.write_bytes(b"".join(sealed.digests.read_bytes().splitlines(keepends=True)[:2]))
    output = sealed.seal("2026-03-31T00:00:00Z", "--from", "2026-03-29")
    assert output.errors == ["The digests end with 2026-03-27: begin no later than the day after (--from)."]


def test_a_day_without_events_is_sealed_too(empty_api: FakeEndorApi, tmp_path: Path) -> None:
    one = Sealed(empty_api, tmp_path)
    empty = [record for record in one.records if record["create_time"].startswith("2026-03-27")]
    for record in empty:
        empty_api.store.remove(record["uuid"])
    one.records = records_of(empty_api)
    assert one.seal().code == 0
    one.records = sorted([*one.records, empty[0]], key=lambda record: record["create_time"])
    assert one.altered() == ["2026-03-27"]


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [lines[0].replace(b'"events":', b'"events":1'), *lines[1:]],
        lambda lines: lines[1:],
        lambda lines: [lines[0], *lines[2:]],
        lambda lines: [lines[1], lines[0], *lines[2:]],
        lambda lines: [*lines[:2], lines[2].replace(b"{", b"{ "), *lines[3:]],
    ],
)
def test_a_file_of_digests_that_was_changed_is_refused(
    change: Callable[[list[bytes]], list[bytes]], sealed: Sealed
) -> None:
    sealed.digests.write_bytes(b"\n".join(change(sealed.digests.read_bytes().splitlines())) + b"\n")
    for output in (sealed.against(), sealed.seal()):
        assert output.code == 1
        assert "does not follow from what is before it" in output.errors[0]


def test_what_the_api_had_stands_in_the_file(sealed: Sealed, empty_api: FakeEndorApi) -> None:
    gone = next(record for record in sealed.records if record["create_time"].startswith("2026-03-30"))
    empty_api.store.remove(gone["uuid"])
    output = sealed.seal("2026-03-31T00:00:00Z", "--json")
    assert output.code == 3
    *_, last = read_seals(sealed.digests)
    assert (last.day, last.api) == ("2026-03-30", last.events - 1)
    assert found(output)["sealed"] == ["2026-03-30"]
    assert found(output)["chain"] == last.link


def test_a_name_that_is_there_twice_is_no_other_record_s_hash() -> None:
    first, second = '{"a": {"b": 1, "b": 2}}', '{"a": {"b": 2}}'
    assert hash_of(STAMP, decode(first)) != hash_of(STAMP, decode(second))
    assert hash_of(STAMP, decode(first)) == hash_of(STAMP, decode('{"a":{"b" :2,"b": 1}}'))
    assert hash_of(STAMP, decode(first)) != hash_of(STAMP, decode('{"a":[["b",1],["b",2]]}'))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"a": "\\" \\" :"', '"a": "\\" \\"\\u0020:"'),
        ('"a":"\\":"', '"a":"\\u0022:"'),
        ('"a":":"', '"a":"\\u003A"'),
    ],
)
def test_an_escape_hides_no_name_that_is_there_twice(before: str, after: str) -> None:
    sealed = hash_of(STAMP, {"spec": decode(f'{{{before}, "b": 2}}')})
    assert hash_of(STAMP, {"spec": decode(f'{{{after}, "b": 2}}')}) == sealed
    assert hash_of(STAMP, {"spec": decode(f'{{{after}, "b": 1, "b": 2}}')}) != sealed


@given(st.text(st.sampled_from('":\\ \t\n,{}a'), max_size=6), st.data())
def test_no_text_hides_a_name_that_is_there_twice(text: str, data: st.DataObject) -> None:
    def written(text: str) -> str:
        """Write each character in one of the ways that JSON knows."""
        ways = ([json.dumps(one)[1:-1], f"\\u{ord(one):04x}", f"\\u{ord(one):04X}"] for one in text)
        return '"' + "".join(data.draw(st.sampled_from(some)) for some in ways) + '"'

    space = data.draw(st.sampled_from(["", " ", "\t", "\n"]))
    value = written(text)
    pair = f"{written('a')}{space}:{space}{value}"
    sealed = hash_of(STAMP, {"spec": decode(f'{{"a":{json.dumps(text)}}}')})
    assert hash_of(STAMP, {"spec": decode(f"{{{pair}}}")}) == sealed
    lost = data.draw(st.sampled_from(["1", '"x"', "{}", value]))
    assert hash_of(STAMP, {"spec": decode(f"{{{written('a')}:{lost},{pair}}}")}) != sealed


@pytest.mark.parametrize("junk", [b'"x": "\xff", ', b'"x": ' + b"9" * 5_000 + b", ", b'"uuid": "0", '])
def test_bytes_that_nobody_can_decode_are_an_alteration(junk: bytes, empty_api: FakeEndorApi, tmp_path: Path) -> None:
    empty_api.store.add(make_events(20, START, NOW - dt.timedelta(days=2)))
    lines = write_lines(tmp_path / "audit_logs.jsonl", records_of(empty_api))
    files = {"config": config_for(empty_api, start_date=START.isoformat())}
    options = ("--jsonl", str(lines), "--digests", str(tmp_path / "digests.jsonl"))
    assert verify(tmp_path, *options, "--to", f"{NOW - dt.timedelta(days=1):%Y-%m-%d}", **files).code == 0
    *others, last = lines.read_bytes().splitlines(keepends=True)
    lines.write_bytes(b"".join([*others, last.replace(b"{", b"{" + junk, 1)]))
    output = verify(tmp_path, "--jsonl", str(lines), "--against", str(tmp_path / "digests.jsonl"))
    assert (output.code, output.stdout.count("yes")) == (3, 1), output.stderr


def test_digests_go_on_where_the_last_line_has_no_end(empty_api: FakeEndorApi, tmp_path: Path) -> None:
    empty_api.store.add(make_events(20, START, NOW - dt.timedelta(days=2)))
    lines = write_lines(tmp_path / "audit_logs.jsonl", records_of(empty_api))
    files = {"config": config_for(empty_api, start_date=START.isoformat())}
    digests = tmp_path / "digests.jsonl"
    for days in (3, 1):
        stop = f"{NOW - dt.timedelta(days=days):%Y-%m-%d}"
        verify(tmp_path, "--jsonl", str(lines), "--digests", str(digests), "--to", stop, **files)
        digests.write_bytes(digests.read_bytes()[:-1])
    assert len(read_seals(digests)) == len(digests.read_bytes().splitlines()) > 3
