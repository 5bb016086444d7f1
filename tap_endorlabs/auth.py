"""From an API key and its secret to a bearer token that is valid when a request is sent."""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
import threading
import typing as t
from http import HTTPStatus

from requests.auth import AuthBase

from tap_endorlabs.errors import ApiError, TapError, TooSlowError, TransientError
from tap_endorlabs.timestamps import moment_of, parse
from tap_endorlabs.transport import server_time

if t.TYPE_CHECKING:
    import logging

    import requests

    from tap_endorlabs.retry import Retry
    from tap_endorlabs.transport import Answer, Transport

_AHEAD = 1800.0
"""A token is renewed this many seconds before it expires; a short-lived one at an eighth of its life."""

_LIFETIME = 4 * 3600.0
"""How long a token lasts where the API does not say, in seconds."""


class BearerAuth(AuthBase):
    """Sets a request's `Authorization` to a token."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header."""
        r.headers["Authorization"] = f"Bearer {self.token}"
        return r


class ApiKeyAuth:
    """Exchanges an API key for bearer tokens; one token at a time, shared by all threads.

    Args:
        transport: reaches the API.
        key: the API key.
        secret: its secret.
        retry: how to retry what may pass, and by which clock.
        logger: gets the retries.
    """

    def __init__(
        self,
        transport: Transport,
        key: str,
        secret: str,
        retry: Retry,
        logger: logging.Logger,
    ) -> None:
        self._transport = transport
        self._body = {"key": key, "secret": secret}
        self._retry = retry
        self._logger = logger
        # A steady clock: a wrong time of day on this machine does no harm.
        self._clock = retry.clock
        self._lock = threading.Lock()
        self._auth: BearerAuth | None = None
        self._renew_at = 0.0
        self._failure: TapError | None = None

    def current(self) -> BearerAuth:
        """Give a valid token, renewed if it is about to expire.

        Raises:
            ApiError: the key or the secret is wrong or expired.
            TransientError: the API could not be reached.
        """
        return self._token_other_than(None)

    def renew(self, refused: BearerAuth) -> BearerAuth:
        """Give a valid token other than one that the API refused; of many threads that ask, one fetches it.

        Raises:
            ApiError: the key or the secret is wrong or expired.
            TransientError: the API could not be reached.
        """
        return self._token_other_than(refused)

    def _token_other_than(self, refused: BearerAuth | None) -> BearerAuth:
        with self._lock:
            if self._auth is refused or self._clock() >= self._renew_at:
                self._log_in()
            return t.cast("BearerAuth", self._auth)

    def server_now(self) -> dt.datetime:
        """Log in, and give the time of the server as its answer states it (of this machine where it does not)."""
        with self._lock:
            answer = self._log_in()
        return server_time(answer) or dt.datetime.now(dt.timezone.utc)

    def _log_in(self) -> Answer:
        if self._failure is not None:
            # Others have tried it all: the threads that waited for them need not do so one after another.
            raise self._failure
        asked = self._clock()
        try:
            answer, fields = self._retry.call(self._ask, self._logger, self._transport.pace.stopped)
        except TapError as error:
            self._failure = error
            raise
        token = fields["token"]
        self._transport.secrets.add(token)
        auth = BearerAuth(token)
        lifetime = self._lifetime(fields, auth, answer)
        self._renew_at = asked + lifetime - min(_AHEAD, lifetime / 8)
        self._auth = auth
        return answer

    def _ask(self) -> tuple[Answer, dict[str, t.Any]]:
        try:
            answer = self._transport.exchange("POST", "/v1/auth/api-key", body=self._body)
        except ApiError as error:
            if error.status in {
                HTTPStatus.BAD_REQUEST,
                HTTPStatus.UNAUTHORIZED,
                HTTPStatus.FORBIDDEN,
            }:
                raise ApiError(
                    "Endor Labs refused the API key: api_key or api_secret is wrong, or the key has expired. "
                    "Make a new one in Endor Labs under Access Control > API Keys > Generate API Key.",
                    error.status,
                ) from error
            if error.status == HTTPStatus.NOT_FOUND:
                raise ApiError(f"{error} This is no Endor Labs API: check api_url.", error.status) from error
            raise
        except TooSlowError as error:
            # Nobody can ask for less at a log-in.
            raise TransientError(str(error), error.retry_after, error.advice) from error
        fields = _json_object(answer)
        token = fields.get("token")
        # One that can't stand in a header would end in a library's error.
        if not isinstance(token, str) or not re.fullmatch(r"[!-~]+", token):
            raise TransientError("The API's answer to the log-in has no token; check api_url.")
        return answer, fields

    def _lifetime(self, fields: dict[str, t.Any], auth: BearerAuth, answer: Answer) -> float:
        now = server_time(answer) or dt.datetime.now(dt.timezone.utc)
        expires = _expiration(fields) or _expiration(self._session_fields(auth)) or _jwt_expiration(auth.token)
        return (expires - now).total_seconds() if expires else _LIFETIME

    def _session_fields(self, auth: BearerAuth) -> dict[str, t.Any]:
        try:
            return _json_object(self._transport.exchange("GET", "/v1/auth", auth=auth))
        except (ApiError, TransientError):
            return {}


def _json_object(answer: Answer) -> dict[str, t.Any]:
    try:
        fields = json.loads(answer.body)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise TransientError("The API's answer to the log-in is not a JSON object; check api_url.")
    return fields


def _expiration(fields: dict[str, t.Any]) -> dt.datetime | None:
    text = fields.get("expiration_time") or fields.get("expirationTime")
    try:
        return moment_of(parse(str(text)))
    except ValueError:
        return None


def _jwt_expiration(token: str) -> dt.datetime | None:
    try:
        claims = token.split(".")[1]
        padded = claims + "=" * (-len(claims) % 4)
        expires = json.loads(base64.urlsafe_b64decode(padded))["exp"]
        return dt.datetime.fromtimestamp(expires, tz=dt.timezone.utc)
    except (ValueError, RecursionError, KeyError, IndexError, TypeError, OverflowError, OSError):
        return None
