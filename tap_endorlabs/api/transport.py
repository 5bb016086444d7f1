"""One HTTP exchange with the API, and what its outcome means: a result, worth another try, or the end."""

from __future__ import annotations

import threading
import time
import typing as t
from collections import Counter, defaultdict
from functools import partial
from http import HTTPStatus
from urllib.parse import urlsplit

import requests

from tap_endorlabs.api.answer import Answer
from tap_endorlabs.api.body import LARGEST_BODY, read_body
from tap_endorlabs.api.environment import ca_bundle_for, passwords_of, proxies_for
from tap_endorlabs.api.problem import ProblemError, problem_in
from tap_endorlabs.api.read_timeout import ReadTimeout
from tap_endorlabs.api.session import OverdueError, Session
from tap_endorlabs.api.verdict import Verdicts, innermost
from tap_endorlabs.errors import RateLimitedError
from tap_endorlabs.redaction import Secrets

if t.TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from requests.auth import AuthBase

    from tap_endorlabs.api.pace import Pace
    from tap_endorlabs.settings import Settings

_T = t.TypeVar("_T")

_DROPPED_CONNECTION = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError)
"""Among them is that of `http.client` for a connection that ends without an answer."""


class _Sent(t.NamedTuple):
    """The time at which a request was sent, its answer, what of that counts, and the seconds that it took."""

    at: float
    response: requests.Response
    answer: Answer
    seconds: float


class Transport:
    """Sends requests to one host and keeps connections, from any thread.

    Redirects are not followed: no credential leaves the host.

    Args:
        settings: where the API is, and how long to wait for it.
        pace: what all requests keep to.
        on_answer: called with each answer, and whether it is a good one, for metrics.
        secrets: what no message may show; the credentials are added.
        connect_timeout: seconds to wait for a connection at most.

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
        on_answer: Callable[[requests.Response, bool], None],
        secrets: Secrets | None = None,
        connect_timeout: float = 30.0,
    ) -> None:
        self.url = settings.api_url
        self.host = urlsplit(settings.api_url).netloc
        self.timeout = settings.request_timeout
        self._read_timeouts: defaultdict[Hashable, ReadTimeout] = defaultdict(partial(ReadTimeout, self.timeout))
        self._connect_timeout = min(connect_timeout, self.timeout)
        self.secrets = Secrets() if secrets is None else secrets
        self.secrets.add(settings.api_key, settings.api_secret)
        self._verdicts = Verdicts(self.host, self.timeout, self.secrets)
        self.requests: Counter[str] = Counter()
        self.pace = pace
        self._lock = threading.Lock()
        self._on_answer = on_answer
        self._tells_timeout = True
        # What the environment says is looked up here, once, and nothing else of it is used (such as ~/.netrc).
        proxies = proxies_for(self.url)
        self.secrets.add(*passwords_of(proxies))
        self._new_session = partial(Session, self.url, proxies=proxies, verify=ca_bundle_for(self.url))
        self._session = self._new_session(settings.concurrency)

    def exchange(  # noqa: PLR0913
        self,
        method: str,
        path: str,
        read: Callable[[Answer], _T],
        *,
        auth: AuthBase | None = None,
        params: Mapping[str, str | int] | None = None,
        body: Mapping[str, str] | None = None,
        most: int = LARGEST_BODY,
        kind: Hashable = None,
    ) -> _T:
        """Send one request, when it is its turn, and give what is read from its answer.

        Args:
            method: HTTP method.
            path: path below the base URL.
            read: takes an answer with a status of success apart; raises `ProblemError` where that reports an error.
            auth: sets the request's credentials, if any.
            params: query parameters.
            body: what to send as JSON.
            most: bytes that the answer may have.
            kind: which queries take about as long: what is overdue as theirs go is asked for again; None: never.

        Raises:
            TooSlowError: the server did not answer in time, or the answer is too large.
            TransientError: another failure that may pass.
            ApiError: a failure that will not.
            StoppedError: the run was ended before it was sent.
        """
        told = {"Request-Timeout": str(self.timeout)} if self._tells_timeout else {}
        request = {"method": method, "auth": auth, "params": params, "json": body, "headers": told}
        try:
            send = partial(self._send, path, request, most)
            sent_at, response, answer, _ = self._answer_in_time(send, kind)
        except requests.RequestException as error:
            raise self._verdicts.of_failure(error) from error
        problem = None if answer.succeeded else problem_in(answer.body)
        try:
            content = read(answer) if problem is None else None
        except ProblemError as error:
            problem = error.problem
        finally:
            self._on_answer(response, problem is None)
        if problem is None:
            self.pace.note_answer()
            return t.cast("_T", content)
        refusal = self._verdicts.of_refusal(answer, problem)
        if isinstance(refusal, RateLimitedError):
            self.pace.note_refusal(sent_at, refusal.retry_after)
        if told and refusal.status == HTTPStatus.BAD_REQUEST and problem.is_about_timeout:
            # Not each server takes the header, and the tap can do without.
            self._tells_timeout = False
            return self.exchange(method, path, read, auth=auth, params=params, body=body, most=most, kind=kind)
        raise refusal

    def _answer_in_time(self, send: Callable[[float, requests.Session], _Sent], kind: Hashable) -> _Sent:
        """Give what `_answer_to` does; what is overdue is asked for again, as it may come at once."""
        if kind is None:
            return self._answer_to(partial(send, self.timeout))
        timeout = self._read_timeouts[kind]
        tries = timeout.tries(max(one.usual for one in list(self._read_timeouts.values())))
        while True:
            seconds = next(tries)
            try:
                sent = self._answer_to(partial(send, seconds))
            except requests.ReadTimeout as error:
                if seconds == self.timeout or not isinstance(innermost(error), OverdueError):
                    raise
            else:
                timeout.note(sent.seconds, succeeded=sent.response.ok)
                return sent

    def _answer_to(self, send: Callable[[requests.Session], _Sent]) -> _Sent:
        """Give what `send` does, which may send a second time."""
        try:
            return send(self._session)
        except requests.ConnectionError as error:
            # A server closes a kept connection when it likes, also while a request is on its way.
            if not isinstance(innermost(error), _DROPPED_CONNECTION):
                raise
        # It may have closed all that are kept.
        with self._new_session(1) as session:
            return send(session)

    def _send(
        self, path: str, request: dict[str, t.Any], most: int, seconds: float, session: requests.Session
    ) -> _Sent:
        sent_at, begun = self.pace.wait_for_turn(), time.monotonic()
        with self._lock:
            self.requests[path] += 1
        timeout = (self._connect_timeout, seconds)
        with session.request(
            url=f"{self.url}{path}", timeout=timeout, allow_redirects=False, stream=True, **request
        ) as response:
            status, body = response.status_code, read_body(response, most)
            if status == HTTPStatus.NO_CONTENT:
                body = b"{}"
            answer = Answer(status, response.reason or "", response.headers, body)
            return _Sent(sent_at, response, answer, time.monotonic() - begun)

    def clean(self, text: str) -> str:
        """Make text from outside fit for a message: one line, bounded, with no secret in it."""
        return self._verdicts.clean(text)
