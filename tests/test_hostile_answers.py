"""Whatever an answer holds, it passes unharmed or ends in one clear line."""

from __future__ import annotations

import decimal
import gzip
import json
import logging
import typing as t
import zlib
from http import HTTPStatus

import pytest
import requests_mock as mocking

from fake_endor_api import FakeEndorApi, Fault
from tap_endorlabs.api.body import LARGEST_BODY
from tap_endorlabs.api.pages import decode_page
from tap_endorlabs.errors import TapError, TooSlowError, TransientError
from tap_endorlabs.sync.messages import record_lines
from tests.conftest import NOW
from tests.harness import Output, config_for, run_inside
from tests.in_process import run_command
from tests.raw_server import RawServer
from tests.test_client import AUTH, LIST, SMALLEST, Exchange

if t.TYPE_CHECKING:
    from pathlib import Path

    from tap_endorlabs.api.answer import Answer

TIME = '"meta":{"create_time":"2026-03-30T00:00:00.5Z"}'
LATER = '"meta":{"create_time":"2026-03-30T00:00:01Z"}'
WAYS: dict[str, dict[str, t.Any]] = {
    "direct": {},
    "stream map": {"stream_maps": {"audit_logs": {"added": "'x'"}}},
}


def page(*objects: str | bytes) -> bytes:
    encoded = [item if isinstance(item, bytes) else item.encode() for item in objects]
    return b'{"list":{"objects":[' + b",".join(encoded) + b"]}}"


def whole(answer: Answer) -> Answer:
    return answer


def with_value(value: str) -> str:
    return f'{{"uuid":"a",{TIME},"x":{value}}}'


def strict(line: str) -> t.Any:
    """Read a line as a target would, and refuse what is no JSON."""

    def refuse(constant: str) -> t.NoReturn:
        raise AssertionError(constant)

    return json.loads(line, parse_float=decimal.Decimal, parse_constant=refuse)


def sync(api: FakeEndorApi, way: str) -> Output:
    output = run_inside(config_for(api, start_date="2026-03-29T00:00:00Z", **WAYS[way]))
    for line in output.stdout.split("\n")[:-1]:
        assert isinstance(strict(line), dict)
        assert json.loads(line)["type"] in {"SCHEMA", "RECORD", "STATE"}
    return output


