"""Single exchanges: what is sent, what is tried again, and what a person reads when it fails."""

from __future__ import annotations

import datetime as dt
import logging
import ssl
import typing as t
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from fake_endor_api.errors import GRPC_CODES
from tap_endorlabs.api.auth import ApiKeyAuth
from tap_endorlabs.api.client import Api, LogClient
from tap_endorlabs.api.pace import Pace
from tap_endorlabs.api.query import Query, parameters_of
from tap_endorlabs.api.transport import Transport
from tap_endorlabs.errors import ApiError, FaultError, TapError, TooSlowError, TransientError
from tap_endorlabs.settings import Settings
from tests.harness import Clock

if t.TYPE_CHECKING:
    import requests_mock

URL = "https://api.endorlabs.com"
AUTH = f"{URL}/v1/auth/api-key"
LIST = f"{URL}/v1/namespaces/acme/audit-logs"
HERE = Query(1_700_000_000, 1_700_000_100, 500)
SMALLEST = Query(1_700_000_000, 1_700_000_001, 50)
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"
LOGGER = logging.getLogger("test")


class Exchange:
    """A client with a clock that only sleeping moves on."""

    def __init__(self, **settings: t.Any) -> None:
        self.settings = Settings.of({"namespace": "acme", "api_key": "the/key", "api_secret": "the secret", **settings})
        self.clock = Clock()
        retry = self.clock.retry()
        self.transport = Transport(self.settings, Pace(self.clock.read, self.clock.sleep), lambda *_: None)
        self.auth = ApiKeyAuth(self.transport, self.settings.api_key, self.settings.api_secret, retry, LOGGER)
        self.client = LogClient(Api(self.settings, self.transport, self.auth, retry), "audit-logs", LOGGER)


def token(name: str = "token-1", seconds: float = 14_400) -> dict[str, t.Any]:
    expires = dt.datetime(2023, 11, 14, 22, 13, 20, tzinfo=dt.timezone.utc) + dt.timedelta(seconds=seconds)
    body = {"token": name, "expiration_time": expires.isoformat().replace("+00:00", "Z")}
    return {"json": body, "headers": {"Date": DATE}}


def error(status: int, message: str = "said the server", **headers: str) -> dict[str, t.Any]:
    body = {"code": GRPC_CODES.get(status, 2), "message": message, "details": []}
    return {"status_code": status, "json": body, "headers": headers}


PAGE: dict[str, t.Any] = {"json": {"list": {"objects": []}}}


@pytest.fixture
def exchange(requests_mock: requests_mock.Mocker) -> Exchange:
    requests_mock.post(AUTH, **token())
    return Exchange()


def test_a_page_is_asked_for_as_the_contract_says(exchange: Exchange, requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(LIST, **PAGE)
    exchange.client.fetch(HERE)
    log_in, request = requests_mock.request_history
    assert log_in.json() == {"key": "the/key", "secret": "the secret"}
    assert "Authorization" not in log_in.headers
    assert request.headers["Authorization"] == "Bearer token-1"
    assert request.headers["Request-Timeout"] == "120"
    assert request.headers["User-Agent"].startswith("tap-endorlabs/")
    assert "gzip" in request.headers["Accept-Encoding"]
    assert parse_qs(urlsplit(request.url).query) == {
        "list_parameters.filter": [
            # A second more on both sides.
            "meta.create_time>=date(2023-11-14T22:13:19Z) and meta.create_time<date(2023-11-14T22:15:01Z)"
        ],
        "list_parameters.page_size": ["500"],
        "list_parameters.traverse": ["true"],
        "list_parameters.sort.path": ["meta.create_time"],
        "list_parameters.sort.order": ["SORT_ENTRY_ORDER_ASC"],
    }


def test_a_whole_piece_is_asked_for_without_a_sort() -> None:
    query = parameters_of(HERE._replace(unsorted=True, page_id="abc"), Exchange(traverse=False).settings)
    assert query.keys() == {"list_parameters.filter", "list_parameters.page_size", "list_parameters.page_id"}
    assert query["list_parameters.page_id"] == "abc"


def test_a_count_is_asked_for_without_a_sort() -> None:
    query = parameters_of(HERE._replace(unsorted=True, counted=True), Exchange(traverse=False).settings)
    assert query.keys() == {"list_parameters.filter", "list_parameters.page_size", "list_parameters.count"}
    assert query["list_parameters.count"] == "true"


def test_a_filter_of_the_user_stays_in_parentheses() -> None:
    query = parameters_of(HERE, Exchange(filter="spec.operation=='A' or spec.operation=='B'").settings)
    assert str(query["list_parameters.filter"]).endswith(" and (spec.operation=='A' or spec.operation=='B')")


def test_a_token_is_used_again_and_renewed_ahead_of_its_expiry(
    exchange: Exchange, requests_mock: requests_mock.Mocker
) -> None:
    requests_mock.get(LIST, **PAGE)
    requests_mock.post(AUTH, [token("token-1"), token("token-2")])
    for now in (0, 14_400 - 1801, 14_400 - 1799):
        exchange.clock.now = now
        exchange.client.fetch(HERE)
    used = [r.headers["Authorization"] for r in requests_mock.request_history if r.method == "GET"]
    assert used == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]


