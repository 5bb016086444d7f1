"""What a user makes of records with stream maps and flattening of the SDK, and which setting it is that fails."""

from __future__ import annotations

import fnmatch
import logging
import typing as t
from dataclasses import replace

from singer_sdk.exceptions import StreamMapConfigError
from singer_sdk.mapper import PluginMapper
from singer_sdk.singerlib import Catalog, Schema

from tap_endorlabs.errors import TapError, one_line

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from singer_sdk.singerlib import CatalogEntry

_Config = dict[str, t.Any]

_INNER = {"properties", "required", "additionalProperties"}
"""What a schema says of what is inside of an object."""

_silent = logging.getLogger(f"{__name__}.silent")
_silent.disabled = True


def mapper_for(config: Mapping[str, t.Any], catalog: Catalog, logger: logging.Logger) -> PluginMapper:
    """Give what maps the records of all streams; maps of streams that are not selected have no effect.

    Args:
        config: the settings.
        catalog: the streams, and what of them is selected.
        logger: is told of maps without effect.

    Raises:
        TapError: a setting fails; it is named.
    """
    chosen = {name for name, entry in catalog.items() if entry.metadata.resolve_selection()[()]}
    _tell_of_idle(config, chosen, catalog, logger)
    # A schema without the fields that maps speak of would make them fail.
    mapped, plain = _mapper(config, logger), _mapper({**config, "stream_maps": {}}, _silent)
    for name, entry in catalog.items():
        mapper = mapped if name in chosen else plain
        loose = entry if _depth(config) else _without_inner_types(entry)
        try:
            mapper.register_raw_streams_from_catalog(Catalog({name: loose}))
        except Exception as error:
            raise failure(config, entry, error) from error
        stream_maps = mapper.stream_maps[entry.stream or name]
        if config.get("batch_config") and len(stream_maps) > 1:
            # The SDK would name the same files, with the records of all of them, for each.
            names = ", ".join(one_line(stream_map.stream_alias, 60) for stream_map in stream_maps)
            raise TapError(
                f"Setting stream_maps makes several streams of {name} ({names}), but batch_config can write the files "
                "of only one: set one of the two settings, or map the stream without __source__."
            )
        for stream_map in stream_maps:
            _take_any_number(stream_map.transformed_schema)
    mapped.stream_maps |= plain.stream_maps
    return mapped


def _depth(config: Mapping[str, t.Any]) -> int:
    """Give how many levels of objects become columns."""
    return int(config.get("flattening_max_depth") or 0) if config.get("flattening_enabled") else 0


def _without_inner_types(entry: CatalogEntry) -> CatalogEntry:
    """Give a stream whose objects have any fields: they are JSON to a target, which checks each type it is told of."""
    schema = entry.schema.to_dict()
    for name, field in schema.get("properties", {}).items():
        schema["properties"][name] = {key: value for key, value in field.items() if key not in _INNER}
    return replace(entry, schema=Schema.from_dict(schema))


def _take_any_number(schema: dict[str, t.Any]) -> None:
    """Let numbers be text such as NaN, as in the JSON of protobuf; a target still makes a column of numbers of them."""
    for name, field in schema.get("properties", {}).items():
        if "number" in field.get("type", ()):
            schema["properties"][name] = {"anyOf": [field, {"type": "string"}]}


def failure(
    config: Mapping[str, t.Any], entry: CatalogEntry, error: Exception, record: _Config | None = None, uuid: str = ""
) -> TapError:
    """Say which setting failed, by applying the settings one after another.

    Args:
        config: all settings.
        entry: the stream.
        error: how they failed together.
        record: the record that they failed for, if they did not fail for all.
        uuid: the key of that.
    """
    outcomes = ((name, _fault_of(part, entry, record)) for name, part in _parts(config))
    setting, cause = next(((name, fault) for name, fault in outcomes if fault), ("stream_maps", error))
    place = f" for event {one_line(uuid, 60)}" if uuid else ""
    return TapError(f"Setting {one_line(setting, 100)} fails{place}: {_reason(cause)}.")


def _mapper(config: Mapping[str, t.Any], logger: logging.Logger) -> PluginMapper:
    # The mapper takes what it has understood out of its configuration.
    try:
        return PluginMapper({**config, "stream_maps": dict(config.get("stream_maps", {}))}, logger)
    except StreamMapConfigError as error:
        raise TapError(f"Setting stream_maps fails: {_reason(error)}.") from error


def _fault_of(config: _Config, entry: CatalogEntry, record: _Config | None) -> Exception | None:
    try:
        mapper = PluginMapper(config, _silent)
        mapper.register_raw_streams_from_catalog(Catalog({entry.tap_stream_id: entry}))
        if record is not None:
            for stream_map in mapper.stream_maps[entry.tap_stream_id]:
                stream_map.transform(record)
    except Exception as error:  # noqa: BLE001 - whatever an expression raises
        return error
    return None


def _parts(config: Mapping[str, t.Any]) -> Iterator[tuple[str, _Config]]:
    """Give settings that may fail, each with those that have to go before it."""
    before = {name: config[name] for name in ("stream_map_config", "faker_config") if name in config}
    flattening = {name: value for name, value in config.items() if name.startswith("flattening_")}
    if flattening:
        named = "flattening_max_key_length"
        yield named if named in flattening else "flattening_enabled", dict(flattening)
    for stream, rules in config.get("stream_maps", {}).items():
        if not isinstance(rules, dict):
            yield f"stream_maps.{stream}", {"stream_maps": {stream: rules}}
            continue
        some: _Config = {}
        for name in sorted(rules, key=lambda name: _rank(name, rules[name])):
            some[name] = rules[name]
            yield f"stream_maps.{stream}.{name}", {**before, "stream_maps": {stream: dict(some)}}


def _rank(name: str, rule: object) -> int:
    """Give the place of a rule in an order in which each works without those behind it."""
    special = {"__source__": 0, "__alias__": 0, "__key_properties__": 2, "__else__": 4}
    return special.get(name, 3 if rule is None or rule == "__NULL__" else 1)


def _tell_of_idle(
    config: Mapping[str, t.Any], chosen: Iterable[str], known: Iterable[str], logger: logging.Logger
) -> None:
    for name, rules in config.get("stream_maps", {}).items():
        source = rules.get("__source__", name) if isinstance(rules, dict) else name
        if name.startswith("__") or fnmatch.filter(chosen, source):
            continue
        setting = name if source == name else f"{name}.__source__"
        if fnmatch.filter(known, source):
            logger.info("Setting stream_maps.%s has no effect: that stream is not selected.", setting)
        else:
            logger.warning("Setting stream_maps.%s has no effect: the streams are %s.", setting, ", ".join(known))


def _reason(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    if getattr(error, "name", None) == "fake":
        return "fake needs the package faker beside the tap (with Meltano, add it to pip_url)"
    return f"{type(error).__name__}: {one_line(str(error)).rstrip('.')}"
