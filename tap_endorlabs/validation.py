"""What is wrong with the settings that a user gave: a line each, before any request is made."""

from __future__ import annotations

import difflib
import re
import typing as t
import unicodedata
from decimal import Decimal
from urllib.parse import urlsplit

from jsonschema import ValidationError
from jsonschema.exceptions import best_match
from singer_sdk.plugin_base import JSONSchemaValidator

from tap_endorlabs.coercion import kinds_of, take_at_its_word
from tap_endorlabs.errors import one_line
from tap_endorlabs.redaction import Secrets, bare, is_alien
from tap_endorlabs.settings import OWN_SETTINGS, VARIABLES, is_loopback
from tap_endorlabs.timestamps import EARLIEST, parse, stamp_of

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    _Hide = Callable[[str], str]
    _Check = Callable[[str, t.Any, _Hide], list[str]]

_NAMESPACE = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", re.ASCII)
_IN_HOST = re.compile(r"(?:\w+://)?(?:([\w.-]+)\.)?endorlabs\.com(?:[:/]|$)", re.IGNORECASE)
_IN_PATH = re.compile(r"/(?:t|namespaces)/([^/?#]+)")
_NO_NAMESPACES = {"api", "app", "docs", "www"}
"""Hosts of Endor Labs that are nobody's."""

_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_COMMENT = re.compile(r"--|//|/\*|[#;`\\]")
"""What begins a comment, ends a statement or escapes a character somewhere; no filter needs it outside of quotes."""

_CREDENTIALS_IN_URL = re.compile(r"//[^/]*@")


def find_errors(config: dict[str, t.Any], schema: Mapping[str, t.Any], now: dt.datetime) -> list[str]:
    """Say what is wrong with settings, take text for what it says, and fill in the defaults of what is missing.

    Args:
        config: the settings.
        schema: their JSON schema, with those that the SDK adds.
        now: the time that `start_date` may not lie after.

    Returns:
        lines that each name a setting, none of which shows a secret.
    """
    properties = schema["properties"]
    take_at_its_word(config, properties)
    # A secret in the wrong field is not to be shown there either.
    hide = Secrets(*(str(config.get(name) or "") for name in properties if properties[name].get("secret"))).hide
    unfit = _unfit(config, schema)
    errors = list(dict.fromkeys(_misfit(error, properties, hide) for error in unfit))
    errors += [_unknown(name, properties, hide) for name in config if name not in properties]
    errors += [
        f"Setting {name} is required ({VARIABLES[name]} with Meltano, TAP_ENDORLABS_{name.upper()} with --config ENV): "
        f"{OWN_SETTINGS[name]['description']}"
        for name in schema["required"]
        if not str(config.get(name, "")).strip()
    ]
    misfits = {error.absolute_path[0] for error in unfit}
    for name, check in _CHECKS.items():
        if config.get(name) and name not in misfits:
            errors += check(name, config[name], hide)
    return errors or _mismatches(config, stamp_of(now))


def _unfit(config: dict[str, t.Any], schema: Mapping[str, t.Any]) -> list[ValidationError]:
    try:
        found = [error for error in JSONSchemaValidator(schema).iter_errors(config) if error.absolute_path]
    except AttributeError:
        # What the SDK says of this rule is no JSON schema, which is noticed where the rule is wrong.
        return [ValidationError("takes null alone", path=["stream_maps", "__else__"])]
    # Where a value is none of several kinds, this is the deepest place that says so.
    return [t.cast("ValidationError", best_match([error])) for error in found]


def _misfit(error: ValidationError, properties: Mapping[str, t.Any], hide: _Hide) -> str:
    name, *rest = (str(step) for step in error.absolute_path)
    path = one_line(hide(".".join([name, *rest])), 100)
    is_part = bool(rest) and path not in _TAKES
    if is_part or error.validator in {"required", "additionalProperties"}:
        if error.validator in {"anyOf", "oneOf"}:
            allowed = t.cast("list[dict[str, t.Any]]", error.validator_value)
            kinds = " or ".join(dict.fromkeys(_KINDS[kind] for one in allowed for kind in kinds_of(one)))
            if kinds:
                return f"Setting {path} takes {kinds}, not {_shown(error.instance, hide)}."
        return f"Setting {path}: {one_line(hide(_CREDENTIALS_IN_URL.sub('//***@', error.message)))}."
    seen = "what was given" if properties[name].get("secret") else _shown(error.instance, hide)
    return f"Setting {path} takes {_TAKES.get(path) or _kind(properties[name])}, not {seen}."


def _kind(schema: Mapping[str, t.Any]) -> str:
    if "enum" in schema:
        *others, last = (str(value) for value in schema["enum"] if value is not None)
        return f"{', '.join(others)} or {last}"
    kind = _KINDS[kinds_of(schema)[0]]
    if "maximum" in schema:
        return f"{kind} from {schema['minimum']} to {schema['maximum']}"
    return f"{kind} of at least {schema['minimum']}" if "minimum" in schema else kind


