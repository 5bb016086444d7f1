"""What events hold, by the names of the tap's own schema: nothing that is found in them is named."""

from __future__ import annotations

import json
import typing as t

from tap_endorlabs.errors import several
from tap_endorlabs.probe.finding import Finding, untold

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_endorlabs.probe.sample import Sample

_EMPTY: tuple[t.Any, ...] = (None, "", [], {})
_ALWAYS = ("meta.name", "tenant_meta.namespace")
"""What the documentation says each event has, apart from its key and time, without which it is none."""

_PASSES = "delivers fields as they come"


def objects(sample: Sample) -> Finding:
    """Whether each object can be a record."""
    if not (sample.events or sample.has_rejects):
        return untold("leaves out what can't be delivered")
    if sample.has_rejects:
        action = "leaves these out, logs them, and ends with exit code 3"
        return Finding("no: some have no `uuid` or time, or are malformed", action, as_expected=False)
    return Finding("yes", "nothing special")


def fields(sample: Sample) -> Finding:
    """Which fields are empty, null or missing in all events, and which in some."""
    if not sample.events:
        return untold(_PASSES)
    paths = _paths(sample.schema)
    filled = dict.fromkeys(paths, 0)
    for event in sample.events.values():
        item = json.loads(event.raw)
        for path in paths:
            filled[path] += _at(item, path) not in _EMPTY
    number = len(sample.events)
    never = [path for path in paths if not filled[path]]
    some = [path for path in paths if 0 < filled[path] < number]
    found = f"empty in all of {several(number, 'event')}: {', '.join(never) or 'none'}"
    found += f"; empty in some: {', '.join(some) or 'none'}"
    return Finding(found, _PASSES, as_expected=all(filled[path] == number for path in _ALWAYS))


def _paths(schema: Mapping[str, t.Any]) -> list[str]:
    """Give the declared fields, two levels deep."""
    paths = []
    for name, inner in schema["properties"].items():
        below = inner.get("properties")
        paths += [f"{name}.{part}" for part in below] if below else [name]
    return [path for path in paths if path not in {"uuid", "create_time", "meta.create_time"}]


def _at(item: t.Any, path: str) -> t.Any:  # noqa: ANN401 - any JSON value
    for name in path.split("."):
        item = item.get(name) if isinstance(item, dict) else None
    return item
