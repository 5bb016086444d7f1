"""What a target is told of the events: a column for each top-level field of OCSF, and no type inside of it."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from tap_endorlabs.ocsf.event import EventClass

_COMMON = {
    "activity_id": "integer",
    "activity_name": "string",
    "category_uid": "integer",
    "category_name": "string",
    "class_uid": "integer",
    "class_name": "string",
    "type_uid": "integer",
    "type_name": "string",
    "time": "integer",
    "metadata": "object",
    "severity_id": "integer",
    "severity": "string",
    "status_id": "integer",
    "status": "string",
    "status_code": "string",
    "status_detail": "string",
    "unmapped": "object",
}


def stream_of(event_class: EventClass) -> str:
    """Give the name of the stream, and so of the table or file, of a class."""
    return f"ocsf_{event_class.name.lower().replace(' ', '_')}"


def schema_message(event_class: EventClass, *, key_column: bool) -> dict[str, t.Any]:
    """Give the SCHEMA message of a class.

    OCSF keeps an event's uid in `metadata.uid`, where no target finds a key, and has no field for it at the top, where
    a strict consumer takes no other. So the events are pure OCSF by default, and the stream has no key, which suits
    files and queues. For a table with updated rows they get the column `uid`: it says nothing that `metadata.uid` does
    not, and whoever hands such rows on leaves it out. Making `metadata` the key instead would tie the key to the
    version of OCSF, and few databases take an object for one. The order is that of `time`, which is at the top in any
    case.

    Args:
        event_class: the class.
        key_column: whether its events have the column `uid`.
    """
    types = ({"uid": "string"} if key_column else {}) | _COMMON | event_class.fields
    keys = ["uid"] if key_column else []
    return {
        "type": "SCHEMA",
        "stream": stream_of(event_class),
        "schema": {
            "type": "object",
            "properties": {name: {"type": [kind] if name in keys else [kind, "null"]} for name, kind in types.items()},
            "required": [*keys, "time", "metadata"],
        },
        "key_properties": keys,
        "bookmark_properties": ["time"],
    }
