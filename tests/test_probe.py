"""`--test=probe` finds out how a tenant's API answers, and its report tells nothing of the log."""

from __future__ import annotations

import datetime as dt
import re
import socket
import typing as t
from pathlib import Path

import pytest

from fake_endor_api import FakeEndorApi, Fault, make_events, make_events_at
from fake_endor_api.times import SECOND, to_nanoseconds
from tap_endorlabs.probe.questions import QUESTIONS
from tests import probe_cases as cases
from tests.conftest import NOW, stored
from tests.harness import config_for
from tests.in_process import run_command
from tests.server_variants import VARIANTS
from tests.test_server_variants import LOGS

if t.TYPE_CHECKING:
    from tests.harness import Output
    from tests.probe_cases import Case

REPORT = "probe-report.md"
DOCUMENT = Path(__file__).parent.parent / "docs" / "how-to" / "first-contact.md"
OBJECT_ID = "0123456789abcdef"
"""What follows the time in an id."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def probe(folder: Path, config: dict[str, t.Any]) -> Output:
    return run_command(folder, "--test=probe", level=20, config=config)


def answers(folder: Path, config: dict[str, t.Any]) -> dict[str, str]:
    """Give what a probe found, by question."""
    output = probe(folder, config)
    assert (output.code, output.errors) == (0, []), output.stderr
    return dict(row[:2] for row in rows((folder / REPORT).read_text()))


def rows(report: str) -> list[tuple[str, str, str]]:
    """Give question, finding without its mark, and what the tap does."""
    cells = [line.strip("| ").split(" | ") for line in report.splitlines() if line.startswith("| ")]
    return [(asked, found.removeprefix("! ").removeprefix("? "), action) for asked, _, found, action in cells[1:]]


def fill(api: FakeEndorApi, log: str) -> None:
    api.store.add_all_of(stored(*LOGS[log]))
    api.store.add(cases.edge_events())


def check(case: Case, api: FakeEndorApi, folder: Path) -> None:
    fill(api, case.variant.log)
    case.variant.arrange(api)
    found = answers(folder, config_for(api))[case.question]
    assert case.matches(found), found


QUICK = [*cases.OWN, *{case[1:]: case for case in cases.of_variants()}.values()]
"""One kind of server for each answer, and those of this test alone."""


@pytest.mark.parametrize("case", QUICK, ids=str)
def test_each_question_finds_a_server_that_differs(case: Case, empty_api: FakeEndorApi, folder: Path) -> None:
    check(case, empty_api, folder)


@pytest.mark.faults
@pytest.mark.parametrize("case", [case for case in cases.of_variants() if case not in QUICK], ids=str)
def test_each_kind_of_server_is_found(case: Case, empty_api: FakeEndorApi, folder: Path) -> None:
    check(case, empty_api, folder)


def test_no_kind_of_server_is_forgotten() -> None:
    assert {variant.what for variant in VARIANTS} == cases.FOUND.keys() | cases.NOT_ASKED.keys()
    asked = {question.asked for question in QUESTIONS}
    assert {question for question, _ in cases.FOUND.values()} <= asked
    tested = {case.question for case in QUICK} | cases.DOCUMENTED.keys() | {cases.FIELDS}
    assert tested == asked


def test_the_documented_server_is_as_expected(empty_api: FakeEndorApi, folder: Path) -> None:
    fill(empty_api, "recent")
    found = answers(folder, config_for(empty_api))
    assert {question: found[question] for question in cases.DOCUMENTED} == cases.DOCUMENTED
    assert found[cases.CLOCK].startswith("this machine is ")
    assert found[cases.GZIP].startswith("gzip: ")


@pytest.mark.parametrize(("events", "days", "most"), [(60, 90, 26), (8_000, 90, 25), (500, 20, 31)])
def test_it_takes_few_requests(events: int, days: int, most: int, empty_api: FakeEndorApi, folder: Path) -> None:
    empty_api.store.add(make_events(events, NOW - dt.timedelta(days=days), NOW))
    output = probe(folder, config_for(empty_api))
    assert len(empty_api.requests) <= most
    assert f"{len(empty_api.requests)} requests" in output.stdout
    assert len(empty_api.auth_requests) == 1


def test_the_table_has_what_the_report_has(api: FakeEndorApi, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    output = probe(folder, config_for(api))
    text = (folder / REPORT).read_text()
    assert len(rows(text)) == len(QUESTIONS)
    for row in rows(text):
        for cell in row:
            assert all(word in output.stdout for word in cell.replace("`", "").split())
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, probe(folder, config_for(api)).stdout.splitlines())) <= 80


def test_an_empty_log_is_not_enough_to_tell(empty_api: FakeEndorApi, folder: Path) -> None:
    found = answers(folder, config_for(empty_api))
    untold = {question for question, text in found.items() if text == "not enough events to tell"}
    assert found.keys() - untold == {cases.SPAN, cases.GZIP, cases.CLOCK, cases.WAY}
    assert found[cases.WAY] == f"{cases.PATH}; it is empty, which is normal when the log began less than 27 days ago"


def test_a_log_of_one_event_is_enough_for_little(empty_api: FakeEndorApi, folder: Path) -> None:
    empty_api.store.add(make_events_at([to_nanoseconds(NOW) - 2_990 * SECOND + 500_000_000]))
    found = answers(folder, config_for(empty_api))
    assert found[cases.SORT] == found[cases.PAGE_ID] == found[cases.SIZE] == "not enough events to tell"
    assert found[cases.COUNT] == found[cases.BOUNDS] == found[cases.OBJECTS] == "yes"
    assert found[cases.FRACTIONS] == "no: fractions are cut off"
    assert found[cases.FIELDS].startswith("empty in all of 1 event:")


ERRORS: dict[str, tuple[t.Literal["list", "auth"], Fault, str]] = {
    "wrong key": ("auth", Fault.status(401), "Endor Labs refused the API key"),
    "no permission": ("list", Fault.status(403), "give it the role Read-only there"),
    "no such namespace": ("list", Fault.status(404), "There is no namespace"),
    "bad filter": ("list", Fault.status(400), "Check the setting filter"),
    "down": ("list", Fault.status(503), "Check whether Endor Labs reports an outage"),
    "slow": ("list", Fault.status(504), "the query took too long"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_an_error_ends_in_one_line_and_without_a_report(case: str, api: FakeEndorApi, folder: Path) -> None:
    where, fault, says = ERRORS[case]
    api.fail(fault, where=where, times=None)
    output = probe(folder, config_for(api, filter="spec.operation exists"))
    assert (output.code, output.stdout) == (1, "")
    (line,) = output.errors
    assert says in line
    assert not (folder / REPORT).exists()


def test_no_network_ends_in_one_line(api: FakeEndorApi, folder: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        output = probe(folder, config_for(api, api_url=f"http://127.0.0.1:{unused.getsockname()[1]}"))
    assert (output.code, output.stdout) == (1, "")
    (line,) = output.errors
    assert "Check the network" in line


def test_a_rate_limit_is_waited_for(api: FakeEndorApi, folder: Path) -> None:
    api.fail(Fault.status(429, headers={"Retry-After": "20"}), after=4, times=2)
    assert answers(folder, config_for(api))[cases.SORT] == "yes"
    assert " in 3 tries" in (folder / REPORT).read_text()


def test_small_pages_that_are_slow_don_t_keep_the_rest_from_being_told(api: FakeEndorApi, folder: Path) -> None:
    # Those of 10 events, sorted and unsorted, each with its second try.
    for after in (3, 7):
        api.fail(Fault.status(504), after=after, times=2)
    found = answers(folder, config_for(api))
    assert "10 events: too slow (HTTP 504) sorted" in found[cases.PACE]
    assert found[cases.PAGE_ID] == found[cases.PAGE_TOKEN] == "yes"


def test_a_report_that_can_t_be_written_is_told(api: FakeEndorApi, folder: Path) -> None:
    (folder / REPORT).mkdir()
    output = probe(folder, config_for(api))
    assert output.errors == ["probe-report.md can't be written into the current folder: Is a directory."]


def with_ids(late: t.Iterable[int]) -> list[dict[str, t.Any]]:
    """Give events whose ids tell that they were stored so many seconds late."""
    first = to_nanoseconds(NOW) // SECOND - 3_000
    return [
        {**event, "uuid": f"{first + n + seconds:08x}{OBJECT_ID}"}
        for n, seconds in enumerate(late)
        for event in make_events_at([(first + n) * SECOND])
    ]


@pytest.mark.parametrize(
    ("late", "found", "action"),
    [
        (
            [0, 1, 1, 2, 30],
            "half of 5 within 1 s, all within 30 s",
            "reads the last 300 s again in each run (`lookback_seconds`)",
        ),
        (
            [5, 5, 5, 5, 400],
            "half of 5 within 5 s, all within 400 s",
            "reads the last 300 s again in each run (`lookback_seconds`): raise it above 400",
        ),
        (
            [-3, -3, -2, -1, -1],
            "half of 5 within 0 s, all within 0 s",
            "reads the last 300 s again in each run (`lookback_seconds`)",
        ),
        (
            [1, 1, 1, 1, 10**7],
            "unknown: the ids contain no time",
            "reads the last 300 s again in each run (`lookback_seconds`)",
        ),
    ],
)
def test_ids_hint_at_how_late_events_come(
    late: list[int], found: str, action: str, empty_api: FakeEndorApi, folder: Path
) -> None:
    empty_api.store.add(with_ids(late))
    assert probe(folder, config_for(empty_api)).code == 0
    row = next(row for row in rows((folder / REPORT).read_text()) if row[0] == cases.LATE)
    assert row == (cases.LATE, found, action)


@pytest.mark.parametrize(
    ("shuffled", "found"), [(True, "only events with the same time change places"), (False, "same order")]
)
def test_events_of_one_time_may_change_places(
    shuffled: bool,  # noqa: FBT001 - called by pytest
    found: str,
    empty_api: FakeEndorApi,
    folder: Path,
) -> None:
    moment = to_nanoseconds(NOW) - 3_000 * SECOND
    empty_api.store.add(make_events_at([moment + n // 8 * SECOND for n in range(60)]))
    empty_api.behaviour.shuffle_ties = shuffled
    answer = answers(folder, config_for(empty_api))
    assert answer[cases.ORDER].startswith(f"sorted: {found}")
    assert answer[cases.SORT] == answer[cases.PAGE_ID] == "yes"


def test_conditions_that_are_ignored_show_in_a_small_log(empty_api: FakeEndorApi, folder: Path) -> None:
    fill(empty_api, "few")
    empty_api.store.add(make_events(5, NOW - dt.timedelta(days=3), NOW - dt.timedelta(days=2), seed=3))
    empty_api.behaviour.ignore_bounds = True
    assert answers(folder, config_for(empty_api))[cases.BOUNDS] == "no: events from outside the range came"


def test_a_busy_log_is_probed_by_its_last_hour(empty_api: FakeEndorApi, folder: Path) -> None:
    empty_api.store.add(make_events(3_000, NOW - dt.timedelta(hours=2), NOW))
    found = answers(folder, config_for(empty_api))
    assert (found[cases.SIZE], found[cases.COUNT], found[cases.SORT]) == ("500", "yes", "yes")


def test_what_can_t_be_a_record_is_told(empty_api: FakeEndorApi, folder: Path) -> None:
    fill(empty_api, "few")
    empty_api.store.add_raw(
        [{**make_events(1, NOW - dt.timedelta(hours=1), NOW - dt.timedelta(minutes=30))[0], "uuid": ""}]
    )
    assert answers(folder, config_for(empty_api))[cases.OBJECTS].startswith("no: some have no `uuid` or time")


def test_fields_that_are_never_filled_are_told_from_those_that_sometimes_are(
    empty_api: FakeEndorApi, folder: Path
) -> None:
    events = make_events(10, NOW - dt.timedelta(hours=1), NOW - dt.timedelta(minutes=10))
    for number, event in enumerate(events):
        event["spec"] |= {"claims": [], "remote_address": None, "payload": {}, "error": None, "message_kind": "x"}
        event["meta"] = {name: event["meta"][name] for name in ("name", "create_time", "created_by")}
        event["meta"]["description"] = "" if number else "x"
    empty_api.store.add(events)
    found = answers(folder, config_for(empty_api))[cases.FIELDS]
    never, some = found.split("; empty in some: ")
    assert some == "meta.description"
    assert never.startswith("empty in all of 10 events: ")
    assert {"spec.claims", "spec.remote_address", "spec.payload", "spec.error", "meta.tags"} <= set(
        never.removeprefix("empty in all of 10 events: ").split(", ")
    )
    assert not re.search(r"message_kind|created_by|meta\.name|uuid(?!,)", never.replace("meta.parent_uuid", ""))


def test_the_archive_is_left_alone_where_the_user_wants_it_so(api: FakeEndorApi, folder: Path) -> None:
    found = answers(folder, config_for(api, include_archived=False))
    assert found[cases.WAY] == found[cases.ARCHIVE_SORT] == "not tested: `include_archived` is false"
    assert not any("archived" in request.path or "list_parameters.archive" in request.query for request in api.requests)


def test_the_document_shows_every_question() -> None:
    lines = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| ")]
    shown = [tuple(line.strip("| ").split(" | ")[:2]) for line in lines]
    assert shown[-len(QUESTIONS) :] == [(question.asked, question.expected) for question in QUESTIONS]
