"""The decoder of pages against generated and mutated bytes, with Python's own JSON as the judge."""

from __future__ import annotations

import decimal
import json
import typing as t

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from singer_sdk.singerlib.json import serialize_json

from tap_endorlabs.api.pages import decode_page
from tap_endorlabs.api.problem import ProblemError
from tap_endorlabs.errors import one_line
from tap_endorlabs.sync.messages import record_lines, to_record
from tap_endorlabs.timestamps import normalize
from tests.conftest import NOW

if t.TYPE_CHECKING:
    from tap_endorlabs.api.records import Event, Page

Pairs = list[tuple[str, t.Any]]


class Duplicated:
    """An object whose names may occur more than once."""

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs

    def __repr__(self) -> str:
        return self.text(ascii_only=False, space="")

    def text(self, *, ascii_only: bool, space: str) -> str:
        def encoded(value: t.Any) -> str:
            if isinstance(value, Duplicated):
                return value.text(ascii_only=ascii_only, space=space)
            return json.dumps(value, ensure_ascii=ascii_only)

        pairs = (f"{encoded(name)}{space}:{space}{encoded(value)}" for name, value in self.pairs)
        return f"{{{space}{f'{space},'.join(pairs)}}}"


letters = st.characters(exclude_categories=["Cs"])
texts = st.text(letters, max_size=8)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
times = st.sampled_from(
    ["2024-11-13T15:30:45Z", "2024-11-13T15:30:45.5Z", "2024-11-13T15:30:45.123456789Z", "2024-11-13T16:30:45+01:00"]
)
odd_times = times | st.sampled_from(["", "yesterday", "2024-02-30T00:00:00Z", None, 1_700_000_000, ["x"]])


def pairs_of(**values: st.SearchStrategy[t.Any]) -> st.SearchStrategy[Duplicated]:
    one = st.one_of(*(st.tuples(st.just(name), value) for name, value in values.items()))
    return st.lists(one | st.tuples(texts, plain), max_size=5).map(Duplicated)


objects = pairs_of(
    uuid=texts | st.none() | st.integers(),
    meta=pairs_of(create_time=times) | pairs_of(create_time=odd_times) | plain,
    create_time=plain,
    spec=plain,
)
good = st.builds(
    lambda uuid, time, more: Duplicated([("uuid", uuid), ("meta", Duplicated([("create_time", time)])), *more.pairs]),
    texts,
    times,
    objects,
)


@st.composite
def pages(draw: st.DrawFn) -> bytes:
    ascii_only, space = draw(st.booleans()), draw(st.sampled_from(["", "", " ", "\n", "\r\n\t"]))
    items = draw(st.lists(good | objects, max_size=4))
    texts_of_items = [item.text(ascii_only=ascii_only, space=space) for item in items]
    response = draw(st.sampled_from(["", ',"response":null', ',"response":{"next_page_id":"x","next_page_token":2}']))
    return f'{{"list":{{"objects":[{f"{space},{space}".join(texts_of_items)}]{response}}}}}'.encode()


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    body = bytearray(draw(pages()))
    other = draw(pages())
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(body)))
        stop = min(len(body), start + draw(st.integers(0, 6)))
        kind = draw(st.sampled_from(["flip", "delete", "insert", "splice", "repeat"]))
        if kind == "flip" and start < len(body):
            body[start] ^= 1 << draw(st.integers(0, 7))
        elif kind == "delete":
            del body[start:stop]
        elif kind == "insert":
            body[start:start] = draw(SCRAPS)
        elif kind == "splice":
            body[start:start] = other[draw(st.integers(0, len(other))) :][:40]
        else:
            body[start:start] = body[start:stop] * draw(st.integers(1, 50))
    return bytes(body)


SCRAPS = st.binary(max_size=4) | st.sampled_from(
    [
        *(
            b"\\ud800",
            b"\\udc00",
            b"\\u0000",
            b"\0",
            b"\x1b",
            b"\n",
            b"\r",
            b"\\",
            b'"',
            b"\xed\xa0\x80",
            b"\xff",
            b"\xef\xbb\xbf",
        ),
        *(
            b"NaN",
            b"-Infinity",
            b"1e999",
            b"-",
            b"[" * 2000,
            b"9" * 5000,
            b"{",
            b"}",
            b"null,",
            b'"uuid":"z",',
            b"\xe2\x80\xa8",
        ),
        b'"meta":{"create_time":"2024-11-13T15:30:46Z"},',
        b'"create_time":1,',
    ]
)


def refuse(constant: str) -> t.NoReturn:
    raise AssertionError(f"{constant} is no JSON")