UNHARMED: dict[str, tuple[str, dict[str, t.Any]]] = {
    "an escaped NUL": (with_value('"\\u0000"'), {"x": "\0"}),
    "escape sequences and bidi marks": (with_value('"\\u001b[31m\u202e\u2028\x7f"'), {"x": "\x1b[31m\u202e\u2028\x7f"}),
    "an integer of 4,300 digits": (with_value("9" * 4300), {"x": int("9" * 4300)}),
    "a fraction of 100,000 digits": (with_value("0." + "9" * 100_000), {"x": decimal.Decimal("0." + "9" * 100_000)}),
    "a number beyond floats": (with_value("-1e400"), {"x": decimal.Decimal("-1e400")}),
    "digits as text": (with_value('"' + "9" * 100_000 + '"'), {"x": "9" * 100_000}),
    "a uuid with line breaks": (f'{{"uuid":"a\\nb\\r\\u2028",{TIME}}}', {"uuid": "a\nb\r\u2028"}),
    "a uuid of a megabyte": (f'{{"uuid":"{"u" * 1_000_000}",{TIME}}}', {"uuid": "u" * 1_000_000}),
    "two uuids": (f'{{"uuid":"a","\\u0075uid":"b",{TIME}}}', {"uuid": "b"}),
    "two times": (f'{{"uuid":"a",{TIME},{LATER}}}', {"create_time": "2026-03-30T00:00:01.000000Z"}),
    "two times in one": (
        '{"uuid":"a","meta":{"create_time":"2026-03-30T00:00:00Z","create_time":"2026-03-30T00:00:01Z"}}',
        {"create_time": "2026-03-30T00:00:01.000000Z"},
    ),
    "times of its own": (
        f'{{"uuid":"a","create_time":"x","create_tim\\u0065":["y"],{TIME}}}',
        {"create_time": "2026-03-30T00:00:00.500000Z"},
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", UNHARMED)
def test_odd_content_passes_unharmed(case: str, way: str, empty_api: FakeEndorApi) -> None:
    item, expected = UNHARMED[case]
    empty_api.fail(Fault.raw(page(item)), times=None)
    output = sync(empty_api, way)
    (line,) = [line for line in output.stdout.split("\n") if '"RECORD"' in line]
    record = strict(line)["record"]
    assert {name: record[name] for name in expected} == expected
    assert record["meta"]["create_time"] in {"2026-03-30T00:00:00.5Z", "2026-03-30T00:00:01Z"}
    assert [uuid for _, uuid in output.bookmark["emitted"]] in ([], [record["uuid"]])


LEFT_OUT: dict[str, tuple[str | bytes, str]] = {
    "3,000 levels": (with_value("[" * 3_000 + "]" * 3_000), "more than 800 levels"),
    "801 levels": (with_value("[" * 800 + "]" * 800), "more than 800 levels"),
    "an integer of 5,000 digits": (with_value("9" * 5_000), "an integer of more than 4,300 digits"),
    "NaN": (with_value("NaN"), "it is not JSON"),
    "Infinity": (with_value("-Infinity"), "it is not JSON"),
    "an escaped lone surrogate": (with_value('"x\\ud83d"'), "a lone surrogate"),
    "an escaped lone low surrogate": (with_value('"\\udc00"'), "a lone surrogate"),
    "a lone surrogate as a name": (f'{{"uuid":"a",{TIME},"\\ud800":1}}', "a lone surrogate"),
    "the bytes of a lone surrogate": (with_value('"?"').encode().replace(b"?", b"\xed\xa0\x80"), "not UTF-8"),
    "bytes that are no UTF-8": (with_value('"?"').encode().replace(b"?", b"\xff"), "not UTF-8"),
    "a NUL": (with_value('"\0"'), "it is not JSON"),
    "a line break in a text": (with_value('"a\nb"'), "it is not JSON"),
    "an escape character": (with_value('"\x1b[31m"'), "it is not JSON"),
    "brackets and quotes in texts": (with_value(r'["]}\"]}","{[",NaN]'), "it is not JSON"),
}
FOLLOWING = b',"response":{"next_page_id":"c","next_page_token":3}}}'


def good(uuid: str) -> str:
    return f'{{"uuid":"{uuid}",{LATER},"x":"]}}\\"["}}'


SLOW = pytest.mark.faults
"""To look at 3,000 levels takes seconds, where it is told how often each line ran."""


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", [pytest.param(c, marks=SLOW) if c == "3,000 levels" else c for c in LEFT_OUT])
def test_an_object_that_no_target_can_read_is_left_out_alone(
    case: str, way: str, empty_api: FakeEndorApi, tmp_path: Path
) -> None:
    item, why = LEFT_OUT[case]
    empty_api.fail(Fault.raw(page(good("b"), item, good("c"))), times=None)
    config = config_for(empty_api, start_date="2026-03-29T00:00:00Z", **WAYS[way])
    output = run_command(tmp_path, level=logging.INFO, config=config)
    assert (output.code, output.uuids) == (3, ["b", "c"])
    line, last = output.errors
    assert line.startswith("An object that can't be a record was left out: ")
    assert why in line
    assert line.endswith(': {"uuid": "a", "create_time": "2026-03-30T00:00:00.5Z"}')
    assert last.startswith("Left out: 1 object that can't be a record (see above)")
    # The bookmark has passed it.
    again = run_command(tmp_path, level=logging.INFO, config=config, state=output.state)
    assert (again.code, again.uuids, again.errors) == (0, [], [])


@pytest.mark.parametrize("case", LEFT_OUT)
def test_what_surrounds_such_an_object_is_used(case: str) -> None:
    body = page(good("b"), LEFT_OUT[case][0], good("c"))[:-2] + FOLLOWING
    for text in (body, body.replace(b',{"uuid', b' \r\n,\t{"uuid')):
        found = decode_page(text)
        assert [event.uuid for event in found.events] == ["b", "c"]
        assert [(reject.key, reject.create_time) for reject in found.rejected] == [("a", "2026-03-30T00:00:00.500000Z")]
        assert (found.size, found.says_more, found.next_page_id) == (3, True, "c")
        assert all(b"\n" not in event.raw for event in found.events)


@pytest.mark.parametrize(
    "body",
    [
        page(with_value("[" * 10_000)),
        page(good("b"), with_value("NaN"))[:-5],
        page(with_value("NaN"), good("b"))[:-1],
        page(with_value("[1}"), good("b")),
        page(f"{good('b')} {good('c')}", with_value("NaN")),
        page(with_value("NaN"), "", good("b")),
        page(with_value("NaN"), good("b"), ""),
        page(with_value("NaN")) + b"}",
        page(with_value("NaN")) + page(),
        page(with_value("NaN"))[:-1] + b',"list":{}}',
        page(with_value("NaN"))[:-2] + b',"response":NaN}}',
        page(with_value("NaN"))[:-2] + b',"objects":[]}}',
    ],
    ids=range(12),
)
def test_a_page_that_is_no_json_around_its_objects_is_asked_for_again(body: bytes, empty_api: FakeEndorApi) -> None:
    empty_api.fail(Fault.raw(body), times=None)
    with pytest.raises(TransientError, match=r"sent a page that is not the JSON of a list .*Gave up after") as caught:
        sync(empty_api, "direct")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


def test_a_byte_order_mark_is_read_over() -> None:
    with mocking.Mocker() as mock:
        mock.post(AUTH, content=b'\xef\xbb\xbf{"token":"t","expiration_time":"2999-01-01T00:00:00Z"}')
        mock.get(LIST, content=b"\xef\xbb\xbf" + page(good("b")))
        assert Exchange().client.fetch(SMALLEST).size == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("depth", [500, 799])
def test_nesting_passes(depth: int, way: str, empty_api: FakeEndorApi) -> None:
    empty_api.fail(Fault.raw(page(with_value("[" * depth + "]" * depth))), times=None)
    assert len(sync(empty_api, way).records) == 1


def test_many_brackets_are_no_deep_nesting() -> None:
    flat = ",".join(['{"a":["]","[[{"]}'] * 5_000)
    assert len(decode_page(page(with_value(f"[{flat}]"))).events) == 1


def test_an_exponent_that_decimal_can_t_hold_is_told(empty_api: FakeEndorApi) -> None:
    empty_api.fail(Fault.raw(page(with_value("1e" + "9" * 20))), times=None)
    config = config_for(empty_api, start_date="2026-03-29T00:00:00Z")
    assert '"x":1e99999999999999999999' in run_inside(config).stdout
    with pytest.raises(TapError, match=r"Event a can't be decoded \(InvalidOperation: "):
        run_inside(config | WAYS["stream map"])


def test_digits_are_looked_for_in_linear_time() -> None:
    runs = ",".join(["9" * 4300] * 500)
    assert decode_page(page(with_value(f"[{runs}]"))).size == 1


def test_a_page_of_100_mb_passes() -> None:
    with mocking.Mocker() as mock:
        mock.get(LIST, content=page(with_value('"' + "x" * 100_000_000 + '"')))
        answer = Exchange().transport.exchange("GET", "/v1/namespaces/acme/audit-logs", whole)
    (event,) = decode_page(answer.body).events
    line = record_lines("audit_logs", [event], NOW)
    assert len(line) > 100_000_000
    assert line.count(b"\n") == 1


def bomb(size: int) -> bytes:
    packer = zlib.compressobj(wbits=31)
    megabytes = [packer.compress(bytes(1 << 20)) for _ in range(size >> 20)]
    return b"".join([*megabytes, packer.compress(bytes(size & 0xFFFFF)), packer.flush()])


def answer_of(body: bytes, encoding: str = "gzip", most: int = LARGEST_BODY) -> bytes:
    with mocking.Mocker() as mock:
        mock.get(LIST, content=body, headers={"Content-Encoding": encoding})
        return Exchange().transport.exchange("GET", "/v1/namespaces/acme/audit-logs", whole, most=most).body


def test_a_gzip_bomb_ends_in_one_clear_line() -> None:
    assert LARGEST_BODY == 256 * 1024 * 1024
    packed = bomb(LARGEST_BODY + 1)
    assert len(packed) < 1_000_000
    with pytest.raises(TooSlowError, match=r"sent more than 256 MB in one answer.$") as caught:
        answer_of(packed)
    assert caught.value.too_large
    assert caught.value.advice == "Lower page_size, or check api_url."


def test_a_body_of_the_largest_size_passes_and_one_byte_more_does_not() -> None:
    half = 1 << 19
    ways: dict[str, t.Callable[[int], bytes]] = {
        "gzip": bomb,
        "x-gzip": lambda n: bomb(half) + bomb(n - half),
        "": bytes,
    }
    for encoding, packed in ways.items():
        assert len(answer_of(packed(1 << 20), encoding, 1 << 20)) == 1 << 20
        with pytest.raises(TooSlowError, match="sent more than"):
            answer_of(packed((1 << 20) + 1), encoding, 1 << 20)


TEXT = json.dumps(["x", *range(10_000)]).encode()


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZip", "identity, gzip", "Identity,X-GZIP", "gzip, identity"])
@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(TEXT),
        b"".join(gzip.compress(TEXT[n : n + 10]) for n in range(0, len(TEXT), 10)),
        gzip.compress(TEXT) + bytes(100_000),
        gzip.compress(TEXT[:9]) + bytes(7) + gzip.compress(b"") + gzip.compress(TEXT[9:]) + b"\0",
    ],
    ids=["one member", "many members", "padded", "padded members"],
)
def test_what_gzip_reads_is_read(body: bytes, encoding: str) -> None:
    assert answer_of(body, encoding) == TEXT


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(b"{}")[:-3], "gzip"),
        (gzip.compress(b"{}") + gzip.compress(b"{}")[:-3], "gzip"),
        (gzip.compress(b"{}") + b"\0{}", "gzip"),
        (b"{}", "gzip"),
        (b"\0" + gzip.compress(b"{}"), "gzip"),
        (b"{}", "br"),
        (gzip.compress(gzip.compress(b"{}")), "gzip, gzip"),
    ],
    ids=[
        "cut off",
        "second member cut off",
        "goes on",
        "not compressed",
        "begins with zeros",
        "not asked for",
        "nested",
    ],
)
def test_a_wrong_compression_may_pass_next_time(body: bytes, encoding: str) -> None:
    with pytest.raises(TransientError, match=r"^The connection to api.endorlabs.com failed: .+\.$"):
        answer_of(body, encoding)


