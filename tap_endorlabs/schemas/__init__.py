"""JSON schemas of the streams: what all logs have in common, and a file for the `spec` of each."""

from __future__ import annotations

import sys
import typing as t

from singer_sdk.schema.source import SchemaDirectory
from typing_extensions import override


class LogSchemas(SchemaDirectory):
    """The schemas of the logs, by their stream's name."""

    def __init__(self) -> None:
        super().__init__(sys.modules[__name__])

    @override
    def fetch_schema(self, key: str) -> dict[str, t.Any]:
        """Give what all logs have in common, with the `spec` of one of them."""
        schema = super().fetch_schema("envelope")
        return {**schema, "properties": {**schema["properties"], "spec": super().fetch_schema(key)}}
