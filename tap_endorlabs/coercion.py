"""Settings that were given as text, as environment variables and Meltano give them."""

from __future__ import annotations

import difflib
import json
import os
import re
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

_PREFIX = "TAP_ENDORLABS_"
"""What the name of an environment variable begins with."""

_YES_OR_NO = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)


def from_environment(prefix: str, names: Iterable[str]) -> dict[str, str]:
    """Give the settings that environment variables hold, as text.

    Args:
        prefix: what the name of a variable begins with.
        names: the settings.
    """
    variables = {name: f"{prefix}{name.upper()}" for name in names}
    return {name: os.environ[variable] for name, variable in variables.items() if variable in os.environ}


def take_at_its_word(config: dict[str, t.Any], properties: Mapping[str, t.Any]) -> None:
    """Put into a config what its texts say, where the schema asks for something else than text.

    What says nothing of the kind stays as it is, to be refused. What is null, or blank where no text is asked for,
    counts as absent and is taken out.

    Args:
        config: the settings.
        properties: the JSON schema of each.
    """
    for name, given in list(config.items()):
        schema = properties.get(name, {})
        value = _meant(given, schema)
        if isinstance(value, dict) and "properties" in schema:
            value = dict(value)
            take_at_its_word(value, schema["properties"])
        if value is None:
            del config[name]
        else:
            config[name] = value


def kinds_of(schema: Mapping[str, t.Any]) -> list[str]:
    """Give the JSON types that a schema allows, null left out."""
    kinds = schema.get("type", [])
    return [kind for kind in ([kinds] if isinstance(kinds, str) else kinds) if kind != "null"]


def _meant(given: object, schema: Mapping[str, t.Any]) -> object:
    kinds = kinds_of(schema)
    if "integer" in kinds and isinstance(given, float) and given.is_integer():
        return int(given)
    if isinstance(given, str) and given.strip().lower() in schema.get("enum", ()):
        return given.strip().lower()
    if not isinstance(given, str) or not kinds or "string" in kinds:
        return given
    text = given.strip()
    return _read(text, kinds, given) if text else None


def _read(text: str, kinds: list[str], otherwise: object) -> object:
    if "boolean" in kinds:
        return _YES_OR_NO.get(text.lower(), otherwise)
    if "integer" in kinds:
        return int(text) if _INTEGER.fullmatch(text) else otherwise
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return otherwise


def misspelled(variables: Iterable[str], settings: Iterable[str], given: Container[str]) -> Iterator[str]:
    """Give a line for each environment variable that seems to be meant for a setting, but has the name of none.

    Args:
        variables: the names of environment variables.
        settings: the names of the settings.
        given: the names in the settings' file, which are checked there; Meltano makes a variable of each.
    """
    for variable in sorted(one for one in variables if one.startswith(_PREFIX)):
        name = variable.removeprefix(_PREFIX).lower()
        like = "".join(difflib.get_close_matches(name, settings, n=1))
        # Meltano's own begin with another underscore; an extractor that inherits from this one has a longer prefix.
        if like and name != like and name not in given and not name.startswith("_") and not name.endswith(f"_{like}"):
            yield f"The variable {variable} names no setting and has no effect. Did you mean {_PREFIX}{like.upper()}?"