def head(*lines: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", "Content-Type: application/json", *lines, "", ""]).encode()


@pytest.mark.parametrize("interim", [b"100 Continue", b"102 Processing", b"103 Early Hints"])
def test_an_interim_answer_is_not_the_answer(interim: bytes) -> None:
    def answer() -> list[bytes]:
        head = b"HTTP/1.1 " + interim + b"\r\nLink: </x>\r\n\r\n"
        return [head, head, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"]

    with RawServer(answer) as server:
        answered = Exchange(api_url=server.url).transport.exchange("GET", "/", whole)
    assert (answered.status, answered.body) == (HTTPStatus.OK, b"{}")


@pytest.mark.parametrize(
    "answer",
    [
        head("X-Long: " + "x" * 100_000, "Content-Length: 2") + b"{}",
        head(*(f"X-{n}: x" for n in range(1_000)), "Content-Length: 2") + b"{}",
        head("Content-Length: 99999999999999999999999") + b"{}",
        head("Transfer-Encoding: chunked") + b"fffffffffffffffffffffff\r\n{}",
        head("Transfer-Encoding: chunked") + b"\x1b[31m\r\n{}",
        b"HTTP/1.1 \x1b[31m\r\n\r\n",
        b"\0" * 100_000,
        b"",
    ],
    ids=["long header", "many headers", "huge length", "huge chunk", "no chunk", "no status", "no http", "nothing"],
)
def test_an_answer_that_breaks_http_ends_in_one_clear_line(answer: bytes) -> None:
    with RawServer(lambda: [answer]) as server:
        exchange = Exchange(api_url=server.url, request_timeout=2)
        with pytest.raises(TransientError) as caught:
            exchange.transport.exchange("GET", "/", whole)
    assert str(caught.value).startswith(f"The connection to {server.address} failed: ")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "9" * 400},
        {"Retry-After": "99999999999"},
        {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"},
        {"Retry-After": "99999999999999999999 Nov Nov 22:13:20 +9999"},
        {"Date": "Tue, 14 Nov 2023 22:13:20 +99999999999", "Retry-After": "Tue, 14 Nov 2023 22:13:50 GMT"},
    ],
    ids=str,
)
def test_odd_times_in_headers_end_in_one_clear_line(headers: dict[str, str], api: FakeEndorApi) -> None:
    api.fail(Fault.status(429, headers=headers), times=None)
    line = r"answered 429: a fault\.( It asks to wait \S+ s\.)? Gave up after \d+ (try|tries) in \d+ s\. Check what"
    with pytest.raises(TransientError, match=line):
        run_inside(config_for(api, start_date="2026-03-03T00:00:00Z"))


TOKENS: dict[str, t.Any] = {
    "none": {},
    "no text": {"token": ["x"]},
    "line breaks": {"token": "a\r\nX-Forged: 1"},
    "letters that no header has": {"token": "tokén…"},
}


@pytest.mark.parametrize("case", TOKENS)
def test_a_token_that_can_stand_in_no_header_is_refused(case: str) -> None:
    with mocking.Mocker() as mock:
        mock.post(mocking.ANY, json=TOKENS[case])
        with pytest.raises(TransientError, match=r"answer to the log-in has no token; check api_url"):
            Exchange().client.fetch(SMALLEST)
