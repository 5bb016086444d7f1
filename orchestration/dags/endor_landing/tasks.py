"""The Airflow side of a run: credentials from a connection, storage, and what an exit code makes of a task."""

from __future__ import annotations

import datetime as dt
import typing as t

from airflow.sdk import Connection, ObjectStoragePath
from airflow.sdk.exceptions import AirflowFailException

from endor_landing.files import Folder
from endor_landing.landing import Landing, SeamError
from endor_landing.months import Month
from endor_landing.tap import Tap

if t.TYPE_CHECKING:
    from endor_landing.configuration import Configuration
    from endor_landing.tap import Delivery

TIMEOUT = dt.timedelta(hours=6)
"""The longest that a run of the tap may take; it gives up by itself, too, where the API fails it for 15 minutes."""


def land_month(configuration: Configuration, api_key: str, namespace: str, month: str) -> int:
    """Land a month of a namespace; give the number of events."""
    landing, tap = _landing(configuration, namespace), _tap(configuration, api_key, namespace)
    now = dt.datetime.now(dt.timezone.utc)
    try:
        return _events(landing.land_month(tap, Month.parse(month), now, configuration.lookback_seconds))
    except SeamError as error:
        raise AirflowFailException(str(error)) from error


def land_news(configuration: Configuration, api_key: str, namespace: str) -> int:
    """Land what is new in a namespace; give the number of events."""
    try:
        return _events(_landing(configuration, namespace).land_news(_tap(configuration, api_key, namespace)))
    except SeamError as error:
        raise AirflowFailException(str(error)) from error


def _landing(configuration: Configuration, namespace: str) -> Landing:
    path = ObjectStoragePath(configuration.landing)
    return Landing(Folder(path.fs, path.path) / namespace, configuration.takeover)


def _tap(configuration: Configuration, api_key: str, namespace: str) -> Tap:
    connection = Connection.get(api_key)
    own = {"namespace": namespace, "api_key": connection.login, "api_secret": connection.password}
    return Tap(configuration.tap, configuration.settings | own)


def _events(delivery: Delivery) -> int:
    """Fail for good where something is missing: what there is has landed, and another try would find no more."""
    if delivery.incomplete:
        raise AirflowFailException(
            f"{delivery.events} events have landed, but something is missing (exit code 3): see the lines above"
        )
    return delivery.events
