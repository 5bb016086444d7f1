"""The forms of what a page holds: events, and what can't be one; which object is which is decided in `pages`."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b

from tap_endorlabs.api.scan import fields, find
from tap_endorlabs.errors import one_line
from tap_endorlabs.timestamps import normalize

_ID_FIELDS = {
    "uuid": ("uuid",),
    "create_time": ("meta", "create_time"),
    "namespace": ("tenant_meta", "namespace"),
    "message_kind": ("spec", "message_kind"),
    "message_uuid": ("spec", "message_uuid"),
}


class Event(t.NamedTuple):
    """One object of the API. Tuples of it sort by time, then by uuid.

    Attributes:
        create_time: the stamp of `meta.create_time`.
        uuid: the object's key.
        raw: the object's JSON, as it was sent, but on one line and without a `create_time` of its own at the top.
    """

    create_time: str
    uuid: str
    raw: bytes


class Reject(t.NamedTuple):
    """An object that can't be a record. One that is met again is equal, and no more of it is kept than is shown.

    Attributes:
        create_time: the stamp of `meta.create_time`, None where it can't be read.
        key: the object's uuid, or a digest of it where it has none.
        why: what keeps it from being a record.
        identity: what identifies it, as JSON.
    """

    create_time: str | None
    key: str
    why: str
    identity: str

    @classmethod
    def of(cls, raw: bytes, why: str) -> Reject:
        """Take an object's JSON, which may be broken inside, and the reason."""
        top = fields(raw)
        found = {name: find(top.get(first, b""), *rest) for name, (first, *rest) in _ID_FIELDS.items()}
        known = {name: str(value) for name, value in found.items() if value is not None}
        key = known.get("uuid") or blake2b(raw, digest_size=16).hexdigest()
        try:
            stamp = normalize(known.get("create_time", ""))
        except ValueError:
            stamp = None
        return cls(stamp, one_line(key, 100), why, one_line(json.dumps(known)))

    def __str__(self) -> str:
        """Why, and what identifies the object, in one line; nothing else of it is shown."""
        return f"{self.why}: {self.identity}"


@dataclass(frozen=True)
class Page:
    """One answer to a list request.

    Attributes:
        events: the objects that can be records, in the order of the answer.
        rejected: the objects that can't.
        size: how many objects the answer had.
        says_more: the answer points to a next page.
        next_page_id: what continues an unsorted reading after this page, None where nothing can.
        count: how many objects there are, where only that was asked for.
    """

    events: list[Event]
    rejected: list[Reject] = field(default_factory=list)
    size: int = 0
    says_more: bool = False
    next_page_id: str | None = None
    count: int | None = None

    @cached_property
    def bytes(self) -> int:
        """How many bytes its events have."""
        return sum(len(event.raw) for event in self.events)