def test_a_short_lived_token_lives_for_seven_eighths_of_its_time(
    exchange: Exchange, requests_mock: requests_mock.Mocker
) -> None:
    requests_mock.get(LIST, **PAGE)
    requests_mock.post(AUTH, [token("token-1", seconds=8), token("token-2", seconds=8)])
    for now in (0, 6.9, 7.1):
        exchange.clock.now = now
        exchange.client.fetch(HERE)
    assert [r.method for r in requests_mock.request_history] == ["POST", "GET", "GET", "POST", "GET"]


JWT = "e30.eyJleHAiOjE3MDAwMDAwMDh9.sig"  # its claims are {"exp": 1700000008}


@pytest.mark.parametrize(
    ("answer", "session"),
    [
        ({"token": "t", "expirationTime": "2023-11-14T22:13:28Z"}, None),
        ({"token": "t"}, {"json": {"expiration_time": "2023-11-14T22:13:28Z"}}),
        ({"token": JWT}, {"status_code": 404}),
        ({"token": JWT}, {"text": "<html>"}),
    ],
)
def test_the_expiry_is_found_wherever_it_stands(
    answer: dict[str, str], session: dict[str, t.Any] | None, requests_mock: requests_mock.Mocker
) -> None:
    requests_mock.post(AUTH, json=answer, headers={"Date": DATE})
    if session is not None:
        requests_mock.get(f"{URL}/v1/auth", **session)
    exchange = Exchange()
    exchange.auth.current()
    logged_in = len(requests_mock.request_history)
    exchange.clock.now = 6.9
    exchange.auth.current()
    assert len(requests_mock.request_history) == logged_in
    exchange.clock.now = 7.1
    exchange.auth.current()
    assert len(requests_mock.request_history) > logged_in


def test_a_token_without_any_expiry_lives_for_four_hours(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.post(AUTH, json={"token": "opaque"})
    requests_mock.get(f"{URL}/v1/auth", status_code=404)
    exchange = Exchange()
    for now in (0, 14_400 - 1801):
        exchange.clock.now = now
        exchange.auth.current()
    assert [r.method for r in requests_mock.request_history] == ["POST", "GET"]


def test_a_refused_token_is_replaced_once(exchange: Exchange, requests_mock: requests_mock.Mocker) -> None:
    requests_mock.post(AUTH, [token("token-1"), token("token-2")])
    requests_mock.get(LIST, [error(401), PAGE])
    assert exchange.client.fetch(HERE).size == 0
    assert requests_mock.last_request is not None
    assert requests_mock.last_request.headers["Authorization"] == "Bearer token-2"


def test_a_token_that_has_expired_is_not_given_for_one_that_was_refused(
    exchange: Exchange, requests_mock: requests_mock.Mocker
) -> None:
    requests_mock.post(AUTH, [token(f"token-{number}", seconds=8) for number in (1, 2, 3)])
    refused = exchange.auth.current()
    exchange.auth.renew(refused)
    exchange.clock.now = 7.0
    assert exchange.auth.renew(refused).token == "token-3"


@pytest.mark.parametrize(
    "fault",
    [error(500), error(503), error(504), {"exc": requests.ReadTimeout("slow")}],
    ids=["500", "503", "504", "no answer"],
)
def test_a_log_in_that_fails_in_mid_run_is_not_tried_again_for_its_page(
    fault: dict[str, t.Any], exchange: Exchange, requests_mock: requests_mock.Mocker
) -> None:
    requests_mock.post(AUTH, [token("token-1"), fault])
    requests_mock.get(LIST, **error(401))
    for _ in range(2):
        with pytest.raises(TransientError, match="Gave up after 8 tries") as caught:
            exchange.client.fetch(HERE)
        assert str(caught.value).count("Gave up") == 1
        assert not isinstance(caught.value, TooSlowError)
    assert [r.method for r in requests_mock.request_history].count("POST") == 1 + 8


def test_of_many_that_ask_for_a_new_token_one_fetches_it(
    exchange: Exchange, requests_mock: requests_mock.Mocker
) -> None:
    first = exchange.auth.current()
    assert exchange.auth.renew(first) is exchange.auth.renew(first)
    assert requests_mock.call_count == 2


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_wrong_key_ends_after_one_request(status: int, requests_mock: requests_mock.Mocker) -> None:
    requests_mock.post(AUTH, **error(status))
    with pytest.raises(TapError, match=r"api_key or api_secret is wrong, or the key has expired.*Access Control"):
        Exchange().client.fetch(HERE)
    assert requests_mock.call_count == 1


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (400, r"answered 400: said the server.$"),
        (403, r"may not read this log in namespace acme: give it the role Read-only"),
        (404, r"no namespace acme, or the API key can't see it"),
        (418, r"answered 418: said the server.$"),
    ],
)
def test_what_no_retry_can_cure_ends_at_once(
    status: int, line: str, exchange: Exchange, requests_mock: requests_mock.Mocker
) -> None:
    requests_mock.get(LIST, **error(status))
    with pytest.raises(ApiError, match=line) as caught:
        exchange.client.fetch(HERE)
    assert "\n" not in str(caught.value)
    assert exchange.clock.slept == []


