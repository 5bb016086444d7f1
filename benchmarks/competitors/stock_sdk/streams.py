"""Stream type classes."""

from __future__ import annotations

import typing as t
from pathlib import Path

from benchmarks.competitors.stock_sdk.client import StockStream

if t.TYPE_CHECKING:
    from singer_sdk.helpers.types import Context


class AuditLogsStream(StockStream):
    """The audit logs, with the schema of the tap that it is compared with."""

    name = "audit_logs"
    path = "/audit-logs"
    primary_keys: t.ClassVar[list[str]] = ["uuid"]
    replication_key = "create_time"
    schema_filepath = Path(__file__).parents[3] / "tap_endorlabs" / "schemas" / "audit_logs.json"

    def post_process(
        self,
        row: dict[str, t.Any],
        context: Context | None = None,  # noqa: ARG002
    ) -> dict[str, t.Any] | None:
        """Add the replication key."""
        row["create_time"] = row["meta"]["create_time"]
        return row