def exact(text: str | bytes) -> t.Any:
    """A value by Python's JSON, with all digits, and nothing that is no JSON."""
    return json.loads(text, parse_float=decimal.Decimal, parse_constant=refuse)


def listed(body: bytes) -> list[t.Any]:
    """The objects of a page by Python's JSON, which takes some more than targets do.

    Raises:
        ValueError: even so it is no JSON.
        RecursionError: it is nested too deeply.
    """

    def whole(digits: str) -> t.Any:
        return int(digits) if len(digits) < 1000 else digits

    text = body.decode(errors="replace")
    answer = json.loads(text, strict=False, parse_float=decimal.Decimal, parse_int=whole).get("list") or {}
    return answer.get("objects") or []


def outcome(body: bytes) -> Page | None:
    """A page, or None where the decoder refuses it in a way that ends in a clear line."""
    try:
        return decode_page(body)
    except (ValueError, RecursionError, ProblemError):
        return None


def check_lines(events: list[Event], expected: list[dict[str, t.Any]]) -> None:
    lines = record_lines("audit_logs", events, NOW)
    assert lines.count(b"\n") == len(events)
    assert b"\r" not in lines
    for line, event, item in zip(lines.decode().split("\n"), events, expected, strict=False):
        message = exact(line)
        assert message["record"] == item | {"create_time": event.create_time}
        assert (message["type"], message["stream"]) == ("RECORD", "audit_logs")
        assert item["uuid"] == event.uuid
        assert normalize(item["meta"]["create_time"]) == event.create_time
        assert list(message["record"])[-1] == "create_time"
        # What takes the way through the SDK holds the same.
        assert exact(serialize_json(to_record(event))) == message["record"]


WITHOUT_KEY = {"it has no uuid", "it has no readable meta.create_time"}


def check(body: bytes) -> None:
    page = outcome(body)
    if page is None:
        return
    assert page.size == len(page.events) + len(page.rejected)
    assert all(str(reject).isprintable() for reject in page.rejected)
    flawed = [reject for reject in page.rejected if reject.why not in WITHOUT_KEY]
    try:
        items = listed(body)
    except (ValueError, RecursionError):
        # Where Python can't take the page apart, what is passed on of it is JSON.
        assert flawed
        check_lines(page.events, [exact(event.raw) for event in page.events])
        return
    assert page.size == len(items)
    placed = [item for item in items if is_placed(item)]
    if flawed:
        uuids = iter(item["uuid"] for item in placed)
        assert all(event.uuid in uuids for event in page.events)
        placed = [exact(event.raw) for event in page.events]
    else:
        others = [item.get("uuid") if isinstance(item, dict) else None for item in items if not is_placed(item)]
        assert all(
            uuid in {reject.key, None, ""} for reject, uuid in zip(page.rejected, map(short, others), strict=True)
        )
    check_lines(page.events, placed)


def short(value: t.Any) -> str | None:
    """A uuid as a message shows it, None for what is none."""
    return None if value is None or isinstance(value, (dict, list)) or not value else one_line(str(value), 100)


def is_placed(item: t.Any) -> bool:
    """Whether an object has a uuid and a readable time, by Python's JSON."""
    try:
        normalize(item["meta"]["create_time"])
    except (ValueError, TypeError, KeyError):
        return False
    return isinstance(item.get("uuid"), str) and item["uuid"] != ""


@given(pages())
@example(b'{"list":{"objects":[{"uuid":null,"meta":0,"uuid":"a","meta":{"create_time":"2024-11-13T15:30:45Z"}}]}}')
def test_generated_pages_hold_the_same_by_python_s_json(body: bytes) -> None:
    assert outcome(body) is not None
    check(body)


@pytest.mark.faults
@settings(max_examples=150)
@given(mutated())
@example(b'{"list":{"objects":[{"uuid":"a","uuid":"b","meta":{"create_time":"2024-11-13T15:30:45Z"}}]}}')
@example(b'{"list":{"objects":[]},"list":{"objects":[{"uuid":"a","meta":{"create_time":"2024-11-13T15:30:45Z"}}]}}')
@example(b'{"list":{"objects":[{"uuid":"a","meta":{"create_time":"2024-11-13T15:30:45Z"},"meta":null}]}}')
@example(b'{"list":{"objects":[ {"uuid":"a","meta":{"create_time":"2024-11-13T15:30:45Z"}\t} ]}}')
def test_mutated_pages_are_refused_or_hold_the_same_by_python_s_json(body: bytes) -> None:
    check(body)


@given(st.binary(max_size=64))
def test_noise_is_refused_or_empty(body: bytes) -> None:
    check(body)