@pytest.mark.parametrize(
    "fault",
    [
        *(error(status) for status in (408, 500, 502, 503, 520)),
        {"exc": requests.ConnectionError("reset by peer")},
        {"exc": requests.exceptions.ChunkedEncodingError("cut off")},
        {"exc": requests.exceptions.ContentDecodingError("not gzip")},
        {"exc": requests.ConnectTimeout("no route")},
        {"text": ""},
        {"text": "<html>Bad gateway</html>"},
        {"text": '{"list": {"objects": [{"uuid"'},
        {"text": '{"list": []}'},
        {"text": "[]"},
    ],
    ids=str,
)
def test_what_may_pass_is_tried_again(
    fault: dict[str, t.Any], exchange: Exchange, requests_mock: requests_mock.Mocker
) -> None:
    requests_mock.get(LIST, [fault, fault, PAGE])
    assert exchange.client.fetch(HERE).size == 0
    assert exchange.clock.slept == [0.25, 1]


def test_a_log_in_is_tried_again_too(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.post(
        AUTH, [error(503), error(429, **{"Retry-After": "7"}), {"text": "<html>"}, {"json": {}}, token()]
    )
    exchange = Exchange()
    exchange.auth.current()
    assert exchange.clock.slept == [0.25, 7, 1, 4]


def test_what_does_not_pass_ends_with_one_line(exchange: Exchange, requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(LIST, **error(503, "try\nlater"))
    with pytest.raises(TransientError, match=r"answered 503: try later. Gave up after 8 tries in 201 s. Check whether"):
        exchange.client.fetch(HERE)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("17", 17),
        (" 17 ", 17),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30),
        ("Tue, 14 Nov 2023 22:13:50 -0000", 30),
        ("Tue, 14 Nov 2023 22:13:00 GMT", 0.25),
        ("0", 0.25),
        ("soon", 0.25),
    ],
)
def test_retry_after_is_honoured_in_both_forms(
    value: str, seconds: float, exchange: Exchange, requests_mock: requests_mock.Mocker
) -> None:
    requests_mock.get(LIST, [error(429, **{"Retry-After": value, "Date": DATE}), PAGE])
    exchange.client.fetch(HERE)
    assert exchange.clock.slept == [seconds]


@pytest.mark.parametrize("fault", [error(504), {"exc": requests.ReadTimeout("slow")}])
def test_a_slow_query_is_asked_once_more_before_less_is_asked_for(
    fault: dict[str, t.Any], exchange: Exchange, requests_mock: requests_mock.Mocker
) -> None:
    requests_mock.get(LIST, [fault])
    with pytest.raises(TooSlowError):
        exchange.client.fetch(HERE)
    assert exchange.clock.slept == [0.25]
    requests_mock.get(LIST, [fault, PAGE])
    exchange.client.fetch(HERE)


