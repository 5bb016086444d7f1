"""The API's pages, decoded only as far as the tap needs, and the records made of them.

An object stays the bytes that the API sent: only its key and its time are looked at, so that nothing can be lost or
changed on the way to the target.
"""

from __future__ import annotations

import decimal
import json
import typing as t
from dataclasses import dataclass, field

import msgspec

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
    """An object that can't be a record: without a uuid, or without a readable time.

    Attributes:
        create_time: the stamp of `meta.create_time`, None where it can't be read.
        raw: the object's JSON, as it was sent.
    """

    create_time: str | None
    raw: bytes

    def __str__(self) -> str:
        """What identifies the object, in one line; nothing else of it is shown."""
        value = _load(self.raw)
        known = {name: _dig(value, path) for name, path in _ID_FIELDS.items()}
        return one_line(json.dumps({name: what for name, what in known.items() if what is not None}))


@dataclass(frozen=True)
class Page:
    """One answer to a list request.

    Attributes:
        events: the objects that can be records, in the order of the answer.
        rejected: the objects that can't.
        size: how many objects the answer had.
        says_more: the answer points to a next page.
        next_page_id: what continues an unsorted reading after this page, None where nothing can.
    """

    events: list[Event]
    rejected: list[Reject] = field(default_factory=list)
    size: int = 0
    says_more: bool = False
    next_page_id: str | None = None


class _Next(msgspec.Struct):
    next_page_token: t.Any = None
    next_page_id: t.Any = None


class _List(msgspec.Struct):
    objects: list[msgspec.Raw] | None = None
    response: _Next | None = None


class _Answer(msgspec.Struct):
    list: _List | None = None


class _Meta(msgspec.Struct, gc=False):
    create_time: str


class _Key(msgspec.Struct, gc=False):
    uuid: str
    meta: _Meta
    create_time: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _KeyList(msgspec.Struct):
    objects: list[_Key]


class _KeyAnswer(msgspec.Struct):
    list: _KeyList


_decode_answer = msgspec.json.Decoder(_Answer).decode
_decode_keys = msgspec.json.Decoder(_KeyAnswer).decode
_decode_key = msgspec.json.Decoder(_Key).decode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def decode_page(body: bytes) -> Page:
    """Decode the body of an answer; a part that is missing or null counts as empty.

    Raises:
        ValueError: the body is not the JSON of a list answer.
    """
    if b"\n" in body or b"\r" in body:
        body = msgspec.json.format(body, indent=-1)
    listing = _decode_answer(body).list or _List()
    objects = listing.objects or []
    follow = listing.response or _Next()
    raws = [bytes(raw) for raw in objects]
    if not body.isascii():
        # The decoder does not look into text that it passes on. One by one, as that takes less memory at a time.
        for raw in raws:
            raw.decode()
    events, rejected = _all_as_events(body, raws), []
    if events is None:
        found = [_as_event(raw) for raw in raws]
        events = [event for event in found if isinstance(event, Event)]
        rejected = [reject for reject in found if isinstance(reject, Reject)]
    next_page_id = follow.next_page_id or (events[-1].uuid if events else None)
    return Page(
        events=events,
        rejected=rejected,
        size=len(objects),
        says_more=bool(follow.next_page_token or follow.next_page_id),
        next_page_id=next_page_id if isinstance(next_page_id, str) else None,
    )


def _all_as_events(body: bytes, raws: list[bytes]) -> list[Event] | None:
    """Make events of all objects of a page at once; None where one of them needs a look of its own."""
    try:
        keys = _decode_keys(body).list.objects
        events = [Event(normalize(key.meta.create_time), key.uuid, raw) for key, raw in zip(keys, raws, strict=True)]
    except ValueError:
        return None
    return None if any(not key.uuid or key.create_time is not msgspec.UNSET for key in keys) else events


def _as_event(raw: bytes) -> Event | Reject:
    try:
        key = _decode_key(raw)
        stamp = normalize(key.meta.create_time)
    except ValueError:
        return Reject(_readable_time(raw), raw)
    if not key.uuid:
        return Reject(stamp, raw)
    if key.create_time is not msgspec.UNSET:
        raw = _without_create_time(raw)
    return Event(stamp, key.uuid, raw)


def _without_create_time(raw: bytes) -> bytes:
    fields = _decode_fields(raw)
    del fields["create_time"]
    return msgspec.json.encode(fields)


def _readable_time(raw: bytes) -> str | None:
    try:
        return normalize(_dig(_load(raw), _ID_FIELDS["create_time"]) or "")
    except ValueError:
        return None


def to_record(event: Event) -> dict[str, t.Any]:
    """Give the record of an event: the API's object, with `create_time` added at the top.

    Numbers keep all their digits: those with a fraction become `Decimal`.
    """
    record: dict[str, t.Any] = json.loads(event.raw, parse_float=decimal.Decimal)
    record["create_time"] = event.create_time
    return record


def _load(raw: bytes) -> t.Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _dig(value: t.Any, path: tuple[str, ...]) -> str | None:  # noqa: ANN401 - any JSON value
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return None if value is None or isinstance(value, (dict, list)) else str(value)
