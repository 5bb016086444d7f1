"""From an API key and its secret to a bearer token that is valid when a request is sent."""

from __future__ import annotations

import datetime as dt
import json
import re
import threading
import typing as t
from http import HTTPStatus

from tap_endorlabs.api.answer import server_time
from tap_endorlabs.api.bearer import BearerAuth, expiration, jwt_expiration
from tap_endorlabs.api.problem import ProblemError, Report
from tap_endorlabs.errors import ApiError, LogInError, StoppedError, TapError, TooSlowError, TransientError

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator

    from tap_endorlabs.api.answer import Answer
    from tap_endorlabs.api.retry import Retry
    from tap_endorlabs.api.transport import Transport

_T = t.TypeVar("_T")

_AHEAD = 1800.0
"""A token is renewed this many seconds before it expires; a short-lived one at an eighth of its life."""

_LIFETIME = 4 * 3600.0
"""How long a token lasts where the API does not say, in seconds."""

_SHORTEST_LIFETIME = 1.0
"""An expiry that is closer is none, in seconds: to believe it would mean a log-in for each request."""

_WAITS = (4, 8, 12, 16)
"""A new token may not have reached every server yet: it is tried again after so many times the first wait of a retry,
ten seconds in all."""


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
        self._forbidden = False

    def call(self, send: Callable[[BearerAuth], _T]) -> _T:
        """Send a request with a token, and once more with a new one where the token is refused.

        A 403 may be the word for an expired token, too; once it has met a new token it is believed.

        Args:
            send: sends the request with the token that it gets.

        Raises:
            LogInError: the key was refused.
            ApiError: a new token or the request was.
            TransientError: what may pass.
            StoppedError: the run was ended in the meantime.
        """
        token = self.current()
        try:
            return _send(send, token)
        except ApiError as error:
            may_be_old = error.status == HTTPStatus.FORBIDDEN and token.accepted and not self._forbidden
            if error.status != HTTPStatus.UNAUTHORIZED and not may_be_old:
                raise
        if token.accepted or not token.is_replacement:
            reason = "Permission was denied, perhaps as the token is old" if may_be_old else "The token was refused"
            self._logger.info("%s; logging in again.", reason)
            self.renew(token)
        try:
            return self._insist(send)
        except ApiError as error:
            self._forbidden |= error.status == HTTPStatus.FORBIDDEN
            raise

    def _insist(self, send: Callable[[BearerAuth], _T]) -> _T:
        """Send a request with a new token, a few times if need be."""
        for wait in _WAITS:
            token = self.current()
            try:
                return _send(send, token)
            except ApiError as error:
                if error.status != HTTPStatus.UNAUTHORIZED:
                    raise
            seconds = wait * self._retry.first_wait
            self._logger.info("The new token was refused, too; trying it again in %.1f s.", seconds)
            self._retry.sleep(self._transport.pace.stopped, seconds)
            if self._transport.pace.stopped.is_set():
                raise StoppedError
        return _send(send, self.current())

    def current(self) -> BearerAuth:
        """Give a valid token, renewed if it is about to expire.

        Raises:
            LogInError: the key or the secret is wrong or expired.
            TransientError: the API could not be reached.
        """
        return self._token_other_than(None)

    def renew(self, refused: BearerAuth) -> BearerAuth:
        """Give a valid token other than one that the API refused; of many threads that ask, one fetches it.

        Raises:
            LogInError: the key or the secret is wrong or expired.
            TransientError: the API could not be reached.
        """
        return self._token_other_than(refused)

    def _token_other_than(self, refused: BearerAuth | None) -> BearerAuth:
        with self._lock:
            if self._auth is refused or self._clock() >= self._renew_at:
                self._log_in(is_replacement=refused is not None)
            return t.cast("BearerAuth", self._auth)

    def log_in_for_server_time(self) -> dt.datetime:
        """Log in, and give the time of the server as its answer states it (of this machine where it does not)."""
        with self._lock:
            answer = self._log_in()
        return server_time(answer) or dt.datetime.now(dt.timezone.utc)

    def _log_in(self, *, is_replacement: bool = False) -> Answer:
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
        auth = BearerAuth(token, is_replacement=is_replacement)
        lifetime = self._lifetime(fields, auth, answer)
        self._renew_at = asked + lifetime - min(_AHEAD, lifetime / 8)
        self._auth = auth
        return answer

    def _ask(self) -> tuple[Answer, dict[str, t.Any]]:
        try:
            return self._transport.exchange("POST", "/v1/auth/api-key", _session, body=self._body)
        except ApiError as error:
            if error.status in {
                HTTPStatus.BAD_REQUEST,
                HTTPStatus.UNAUTHORIZED,
                HTTPStatus.FORBIDDEN,
            }:
                raise LogInError(
                    "Endor Labs refused the API key: api_key or api_secret is wrong, or the key has expired. "
                    "Compare both with what Endor Labs showed, or make a new key there under "
                    "Access Control > API Keys > Generate API Key."
                ) from error
            if error.status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}:
                raise LogInError(f"{error} This is no Endor Labs API: check api_url.") from error
            raise LogInError(str(error)) from error
        except TooSlowError as error:
            # Nobody can ask for less at a log-in.
            raise TransientError(str(error), error.retry_after, error.advice, error.status) from error

    def _lifetime(self, fields: dict[str, t.Any], auth: BearerAuth, answer: Answer) -> float:
        now = server_time(answer) or dt.datetime.now(dt.timezone.utc)
        for expires in self._expirations(fields, auth):
            if expires is not None and (lifetime := (expires - now).total_seconds()) >= _SHORTEST_LIFETIME:
                return lifetime
        return _LIFETIME

    def _expirations(self, fields: dict[str, t.Any], auth: BearerAuth) -> Iterator[dt.datetime | None]:
        yield expiration(fields)
        yield expiration(self._session_fields(auth))
        yield jwt_expiration(auth.token)

    def _session_fields(self, auth: BearerAuth) -> dict[str, t.Any]:
        try:
            return self._transport.exchange("GET", "/v1/auth", _json_object, auth=auth)
        except (ApiError, TransientError):
            return {}


def _send(send: Callable[[BearerAuth], _T], token: BearerAuth) -> _T:
    result = send(token)
    token.accepted = True
    return result


def _session(answer: Answer) -> tuple[Answer, dict[str, t.Any]]:
    """Give the answer to a log-in, and its fields with the token."""
    fields = _json_object(answer)
    token = fields.get("token")
    # One that can't stand in a header would end in a library's error.
    if isinstance(token, str) and re.fullmatch(r"[!-~]+", token):
        return answer, fields
    if problem := Report(*map(fields.get, ("code", "error", "message"))).problem():
        raise ProblemError(problem)
    raise TransientError("The API's answer to the log-in has no token; check api_url.")


def _json_object(answer: Answer) -> dict[str, t.Any]:
    try:
        fields = json.loads(answer.body)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise TransientError("The API's answer to the log-in is not a JSON object; check api_url.")
    return fields
