"""The HTTP side of a stream: one page a request, retries, errors."""

from __future__ import annotations

import threading
import typing as t
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from tap_endorlabs.api.archive_way import NEED_A_KIND, best_way, count_in_archive
from tap_endorlabs.api.auth import ApiKeyAuth
from tap_endorlabs.api.body import LARGEST_BODY, LARGEST_PAGE
from tap_endorlabs.api.pace import Pace
from tap_endorlabs.api.pages import decode_page
from tap_endorlabs.api.query import parameters_of
from tap_endorlabs.api.transport import Transport
from tap_endorlabs.errors import (
    ApiError,
    ArchiveRefusedError,
    FaultError,
    TooLargeError,
    TooSlowError,
    TransientError,
)

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    import requests

    from tap_endorlabs.api.answer import Answer
    from tap_endorlabs.api.archive_way import ArchiveWay
    from tap_endorlabs.api.query import Query
    from tap_endorlabs.api.records import Page
    from tap_endorlabs.api.retry import Retry
    from tap_endorlabs.redaction import Secrets
    from tap_endorlabs.settings import Settings

_MOST_SLOW = 2
"""After so many answers that came too late less is asked for: one may have had other reasons."""

_MOST_FAULTS = 3
"""After so many answers with 500 less is asked for, where that is possible."""


@dataclass(frozen=True)
class Api:
    """The way to the API that all streams share."""

    settings: Settings
    transport: Transport
    auth: ApiKeyAuth
    retry: Retry

    @classmethod
    def of(
        cls,
        settings: Settings,
        retry: Retry,
        secrets: Secrets,
        logger: logging.Logger,
        on_answer: Callable[[requests.Response, bool], None],
    ) -> Api:
        """Put the way to the API together; nothing is sent yet.

        Args:
            settings: where the API is, and who asks.
            retry: how to retry what may pass, and by which clock.
            secrets: what no message may show.
            logger: gets the retries of log-ins.
            on_answer: called with each answer, and whether it was a success.
        """
        pace = Pace(retry.clock, retry.sleep)
        transport = Transport(settings, pace, on_answer, secrets, retry.connect_timeout)
        auth = ApiKeyAuth(transport, settings.api_key, settings.api_secret, retry, logger)
        return cls(settings, transport, auth, retry)

    def stop(self) -> None:
        """End all waiting, and send no further request: the run is over, whatever its workers are at."""
        self.transport.pace.stopped.set()


class LogClient:
    """Fetches pages of one log.

    Args:
        api: the way to the API.
        resource: the log's name in the API's paths, such as `audit-logs`.
        logger: gets a line for each retry.
        mask: the fields to ask for, with commas; all where it is empty.

    Attributes:
        missing: what can't be asked for, a line for each part.
        way: how the archive is asked, None before it has been.
    """

    def __init__(self, api: Api, resource: str, logger: logging.Logger, mask: str = "") -> None:
        self._api = api
        self._path = f"/v1/namespaces/{api.settings.namespace}/{resource}"
        self._logger = logger
        self._mask = mask
        self._choosing = threading.Lock()
        self.way: ArchiveWay | None = None
        self._has_answered = False
        self.missing: list[str] = []

    def fetch(self, query: Query) -> Page:
        """Fetch the page that a query asks for.

        Raises:
            ArchiveRefusedError: the API key may not read the archive, or there is none.
            TooSlowError: the server ran out of time; where less can be asked for, at the second time.
            FaultError: less can be asked for, and it has answered with 500 three times.
            TransientError: another failure that may pass did not.
            ApiError: the API refused the request.
        """
        if not query.archived:
            return self._fetch(query)
        if self.way is None and query.counted:
            return count_in_archive(self._fetch, query)
        with self._choosing:
            if self.way is None:
                self.way = best_way(self._fetch, self._fetch, query)
                if self.way.condition in NEED_A_KIND:
                    self.missing.append("Events without a message_kind can't be read from the archive of this log.")
        return self._fetch(query, self.way)

    def _fetch(self, query: Query, way: ArchiveWay | None = None) -> Page:
        faults = slow = 0

        def asks_for_less(error: TransientError) -> bool:
            """Whether to ask for less instead of for the same once more."""
            nonlocal faults, slow
            faults += error.status == HTTPStatus.INTERNAL_SERVER_ERROR
            slow += isinstance(error, TooSlowError)
            is_too_large = isinstance(error, TooLargeError)
            return query.divisible and (is_too_large or slow == _MOST_SLOW or faults == _MOST_FAULTS)

        stopped, attempt = self._api.transport.pace.stopped, partial(self._attempt, query, way)
        try:
            return self._api.retry.call(attempt, self._logger, stopped, give_up_on=asks_for_less)
        except TransientError as error:
            if error.given_up or isinstance(error, TooSlowError):
                raise
            raise FaultError(str(error), advice=error.advice, status=error.status) from error

    def _attempt(self, query: Query, way: ArchiveWay | None) -> Page:
        path = f"{self._path}/archived" if way and way.by_path else self._path
        try:
            page = self._send(path, query, way)
        except ApiError as error:
            if way is not None and error.status == HTTPStatus.FORBIDDEN:
                raise ArchiveRefusedError(
                    f"{error} The API key may not read the archive of this log: give it the role Read-only in "
                    f"namespace {self._api.settings.namespace}, or set include_archived to false.",
                    error.status,
                ) from error
            # An archive that is not there says nothing of the namespace or the filter; what was there before is there.
            says_nothing = way is not None or (self._has_answered and error.status == HTTPStatus.NOT_FOUND)
            raise (error if says_nothing else self._explain(error)) from error
        self._has_answered = True
        return page

    def _send(self, path: str, query: Query, way: ArchiveWay | None) -> Page:
        exchange, params = self._api.transport.exchange, parameters_of(query, self._api.settings, way, self._mask)
        most = LARGEST_PAGE if query.page_size > 1 else LARGEST_BODY
        kind = query.archived, query.counted, query.is_sorted
        return self._api.auth.call(
            lambda token: exchange("GET", path, self._read, auth=token, params=params, most=most, kind=kind)
        )

    def _read(self, answer: Answer) -> Page:
        try:
            return decode_page(answer.body)
        except (ValueError, RecursionError) as error:
            transport = self._api.transport
            raise TransientError(
                f"{transport.host} sent a page that is not the JSON of a list "
                f"({len(answer.body)} bytes; {transport.clean(str(error))}).",
                advice="Check api_url, and whether a proxy answers in its place.",
            ) from error

    def _explain(self, error: ApiError) -> ApiError:
        namespace = self._api.settings.namespace
        advice = {
            HTTPStatus.BAD_REQUEST: "Check the setting filter." if self._api.settings.filter else None,
            HTTPStatus.UNAUTHORIZED: (
                "A new token was refused as well: the API key may have been revoked. "
                "Check it in Endor Labs under Access Control > API Keys."
            ),
            HTTPStatus.FORBIDDEN: (
                f"The API key may not read this log in namespace {namespace}: give it the role Read-only there, "
                "and propagate it to the child namespaces if those are to be read, too."
            ),
            HTTPStatus.NOT_FOUND: (
                f"There is no namespace {namespace}, or the API key can't see it: "
                "check the settings namespace and api_url."
            ),
        }.get(error.status)  # type: ignore[call-overload]
        return ApiError(f"{error} {advice}", error.status) if advice else error
