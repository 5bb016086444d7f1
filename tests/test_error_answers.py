"""What an error answer means: the code in its body decides, whatever its HTTP status."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import socket
import ssl
import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from fake_endor_api import FakeEndorApi, Fault
from fake_endor_api.errors import GRPC_CODES
from tap_endorlabs.api.pace import Pace
from tap_endorlabs.api.pages import decode_page
from tap_endorlabs.api.problem import Problem, ProblemError, Report
from tap_endorlabs.api.transport import Transport
from tap_endorlabs.errors import ApiError, LogInError, RateLimitedError, TapError, TooSlowError, TransientError
from tests.harness import Clock, config_for, run_inside
from tests.test_client import AUTH, DATE, HERE, LIST, PAGE, URL, Exchange, exchange, token

if t.TYPE_CHECKING:
    import requests_mock

__all__ = ["exchange"]  # the fixture

START = "2026-03-03T00:00:00Z"
UNAVAILABLE = {"code": 14, "message": "upstream unavailable", "details": []}
EVENT = {"uuid": "a", "meta": {"create_time": "2023-11-14T22:13:20Z"}}


def answer(status: int, code: int, message: str = "said the server", **headers: str) -> dict[str, t.Any]:
    return {"status_code": status, "json": {"code": code, "message": message, "details": []}, "headers": headers}


def failure(exchange: Exchange) -> TapError:
    """What one exchange ends in, whatever a retry would make of it."""
    with pytest.raises(TapError) as caught:
        exchange.transport.exchange("GET", "/v1/namespaces/acme/audit-logs", lambda given: decode_page(given.body))
    return caught.value


@pytest.mark.parametrize("status", [200, 400, 408, 429, 499, 500, 503, 504])
def test_a_deadline_is_one_whatever_its_status(
    status: int, exchange: Exchange, requests_mock: requests_mock.Mocker
) -> None:
    requests_mock.get(LIST, **answer(status, 4, "context deadline exceeded"))
    error = failure(exchange)
    assert isinstance(error, TooSlowError)
    assert (error.too_large, error.status) == (False, 504)
    assert "context deadline exceeded (the query took too long)" in str(error)
    assert exchange.transport.pace.rate is None


@pytest.mark.parametrize(
    "message",
    [
        "response too large",
        "grpc: received message larger than max (5242880 vs. 4194304)",
        "trying to send message larger than max",
        "the response is too large",
    ],
)
@pytest.mark.parametrize(("status", "code"), [(200, 8), (400, 3), (429, 8), (500, 13), (502, 14)])
def test_an_answer_that_is_too_large_asks_for_smaller_pages(
    status: int, code: int, message: str, exchange: Exchange, requests_mock: requests_mock.Mocker
) -> None:
    requests_mock.get(LIST, **answer(status, code, message))
    error = failure(exchange)
    assert isinstance(error, TooSlowError)
    assert error.too_large
    assert exchange.transport.pace.rate is None


@pytest.mark.parametrize(
    ("status", "code", "kind", "meant"),
    [
        (500, 13, TransientError, 500),
        (500, 2, TransientError, 500),
        (200, 2, TransientError, 500),
        (502, 14, TransientError, 502),
        (400, 14, TransientError, 503),
        (499, 1, TransientError, 408),
        (520, 0, TransientError, 520),
        (429, 8, RateLimitedError, 429),
        (503, 8, RateLimitedError, 429),
        (429, 99, RateLimitedError, 429),
        (200, 429, RateLimitedError, 429),
        (200, 99, TransientError, 500),
        (500, 3, ApiError, 400),
        (500, 7, ApiError, 403),
        (499, 0, ApiError, 499),
        (418, 2, ApiError, 418),
        (405, 12, ApiError, 405),
        (501, 12, ApiError, 501),
        (501, 0, ApiError, 501),
        (200, 12, ApiError, 501),
        (409, 6, ApiError, 409),
    ],
)
def test_the_code_decides_and_the_status_where_it_says_nothing(  # noqa: PLR0913, PLR0917
    status: int, code: int, kind: type, meant: int, exchange: Exchange, requests_mock: requests_mock.Mocker
) -> None:
    requests_mock.get(LIST, **answer(status, code))
    error = failure(exchange)
    assert type(error) is kind
    assert getattr(error, "status", None) == meant
    told = "" if status == meant else f" with code {code}"
    assert str(error).startswith(f"api.endorlabs.com answered {status}{told}: said the server")


def forms(code: int) -> list[dict[str, t.Any]]:
    """An error of a code in all the forms that it may have with status 200."""
    error = {"code": code, "message": "said the server"}
    page = {"list": {"objects": [EVENT], "response": {"next_page_id": "a"}}}
    return [
        error,
        error | {"details": [], "list": None},
        error | {"code": str(code)},
        {"error": error},
        {"error": error, "list": {"objects": []}},
        page | {"error": error},
        page | error,
        {"error": "said the server", "code": code},
        {"list": page["list"] | error},
        {"list": page["list"] | {"error": error}},
    ]


@pytest.mark.parametrize("code", [3, 5, 7, 8, 13, 14, 16])
@pytest.mark.parametrize("form", range(10))
def test_an_error_with_200_is_as_if_it_had_come_with_its_status(
    form: int, code: int, exchange: Exchange, requests_mock: requests_mock.Mocker
) -> None:
    status = next(status for status, own in GRPC_CODES.items() if own == code and status != 502)
    headers = {"Retry-After": "7", "Date": DATE}
    requests_mock.get(LIST, json=forms(code)[form], headers=headers)
    error = failure(exchange)
    rate = exchange.transport.pace.rate
    other = Exchange()
    requests_mock.get(LIST, **answer(status, code, **headers))
    expected = failure(other)
    assert type(error) is type(expected)
    assert str(error).replace(f"200 with code {code}", str(status)) == str(expected)
    assert (vars(error), rate) == (vars(expected), other.transport.pace.rate)


@pytest.mark.parametrize(
    "nothing",
    [
        {"error": None, "code": 0, "message": ""},
        {"error": {}, "code": None},
        {"error": {"code": 0, "message": "", "details": []}, "message": "a word"},
        {"error": "", "code": "0"},
    ],
    ids=str,
)
def test_empty_fields_are_no_error(nothing: dict[str, t.Any]) -> None:
    listed: dict[str, t.Any] = {"list": {"objects": [EVENT]}}
    assert decode_page(json.dumps(listed | nothing).encode()).size == 1


def test_all_fields_null_or_empty_are_an_empty_page() -> None:
    response = {"next_page_token": 0, "next_page_id": ""}
    body = {
        "list": {"objects": [], "response": response},
        "count_response": None,
        "group_response": None,
        "error": None,
    }
    page = decode_page(json.dumps(body).encode())
    assert (page.size, page.says_more, page.next_page_id, page.count) == (0, False, None, None)


def test_a_count_is_no_error() -> None:
    body = {"list": None, "count_response": {"count": 3}, "group_response": None, "error": None, "message": "a word"}
    assert decode_page(json.dumps(body).encode()).count == 3


def test_a_message_alone_is_an_error() -> None:
    with pytest.raises(ProblemError, match="a word"):
        decode_page(b'{"list":null,"message":"a word"}')


@pytest.mark.parametrize(
    "body",
    [
        {"errors": [{"detail": "boom"}]},
        {"msg": "boom"},
        {"Error": "x"},
        {"fault": {}},
        {"status": 503, "title": "x"},
        {"list": {"objects": [], "error": {"code": 14}}},
        {"list": {"objects": [], "message": "partial result"}},
        {"list": {"objects": []}, "message": "partial result"},
        {"list": {"objects": []}, "errors": ["partial result"]},
        {"list": None, "Fault": "x"},
    ],
    ids=str,
)
def test_an_empty_answer_with_an_error_in_other_words_may_pass(
    body: dict[str, t.Any], exchange: Exchange, requests_mock: requests_mock.Mocker
) -> None:
    requests_mock.get(LIST, json=body)
    error = failure(exchange)
    assert isinstance(error, TransientError)
    assert " answered 200" in str(error)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"list": None, "errors": None, "other": None},
        {"list": {}, "errors": [], "message": ""},
        {"list": {"objects": None}, "other": 1},
        {"group_response": {}, "other": 1},
        {"count_response": {"count": "0"}, "msg": "a word"},
    ],
    ids=str,
)
def test_an_answer_that_says_nothing_is_an_empty_page(body: dict[str, t.Any]) -> None:
    assert decode_page(json.dumps(body).encode()).size == 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@given(json_values, json_values, json_values, st.integers(200, 299) | st.integers(400, 599))
def test_any_report_has_a_status_of_failure(code: t.Any, error: t.Any, message: t.Any, status: int) -> None:
    problem = Report(code, error, message).problem()
    if problem is None:
        assert not message
    else:
        assert 400 <= problem.status(status) <= 599
        assert isinstance(problem.message, str)


@given(st.integers(0, 999), st.integers(300, 399))
def test_a_redirect_stays_one(code: int, status: int) -> None:
    assert Problem(code, "").status(status) == status


@pytest.mark.parametrize("body", [b"", b"{}", b"nothing", b'{"code":14,"message":"no"}'])
def test_204_is_an_empty_page(body: bytes, exchange: Exchange, requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(LIST, status_code=204, content=body)
    page = exchange.client.fetch(HERE)
    assert (page.size, page.says_more) == (0, False)


@pytest.mark.parametrize("where", ["auth", "list"])
def test_an_outage_that_is_told_with_200_loses_nothing(where: t.Literal["auth", "list"], api: FakeEndorApi) -> None:
    config = config_for(api, start_date=START, page_size=20)
    complete = run_inside(config).uuids
    api.fail(Fault.raw(json.dumps(UNAVAILABLE).encode()), where=where, times=3, after=int(where == "list"))
    clock = Clock()
    assert run_inside(config, clock=clock).uuids == complete
    assert clock.slept
    api.fail(Fault.raw(json.dumps(UNAVAILABLE).encode()), where=where, times=None)
    line = r"answered 200 with code 14: upstream unavailable. Gave up after 8 tries in 201 s. Check whether Endor Labs"
    with pytest.raises(TransientError, match=line):
        run_inside(config)


def test_metrics_count_an_error_with_200_as_failed(exchange: Exchange, requests_mock: requests_mock.Mocker) -> None:
    counted: list[bool] = []
    exchange.transport = Transport(exchange.settings, Pace(), lambda _, succeeded: counted.append(succeeded))
    requests_mock.get(LIST, [{"json": UNAVAILABLE}, answer(503, 14), PAGE])
    failure(exchange)
    failure(exchange)
    exchange.transport.exchange("GET", "/v1/namespaces/acme/audit-logs", lambda given: given.body)
    assert counted == [False, False, True]


def test_a_refused_request_timeout_is_left_out(api: FakeEndorApi) -> None:
    config = config_for(api, start_date=START, page_size=20, concurrency=1)
    complete = run_inside(config).uuids
    api.behaviour.refuses_request_timeout = True
    api.requests.clear()
    assert run_inside(config).uuids == complete
    assert [("Request-Timeout" in request.headers) for request in api.requests] == [True] + [False] * (
        len(api.requests) - 1
    )


def test_a_list_that_alone_refuses_request_timeout_is_asked_without(
    exchange: Exchange, requests_mock: requests_mock.Mocker
) -> None:
    requests_mock.get(LIST, [answer(400, 3, "unknown request-timeout"), PAGE, PAGE])
    exchange.client.fetch(HERE)
    exchange.client.fetch(HERE)
    told = ["Request-Timeout" in request.headers for request in requests_mock.request_history]
    assert told == [True, True, False, False]


def test_a_400_that_stays_is_the_end(exchange: Exchange, requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(LIST, **answer(400, 3, "no timeout here"))
    with pytest.raises(ApiError, match="answered 400: no timeout here"):
        exchange.client.fetch(HERE)
    assert requests_mock.call_count == 3


def test_the_filter_is_to_be_checked_where_there_is_one(
    exchange: Exchange, requests_mock: requests_mock.Mocker
) -> None:
    requests_mock.get(LIST, **answer(400, 3, "bad &#34;x&#34; &lt; y"))
    with pytest.raises(ApiError, match=r'answered 400: bad "x" < y.$'):
        exchange.client.fetch(HERE)
    with pytest.raises(ApiError, match=r'answered 400: bad "x" < y. Check the setting filter.$'):
        Exchange(filter="x==1").client.fetch(HERE)


@pytest.mark.parametrize("secret", ["a&lt;b&amp;c", 'a"b<c&d'])
@pytest.mark.parametrize("shown", ["a&lt;b&amp;c", "a&#34;b&lt;c&amp;d", 'a"b<c&d'])
def test_no_secret_comes_out_of_its_escapes(secret: str, shown: str, requests_mock: requests_mock.Mocker) -> None:
    requests_mock.post(AUTH, **token())
    requests_mock.get(LIST, **answer(400, 3, shown))
    with pytest.raises(ApiError) as caught:
        Exchange(api_secret=secret).client.fetch(HERE)
    assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (400, "Endor Labs refused the API key"),
        (403, "Endor Labs refused the API key"),
        (404, "answered 404: no. This is no Endor Labs API: check api_url."),
        (501, "answered 501: no. This is no Endor Labs API: check api_url."),
        (402, "answered 402: no."),
    ],
)
def test_what_the_log_in_refuses_in_mid_run_is_told_as_that(
    status: int, line: str, exchange: Exchange, requests_mock: requests_mock.Mocker
) -> None:
    requests_mock.post(AUTH, [token(), answer(status, 0, "no")])
    requests_mock.get(f"{LIST}/archived", **answer(401, 16))
    with pytest.raises(LogInError) as caught:
        exchange.client.fetch(HERE._replace(archived=True))
    assert line in str(caught.value)
    assert "filter" not in str(caught.value)
    assert "namespace" not in str(caught.value)


def test_407_is_the_end(exchange: Exchange, requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(LIST, status_code=407, text="no")
    with pytest.raises(ApiError, match=r"The proxy wants a user and password, .* \(407\)\. Check them"):
        exchange.client.fetch(HERE)
    assert requests_mock.call_count == 2


@pytest.mark.parametrize("reason", [ssl.SSLEOFError("EOF occurred"), ssl.SSLZeroReturnError("closed")])
def test_a_handshake_that_is_broken_off_may_succeed_next_time(
    reason: Exception, exchange: Exchange, requests_mock: requests_mock.Mocker
) -> None:
    requests_mock.get(LIST, [{"exc": requests.exceptions.SSLError(reason)}, PAGE])
    assert exchange.client.fetch(HERE).size == 0
    assert exchange.clock.slept == [0.25]


@pytest.mark.parametrize(
    "reason", [ConnectionResetError("reset"), BrokenPipeError("pipe"), ConnectionAbortedError("aborted")]
)
def test_a_kept_connection_that_breaks_is_replaced_at_once(
    reason: Exception, exchange: Exchange, requests_mock: requests_mock.Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    broken = {"exc": requests.ConnectionError(reason)}
    requests_mock.get(LIST, [broken, PAGE, broken, broken, broken, PAGE])
    exchange.client.fetch(HERE)
    assert exchange.clock.slept == []
    assert caplog.records == []
    exchange.client.fetch(HERE)
    assert exchange.clock.slept == [0.25]
    assert sum(exchange.transport.requests.values()) == requests_mock.call_count


def test_a_server_that_closes_each_connection_at_its_second_request_costs_no_wait() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer_once() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=once, args=(server.accept()[0],), daemon=True).start()

        def once(connection: socket.socket) -> None:
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                connection.recv(65_536)

        threading.Thread(target=answer_once, daemon=True).start()
        exchange = Exchange(api_url=f"http://127.0.0.1:{server.getsockname()[1]}", concurrency=8)
        with ThreadPoolExecutor(8) as workers:
            asked = [
                workers.submit(exchange.transport.exchange, "GET", "/", lambda given: given.body) for _ in range(100)
            ]
        assert {future.result() for future in asked} == {b"{}"}


@pytest.mark.parametrize("seconds", [1, 10])
def test_a_new_token_may_take_ten_seconds_to_be_known(
    seconds: int, exchange: Exchange, requests_mock: requests_mock.Mocker
) -> None:
    def page(request: t.Any, context: t.Any) -> dict[str, t.Any]:
        known = request.headers["Authorization"].endswith("2") and exchange.clock.now >= seconds
        context.status_code = 200 if known else 401
        return {} if known else {"code": 16, "message": "said the server"}

    requests_mock.post(AUTH, [token("token-1"), token("token-2")])
    requests_mock.get(LIST, json=page)
    assert exchange.client.fetch(HERE).size == 0
    assert exchange.clock.now == seconds


def test_a_new_token_that_stays_refused_is_the_end(exchange: Exchange, requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(LIST, **answer(401, 16))
    with pytest.raises(ApiError, match="A new token was refused as well: the API key may have been revoked"):
        exchange.client.fetch(HERE)
    assert exchange.clock.slept == [1, 2, 3, 4]
    assert [r.method for r in requests_mock.request_history].count("POST") == 2
    # Another that is refused the same token does not fetch one more.
    with pytest.raises(ApiError, match="A new token was refused as well"):
        exchange.client.fetch(HERE)
    assert [r.method for r in requests_mock.request_history].count("POST") == 2


def test_a_run_survives_servers_that_get_tokens_late(api: FakeEndorApi) -> None:
    config = config_for(api, start_date=START)
    complete = run_inside(config).uuids
    clock = Clock()
    begun = api.clock()
    api.clock = lambda: begun + dt.timedelta(seconds=clock.now)
    api.behaviour.token_delay = dt.timedelta(seconds=10)
    assert run_inside(config, clock=clock).uuids == complete
    assert clock.slept == [1, 2, 3, 4]


def test_403_may_be_the_word_for_an_expired_token(exchange: Exchange, requests_mock: requests_mock.Mocker) -> None:
    requests_mock.post(AUTH, [token(f"token-{n}") for n in range(9)])
    denied = answer(403, 7)
    requests_mock.get(LIST, [PAGE, denied, PAGE, denied, PAGE, denied, denied, denied])
    for _ in range(3):
        exchange.client.fetch(HERE)
    for _ in range(2):
        with pytest.raises(ApiError, match="may not read this log"):
            exchange.client.fetch(HERE)
    log_ins = [request.method == "POST" for request in requests_mock.request_history]
    assert log_ins == [bool(int(digit)) for digit in "100100100100"[: len(log_ins)]]
    assert exchange.clock.slept == []


def test_403_for_a_token_that_was_never_accepted_is_final(
    exchange: Exchange, requests_mock: requests_mock.Mocker
) -> None:
    requests_mock.get(LIST, **answer(403, 7))
    with pytest.raises(ApiError, match="may not read this log"):
        exchange.client.fetch(HERE)
    assert requests_mock.call_count == 2


def test_a_run_survives_403_for_an_expired_token(api: FakeEndorApi) -> None:
    config = config_for(api, start_date=START, page_size=20, concurrency=1)
    complete = run_inside(config).uuids
    api.behaviour.expired_status = 403
    api.requests.clear()
    api.fail(Fault.status(403), after=1, then=api.tokens.revoke_all)
    assert run_inside(config).uuids == complete
    assert len(api.auth_requests) == 2


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("expiry", [0, "0", "", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "soon"])
def test_a_useless_expiry_is_none(expiry: str | int, status: int, api: FakeEndorApi) -> None:
    api.behaviour.expiry, api.behaviour.log_in_status = expiry, status
    assert len(run_inside(config_for(api, start_date="2026-03-31T00:00:00Z", page_size=20)).uuids) > 20
    assert len(api.auth_requests) == 1


def test_an_expiry_in_the_past_counts_neither_in_the_session_nor_in_the_token(
    requests_mock: requests_mock.Mocker,
) -> None:
    past = "e30.eyJleHAiOjB9.sig"  # its claims are {"exp": 0}
    requests_mock.post(AUTH, json={"token": past, "expiration_time": 0}, headers={"Date": DATE})
    requests_mock.get(f"{URL}/v1/auth", json={"expiration_time": "2000-01-01T00:00:00Z"})
    exchange = Exchange()
    for now in (0, 14_400 - 1801):
        exchange.clock.now = now
        exchange.auth.current()
    assert [r.method for r in requests_mock.request_history] == ["POST", "GET"]
