"""What the DAGs run: namespaces, months and settings, from one JSON file."""

from __future__ import annotations

import json
import os
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from msgspec import Meta

from endor_landing.months import Month, months_between

FILE_VARIABLE = "ENDORLABS_ORCHESTRATION"
"""The environment variable that names the file."""

_OURS = {"namespace", "api_key", "api_secret", "start_date", "end_date"}


class ConfigurationError(ValueError):
    """The configuration says something that can't be; the message is one line."""


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
            ConfigurationError: it can't be read, or says something that can't be.
        """
        path = path or os.environ.get(FILE_VARIABLE)
        if not path:
            raise ConfigurationError(f"the environment variable {FILE_VARIABLE} must name the configuration's file")
        try:
            content = _checked(_read(path))
            months = {name: Month.parse(content[name]) for name in ("first_month", "takeover")}
            return cls(**content | months)
        except ConfigurationError as error:
            raise ConfigurationError(f"{path}: {error}") from None

    def __post_init__(self) -> None:
        """Refuse what would read events twice, or not at all."""
        namespaces = [name for names in self.api_keys.values() for name in names]
        if twice := _repeated(namespaces):
            raise ConfigurationError(f"api_keys names the namespace {twice[0]} twice")
        parents = [name for name in namespaces if any(other.startswith(f"{name}.") for other in namespaces)]
        if parents and self.settings.get("traverse") is not False:
            raise ConfigurationError(
                f"api_keys names {parents[0]} and a child of it: set traverse to false in settings, or leave one out"
            )
        if taken := sorted(_OURS & self.settings.keys()):
            raise ConfigurationError(f"settings may not have {', '.join(taken)}: the DAGs set these for each run")
        if self.first_month > self.takeover:
            raise ConfigurationError("first_month lies after takeover")

    @property
    def months(self) -> list[str]:
        """The months of the backfill."""
        return [str(month) for month in months_between(self.first_month, self.takeover)]

    @property
    def concurrency(self) -> int:
        """How many requests a run of the tap has under way at once; so many slots it takes in its API key's pool."""
        return t.cast("int", self.settings.get("concurrency", 4))

    @property
    def lookback_seconds(self) -> int:
        """How late an event may become visible."""
        return t.cast("int", self.settings.get("lookback_seconds", 300))


def _read(path: str) -> object:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"), object_pairs_hook=_object)
    except ConfigurationError:
        raise
    except OSError as error:
        raise ConfigurationError(f"can't be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigurationError(f"is not JSON: {error}") from None


def _object(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    """Refuse a name that is there twice: Python would keep the last, and leave the namespaces of the first unread."""
    if twice := _repeated([name for name, _ in pairs]):
        raise ConfigurationError(f"has {twice[0]!r} twice in an object")
    return dict(pairs)


def _repeated(names: list[str]) -> list[str]:
    return [name for name in names if names.count(name) > 1]


def _checked(content: object) -> dict[str, t.Any]:
    """Give the content if every name is known and every value is of its kind."""
    if not isinstance(content, dict):
        raise ConfigurationError("is not a JSON object")
    if unknown := [name for name in content if name not in _FIELDS]:
        raise ConfigurationError(f"has the unknown name {unknown[0]!r}: there are {', '.join(_FIELDS)}")
    for name, kind in _FIELDS.items():
        if name not in content and name in _NEEDED:
            raise ConfigurationError(f"{name} is missing: it takes {_words(kind)}")
        _check(kind, name, content, name)
    for name, kind in _SETTINGS.items():
        _check(kind, name, content.get("settings", {}), f"settings.{name}")
    return content


def _check(kind: t.Any, name: str, values: dict[str, t.Any], label: str) -> None:  # noqa: ANN401 - a type is no value
    if name in values:
        try:
            msgspec.convert(values[name], kind)
        except msgspec.ValidationError:
            # Without the value, which may be a secret in a wrong place.
            raise ConfigurationError(f"{label} takes {_words(kind)}") from None


def _words(kind: t.Any) -> str:  # noqa: ANN401
    """Say what a kind takes."""
    return t.cast("str", kind.__metadata__[-1].description)


_Text = t.Annotated[str, Meta(min_length=1)]
# What may be a part of a DAG's id, and a folder's name that leads nowhere else.
_Name = t.Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\Z")]
_Names = t.Annotated[list[_Name], Meta(min_length=1)]
_LowerCase = t.Annotated[str, Meta(pattern=r"\A[^A-Z]*\Z")]
_Month = t.Annotated[
    str,
    Meta(pattern=r"\A(?!0000)[0-9]{4}-(0?[1-9]|1[0-2])\Z", description="a month, such as 2026-11"),
]

_FIELDS: dict[str, t.Any] = {
    "landing": t.Annotated[_Text, Meta(description="the URL of a folder, such as file:///srv/endorlabs")],
    "first_month": _Month,
    "takeover": _Month,
    "api_keys": t.Annotated[
        dict[_Name, _Names],
        Meta(
            min_length=1,
            description="an object of Airflow connections, each with a list of its namespaces, such as "
            '{"endorlabs": ["acme"]}; names have letters, digits, - and _, and dots between',
        ),
    ],
    "schedule": t.Annotated[_Text | None, Meta(description="a text, such as */5 * * * *, or null")],
    "settings": t.Annotated[
        dict[_LowerCase, t.Any],
        Meta(description='an object of settings of the tap, in lower case, such as {"concurrency": 4}'),
    ],
    "tap": t.Annotated[_Text, Meta(description="the path or the name of an executable, such as tap-endorlabs")],
}
"""What each name of the file takes."""

_NEEDED = {"landing", "first_month", "takeover", "api_keys"}
_SETTINGS: dict[str, t.Any] = {
    "concurrency": t.Annotated[int, Meta(ge=1, le=32, description="a whole number from 1 to 32")],
    "lookback_seconds": t.Annotated[int, Meta(ge=0, description="a whole number of seconds, 0 or more")],
    "batch_config": t.Annotated[None, Meta(description="null, as events in batch files do not land")],
}
"""What those settings of the tap take that the DAGs look at themselves."""
