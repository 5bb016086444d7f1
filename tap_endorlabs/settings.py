"""The settings: their JSON schema, and their values in the form that the tap works with."""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass

from singer_sdk import typing as th

from tap_endorlabs.timestamps import parse

if t.TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_API_URL = "https://api.endorlabs.com"

SETTINGS_SCHEMA: dict[str, t.Any] = th.PropertiesList(
    th.Property(
        "namespace",
        th.StringType,
        required=True,
        title="Namespace",
        description="The Endor Labs organization to read, or one of its child namespaces, such as acme or acme.prod.",
    ),
    th.Property(
        "api_key",
        th.StringType,
        required=True,
        secret=True,
        title="API key",
        description="API key with permission to read audit logs (the role Read-only suffices).",
    ),
    th.Property(
        "api_secret",
        th.StringType,
        required=True,
        secret=True,
        title="API secret",
        description="The secret that Endor Labs showed once, when the API key was made.",
    ),
    th.Property(
        "start_date",
        th.DateTimeType,
        title="Start date",
        description=(
            "Where the first run begins. Without it no past events are read: the first run only notes when it "
            "began, and the next run reads everything since then."
        ),
    ),
    th.Property(
        "end_date",
        th.DateTimeType,
        title="End date",
        description=(
            "Where a bounded backfill ends (exclusive); it needs start_date. "
            "Without it a run reads up to its own start."
        ),
    ),
    th.Property(
        "traverse",
        th.BooleanType,
        default=True,
        title="Child namespaces",
        description="Whether to also read the child namespaces of this namespace.",
    ),
    th.Property(
        "filter",
        th.StringType,
        title="Filter",
        description=(
            "An Endor Labs filter expression, such as spec.operation=='OPERATION_DELETE': only events that meet it "
            "are read."
        ),
    ),
    th.Property(
        "include_archived",
        th.BooleanType,
        default=True,
        title="Archive",
        description="Whether to also read the archive, if the range begins more than about 30 days ago.",
    ),
    th.Property(
        "lookback_seconds",
        th.IntegerType(minimum=0, maximum=2_592_000),
        default=300,
        title="Lookback",
        description=(
            "How many seconds each run looks back for events that became visible late: 0 to 2592000 (30 days)."
        ),
    ),
    th.Property(
        "completeness_check",
        th.StringType(allowed_values=["auto", "always", "never"]),
        default="auto",
        title="Completeness check",
        description=(
            "When to prove, by a count from the API, that no event is missing: auto (if a run takes more than one "
            "page, and once a day), always or never."
        ),
    ),
    th.Property(
        "replace_null_characters",
        th.BooleanType,
        default=False,
        title="Null characters",
        description="Whether to replace the character NUL, which PostgreSQL can't store, by U+FFFD in records.",
    ),
    th.Property(
        "concurrency",
        th.IntegerType(minimum=1, maximum=32),
        default=4,
        title="Concurrency",
        description="How many requests are sent at once, 1 to 32. This changes the speed, not the output.",
    ),
    th.Property(
        "page_size",
        th.IntegerType(minimum=1, maximum=500),
        default=500,
        title="Page size",
        description="Events per request, 1 to 500.",
    ),
    th.Property(
        "request_timeout",
        th.IntegerType(minimum=1, maximum=86_400),
        default=120,
        title="Request timeout",
        description="Seconds to wait for an answer, 1 to 86400. The server gets this limit, too.",
    ),
    th.Property(
        "api_url",
        th.StringType,
        default=DEFAULT_API_URL,
        title="API URL",
        description="Base URL of the API: https, or plain http to a loopback address.",
    ),
    additional_properties=False,
).to_dict()

OWN_SETTINGS: dict[str, dict[str, t.Any]] = dict(SETTINGS_SCHEMA["properties"])
"""The schema of each setting of the tap's own; the SDK adds those of its features to `SETTINGS_SCHEMA`."""

VARIABLES = {
    "namespace": "ENDOR_NAMESPACE",
    "api_key": "ENDOR_API_CREDENTIALS_KEY",
    "api_secret": "ENDOR_API_CREDENTIALS_SECRET",
    "api_url": "ENDOR_API",
}
"""The variables of `endorctl`, from which `meltano.yml` takes these settings."""

BATCH_CONFIG: dict[str, t.Any] = {
    "type": "object",
    "title": "Batch files",
    "description": "Where and how to write BATCH files instead of RECORD messages.",
    "properties": {
        "encoding": {
            "type": "object",
            "properties": {
                "format": {"type": "string", "enum": ["jsonl", "parquet"]},
                "compression": {"type": "string", "enum": ["gzip", "none"]},
            },
            "required": ["format"],
            "additionalProperties": False,
        },
        "storage": {
            "type": "object",
            "properties": {
                # What is in the memory of the tap, no target can read.
                "root": {"type": "string", "pattern": r"^(?!memory:)\s*\S"},
                "prefix": {"type": "string", "pattern": r"^[^/\\]*$"},
                "params": {"type": "object"},
            },
            "required": ["root"],
            "additionalProperties": False,
        },
        "batch_size": {"type": "integer", "minimum": 1},
    },
    "required": ["encoding", "storage"],
    "additionalProperties": False,
}
"""The schema of the SDK's setting `batch_config`, which the SDK itself takes with parts that are wrong or missing."""


@dataclass(frozen=True)
class Settings:
    """The tap's own settings, checked. Times are stamps."""

    namespace: str
    api_key: str
    api_secret: str
    start_date: str | None
    end_date: str | None
    traverse: bool
    filter: str | None
    include_archived: bool
    lookback_seconds: int
    completeness_check: str
    replace_null_characters: bool
    concurrency: int
    page_size: int
    request_timeout: int
    api_url: str

    @classmethod
    def of(cls, config: Mapping[str, t.Any]) -> Settings:
        """Take the settings from a config in which `find_errors` finds nothing."""
        values: dict[str, t.Any] = {
            name: schema.get("default") if config.get(name) in {None, ""} else config[name]
            for name, schema in OWN_SETTINGS.items()
        }
        for name in ("start_date", "end_date"):
            values[name] = values[name] and parse(values[name])
        values["api_url"] = values["api_url"].rstrip("/")
        return cls(**values)


def is_loopback(host: str) -> bool:
    """Whether a host of a URL is this machine, without asking a name server."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
