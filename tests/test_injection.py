"""Neither a setting nor an event gets out of its place: in a URL, in a filter expression, in the log."""

from __future__ import annotations

import datetime as dt
import re
import typing as t
from urllib.parse import parse_qs, urlsplit

import pytest
import requests_mock as mocking
from hypothesis import assume, example, given
from hypothesis import strategies as st

from fake_endor_api import FakeEndorApi, Fault, make_events
from fake_endor_api.behaviour import Behaviour
from fake_endor_api.errors import ApiError
from fake_endor_api.filter_syntax import Condition, Expression, Junction, Moment, parse
from tests.conftest import NOW
from tests.harness import Output, config_for
from tests.in_process import run_command
from tests.test_client import AUTH, HERE, PAGE, URL, Exchange, token
from tests.test_settings import faults

if t.TYPE_CHECKING:
    from pathlib import Path

START = "2026-03-30T00:00:00Z"


def sent(**settings: t.Any) -> tuple[str, dict[str, list[str]]]:
    """The path and the query of a request for a page, as they go over the wire."""
    with mocking.Mocker() as mock:
        mock.post(AUTH, **token())
        mock.get(mocking.ANY, **PAGE)
        Exchange(**settings).client.fetch(HERE)
        assert mock.last_request is not None
        url = urlsplit(mock.last_request.url)
    assert f"{url.scheme}://{url.netloc}" == URL
    assert url.fragment == ""
    return url.path, parse_qs(url.query, keep_blank_values=True)


_, PLAIN = sent()


@given(st.text() | st.text(alphabet="aZ9-_./%2Fe\\?#&@:;\n\r\0 \u2025\uff0e", max_size=8))
@example("..")
@example("acme/../../v1/auth")
@example("acme%2F..%2Fauth")
@example("acme?x=1#y")
@example("acme.\u0430")
def test_a_namespace_stays_one_step_of_the_path(namespace: str) -> None:
    assume(namespace.strip())
    if not faults(namespace=namespace):
        path, query = sent(namespace=namespace)
        assert path == f"/v1/namespaces/{namespace}/audit-logs"
        assert query == PLAIN


conditions = st.sampled_from(
    [
        "spec.operation=='OPERATION_DELETE'",
        'meta.name matches ".*)"',
        "meta.name=='it\\'s ('",
        "spec.message_kind in [\"a)\", 'b(']",
        "spec.error exists",
        "meta.create_time>=date(2020-01-01T00:00:00Z)",
    ]
)
expressions = st.recursive(
    conditions,
    lambda inner: st.one_of(
        st.builds("({})".format, inner),
        st.builds("{} and {}".format, inner, inner),
        st.builds("{} or\n{}".format, inner, inner),
    ),
    max_leaves=6,
)
scraps = st.lists(
    st.sampled_from(
        [*"()[]'\"\\,;#`%\n\r\t\0 \u2028", " and ", " or ", "--", "/*", "*/", "//", "a==1", "a==", "%29", "x"]
    ),
    max_size=12,
).map("".join)
HEAD = (
    Condition("meta.create_time", ">=", Moment(1_699_999_999 * 10**9)),
    Condition("meta.create_time", "<", Moment(1_700_000_101 * 10**9)),
)


def tree(expression: str) -> Expression | None:
    try:
        return parse(expression, Behaviour().moment)
    except ApiError:
        return None


@given(expressions | scraps | st.builds("{}{}{}".format, expressions, scraps, expressions))
@example("a==1) or (b==2")
@example("a==1 or b==2")
@example("a==1 /* ( */ ) or (b==2 /* ) */")
@example("a==1 // (\n) or (b==2 // )\n")
@example("a=='\\'  ) or (b=='\\'")
@example('a=="\\" or b==1) or (c=="')
def test_a_filter_stays_inside_its_parentheses(expression: str) -> None:
    if not expression.strip() or faults(filter=expression):
        return
    _, query = sent(filter=expression)
    (whole,) = query.pop("list_parameters.filter")
    assert query == {name: value for name, value in PLAIN.items() if name != "list_parameters.filter"}
    # What stands in the parentheses is what the user wrote; where that is no expression, nor is the whole.
    own = tree(expression)
    assert tree(whole) == (None if own is None else Junction("and", (*HEAD, own)))


@pytest.mark.parametrize("scrap", ["--", "//", "/*", "#", ";", "`", "\\", "\0", "\x1b", "\u2028", "'\u202e'"])
def test_a_filter_has_no_comment_and_no_control_character(scrap: str) -> None:
    (line,) = faults(filter=f"a==1 {scrap}")
    assert line.startswith(
        "Setting filter takes an expression, not blank, whose quotes and parentheses are closed, without comments"
    )
    assert faults(filter="a=='-- // /* # ; `'") == []