def _unknown(name: str, known: Mapping[str, t.Any], hide: _Hide) -> str:
    like = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {like[0]}?" if like else " See --about for those there are."
    return f"There is no setting {one_line(hide(name), 60)}.{hint}"


def _mismatches(config: Mapping[str, t.Any], now: str) -> list[str]:
    start, end = (parse(config[name]) if config.get(name) else None for name in ("start_date", "end_date"))
    if start is not None and start > now:
        return [f"Setting start_date lies in the future: {start}. Check its year and time zone."]
    if start is not None and end is not None and start > end:
        return [f"Setting start_date ({start}) lies after end_date ({end})."]
    if end is not None and start is None:
        return ["Setting end_date needs start_date: without it the first run reads no past events."]
    if config.get("flattening_enabled") and config.get("flattening_max_depth") is None:
        return [
            "Setting flattening_max_depth is required where flattening_enabled is true: how many levels to flatten."
        ]
    return []


def _shown(value: object, hide: _Hide) -> str:
    text = ascii(float(value) if isinstance(value, Decimal) else value)
    return one_line(hide(_CREDENTIALS_IN_URL.sub("//***@", text)), 100)


def _is_time(value: str) -> bool:
    try:
        return parse(value) >= EARLIEST
    except ValueError:
        return False


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


def _matches(is_fit: Callable[[t.Any], bool]) -> _Check:
    def check(name: str, value: object, hide: _Hide) -> list[str]:
        return [] if is_fit(value) else [f"Setting {name} takes {_TAKES[name]}, not {_shown(value, hide)}."]

    return check


def _check_namespace(name: str, value: str, hide: _Hide) -> list[str]:
    if _NAMESPACE.fullmatch(value) and not _IN_HOST.match(value):
        return []
    meant = meant_namespace(value)
    hint = f" Did you mean {meant}?" if meant and hide(meant) == meant else ""
    return [f"Setting {name} takes {_TAKES[name]}, not {_shown(value, hide)}.{hint}"]


def meant_namespace(value: str) -> str | None:
    """Give the namespace that a text names otherwise, as the address of a page in Endor Labs does, None where none."""
    text = bare(value)
    if found := _IN_PATH.search(text) or _IN_HOST.match(text):
        text = found[1] or ""
    text = re.sub(r"[\s.]*\.[\s.]*", ".", text).strip("./")
    return text if _NAMESPACE.fullmatch(text) and text not in _NO_NAMESPACES else None


def _check_credential(name: str, value: str, _: _Hide) -> list[str]:
    core = bare(value)
    if not core and value.strip():
        return [f"Setting {name} has nothing but {_names_of(value)}: set it as Endor Labs showed it."]
    first = value.index(core)
    around, inside = value[:first] + value[first + len(core) :], "".join(filter(is_alien, core))
    found = {"around it": around, "in it": inside}
    seen = [f"{_names_of(what)} {where}" for where, what in found.items() if what]
    if not seen or not core:
        return []
    return [f"Setting {name} has {' and '.join(seen)}: set it without, as Endor Labs showed it."]


def _names_of(characters: str) -> str:
    return ", ".join(dict.fromkeys(map(_name_of, characters)))


def _name_of(character: str) -> str:
    name = unicodedata.name(character, "").lower()
    return _NAMES.get(character) or (f"a {name}" if name else f"the character U+{ord(character):04X}")


_KINDS = {
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "string": "a string",
    "object": "an object",
    "array": "a list",
}
_NAMES = {" ": "a blank", "\t": "a tab", "\n": "a line break", "\r": "a line break", '"': "a quote", "'": "a quote"}

_TIMES = "a date or time from 1970 on, such as 2024-11-13, 2024-11-13T15:30:45Z or 2024-11-13T15:30:45+02:00"
_TAKES = {
    "namespace": "letters, digits, - and _, with dots between the levels, such as acme or acme.prod",
    "start_date": _TIMES,
    "end_date": _TIMES,
    "filter": "an expression, not blank, whose quotes and parentheses are closed, without comments",
    "api_url": "an https URL such as https://api.endorlabs.com, without a user or a query (http only to loopback)",
    "batch_config": "an object with encoding and storage",
    "batch_config.batch_size": "an integer from 1 on",
    "batch_config.storage.root": "a folder, or the URL of one, that the target can read, too",
    "batch_config.storage.prefix": "what the names of the files begin with, without a folder",
}

_CHECKS: dict[str, _Check] = {
    "namespace": _check_namespace,
    "api_key": _check_credential,
    "api_secret": _check_credential,
    "start_date": _matches(_is_time),
    "end_date": _matches(_is_time),
    "filter": _matches(_is_closed_expression),
    "api_url": _matches(_is_safe_url),
}
