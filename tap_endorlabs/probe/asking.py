"""Asking with the tap's own client, with note taken of how each answer came."""

from __future__ import annotations

import datetime as dt
import typing as t
from collections import Counter
from dataclasses import replace
from http import HTTPStatus

from tap_endorlabs.api.answer import http_date
from tap_endorlabs.api.client import Api, LogClient
from tap_endorlabs.api.detours import REFUSALS
from tap_endorlabs.errors import ApiError, ArchiveRefusedError, FaultError, TooLargeError, TooSlowError, TransientError

if t.TYPE_CHECKING:
    import logging

    import requests

    from tap_endorlabs.api.archive_way import ArchiveWay
    from tap_endorlabs.api.query import Query
    from tap_endorlabs.api.records import Page
    from tap_endorlabs.api.retry import Retry
    from tap_endorlabs.redaction import Secrets
    from tap_endorlabs.settings import Settings

_PATIENCE = 30
"""Seconds that an answer may take, as somebody waits for all of them."""

_LONGEST_WAIT = 60.0
"""Seconds to wait at most where the API refuses a request for the rate."""

_ENCODINGS = {"": "none", "identity": "none", "gzip": "gzip", "x-gzip": "gzip"}


class Answered(t.NamedTuple):
    """What a query led to.

    Attributes:
        page: the answer; None where the API refused the query, failed at it, or took too long.
        seconds: how long it took, all tries and waits together.
        tries: how many requests it took.
        error: why there is no page.
    """

    page: Page | None
    seconds: float = 0.0
    tries: int = 1
    error: ApiError | TransientError | None = None

    @property
    def size(self) -> int:
        """How many objects came."""
        return self.page.size if self.page else 0

    @property
    def is_slow(self) -> bool:
        """Whether the API had too little time or room for it."""
        return isinstance(self.error, TooSlowError) and not isinstance(self.error, FaultError)

    @property
    def refusal(self) -> str:
        """Why there is no page, without a word of the server's."""
        if self.error is None:
            return ""
        kind = "refused" if isinstance(self.error, ApiError) else "failed"
        if self.is_slow:
            kind = "response too large" if isinstance(self.error, TooLargeError) else "too slow"
        return f"{kind} (HTTP {int(self.error.status)})" if self.error.status else kind


class Asker:
    """Asks one thing after the other.

    Args:
        settings: the user's.
        resource: the log's name in the API's paths.
        retry: how often requests are retried, and by which clock.
        secrets: what no message may show.
        logger: gets the retries.

    Attributes:
        settings: likewise, with no more than 30 seconds for an answer.
        api: the way to the API.
        encodings: how many answers came in which encoding; only known ones have a name.
        ahead: by how many seconds this machine's clock was ahead of the `Date` of each answer that had one.
        empty_answers: how many answers were empty at first, and not when they were asked for again.
    """

    def __init__(
        self, settings: Settings, resource: str, retry: Retry, secrets: Secrets, logger: logging.Logger
    ) -> None:
        self.settings = replace(settings, request_timeout=min(settings.request_timeout, _PATIENCE))
        self.api = Api.of(self.settings, replace(retry, max_elapsed=_LONGEST_WAIT), secrets, logger, self._note)
        self.encodings: Counter[str] = Counter()
        self.ahead: list[float] = []
        self.empty_answers = 0
        self._resource, self._logger = resource, logger
        self._client = LogClient(self.api, resource, logger)

    @property
    def way(self) -> ArchiveWay | None:
        """How the archive is asked, None where that has not been found out."""
        return self._client.way

    @property
    def sent(self) -> int:
        """How many requests have been sent, log-ins and each try included."""
        return self.api.transport.requests.total()

    def _note(self, response: requests.Response, _succeeded: bool) -> None:  # noqa: FBT001 - called by position
        name = response.headers.get("Content-Encoding", "").strip().lower()
        self.encodings[_ENCODINGS.get(name, "another")] += 1
        if (moment := http_date(response.headers.get("Date", ""))) is not None:
            self.ahead.append((dt.datetime.now(dt.timezone.utc) - moment).total_seconds())

    def ask(self, query: Query, condition: str = "", *, expects_events: bool = False) -> Answered:
        """Ask for a page, and once more where it is empty and should not be.

        Args:
            query: what to ask for.
            condition: a filter that events must meet as well.
            expects_events: whether some are known to be there.

        Raises:
            TapError: the log can't be read, or the API not reached: the query is not at fault.
        """
        answered = self._ask(query, condition)
        if expects_events and answered.page is not None and not answered.size:
            answered = self._ask(query, condition)
            self.empty_answers += answered.size > 0
        return answered

    def _ask(self, query: Query, condition: str) -> Answered:
        clock, sent = self.api.retry.clock, self.sent
        begun = clock()
        try:
            page = self._client_with(condition).fetch(query)
        except (ApiError, TransientError) as error:
            if not _is_about(query, error):
                raise
            return Answered(None, error=error)
        return Answered(page, clock() - begun, self.sent - sent)

    def _client_with(self, condition: str) -> LogClient:
        if not condition:
            return self._client
        own = f"({self.settings.filter}) and " if self.settings.filter else ""
        api = replace(self.api, settings=replace(self.settings, filter=own + condition))
        return LogClient(api, self._resource, self._logger)


def _is_about(query: Query, error: ApiError | TransientError) -> bool:
    """Whether a failure may speak of how was asked, so that another query may be answered."""
    if isinstance(error, ApiError):
        return error.status in REFUSALS or (query.archived and isinstance(error, ArchiveRefusedError))
    return isinstance(error, TooSlowError) or error.status == HTTPStatus.INTERNAL_SERVER_ERROR
