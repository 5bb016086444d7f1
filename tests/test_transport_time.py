"""An answer that is not complete within the time limit is too late, however often something of it comes in."""

from __future__ import annotations

import gzip
import ssl
import typing as t

import pytest
import trustme

from tap_endorlabs.errors import TooSlowError, TransientError
from tests.raw_server import RawServer
from tests.test_client import Exchange

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tap_endorlabs.api.answer import Answer

LIMIT = 0.2
OK = b"HTTP/1.1 200 OK\r\n"
FORMS = {
    "status": (b"HTTP/1.1 200 ", b"O"),
    "header": (OK + b"X-Long: ", b"x"),
    "headers": (OK, b"X: x\r\n"),
    "answers before the answer": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "other answers before the answer": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "body": (OK + b"Content-Length: 1000000\r\n\r\n", b" "),
    "chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "size of a chunk": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "compressed nothing": (
        OK + b"Content-Encoding: gzip\r\nContent-Length: 1000000\r\n\r\n" + gzip.compress(b"")[:10],
        b"\0\0\0\xff\xff",
    ),
}
"""What an answer begins with, and what then comes in again and again."""


def whole(answer: Answer) -> Answer:
    return answer


def trickle(server: Callable[[], RawServer], form: str) -> Iterator[bytes]:
    start, drop = FORMS[form]
    yield start
    for _ in range(75):
        yield drop
        server().pause(0.02)


def assert_too_late(url: str) -> None:
    with pytest.raises(TooSlowError, match=rf"did not answer within {LIMIT} s \(request_timeout\)"):
        Exchange(api_url=url, request_timeout=LIMIT).transport.exchange("GET", "/", whole)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """Give an authority that the tap accepts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    return authority


def tls_of(authority: trustme.CA) -> ssl.SSLContext:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "endor.example").configure_cert(tls)
    return tls


@pytest.mark.parametrize("form", FORMS)
def test_an_answer_that_trickles_is_too_late(form: str) -> None:
    with RawServer(lambda: trickle(lambda: server, form)) as server:
        assert_too_late(server.url)


@pytest.mark.parametrize("form", ["header", "body"])
def test_it_is_so_with_tls_and_through_a_tunnel(
    form: str, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RawServer(lambda: trickle(lambda: server, form), tls=tls_of(authority)) as server:
        assert_too_late(server.url)
    with RawServer(lambda: trickle(lambda: server, form), tls=tls_of(authority), tunnel=True) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{server.address}")
        assert_too_late("https://endor.example")
    assert b"Host: endor.example" in server.seen[0]


@pytest.mark.parametrize("form", ["status", "headers"])
def test_a_proxy_that_trickles_is_too_late(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(lambda: trickle(lambda: server, form)) as proxy:
        server = proxy
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        assert_too_late("https://endor.example")


def test_a_log_in_that_trickles_is_too_late() -> None:
    late = rf"did not answer within {LIMIT} s \(request_timeout\)"
    with RawServer(lambda: trickle(lambda: server, "header")) as server, pytest.raises(TransientError, match=late):
        Exchange(api_url=server.url, request_timeout=LIMIT).auth.current()


def exchange_when_all_else_is_fast(url: str) -> Answer:
    transport = Exchange(api_url=url, request_timeout=1).transport
    transport._read_timeouts["list"].note(0.01, succeeded=True)
    return transport.exchange("GET", "/", whole, kind="list")


@pytest.mark.parametrize("form", ["header", "body"])
def test_what_is_overdue_is_asked_for_again_with_tls_and_through_a_tunnel(
    form: str, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[Iterator[bytes]] = [trickle(lambda: server, form), iter([OK + b"Content-Length: 2\r\n\r\n{}"])]
    with RawServer(lambda: answers.pop(0), tls=tls_of(authority), tunnel=True) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{server.address}")
        assert exchange_when_all_else_is_fast("https://endor.example").body == b"{}"
    assert answers == []


def test_a_connection_that_takes_long_is_not_overdue(monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(lambda: trickle(lambda: proxy, "headers")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(TooSlowError):
            exchange_when_all_else_is_fast("https://endor.example")
    assert len(proxy.seen) == 1
