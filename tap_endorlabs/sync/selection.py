"""Fields that the user has deselected, taken out of events; what stays is not decoded. Schemas are left to the SDK."""

from __future__ import annotations

import functools
import json
import typing as t

import msgspec
from singer_sdk.singerlib.catalog import Metadata

from tap_endorlabs.api.records import Event
from tap_endorlabs.errors import TapError, one_line

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator, Mapping

    from singer_sdk.singerlib import Catalog, SelectionMask

    Path = tuple[str, ...]

KEYS = ("uuid", "create_time")

OTHERS = "*"
"""In a catalog, the name that stands for all fields of an object that its schema does not know."""

_MISFIT = (
    "Field %s is left out of events in which it is not an object: the catalog deselects fields inside it, and this "
    "can't be applied to another type."
)

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class Selection(t.NamedTuple):
    """Which fields of an object are wanted.

    Attributes:
        known: those that the schema or the catalog knows.
        unwanted: those of them that are not.
        others: whether all others are.
        inner: the same for the fields of those that are objects, where not all of them are wanted.
        tell_of_misfit: says, once, that an event has something else in the place of this object.
    """

    known: frozenset[str]
    unwanted: list[str]
    others: bool
    inner: dict[str, Selection]
    tell_of_misfit: Callable[[], None]

    @classmethod
    def of(cls, schema: Mapping[str, t.Any], mask: SelectionMask, logger: logging.Logger) -> Selection | None:
        """Give what a catalog says of a stream; None where all of it is wanted.

        Args:
            schema: the stream's.
            mask: which breadcrumbs are selected; what it does not name is as what it is in.
            logger: is told where the catalog does not say what is to become of some fields, or deselects what there is
                not, and where an event has no object in the place of one that is to leave in part.
        """
        _tell_of_nothing(schema, mask, logger)
        objects = dict(_objects(schema))
        fields = {(*path, name) for path, names in objects.items() for name in names}
        known = {breadcrumb[1::2] for breadcrumb in mask} | fields
        named = {path[:length] for path in known for length in range(1, len(path) + 1) if path[0] not in KEYS}
        chosen = {path: mask[_breadcrumb(path)] for path in named} | {(name,): True for name in KEYS}
        parents = {path[:-1] for path, is_chosen in chosen.items() if not is_chosen} & objects.keys()
        if unsaid := [path for path in parents if chosen.get(path, True) and (*path, OTHERS) not in chosen]:
            logger.warning(
                "The catalog deselects some fields of %s, but does not mention fields that the schema does not know: "
                "these are left out, too. In a new catalog (--discover) their name is %s.",
                " and ".join(sorted(".".join(path) or "the event" for path in unsaid)),
                OTHERS,
            )
        # What may leave of an object is then taken for complete.
        return cls._of((), chosen | {(*path, OTHERS): False for path in unsaid}, logger)

    @classmethod
    def _of(cls, path: Path, chosen: Mapping[Path, bool], logger: logging.Logger) -> Selection | None:
        known = {other[-1]: is_chosen for other, is_chosen in chosen.items() if other[:-1] == path}
        others = known.pop(OTHERS, True)
        unwanted = [name for name, is_chosen in known.items() if not is_chosen]
        parts = {name: cls._of((*path, name), chosen, logger) for name, is_chosen in known.items() if is_chosen}
        inner = {name: part for name, part in parts.items() if part}
        if others and not unwanted and not inner:
            return None
        tell = functools.partial(logger.warning, _MISFIT, one_line(".".join(path)))
        return cls(frozenset(known), unwanted, others, inner, functools.cache(tell))

    def apply(self, events: list[Event]) -> list[Event]:
        """Give events without what is not wanted."""
        return [Event(time, uuid, _encode(self.left_of(raw))) for time, uuid, raw in events]

    def left_of(self, raw: bytes | msgspec.Raw) -> dict[str, t.Any]:
        """Give what is wanted of the JSON of an object."""
        fields: dict[str, t.Any] = _decode(raw)
        if not self.others:
            fields = {name: value for name, value in fields.items() if name in self.known}
        for name in self.unwanted:
            fields.pop(name, None)
        for name, part in self.inner.items():
            if name not in fields:
                continue
            first = bytes(memoryview(fields[name])[:1])
            if first == b"{":
                fields[name] = part.left_of(fields[name])
            elif first != b"n":  # of null, nothing can leave
                del fields[name]
                part.tell_of_misfit()
        return fields


