"""What is wrong with the settings that a user gave: a line each, before any request is made."""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import typing as t
from urllib.parse import urlsplit

from singer_sdk.plugin_base import JSONSchemaValidator

from tap_endorlabs.errors import one_line
from tap_endorlabs.settings import OWN_SETTINGS
from tap_endorlabs.timestamps import parse, stamp_of

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    from jsonschema import ValidationError

_NAMESPACE = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", re.ASCII)
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_COMMENT = re.compile(r"--|//|/\*|[#;`\\]")
"""What begins a comment, ends a statement or escapes a character somewhere; no filter needs it outside of quotes."""

_CREDENTIALS_IN_URL = re.compile(r"//[^/]*@")
_YES_OR_NO = {"true", "1", "yes", "on", "false", "0", "no", "off"}


def find_faults(config: dict[str, t.Any], schema: Mapping[str, t.Any], now: dt.datetime) -> list[str]:
    """Say what is wrong with settings, and fill in the defaults of those that are missing.

    Args:
        config: the settings.
        schema: their JSON schema, with those that the SDK adds.
        now: the time that `start_date` may not lie after.

    Returns:
        lines that each name a setting, none of which shows a secret.
    """
    errors = [
        error
        for error in JSONSchemaValidator(schema).iter_errors(config)
        if error.absolute_path and error.instance is not None
    ]
    faults = [_misfit(error) for error in errors]
    faults += [_unknown(name, schema["properties"]) for name in config if name not in schema["properties"]]
    faults += [
        f"Setting {name} is required: {OWN_SETTINGS[name]['description']}"
        for name in schema["required"]
        if config.get(name) is None or not str(config[name]).strip()
    ]
    misfits = {error.absolute_path[0] for error in errors}
    faults += [
        f"Setting {name} takes {takes}, not {_shown(config[name])}."
        for name, (accepts, takes) in _CHECKS.items()
        if config.get(name) and name not in misfits and not accepts(config[name])
    ]
    return faults or _wrong_order(config, stamp_of(now))


def find_environment_faults(prefix: str) -> list[str]:
    """Say which settings in environment variables (`--config ENV`) are not of their type.

    Args:
        prefix: what the variables' names begin with.
    """
    accepts: dict[str, tuple[Callable[[str], bool], str]] = {
        "integer": (_is_integer, "an integer"),
        "boolean": (lambda value: value.lower() in _YES_OR_NO, "true or false"),
    }
    faults = []
    for name, schema in OWN_SETTINGS.items():
        variable = f"{prefix}{name.upper()}"
        is_fit, takes = accepts.get(schema["type"][0], (lambda _: True, ""))
        if variable in os.environ and not is_fit(os.environ[variable]):
            faults.append(f"Setting {name} takes {takes}, not {_shown(os.environ[variable])} ({variable}).")
    return faults


def _misfit(error: ValidationError) -> str:
    name = str(error.absolute_path[0])
    schema = OWN_SETTINGS.get(name)
    if schema is None:
        path = ".".join(str(step) for step in error.absolute_path)
        return f"Setting {one_line(path, 100)}: {one_line(error.message)}."
    kind = (
        next(kind for kind in schema["type"] if kind != "null") if isinstance(schema["type"], list) else schema["type"]
    )
    takes = {"integer": "an integer", "boolean": "true or false", "string": "a string"}[kind]
    if "maximum" in schema:
        takes += f" from {schema['minimum']} to {schema['maximum']}"
    elif "minimum" in schema:
        takes += f" of at least {schema['minimum']}"
    seen = "what was given" if schema.get("secret") else _shown(error.instance)
    return f"Setting {name} takes {takes}, not {seen}."


def _unknown(name: str, known: Mapping[str, t.Any]) -> str:
    like = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {like[0]}?" if like else " See tap-endorlabs --about for those there are."
    return f"There is no setting {one_line(name, 60)}.{hint}"


def _wrong_order(config: Mapping[str, t.Any], now: str) -> list[str]:
    start, end = (parse(config[name]) if config.get(name) else None for name in ("start_date", "end_date"))
    if start is not None and start > now:
        return [f"Setting start_date lies in the future: {start}."]
    if start is not None and end is not None and start > end:
        return [f"Setting start_date ({start}) lies after end_date ({end})."]
    return []


def _shown(value: object) -> str:
    return one_line(_CREDENTIALS_IN_URL.sub("//***@", repr(value)), 100)


def _is_integer(value: str) -> bool:
    try:
        int(value)
    except ValueError:
        return False
    return True


def _is_namespace(value: str) -> bool:
    return _NAMESPACE.fullmatch(value) is not None


def _is_time(value: str) -> bool:
    try:
        parse(value)
    except ValueError:
        return False
    return True


def _is_closed_expression(value: str) -> bool:
    """Whether quotes and parentheses are closed, so that an expression stays inside the ones put around it."""
    depth = 0
    bare = _QUOTED.sub("''", value)
    if _COMMENT.search(bare) or not re.sub(r"[\t\r\n]", " ", value).isprintable():
        return False
    for character in bare.replace("''", ""):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0 or character in "'\"":
            return False
    return depth == 0 and bool(value.strip())


def _is_safe_url(value: str) -> bool:
    try:
        url = urlsplit(value)
        host = url.hostname or ""
        _ = url.port
    except ValueError:
        return False
    if not host or url.query or url.fragment or "@" in url.netloc or not value.isprintable():
        return False
    return url.scheme == "https" or (url.scheme == "http" and is_loopback(host))


def is_loopback(host: str) -> bool:
    """Whether a host of a URL is this machine, without asking a name server."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


_CHECKS: dict[str, tuple[Callable[[str], bool], str]] = {
    "namespace": (_is_namespace, "letters, digits, - and _, with dots between the levels"),
    "start_date": (_is_time, "a time such as 2024-11-13T15:30:45Z"),
    "end_date": (_is_time, "a time such as 2024-11-13T15:30:45Z"),
    "filter": (_is_closed_expression, "an expression whose quotes and parentheses are closed, without comments"),
    "api_url": (
        _is_safe_url,
        "an https URL without a query (plain http only to a loopback address)",
    ),
}
