"""One HTTP exchange with the API, and what its outcome means: a result, worth another try, or the end."""

from __future__ import annotations

import datetime as dt
import json
import typing as t
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from importlib.metadata import version
from urllib.parse import quote, urlsplit

import requests

from tap_endorlabs.errors import ApiError, TooSlowError, TransientError, one_line

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from requests.auth import AuthBase

_PASSING_REFUSALS = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_BROKEN_CONNECTION = (
    requests.ConnectionError,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)
_CONNECT_TIMEOUT = 30
"""Seconds to wait for a connection at most; the rest of the request timeout is for the answer."""


class Transport:
    """Sends requests to one host and keeps the connection. Redirects are not followed: no credential leaves the host.

    Args:
        url: base URL of the API.
        timeout: seconds to wait for an answer.
        secrets: texts that must not appear in any message; more may be added.
        on_answer: called with each answer, for metrics.

    Attributes:
        requests: how many requests have been sent.
    """

    def __init__(
        self,
        url: str,
        timeout: int,
        secrets: set[str],
        on_answer: Callable[[requests.Response], None],
    ) -> None:
        self.url = url
        self.host = urlsplit(url).netloc
        self.timeout = timeout
        self.secrets = secrets
        self.requests = 0
        self._on_answer = on_answer
        self._session = requests.Session()
        self._session.headers.update(
            {
                "Accept": "application/json",
                "Request-Timeout": str(timeout),
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
    ) -> requests.Response:
        """Send one request and give its answer, which has status 200.

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
        """
        self.requests += 1
        try:
            answer = self._session.request(
                method,
                f"{self.url}{path}",
                params=params,
                json=body,
                # Without an auth of ours, requests would send what a .netrc file has for the host.
                auth=auth or _no_auth,
                timeout=(min(_CONNECT_TIMEOUT, self.timeout), self.timeout),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise self._failure(error) from error
        self._on_answer(answer)
        if answer.status_code != HTTPStatus.OK:
            raise self._refusal(answer)
        return answer

    def _failure(self, error: requests.RequestException) -> TransientError | ApiError:
        if isinstance(error, requests.exceptions.SSLError):
            return ApiError(
                f"The TLS certificate of {self.host} was not accepted: {self._cause(error)}. "
                "Where a company proxy has an authority of its own, name its file in REQUESTS_CA_BUNDLE."
            )
        if isinstance(error, requests.exceptions.ReadTimeout):
            return TooSlowError(f"{self.host} did not answer within {self.timeout} s (request_timeout).")
        if isinstance(error, _BROKEN_CONNECTION):
            return TransientError(f"The connection to {self.host} failed: {self._cause(error)}.")
        return ApiError(f"The request to {self.host} could not be sent: {self._cause(error)}. Check api_url.")

    def _refusal(self, answer: requests.Response) -> TransientError | ApiError:
        status = answer.status_code
        said = f"{self.host} answered {status}{self._reason(answer)}"
        if status == HTTPStatus.GATEWAY_TIMEOUT:
            return TooSlowError(f"{said} (the query took too long).", retry_after(answer))
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSING_REFUSALS:
            return TransientError(f"{said}.", retry_after(answer))
        if answer.is_redirect:
            target = one_line(urlsplit(answer.headers["Location"]).netloc or self.host)
            return ApiError(f"{said}: it redirects to {target}, which is not followed. Check api_url.", status)
        return ApiError(f"{said}.", status)

    def _reason(self, answer: requests.Response) -> str:
        try:
            message = json.loads(answer.content)["message"]
        except (ValueError, RecursionError, KeyError, TypeError):
            return f" {one_line(answer.reason or '')}".rstrip()
        return f": {self.clean(str(message))}"

    def _cause(self, error: BaseException) -> str:
        """The innermost reason: what wraps it repeats the URL."""
        while (inner := _inner(error)) is not None:
            error = inner
        return self.clean(str(error)) or type(error).__name__

    def clean(self, text: str) -> str:
        """Make text from outside fit for a message: one line, bounded, with no secret in it."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            for form in {secret, quote(secret), quote(secret, safe="")}:
                text = text.replace(form, "***")
        return one_line(text)


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _inner(error: BaseException) -> BaseException | None:
    candidates = [*error.args, getattr(error, "reason", None)]
    return next((inner for inner in candidates if isinstance(inner, BaseException)), None)


def server_time(answer: requests.Response) -> dt.datetime | None:
    """Give the time in an answer's `Date` header, None where there is none."""
    return _http_date(answer.headers.get("Date", ""))


def retry_after(answer: requests.Response) -> float | None:
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
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.timezone.utc)