def check_catalog(catalog: Mapping[str, t.Any]) -> None:
    """Refuse a catalog that the SDK would take for another: what it seems to deselect would leave.

    Raises:
        TapError: it is no Singer catalog; the place is named.
    """
    streams = catalog.get("streams", [])
    if not isinstance(streams, list):
        raise TapError("--catalog: streams takes a list.")
    for stream in streams:
        if not isinstance(stream, dict) or not isinstance(stream.get("tap_stream_id"), str):
            raise TapError("--catalog: a stream is not an object with a tap_stream_id.")
        name, entries = one_line(stream["tap_stream_id"], 100), stream.get("metadata", [])
        if not isinstance(entries, list):
            raise TapError(f"--catalog: metadata of stream {name} takes a list.")
        for entry in entries:
            if fault := _fault(entry):
                shown = one_line(json.dumps(entry, default=str), 200)
                raise TapError(f"--catalog: in the metadata of stream {name}, {fault}: {shown}.")


def _fault(entry: object) -> str | None:
    """Say what is wrong with an entry of a catalog's metadata."""
    if not isinstance(entry, dict) or not isinstance(entry.get("metadata"), dict):
        return "an entry has no object metadata"
    if not _is_breadcrumb(entry.get("breadcrumb")):
        return 'an entry has no breadcrumb of pairs such as ["properties", "spec", "properties", "claims"]'
    said: dict[str, t.Any] = entry["metadata"]
    if odd := [name for name in ("selected", "selected-by-default") if type(said.get(name, True)) is not bool]:
        return f"{odd[0]} takes true or false"
    kinds = [kind.value for kind in Metadata.InclusionType]
    return f"inclusion takes {', '.join(kinds)}" if said.get("inclusion", kinds[0]) not in kinds else None


def _is_breadcrumb(given: object) -> bool:
    is_even = isinstance(given, (list, tuple)) and len(given) % 2 == 0
    steps = t.cast("list[object]", given) if is_even else [None]
    return all(step == "properties" for step in steps[::2]) and all(isinstance(name, str) for name in steps[1::2])


def complete_catalog(catalog: Catalog, defaults: Mapping[str, bool]) -> None:
    """Let a catalog say of each stream whether it is selected, and select what no record can be without.

    Args:
        catalog: the catalog.
        defaults: whether a stream is selected where the catalog has metadata, but none of the stream itself.
    """
    for name, entry in catalog.items():
        if () not in entry.metadata:
            # As the SDK takes it, a stream without any metadata is selected.
            entry.metadata.root.selected_by_default = defaults.get(name, False) if entry.metadata else True
        for key in KEYS:
            entry.metadata["properties", key].inclusion = Metadata.InclusionType.AUTOMATIC


def with_others(catalog: dict[str, t.Any]) -> dict[str, t.Any]:
    """Give a catalog in which the fields that a schema does not know of an object can be selected, too."""
    for stream in catalog["streams"]:
        known = [tuple(entry["breadcrumb"]) for entry in stream["metadata"]]
        named = [_breadcrumb((*path, OTHERS)) for path, _ in _objects(stream["schema"])]
        stream["metadata"] += [
            {"breadcrumb": list(breadcrumb), "metadata": {"inclusion": "available"}}
            for breadcrumb in named
            if breadcrumb not in known
        ]
    return catalog


def _tell_of_nothing(schema: Mapping[str, t.Any], mask: SelectionMask, logger: logging.Logger) -> None:
    """Warn of what is deselected, but is no field of an event."""
    for breadcrumb, is_chosen in mask.items():
        path = breadcrumb[1::2]
        if path and not is_chosen and mask[breadcrumb[:-2]] and not _is_field(schema, path):
            logger.warning(
                "The catalog deselects %s, but the schema has no such field: check its breadcrumb.",
                one_line(".".join(path)),
            )


def _is_field(schema: Mapping[str, t.Any], path: Path) -> bool:
    """Whether a schema has a field, or lets the object that it is in have any."""
    for name in path:
        if "properties" not in schema:
            return "object" in schema.get("type", ["object"])
        if name not in schema["properties"]:
            return name == OTHERS == path[-1]
        schema = schema["properties"][name]
    return True


def _objects(schema: Mapping[str, t.Any], path: Path = ()) -> Iterator[tuple[Path, list[str]]]:
    """Give the objects whose fields a schema knows, each with their names."""
    if "properties" in schema:
        yield path, list(schema["properties"])
        for name, inner in schema["properties"].items():
            yield from _objects(inner, (*path, name))


def _breadcrumb(path: Path) -> Path:
    return tuple(part for name in path for part in ("properties", name))
