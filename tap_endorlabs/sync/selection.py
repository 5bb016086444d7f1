"""Fields that the user has deselected, taken out of events; what stays is not decoded. Schemas are left to the SDK."""

from __future__ import annotations

import typing as t

import msgspec
from singer_sdk.singerlib.catalog import Metadata

from tap_endorlabs.api.records import Event

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Iterator, Mapping

    from singer_sdk.singerlib import Catalog, SelectionMask

    Path = tuple[str, ...]

KEYS = ("uuid", "create_time")

OTHERS = "*"
"""In a catalog, the name that stands for all fields of an object that its schema does not know."""

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class Selection(t.NamedTuple):
    """Which fields of an object are wanted.

    Attributes:
        known: those that the schema or the catalog knows.
        unwanted: those of them that are not.
        others: whether all others are.
        inner: the same for the fields of those that are objects, where not all of them are wanted.
    """

    known: frozenset[str]
    unwanted: list[str]
    others: bool
    inner: dict[str, Selection]

    @classmethod
    def of(cls, schema: Mapping[str, t.Any], mask: SelectionMask, logger: logging.Logger) -> Selection | None:
        """Give what a catalog says of a stream; None where all of it is wanted.

        Args:
            schema: the stream's.
            mask: which breadcrumbs are selected; what it does not name is as what it is in.
            logger: is told where the catalog does not say what is to become of some fields.
        """
        objects = dict(_objects(schema))
        fields = {(*path, name) for path, names in objects.items() for name in names}
        known = {breadcrumb[1::2] for breadcrumb in mask} | fields
        named = {path[:length] for path in known for length in range(1, len(path) + 1)}
        chosen = {path: mask[_breadcrumb(path)] for path in named}
        parents = {path[:-1] for path, is_chosen in chosen.items() if not is_chosen} & objects.keys()
        if unsaid := [path for path in parents if chosen.get(path, True) and (*path, OTHERS) not in chosen]:
            logger.warning(
                "The catalog deselects some fields of %s, and is silent about those that the schema does not know: "
                "these are left out, too. In a new catalog (--discover) their name is %s.",
                " and ".join(sorted(".".join(path) or "the event" for path in unsaid)),
                OTHERS,
            )
        # What may leave of an object is then taken for complete.
        return cls._of((), chosen | {(*path, OTHERS): False for path in unsaid})

    @classmethod
    def _of(cls, path: Path, chosen: Mapping[Path, bool]) -> Selection | None:
        known = {other[-1]: is_chosen for other, is_chosen in chosen.items() if other[:-1] == path}
        others = known.pop(OTHERS, True)
        unwanted = [name for name, is_chosen in known.items() if not is_chosen]
        parts = {name: cls._of((*path, name), chosen) for name, is_chosen in known.items() if is_chosen}
        inner = {name: part for name, part in parts.items() if part}
        return cls(frozenset(known), unwanted, others, inner) if inner or unwanted or not others else None

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
            # It may be null, or no object against the schema.
            if name in fields and bytes(memoryview(fields[name])[:1]) == b"{":
                fields[name] = part.left_of(fields[name])
        return fields


def keep_keys(catalog: Catalog) -> None:
    """Select what no record can be without, whatever a catalog says of it."""
    for entry in catalog.values():
        for name in KEYS:
            entry.metadata["properties", name].inclusion = Metadata.InclusionType.AUTOMATIC


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


def _objects(schema: Mapping[str, t.Any], path: Path = ()) -> Iterator[tuple[Path, list[str]]]:
    """Give the objects whose fields a schema knows, each with their names."""
    if "properties" in schema:
        yield path, list(schema["properties"])
        for name, inner in schema["properties"].items():
            yield from _objects(inner, (*path, name))


def _breadcrumb(path: Path) -> Path:
    return tuple(part for name in path for part in ("properties", name))