@pytest.mark.parametrize("query", [HERE, HERE._replace(counted=True)], ids=["list", "count"])
def test_a_query_that_fails_three_times_may_be_too_large(
    query: Query, exchange: Exchange, requests_mock: requests_mock.Mocker
) -> None:
    requests_mock.get(LIST, [error(500)])
    with pytest.raises(FaultError, match="answered 500") as caught:
        exchange.client.fetch(query)
    assert caught.value.status == 500
    assert exchange.clock.slept == [0.25, 1.0]


def test_the_smallest_query_is_tried_again_when_it_is_slow(
    exchange: Exchange, requests_mock: requests_mock.Mocker
) -> None:
    requests_mock.get(LIST, [error(504), PAGE])
    exchange.client.fetch(SMALLEST)
    assert exchange.clock.slept == [0.25]


def test_a_redirect_is_not_followed(exchange: Exchange, requests_mock: requests_mock.Mocker) -> None:
    elsewhere = requests_mock.get("https://evil.example/x", **PAGE)
    requests_mock.get(LIST, status_code=307, headers={"Location": "https://evil.example/x"})
    with pytest.raises(ApiError, match=r"redirects to evil.example, which is not followed. Check api_url."):
        exchange.client.fetch(HERE)
    assert not elsewhere.called


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (requests.exceptions.SSLError(ssl.SSLCertVerificationError("self-signed certificate")), "REQUESTS_CA_BUNDLE"),
        (requests.exceptions.InvalidURL("no host"), "could not be sent: no host. Check api_url."),
    ],
)
def test_a_request_that_can_never_succeed_ends_at_once(
    fault: Exception, line: str, exchange: Exchange, requests_mock: requests_mock.Mocker
) -> None:
    requests_mock.get(LIST, exc=fault)
    with pytest.raises(ApiError, match=line):
        exchange.client.fetch(HERE)


def test_another_api_is_recognized(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.post(AUTH, status_code=404, text="nothing here", reason="Not Found")
    with pytest.raises(TapError, match=r"404 Not Found. This is no Endor Labs API: check api_url."):
        Exchange().auth.current()


@pytest.mark.parametrize("secret", ["the/key", "the%2Fkey", "the secret", "the%20secret", "token-1"])
def test_no_secret_gets_into_a_message(secret: str, exchange: Exchange, requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(LIST, **error(400, f"bad {secret} here"))
    with pytest.raises(ApiError, match=r"bad \*\*\* here"):
        exchange.client.fetch(HERE)


def test_a_message_of_the_server_is_bounded_and_can_forge_no_line(
    exchange: Exchange, requests_mock: requests_mock.Mocker
) -> None:
    requests_mock.get(LIST, **error(400, "a\r\nERROR\x1b[31m forged" + "x" * 9999))
    with pytest.raises(TapError) as caught:
        exchange.client.fetch(HERE)
    text = str(caught.value)
    assert len(text) < 500
    assert text.isprintable()


def test_a_netrc_file_adds_no_credentials(
    requests_mock: requests_mock.Mocker, tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.endorlabs.com login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    requests_mock.post(AUTH, **token())
    Exchange().auth.current()
    assert "Authorization" not in requests_mock.request_history[0].headers


def test_the_time_of_the_server_comes_from_its_answer(exchange: Exchange) -> None:
    assert exchange.auth.log_in_for_server_time() == dt.datetime(2023, 11, 14, 22, 13, 20, tzinfo=dt.timezone.utc)


def test_this_machine_s_time_serves_where_the_answer_has_none(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.post(AUTH, json=token()["json"] | {"expiration_time": "2999-01-01T00:00:00Z"})
    before = dt.datetime.now(dt.timezone.utc)
    assert Exchange().auth.log_in_for_server_time() >= before


@pytest.mark.parametrize(
    ("query", "ends"),
    [
        (Query(90, 600, 50), (89, 601)),
        (Query(90, 600, 50, margin=0), (90, 600)),
        (Query(120, 600, 50, grain=60), (60, 600)),
        (Query(90, 590, 50, grain=60), (0, 600)),
        (Query(90, 590, 50, grain=60, margin=0), (60, 600)),
    ],
    ids=str,
)
def test_what_is_asked_for_reaches_beyond_what_is_wanted(query: Query, ends: tuple[int, int]) -> None:
    assert query.ends == ends
