"""Stream type classes."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from benchmarks.competitors.stock_sdk.client import StockStream

if t.TYPE_CHECKING:
    from singer_sdk.helpers.types import Context

SCHEMAS = Path(__file__).parents[3] / "tap_endorlabs" / "schemas"


def load_schema() -> dict[str, t.Any]:
    """Give the schema of the tap that this one is compared with, in a form that the SDK can conform records to."""
    schema: dict[str, t.Any] = json.loads((SCHEMAS / "envelope.json").read_text())
    schema["properties"]["spec"] = json.loads((SCHEMAS / "audit_logs.json").read_text())
    spec = schema["properties"]["spec"]["properties"]
    # The SDK ends with a KeyError where an object in a list has a schema without properties.
    spec["claims"]["items"]["properties"] = {}
    spec["error"]["properties"]["details"]["items"]["properties"] = {}
    return schema


class AuditLogsStream(StockStream):
    """The audit logs."""

    name = "audit_logs"
    path = "/audit-logs"
    primary_keys: t.ClassVar[list[str]] = ["uuid"]
    replication_key = "create_time"
    schema = load_schema()

    def post_process(
        self,
        row: dict[str, t.Any],
        context: Context | None = None,  # noqa: ARG002
    ) -> dict[str, t.Any] | None:
        """Add the replication key."""
        row["create_time"] = row["meta"]["create_time"]
        return row
