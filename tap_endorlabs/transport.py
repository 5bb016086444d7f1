"""One HTTP exchange with the API, and what its outcome means: a result, worth another try, or the end."""

from __future__ import annotations

import datetime as dt
import json
import sys
import threading
import typing as t
from collections import Counter
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from importlib.metadata import version
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from tap_endorlabs.body import ENCODING, LARGEST_BODY, TooLargeError, read_body
from tap_endorlabs.errors import ApiError, RateLimitedError, TooSlowError, TransientError, one_line
from tap_endorlabs.pace import KEY_SHARED
from tap_endorlabs.redaction import Secrets
from tap_endorlabs.surroundings import authorities_for, passwords_of, proxies_for

if sys.version_info >= (3, 12):
    from typing import override  # noqa: ICN003
else:
    from typing_extensions import override

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from requests.auth import AuthBase

    from tap_endorlabs.pace import Pace
    from tap_endorlabs.settings import Settings

_SERVER_AT_FAULT = "Check whether Endor Labs reports an outage, and run it again later."
_BROKEN_CONNECTION = (
    requests.ConnectionError,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)
_CONNECT_TIMEOUT = 30
"""Seconds to wait for a connection at most; the rest of the request timeout is for the answer."""


class Answer(t.NamedTuple):
    """What the server answered.

    Attributes:
        status: HTTP status.
        reason: what the status line says of it.
        headers: their names in any case.
        body: decompressed.
    """

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes


class _Session(requests.Session):
    """Sees no redirects: requests would read the body of one, however large, even where it does not follow it."""

    @override
    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class Transport:
    """Sends requests to one host and keeps connections, from any thread.

    Redirects are not followed: no credential leaves the host.

    Args:
        settings: where the API is, and how long to wait for it.
        pace: what all requests keep to.
        on_answer: called with each answer, for metrics.
        secrets: what no message may show; the credentials are added.

    Attributes:
        requests: how many requests have been sent, by path; each try counts.
        secrets: likewise; more may be added.

    Raises:
        ApiError: the environment names a proxy or authorities that can't be used.
    """

    def __init__(
        self,
        settings: Settings,
        pace: Pace,
        on_answer: Callable[[requests.Response], None],
        secrets: Secrets | None = None,
    ) -> None:
        self.url = settings.api_url
        self.host = urlsplit(settings.api_url).netloc
        self.timeout = settings.request_timeout
        self.secrets = Secrets() if secrets is None else secrets
        self.secrets.add(settings.api_key, settings.api_secret)
        self.requests: Counter[str] = Counter()
        self.pace = pace
        self._lock = threading.Lock()
        self._on_answer = on_answer
        self._session = _Session()
        self._session.mount(self.url, HTTPAdapter(pool_maxsize=settings.concurrency))
        # What the environment says is looked up here, once, and nothing else of it is used (such as ~/.netrc).
        proxies = proxies_for(self.url)
        self.secrets.add(*passwords_of(proxies))
        self._session.proxies, self._session.verify = t.cast("t.Any", proxies), authorities_for(self.url)
        self._session.trust_env = False
        self._session.headers.update(
            {
                "Accept": "application/json",
                "Accept-Encoding": ENCODING,
                "Request-Timeout": str(self.timeout),
                "User-Agent": f"tap-endorlabs/{version('tap-endorlabs')}",
            }
        )

    def exchange(
        self,
        method: str,
        path: str,
        *,
        auth: AuthBase | None = None,
        params: Mapping[str, str | int] | None = None,
        body: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request, when it is its turn, and give its answer, which has status 200.

        Args:
            method: HTTP method.
            path: path below the base URL.
            auth: sets the request's credentials, if any.
            params: query parameters.
            body: what to send as JSON.

        Raises:
            TooSlowError: the server did not answer in time.
            TransientError: another failure that may pass.
            ApiError: a failure that will not.
            StoppedError: the run was ended before it was sent.
        """
        sent_at = self.pace.wait_for_turn()
        with self._lock:
            self.requests[path] += 1
        try:
            answer = self._send(method, f"{self.url}{path}", auth=auth, params=params, json=body)
        except requests.RequestException as error:
            raise self._failure(error) from error
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            self.pace.note_refusal(sent_at, retry_after(answer))
        if answer.status != HTTPStatus.OK:
            raise self._refusal(answer)
        self.pace.note_answer()
        return answer

    def _send(self, method: str, url: str, **options: t.Any) -> Answer:  # noqa: ANN401 - those of requests
        timeout = (min(_CONNECT_TIMEOUT, self.timeout), self.timeout)
        with self._session.request(
            method, url, timeout=timeout, allow_redirects=False, stream=True, **options
        ) as response:
            body = read_body(response, self.timeout)
            self._on_answer(response)
            return Answer(response.status_code, response.reason or "", response.headers, body)

    def _failure(self, error: requests.RequestException) -> TransientError | ApiError:
        if isinstance(error, requests.exceptions.SSLError):
            return ApiError(
                f"The TLS certificate of {self.host} was not accepted: {self._cause(error)}. "
                "Where a company proxy has an authority of its own, name its file in REQUESTS_CA_BUNDLE."
            )
        if isinstance(error, requests.exceptions.ReadTimeout):
            late = f"{self.host} did not answer within {self.timeout} s (request_timeout)."
            return TooSlowError(late, advice="Check the network, raise request_timeout, or run it again later.")
        if isinstance(error, TooLargeError):
            return ApiError(
                f"{self.host} sent more than {LARGEST_BODY >> 20} MB in one answer. Lower page_size, or check api_url."
            )
        if isinstance(error, _BROKEN_CONNECTION):
            broken = f"The connection to {self.host} failed: {self._cause(error)}."
            return TransientError(broken, advice="Check the network, the proxy if there is one, and api_url.")
        return ApiError(
            f"The request to {self.host} could not be sent: {self._cause(error)}. "
            "Check api_url, and HTTPS_PROXY where it is set."
        )

    def _refusal(self, answer: Answer) -> TransientError | ApiError:
        status = answer.status
        said = f"{self.host} answered {status}{self._reason(answer)}"
        if status == HTTPStatus.GATEWAY_TIMEOUT:
            return TooSlowError(f"{said} (the query took too long).", retry_after(answer), _SERVER_AT_FAULT)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return RateLimitedError(f"{said}.", retry_after(answer), KEY_SHARED)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
            return TransientError(f"{said}.", retry_after(answer), _SERVER_AT_FAULT)
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST and "Location" in answer.headers:
            target = one_line(urlsplit(answer.headers["Location"]).netloc or self.host)
            return ApiError(f"{said}: it redirects to {target}, which is not followed. Check api_url.", status)
        return ApiError(f"{said}.", status)

    def _reason(self, answer: Answer) -> str:
        try:
            message = json.loads(answer.body)["message"]
        except (ValueError, RecursionError, KeyError, TypeError):
            return f" {one_line(answer.reason)}".rstrip()
        return f": {self.clean(str(message))}"

    def _cause(self, error: BaseException) -> str:
        """The innermost reason: what wraps it repeats the URL."""
        while (inner := _inner(error)) is not None:
            error = inner
        return self.clean(str(error)) or type(error).__name__

    def clean(self, text: str) -> str:
        """Make text from outside fit for a message: one line, bounded, with no secret in it."""
        return one_line(self.secrets.hide(text))


def _inner(error: BaseException) -> BaseException | None:
    candidates = [*error.args, getattr(error, "reason", None), error.__cause__]
    return next((inner for inner in candidates if isinstance(inner, BaseException)), None)


def server_time(answer: Answer) -> dt.datetime | None:
    """Give the time in an answer's `Date` header, None where there is none."""
    return _http_date(answer.headers.get("Date", ""))


def retry_after(answer: Answer) -> float | None:
    """Give the seconds that an answer's `Retry-After` asks to wait, None where it names no time to come."""
    value = answer.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value) or None
    until = _http_date(value)
    now = server_time(answer) or dt.datetime.now(dt.timezone.utc)
    return None if until is None or until <= now else (until - now).total_seconds()


def _http_date(value: str) -> dt.datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.timezone.utc)
