"""Fields that the user has deselected, taken out of events; what stays is not decoded."""

from __future__ import annotations

import typing as t

import msgspec

from tap_endorlabs.api.records import Event

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Iterator, Mapping

    Path = tuple[str, ...]

OTHERS = "*"
"""In a catalog, the name that stands for all fields of an object that its schema does not know."""

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class Selection(t.NamedTuple):
    """Which fields of an object are wanted.

    Attributes:
        known: those that the catalog speaks of.
        unwanted: those of them that are not.
        others: whether those are that it does not speak of.
        inner: the same for the fields of those that are objects, where not all of them are wanted.
    """

    known: frozenset[str]
    unwanted: list[str]
    others: bool
    inner: dict[str, Selection]

    @classmethod
    def of(cls, mask: Mapping[Path, bool], logger: logging.Logger) -> Selection | None:
        """Give what a catalog says of a stream; None where all of it is wanted.

        Args:
            mask: which breadcrumbs are selected.
            logger: is told where the catalog does not say what is to become of some fields.
        """
        # No record is without its key, whatever a catalog says.
        chosen = {breadcrumb[1::2]: is_chosen for breadcrumb, is_chosen in mask.items()} | {("uuid",): True}
        parents = {path[:-1] for path, is_chosen in chosen.items() if path and not is_chosen}
        if unsaid := [path for path in parents if chosen.get(path, True) and (*path, OTHERS) not in chosen]:
            logger.warning(
                "The catalog deselects some fields of %s, and is silent about those that the schema does not know: "
                "these are left out, too. In a new catalog (--discover) their name is %s.",
                " and ".join(sorted(".".join(path) or "the event" for path in unsaid)),
                OTHERS,
            )
        return cls._of((), chosen)

    @classmethod
    def _of(cls, path: Path, chosen: Mapping[Path, bool]) -> Selection | None:
        known = {other[-1]: is_chosen for other, is_chosen in chosen.items() if other and other[:-1] == path}
        # Where a catalog says nothing of them, what is selected may be all that may leave.
        others = known.pop(OTHERS, all(known.values()))
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


def with_others(catalog: dict[str, t.Any]) -> dict[str, t.Any]:
    """Give a catalog in which the fields that a schema does not know of an object can be selected, too."""
    for stream in catalog["streams"]:
        known = [entry["breadcrumb"] for entry in stream["metadata"]]
        stream["metadata"] += [
            {"breadcrumb": breadcrumb, "metadata": {"inclusion": "available"}}
            for breadcrumb in _objects(stream["schema"], ["properties", OTHERS])
            if breadcrumb not in known
        ]
    return catalog


def _objects(schema: Mapping[str, t.Any], end: list[str]) -> Iterator[list[str]]:
    if "properties" in schema:
        yield end
        for name, inner in schema["properties"].items():
            for breadcrumb in _objects(inner, end):
                yield ["properties", name, *breadcrumb]
