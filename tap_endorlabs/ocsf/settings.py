"""The settings of the mapper."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from singer_sdk import typing as th

if t.TYPE_CHECKING:
    from collections.abc import Mapping

VERSIONS = ("1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7")
"""Those of OCSF that the events have been checked against."""

FIRST_WITH_ENTITIES = "1.4"
"""The first version in which Entity Management has an actor without a profile."""

SETTINGS_SCHEMA: dict[str, t.Any] = th.PropertiesList(
    th.Property(
        "version",
        th.StringType(allowed_values=list(VERSIONS)),
        default="1.5",
        title="Version",
        description="The version of OCSF, 1.1 to 1.7.",
    ),
    th.Property(
        "entity_management",
        th.BooleanType,
        default=False,
        title="Entity Management",
        description=(
            "Whether audit logs of policies, roles, API keys and identity providers become events of the class "
            "Entity Management instead of API Activity; this needs version 1.4 or later."
        ),
    ),
    th.Property(
        "key_column",
        th.BooleanType,
        default=False,
        title="Key column",
        description=(
            "Whether to add a column uid, which is not a field of OCSF, as the key of the table for a target that "
            "updates rows."
        ),
    ),
    additional_properties=False,
).to_dict()


@dataclass(frozen=True)
class OcsfSettings:
    """The settings, checked.

    Attributes:
        version: that of OCSF, with three numbers.
        entity_management: whether that class is used.
        key_column: whether events have a key at the top.
    """

    version: str
    entity_management: bool
    key_column: bool

    @classmethod
    def of(cls, config: Mapping[str, t.Any]) -> OcsfSettings:
        """Take the settings from a config that has been checked."""
        return cls(f"{config['version']}.0", config["entity_management"], config["key_column"])


def find_mismatches(config: Mapping[str, t.Any]) -> list[str]:
    """Say which settings, each good by itself, don't go together."""
    if config["entity_management"] and config["version"] < FIRST_WITH_ENTITIES:
        return [f"Setting entity_management needs version {FIRST_WITH_ENTITIES} or later, not {config['version']}."]
    return []
