"""What the DAGs run: namespaces, months and settings, from one JSON file."""

from __future__ import annotations

import json
import math
import os
import re
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from endor_landing.months import Month, months_between

if t.TYPE_CHECKING:
    from collections.abc import Callable

FILE_VARIABLE = "ENDORLABS_ORCHESTRATION"
"""The environment variable that names the file."""

_OURS = {"namespace", "api_key", "api_secret", "start_date", "end_date"}
# What may be a part of a DAG's id, and a folder's name that leads nowhere else.
_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


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
        if kind.needed and name not in content:
            raise ConfigurationError(f"{name} is missing: it takes {kind.takes}")
        _check(kind, name, content, name)
    for name, kind in _SETTINGS.items():
        _check(kind, name, content.get("settings", {}), f"settings.{name}")
    return content


class _Kind(t.NamedTuple):
    """What a name takes: a check, and its meaning in words."""

    fits: Callable[[object], bool]
    takes: str
    needed: bool = False


# The value is not named, as it may be a secret in a wrong place.
def _check(kind: _Kind, name: str, values: dict[str, t.Any], label: str) -> None:
    if name in values and not kind.fits(values[name]):
        raise ConfigurationError(f"{label} takes {kind.takes}")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_month(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(Month.parse(value))
    except ValueError:
        return False


def _is_names(value: object) -> bool:
    return isinstance(value, list) and value != [] and all(_is_name(name) for name in value)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _is_api_keys(value: object) -> bool:
    return isinstance(value, dict) and value != {} and all(map(_is_name, value)) and all(map(_is_names, value.values()))


def _is_settings(value: object) -> bool:
    return isinstance(value, dict) and all(name == name.lower() for name in value)


def _is_whole(value: object, least: int, most: float = math.inf) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


_MONTH = _Kind(_is_month, "a month, such as 2026-11", needed=True)
_FIELDS = {
    "landing": _Kind(_is_text, "the URL of a folder, such as file:///srv/endorlabs", needed=True),
    "first_month": _MONTH,
    "takeover": _MONTH,
    "api_keys": _Kind(
        _is_api_keys,
        'an object of Airflow connections, each with a list of its namespaces, such as {"endorlabs": ["acme"]}; '
        "names have letters, digits, - and _, and dots between",
        needed=True,
    ),
    "schedule": _Kind(lambda value: value is None or _is_text(value), "a text, such as */5 * * * *, or null"),
    "settings": _Kind(_is_settings, 'an object of settings of the tap, in lower case, such as {"concurrency": 4}'),
    "tap": _Kind(_is_text, "the path or the name of an executable, such as tap-endorlabs"),
}
_SETTINGS = {
    "concurrency": _Kind(lambda value: _is_whole(value, 1, 32), "a whole number from 1 to 32"),
    "lookback_seconds": _Kind(lambda value: _is_whole(value, 0), "a whole number of seconds, 0 or more"),
    "batch_config": _Kind(lambda value: value is None, "null, as events in batch files do not land"),
}
