"""Whatever an answer holds, it passes unharmed or ends in one clear line."""

from __future__ import annotations

import decimal
import gzip
import itertools
import json
import re
import typing as t
import zlib
from types import SimpleNamespace

import pytest
import requests
import requests_mock as mocking

from tap_endorlabs.body import LARGEST_BODY, read_body
from tap_endorlabs.errors import ApiError, TapError, TooSlowError, TransientError
from tap_endorlabs.messages import record_lines
from tap_endorlabs.records import decode_page
from tests.conftest import NOW
from tests.fake_endor_api import FakeEndorApi, Fault
from tests.harness import Output, config_for, run_inside
from tests.raw_server import RawServer
from tests.test_client import LIST, SMALLEST, Exchange

if t.TYPE_CHECKING:
    from collections.abc import Iterator

TIME = '"meta":{"create_time":"2026-03-30T00:00:00.5Z"}'
LATER = '"meta":{"create_time":"2026-03-30T00:00:01Z"}'
WAYS: dict[str, dict[str, t.Any]] = {
    "direct": {},
    "stream map": {"stream_maps": {"audit_logs": {"added": "'x'"}}},
}


def page(*objects: str | bytes) -> bytes:
    encoded = [item if isinstance(item, bytes) else item.encode() for item in objects]
    return b'{"list":{"objects":[' + b",".join(encoded) + b"]}}"


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
    assert list(output.bookmark["emitted"]) in ([], [record["uuid"]])


