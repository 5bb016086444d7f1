"""The tap class."""

from __future__ import annotations

import typing as t

from singer_sdk import Tap
from singer_sdk import typing as th

from benchmarks.competitors.stock_sdk.streams import AuditLogsStream

if t.TYPE_CHECKING:
    from benchmarks.competitors.stock_sdk.client import StockStream


class TapStock(Tap):
    """Tap class of the API."""

    name = "tap-stock"
    config_jsonschema = th.PropertiesList(
        th.Property("api_key", th.StringType, required=True, secret=True),
        th.Property("api_secret", th.StringType, required=True, secret=True),
        th.Property("namespace", th.StringType, required=True),
        th.Property("start_date", th.DateTimeType),
        th.Property("api_url", th.StringType, required=True),
    ).to_dict()

    def discover_streams(self) -> list[StockStream]:
        """Give the streams."""
        return [AuditLogsStream(self)]
