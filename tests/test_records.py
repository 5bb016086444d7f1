"""A page's objects become records that equal what the API sent."""

from __future__ import annotations

import decimal
import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.singerlib.json import serialize_json

from tap_endorlabs.api.pages import decode_page
from tap_endorlabs.api.records import Event, Reject
from tap_endorlabs.sync.messages import to_record

GOOD = {"uuid": "a", "meta": {"create_time": "2024-11-13T15:30:45.5Z"}}


def body(*objects: t.Any, **response: t.Any) -> bytes:
    return json.dumps({"list": {"objects": objects, "response": response}}).encode()


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"list": null}',
        '{"list": {}}',
        '{"list": {"objects": null}}',
        '{"list": {"objects": []}}',
        '{"list": {"objects": [], "response": null}}',
        '{"count_response": {"count": 3}}',
    ],
)
def test_an_answer_may_leave_out_any_part(text: str) -> None:
    page = decode_page(text.encode())
    assert (page.events, page.size, page.says_more, page.next_page_id) == ([], 0, False, None)


@pytest.mark.parametrize(
    ("count", "found"), [("7", 7), ('"7"', 7), ("0", 0), ("null", None), ("-1", None), ('"x"', None), ("{}", None)]
)
def test_a_count_is_read_as_number_and_as_the_text_that_protobuf_makes_of_one(count: str, found: int | None) -> None:
    assert decode_page(b'{"count_response": {"count": %b}}' % count.encode()).count == found


def test_a_count_of_nothing_may_be_left_out() -> None:
    assert decode_page(b'{"count_response": {}}').count == 0
    assert decode_page(b'{"count_response": null}').count is None


@pytest.mark.parametrize("text", ["", "[]", "null", '{"list": 1}', '{"list": {"objects": [{]}}', '{"list"', "<html>"])
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode_page(text.encode())


@pytest.mark.parametrize(
    ("response", "more", "next_page_id"),
    [
        ({}, False, "a"),
        ({"next_page_token": 0}, False, "a"),
        ({"next_page_token": 500}, True, "a"),
        ({"next_page_token": "500"}, True, "a"),
        ({"next_page_token": 500, "next_page_id": "b"}, True, "b"),
        ({"next_page_id": 7}, True, None),
    ],
)
def test_the_answer_says_what_comes_next(response: dict[str, t.Any], more: bool, next_page_id: str | None) -> None:  # noqa: FBT001
    page = decode_page(body(GOOD, **response))
    assert (page.size, page.says_more, page.next_page_id) == (1, more, next_page_id)


@pytest.mark.parametrize(
    ("value", "stamp", "identity"),
    [
        (
            {"meta": {"create_time": "2024-11-13T15:30:45Z"}},
            "2024-11-13T15:30:45.000000Z",
            {"create_time": "2024-11-13T15:30:45Z"},
        ),
        (
            {"uuid": "", "meta": {"create_time": "2024-11-13T15:30:45Z"}},
            "2024-11-13T15:30:45.000000Z",
            {"uuid": "", "create_time": "2024-11-13T15:30:45Z"},
        ),
        (
            {"uuid": 7, **{k: v for k, v in GOOD.items() if k != "uuid"}},
            "2024-11-13T15:30:45.500000Z",
            {"uuid": "7", "create_time": "2024-11-13T15:30:45.5Z"},
        ),
        ({"uuid": "a"}, None, {"uuid": "a"}),
        ({"uuid": "a", "meta": None}, None, {"uuid": "a"}),
        ({"uuid": "a", "meta": {"create_time": None}}, None, {"uuid": "a"}),
        ({"uuid": "a", "meta": {"create_time": "yesterday"}}, None, {"uuid": "a", "create_time": "yesterday"}),
        (
            {
                "uuid": "a",
                "spec": {"message_uuid": "m", "message_kind": "k", "payload": {"password": "x"}},
                "tenant_meta": {"namespace": "n"},
            },
            None,
            {"uuid": "a", "namespace": "n", "message_kind": "k", "message_uuid": "m"},
        ),
        ("text", None, {}),
        (None, None, {}),
    ],
)
def test_an_object_that_can_t_be_placed_is_set_aside(value: t.Any, stamp: str | None, identity: dict[str, str]) -> None:
    page = decode_page(body(GOOD, value))
    assert [event.uuid for event in page.events] == ["a"]
    (reject,) = page.rejected
    assert reject.create_time == stamp
    assert json.loads(reject.identity) == identity
    assert str(reject) in {f"it has no {what}: {reject.identity}" for what in ("uuid", "readable meta.create_time")}
    assert page.size == 2


def test_what_identifies_an_object_can_forge_no_log_line() -> None:
    line = Reject.of(json.dumps({"uuid": "a\nERROR \x1b[31m" + "x" * 999}).encode(), "it is odd").identity
    assert line.isascii()
    assert "\\n" in line
    assert len(line) == 303
    assert "\n" not in line
    assert "\x1b" not in line


def test_numbers_keep_all_their_digits() -> None:
    raw = '{"uuid":"a","n":[1.0,0.1000000000000000055511151231257827,123456789012345678901234567890,1e400,-0.0]}'
    record = to_record(Event("2024-11-13T15:30:45.500000Z", "a", raw.encode()))
    assert record["n"][1] == decimal.Decimal("0.1000000000000000055511151231257827")
    line = serialize_json(record)
    assert json.loads(line, parse_float=decimal.Decimal) == record
    assert "123456789012345678901234567890" in line
    assert "0.1000000000000000055511151231257827" in line


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), json_values, max_size=5), st.booleans())
def test_a_record_is_the_object_plus_create_time(extra: dict[str, t.Any], ascii_only: bool) -> None:  # noqa: FBT001
    value = {**extra, **GOOD}
    raw = json.dumps({"list": {"objects": [value]}}, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    (event,) = decode_page(raw).events
    expected = {**value, "create_time": "2024-11-13T15:30:45.500000Z"}
    assert json.loads(serialize_json(to_record(event))) == json.loads(json.dumps(expected))