REFUSED: dict[str, str | bytes] = {
    "100,000 levels of lists": with_value("[" * 100_000 + "]" * 100_000),
    "100,000 levels of objects": with_value('{"a":' * 100_000 + "1" + "}" * 100_000),
    "lists that never close": with_value("[" * 1_000_000),
    "an integer of 100,000 digits": with_value("9" * 100_000),
    "NaN": with_value("NaN"),
    "Infinity": with_value("-Infinity"),
    "an escaped lone surrogate": with_value('"\\ud800"'),
    "an escaped lone low surrogate": with_value('"\\udc00"'),
    "a lone surrogate as a name": f'{{"uuid":"a",{TIME},"\\ud800":1}}',
    "the bytes of a lone surrogate": with_value('"?"').encode().replace(b"?", b"\xed\xa0\x80"),
    "bytes that are no UTF-8": with_value('"?"').encode().replace(b"?", b"\xff"),
    "a NUL": with_value('"\0"'),
    "a line break in a uuid": f'{{"uuid":"a\nb",{TIME}}}',
    "an escape character": with_value('"\x1b[31m"'),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", [*REFUSED, "a byte order mark"])
def test_what_is_no_json_ends_in_one_clear_line(case: str, way: str, empty_api: FakeEndorApi) -> None:
    body = page(REFUSED[case]) if case in REFUSED else b"\xef\xbb\xbf" + page()
    empty_api.fail(Fault.raw(body), times=None)
    with pytest.raises(TransientError, match=r"sent a page that is not the JSON of a list .*Gave up after") as caught:
        sync(empty_api, way)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("depth", [500, *range(960, 1000, 4), 5_000])
def test_nesting_passes_or_is_told_in_one_line(depth: int, way: str, empty_api: FakeEndorApi) -> None:
    empty_api.fail(Fault.raw(page(with_value("[" * depth + "]" * depth))), times=None)
    try:
        assert len(sync(empty_api, way).records) == 1
    except TapError as error:
        assert depth > 500
        assert re.search("recursion depth exceeded", str(error), re.IGNORECASE)  # noqa: PT017 - either may come


def test_an_exponent_that_decimal_can_t_hold_is_told(empty_api: FakeEndorApi) -> None:
    empty_api.fail(Fault.raw(page(with_value("1e" + "9" * 20))), times=None)
    config = config_for(empty_api, start_date="2026-03-29T00:00:00Z")
    assert '"x":1e99999999999999999999' in run_inside(config).stdout
    with pytest.raises(TapError, match=r"Event a can't be taken apart \(InvalidOperation: "):
        run_inside(config | WAYS["stream map"])


def test_digits_are_looked_for_in_linear_time() -> None:
    runs = ",".join(["9" * 4300] * 500)
    assert decode_page(page(with_value(f"[{runs}]"))).size == 1


def test_a_page_of_100_mb_passes() -> None:
    with mocking.Mocker() as mock:
        mock.get(LIST, content=page(with_value('"' + "x" * 100_000_000 + '"')))
        answer = Exchange().transport.exchange("GET", "/v1/namespaces/acme/audit-logs")
    (event,) = decode_page(answer.body).events
    line = record_lines("audit_logs", [event], NOW)
    assert len(line) > 100_000_000
    assert line.count(b"\n") == 1


def bomb(size: int) -> bytes:
    packer = zlib.compressobj(wbits=31)
    megabytes = [packer.compress(bytes(1 << 20)) for _ in range(size >> 20)]
    return b"".join([*megabytes, packer.compress(bytes(size & 0xFFFFF)), packer.flush()])


def answer_of(body: bytes, encoding: str = "gzip") -> bytes:
    with mocking.Mocker() as mock:
        mock.get(LIST, content=body, headers={"Content-Encoding": encoding})
        return Exchange().transport.exchange("GET", "/v1/namespaces/acme/audit-logs").body


def test_a_gzip_bomb_ends_in_one_clear_line() -> None:
    assert LARGEST_BODY == 256 * 1024 * 1024
    packed = bomb(LARGEST_BODY + 1)
    assert len(packed) < 1_000_000
    with pytest.raises(ApiError, match=r"sent more than 256 MB in one answer. Lower page_size, or check api_url.$"):
        answer_of(packed)


def test_a_body_of_the_largest_size_passes_and_one_byte_more_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tap_endorlabs.body.LARGEST_BODY", 1 << 20)
    for encoding, packed in (("gzip", bomb), ("", bytes)):
        assert len(answer_of(packed(1 << 20), encoding)) == 1 << 20
        with pytest.raises(ApiError, match="sent more than"):
            answer_of(packed((1 << 20) + 1), encoding)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(b"{}")[:-3], "gzip"),
        (gzip.compress(b"{}") * 2, "gzip"),
        (b"{}", "gzip"),
        (b"{}", "br"),
        (gzip.compress(gzip.compress(b"{}")), "gzip, gzip"),
    ],
    ids=["cut off", "twice", "not compressed", "not asked for", "nested"],
)
def test_a_wrong_compression_may_pass_next_time(body: bytes, encoding: str) -> None:
    with pytest.raises(TransientError, match=r"^The connection to api.endorlabs.com failed: .+\.$"):
        answer_of(body, encoding)


def head(*lines: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", "Content-Type: application/json", *lines, "", ""]).encode()


@pytest.mark.parametrize(
    ("length", "piece"), [("Content-Length: 1000000", b" "), ("Transfer-Encoding: chunked", b"1\r\n \r\n")]
)
def test_a_body_that_trickles_ends_at_the_request_timeout(length: str, piece: bytes) -> None:
    def trickle() -> Iterator[bytes]:
        yield head(length)
        for _ in range(200):
            yield piece
            server.pause(0.05)

    with RawServer(trickle) as server, pytest.raises(TooSlowError, match=r"did not answer within 1 s"):
        Exchange(api_url=server.url, request_timeout=1).transport.exchange("GET", "/")


def test_a_compressed_body_without_content_trickles_no_longer() -> None:
    clock = itertools.count()
    pieces = itertools.chain([gzip.compress(b"")[:10]], itertools.repeat(b"\0\0\0\xff\xff"))
    raw = SimpleNamespace(read1=lambda *_, **__: next(pieces))
    answer = t.cast("requests.Response", SimpleNamespace(raw=raw, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(requests.ReadTimeout):
        read_body(answer, seconds=120, clock=lambda: next(clock))
    assert next(clock) < 125


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
            exchange.transport.exchange("GET", "/")
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
