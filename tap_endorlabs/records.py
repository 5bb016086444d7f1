"""The API's pages, decoded only as far as the tap needs, and the records made of them.

An object stays the bytes that the API sent: only its key and its time are looked at, so that nothing can be lost or
changed on the way to the target.
"""

from __future__ import annotations

import decimal
import json
import re
import typing as t
from dataclasses import dataclass, field

import msgspec

from tap_endorlabs.errors import TapError, one_line
from tap_endorlabs.timestamps import normalize, normalize_all

_ID_FIELDS = {
    "uuid": ("uuid",),
    "create_time": ("meta", "create_time"),
    "namespace": ("tenant_meta", "namespace"),
    "message_kind": ("spec", "message_kind"),
    "message_uuid": ("spec", "message_uuid"),
}

_MOST_DIGITS = 4300
"""Python, and so most targets, reads no integer of more digits."""

_STRIDE = 64
_MORE_DIGITS = re.compile(rb"(?<![0-9])[0-9]{%d}" % (_MOST_DIGITS // _STRIDE))
"""What every 64th byte of such an integer looks like: to look at all bytes would take longer than all else."""


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
        known = {name: _dig(value, *path) for name, path in _ID_FIELDS.items()}
        plain = {
            name: str(what) for name, what in known.items() if what is not None and not isinstance(what, (dict, list))
        }
        return one_line(json.dumps(plain))


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


class _Next(msgspec.Struct):
    next_page_token: t.Any = None
    next_page_id: t.Any = None


class _List(msgspec.Struct):
    objects: list[msgspec.Raw] | None = None
    response: _Next | None = None


class _Count(msgspec.Struct):
    count: t.Any = None


class _Answer(msgspec.Struct):
    list: _List | None = None
    count_response: _Count | None = None


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
        ValueError: the body is not the JSON of a list answer, or has what targets can't read: a lone surrogate, or an
            integer of thousands of digits.
        RecursionError: it is nested too deeply.
    """
    if b"\n" in body or b"\r" in body:
        body = msgspec.json.format(body, indent=-1)
    answer = _decode_answer(body)
    listing = answer.list or _List()
    objects = listing.objects or []
    follow = listing.response or _Next()
    raws = [bytes(raw) for raw in objects]
    if not body.isascii():
        # The decoder does not look into text that it passes on. One by one, as that takes less memory at a time.
        for raw in raws:
            if not raw.isascii():
                raw.decode()
    for raw in raws:
        if len(raw) > _MOST_DIGITS and _MORE_DIGITS.search(raw[::_STRIDE]):
            json.loads(raw)
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
        count=_as_count(answer.count_response),
    )


def _as_count(response: _Count | None) -> int | None:
    # A 64-bit integer is text in the JSON form of protobuf.
    text = str(response.count) if response else ""
    return int(text) if text.isascii() and text.isdigit() else None


def _all_as_events(body: bytes, raws: list[bytes]) -> list[Event] | None:
    """Make events of all objects of a page at once; None where one of them needs a look of its own."""
    try:
        keys = _decode_keys(body).list.objects
        stamps = normalize_all([key.meta.create_time for key in keys])
        uuids = [key.uuid for key in keys]
        has_own = [key for key in keys if key.create_time is not msgspec.UNSET]
        events = list(map(Event._make, zip(stamps, uuids, raws, strict=True)))
    except ValueError:
        return None
    return None if has_own or "" in uuids else events


def _as_event(raw: bytes) -> Event | Reject:
    try:
        key = _decode_key(raw)
        uuid, text, has_own = key.uuid, key.meta.create_time, key.create_time is not msgspec.UNSET
    except ValueError:
        # Where a name comes twice the last counts, for this decoder too, but it minds the type of the others.
        value = _load(raw)
        uuid, text = _text(value, "uuid"), _text(value, "meta", "create_time")
        has_own = isinstance(value, dict) and "create_time" in value
    try:
        stamp = normalize(text)
    except ValueError:
        return Reject(None, raw)
    if not uuid:
        return Reject(stamp, raw)
    return Event(stamp, uuid, _without_create_time(raw) if has_own else raw)


def _without_create_time(raw: bytes) -> bytes:
    fields = _decode_fields(raw)
    del fields["create_time"]
    return msgspec.json.encode(fields)


def to_record(event: Event) -> dict[str, t.Any]:
    """Give the record of an event: the API's object, with `create_time` added at the top.

    Numbers keep all their digits: those with a fraction become `Decimal`.

    Raises:
        TapError: Python can't hold the object.
    """
    try:
        record: dict[str, t.Any] = json.loads(event.raw, parse_float=decimal.Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise unfit(event, error) from error
    record["create_time"] = event.create_time
    return record


def unfit(event: Event, error: Exception) -> TapError:
    """Say of an event that Python can't take it apart, as stream maps and the like need."""
    return TapError(
        f"Event {one_line(event.uuid, 60)} can't be taken apart ({type(error).__name__}: {one_line(str(error))}). "
        "Without stream maps, flattening, deselected fields and batch files it passes as it is."
    )


def _load(raw: bytes) -> t.Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _dig(value: t.Any, *path: str) -> t.Any:  # noqa: ANN401 - any JSON value
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _text(value: t.Any, *path: str) -> str:  # noqa: ANN401 - any JSON value
    found = _dig(value, *path)
    return found if isinstance(found, str) else ""
