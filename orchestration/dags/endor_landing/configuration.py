"""What the DAGs run: namespaces, months and settings, from one JSON file."""

from __future__ import annotations

import json
import os
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from endor_landing.months import Month, months_between

FILE_VARIABLE = "ENDORLABS_ORCHESTRATION"
"""The environment variable that names the file."""

_OURS = {"namespace", "api_key", "api_secret", "start_date", "end_date"}


@dataclass(frozen=True)
class Configuration:
    """The content of the file.

    Attributes:
        landing: URL of the folder that gets the files, such as `s3://connection@bucket/endorlabs` or `file:///srv/endorlabs`.
        first_month: where the backfill begins.
        takeover: the month with whose first instant the backfill ends and the incremental runs begin.
        api_keys: Airflow connections that hold an API key, each with the namespaces to read with it.
        schedule: of the incremental runs, as Airflow takes it; None: only when triggered.
        settings: other settings of the tap.
        tap: its executable.
    """

    landing: str
    first_month: Month
    takeover: Month
    api_keys: dict[str, list[str]]
    schedule: str | None = "*/5 * * * *"
    settings: dict[str, t.Any] = field(default_factory=dict)
    tap: str = "tap-endorlabs"

    @classmethod
    def load(cls, path: str | None = None) -> Configuration:
        """Read a file, by default the one that the environment names.

        Raises:
            ValueError: it says something that can't be.
        """
        content = json.loads(Path(path or os.environ[FILE_VARIABLE]).read_text(encoding="utf-8"))
        months = {name: Month.parse(content[name]) for name in ("first_month", "takeover")}
        return cls(**content | months)

    def __post_init__(self) -> None:
        """Refuse what would read events twice, or not at all."""
        namespaces = [name for names in self.api_keys.values() for name in names]
        if len(namespaces) != len(set(namespaces)):
            raise ValueError("api_keys names a namespace twice")
        parents = [name for name in namespaces if any(other.startswith(f"{name}.") for other in namespaces)]
        if parents and self.settings.get("traverse", True):
            raise ValueError(f"{parents[0]} and a child of it are both named: set traverse to false, or leave one out")
        if taken := sorted(_OURS & self.settings.keys()):
            raise ValueError(f"settings may not have {', '.join(taken)}: the DAGs set these for each run")
        if self.first_month > self.takeover:
            raise ValueError("first_month lies after takeover")

    @property
    def months(self) -> list[str]:
        """The months of the backfill."""
        return [str(month) for month in months_between(self.first_month, self.takeover)]

    @property
    def concurrency(self) -> int:
        """How many requests a run of the tap has under way at once; so many slots it takes in its API key's pool."""
        return int(self.settings.get("concurrency", 4))

    @property
    def lookback_seconds(self) -> int:
        """How late an event may become visible."""
        return int(self.settings.get("lookback_seconds", 60))
