"""The errors that failed requests end in: what may pass, what will not, and what a person is to check."""

from __future__ import annotations

import html
import re
import ssl
import typing as t
from http import HTTPStatus
from urllib.parse import urlsplit

import requests

from tap_endorlabs.api.answer import retry_after
from tap_endorlabs.api.body import BodyTooLargeError
from tap_endorlabs.api.pace import KEY_SHARED
from tap_endorlabs.errors import (
    ApiError,
    RateLimitedError,
    TooLargeError,
    TooSlowError,
    TransientError,
    one_line,
)

if t.TYPE_CHECKING:
    from tap_endorlabs.api.answer import Answer
    from tap_endorlabs.api.problem import Problem
    from tap_endorlabs.redaction import Secrets

_SERVER_AT_FAULT = "Check whether Endor Labs reports an outage, and run it again later."
_BAD_NETWORK = "Check the network, the proxy if there is one, and api_url."
_BAD_PROXY = "Check HTTPS_PROXY, and api_url."
_PROXY_REFUSED = (
    "The proxy wants a user and password, or refused those in HTTPS_PROXY or ALL_PROXY (407). "
    "Check them before the next run: repeated failures may lock the account."
)
_TUNNEL_REFUSED = re.compile(r"Tunnel connection failed: (\d{3})\b")
_NO_TLS = re.compile(r"\[SSL: (WRONG_VERSION_NUMBER|HTTP_REQUEST)\]")

_BROKEN_CONNECTION = (
    requests.ConnectionError,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)

_LONGEST_SEARCHED = 20_000
"""Characters of a server's message that are looked at: a message shows far fewer, and to search all would take long."""


class Verdicts:
    """Makes errors of what went wrong.

    Args:
        host: whom the requests go to.
        timeout: seconds that an answer may take.
        secrets: what no message may show.
    """

    def __init__(self, host: str, timeout: int, secrets: Secrets) -> None:
        self._host = host
        self._timeout = timeout
        self._secrets = secrets

    def of_failure(self, error: requests.RequestException) -> TransientError | ApiError:
        """Judge a request that got no answer, or none that could be read."""
        inner = innermost(error)
        cause = self.clean(str(inner)) or type(inner).__name__
        if isinstance(inner, ssl.SSLCertVerificationError):
            return ApiError(
                f"The TLS certificate of {self._host} was not accepted: {cause}. "
                "If a company proxy has its own certificate authority, name its file in REQUESTS_CA_BUNDLE."
            )
        if isinstance(error, requests.exceptions.ReadTimeout):
            late = f"{self._host} did not answer within {self._timeout} s (request_timeout)."
            advice = "Check the network, raise request_timeout, or run it again later. A proxy may be slow."
            return TooSlowError(late, advice=advice)
        if isinstance(error, BodyTooLargeError):
            large = f"{self._host} sent more than {error.most >> 20} MB in one answer."
            return TooLargeError(large, advice="Lower page_size, or check api_url.")
        if isinstance(error, _BROKEN_CONNECTION):
            return self._of_connection(cause, is_proxy=isinstance(error, requests.exceptions.ProxyError))
        return ApiError(
            f"The request to {self._host} could not be sent: {cause.rstrip('.')}. "
            "Check api_url, and HTTPS_PROXY where it is set."
        )

    def _of_connection(self, cause: str, *, is_proxy: bool) -> TransientError | ApiError:
        if refused := _TUNNEL_REFUSED.search(cause):
            status = int(refused[1])
            if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
                return ApiError(_PROXY_REFUSED, status)
            if not _may_pass(status) and status != HTTPStatus.TOO_MANY_REQUESTS:
                advice = "Ask its administrators whether this machine may connect to that host."
                # Without its status, which is not the API's.
                return ApiError(f"The proxy does not connect to {self._host}: {cause}. {advice}")
        if is_proxy:
            return TransientError(
                f"The proxy on the way to {self._host} could not be used: {cause}.", advice=_BAD_PROXY
            )
        if _NO_TLS.search(cause):
            cause = f"it speaks no TLS ({cause})"
        return TransientError(f"The connection to {self._host} failed: {cause}.", advice=_BAD_NETWORK)

    def of_refusal(self, answer: Answer, problem: Problem) -> TransientError | ApiError:
        """Judge an answer that reports an error."""
        status, wait = problem.status(answer.status), retry_after(answer)
        if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            return ApiError(_PROXY_REFUSED, status)
        code = "" if status == answer.status else f" with code {problem.code}"
        reason = self.clean(problem.message) or one_line(answer.reason)
        said = f"{self._host} answered {answer.status}{code}{':' if problem.message else ''} {reason}".rstrip()
        if problem.is_too_large:
            return TooLargeError(f"{said}.", wait, "Lower page_size.", status)
        if status == HTTPStatus.GATEWAY_TIMEOUT:
            return TooSlowError(f"{said} (the query took too long).", wait, _SERVER_AT_FAULT, status)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return RateLimitedError(f"{said}.", wait, KEY_SHARED, status)
        if _may_pass(status):
            return TransientError(f"{said}.", wait, _SERVER_AT_FAULT, status)
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST and "Location" in answer.headers:
            target = one_line(urlsplit(answer.headers["Location"]).netloc or self._host)
            said += f": it redirects to {target}, which is not followed. Check api_url"
        return ApiError(f"{said}.", status)

    def clean(self, text: str) -> str:
        """Make text from outside fit for a message: one line, bounded, without HTML's escapes, with no secret in it."""
        if len(text) > _LONGEST_SEARCHED:
            # Between words, so that no part of a secret is left that can't be told from other text.
            text = text[:_LONGEST_SEARCHED].rpartition(" ")[0]
        # A secret may have such an escape in it, or be shown with some.
        return one_line(self._secrets.hide(html.unescape(self._secrets.hide(text))))


def _may_pass(status: int) -> bool:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return status != HTTPStatus.NOT_IMPLEMENTED
    return status == HTTPStatus.REQUEST_TIMEOUT


def innermost(error: BaseException) -> BaseException:
    """Give the innermost reason: what wraps it repeats the URL."""
    while (inner := _inner(error)) is not None:
        error = inner
    return error


def _inner(error: BaseException) -> BaseException | None:
    candidates = [*error.args, getattr(error, "reason", None), error.__cause__]
    return next((inner for inner in candidates if isinstance(inner, BaseException)), None)