@given(expressions)
def test_a_sensible_filter_is_taken(expression: str) -> None:
    assert tree(expression) is not None
    assert faults(filter=expression) == []


FORGED = "2026-01-01 00:00:00,000 | ERROR    | tap-endorlabs                  | FORGED"
FORGERY = f"x\r\n{FORGED}\x1b[2J\x1b]0;x\x07\u2028{FORGED}\u2029{FORGED}\x85{FORGED}\x0b{FORGED}\u202e\u2066{FORGED}\0"
LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} +\| [A-Z]+ +\| [\w.-]+ +\| |    ")


def assert_no_line_is_forged(output: Output, *, quotes: bool = True) -> None:
    lines = output.stderr.splitlines()
    assert lines
    for line in lines:
        assert line.isprintable()
        assert LINE.match(line), line
        assert not line.startswith("2026-01-01")
    assert ("FORGED" in output.stderr) == quotes


def test_event_content_forges_no_log_line(api: FakeEndorApi, tmp_path: Path) -> None:
    (event,) = make_events(1, NOW - dt.timedelta(hours=2), NOW - dt.timedelta(hours=1), seed=5)
    event["meta"]["name"] = FORGERY
    nameless = event | {"uuid": None, "spec": {"message_kind": FORGERY}}
    api.store.add_raw([event, nameless])
    output = run_command(tmp_path, config=config_for(api, start_date=START))
    assert_no_line_is_forged(output)
    assert "An object that can't be a record was left out: it has no uuid" in output.stderr
    maps = {"audit_logs": {"name": "int(record['meta']['name'])"}}
    output = run_command(tmp_path, config=config_for(api, start_date=START, stream_maps=maps))
    assert_no_line_is_forged(output)
    assert "invalid literal for int()" in output.stderr


@pytest.mark.parametrize("where", ["auth", "list"])
def test_a_message_of_the_server_forges_no_log_line(
    where: t.Literal["auth", "list"], api: FakeEndorApi, tmp_path: Path
) -> None:
    api.fail(Fault.status(503, message=FORGERY), where=where)
    api.fail(Fault.status(404, message=FORGERY), where=where, times=None)
    output = run_command(tmp_path, config=config_for(api, start_date=START))
    assert_no_line_is_forged(output)
    assert "Traceback" in output.stderr


def state(**bookmark: t.Any) -> dict[str, t.Any]:
    own = {"replication_key_value": START, "scope": {"namespace": "acme", "traverse": True, "filter": None}}
    return {"bookmarks": {"audit_logs": own | bookmark}}


@pytest.mark.parametrize(
    "files",
    [
        {"namespace": FORGERY},
        {"filter": FORGERY},
        {"api_url": f"https://{FORGERY}"},
        {"start_date": FORGERY},
        {FORGERY: 1},
        {"stream_maps": {"audit_logs": {FORGERY: [1]}}},
        {"stream_maps": {"audit_logs": {"x": FORGERY}}},
        {"stream_maps": {FORGERY: {"x": "1"}}},
        {"batch_config": {FORGERY: 1}},
        {"flattening_max_depth": FORGERY},
        {"state": {"bookmarks": {FORGERY: {}}}},
        {"state": state(replication_key_value=FORGERY)},
        {"state": state(replication_key=FORGERY)},
        {"state": state(emitted={FORGERY: FORGERY})},
        {"state": state(emitted=[[FORGERY, FORGERY]])},
        {"state": state(emitted=[FORGERY])},
        {"state": state(proof={"since": FORGERY, "emitted": 1})},
        {"state": state(proof=FORGERY)},
        {"state": state(gaps=[{"from": FORGERY, "to": FORGERY}])},
        {"state": state(scope={"namespace": FORGERY, "traverse": True, "filter": None})},
        {"state": state(scope={"namespace": "acme", "traverse": FORGERY, "filter": FORGERY})},
        {"catalog": {"streams": [{"tap_stream_id": FORGERY, "stream": FORGERY, "schema": {}, "metadata": []}]}},
    ],
    ids=lambda files: str(files)[:60],
)
def test_no_value_that_a_user_gives_forges_a_log_line(
    files: dict[str, t.Any], api: FakeEndorApi, tmp_path: Path
) -> None:
    own = {name: content for name, content in files.items() if name in {"state", "catalog"}}
    settings = {name: content for name, content in files.items() if name not in own}
    output = run_command(tmp_path, config=config_for(api, **({"start_date": START} | settings)), **own)
    assert_no_line_is_forged(output, quotes="FORGED" in output.stderr)
