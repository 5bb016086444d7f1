"""From the bytes of a page to its events, and which objects are none; decoded only as far as the tap needs.

An object stays the bytes that the API sent: only its key and its time are looked at, so that nothing can be lost or
changed on the way to the target.
"""

from __future__ import annotations

import typing as t

import msgspec

from tap_endorlabs.api.flaws import check, flaw_of
from tap_endorlabs.api.problem import Problem, ProblemError, Report
from tap_endorlabs.api.records import Event, Page, Reject
from tap_endorlabs.api.scan import fields, find, members
from tap_endorlabs.timestamps import normalize, normalize_all

if t.TYPE_CHECKING:
    from collections.abc import Iterable

_RESULTS = {"list", "count_response", "group_response"}
_KNOWN = {*_RESULTS, *Report.__struct_fields__}
_ERRORS = {"error", "errors", "fault", "message", "msg"}
"""Names, in lower case, under which something is wrong even beside a list."""

_NOTHING = {b"null"}
_EMPTY = {b"null", b"{}", b"[]", b'""', b"0", b"false"}


class _Next(msgspec.Struct):
    next_page_token: t.Any = None
    next_page_id: t.Any = None


class _List(Report):
    objects: list[msgspec.Raw] | None = None
    response: _Next | None = None


class _Count(msgspec.Struct):
    count: t.Any = 0


class _Answer(Report):
    list: _List | None = None
    count_response: _Count | None = None

    @property
    def has_result(self) -> bool:
        return self.list is not None or self.count_response is not None


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

    An object that no target could read is set aside with the reason: bytes that are not UTF-8, a lone surrogate, an
    integer of thousands of digits, hundreds of levels.

    Raises:
        ProblemError: it reports an error.
        ValueError: the body is not the JSON of a list answer.
    """
    try:
        # What has line breaks would not stay a line.
        line = _on_one_line(body)
        answer = _decode_answer(line)
        raws = [bytes(raw) for raw in (answer.list or _List()).objects or []]
        check(raws)
        if not raws and answer.count_response is None:
            _refuse_errors(line, answer)
    except (ValueError, RecursionError) as error:
        return _salvaged(body, error)
    events = _all_as_events(line, raws)
    return _page(answer, map(_as_event, raws) if events is None else events)


def _refuse_errors(body: bytes, answer: _Answer) -> None:
    """Look for an error in an answer without objects: it would else pass for the end of the log.

    Raises:
        ProblemError: there is one, in whatever words.
    """
    problem = answer.problem() or (answer.list.problem() if answer.list else None)
    if problem is None:
        given = {name: bytes(value) for name, value in _decode_fields(body).items() if bytes(value) not in _NOTHING}
        is_listed = not given.keys().isdisjoint(_RESULTS)
        empty = _EMPTY if is_listed else _NOTHING
        unknown = [name for name, value in given.items() if name not in _KNOWN and value not in empty]
        if any(name.lower() in _ERRORS or not is_listed for name in unknown):
            problem = Problem(0, f"no list of events, but {body.decode(errors='replace')}")
    if problem is not None:
        raise ProblemError(problem)


def _on_one_line(text: bytes) -> bytes:
    return msgspec.json.format(text, indent=-1) if b"\n" in text or b"\r" in text else text


def _salvaged(body: bytes, error: Exception) -> Page:
    """Decode a page that could not be decoded at once: each object by itself, and what surrounds them."""
    try:
        objects = _only(_only(body, "list"), "objects")
        raws = [raw for _, raw in members(objects)]
        answer = _decode_answer(_on_one_line(body.replace(objects, b"[]", 1)))
    except (ValueError, RecursionError):
        raise error from None
    if not raws or not all(raws):
        raise error
    return _page(answer, map(_judged, raws))


def _only(container: bytes, name: str) -> bytes:
    """Give the one member of a name; where there are several, nobody can say which counts."""
    (value,) = (value for own, value in members(container) if own == name)
    return value


def _judged(raw: bytes) -> Event | Reject:
    why = flaw_of(raw)
    return _as_event(_on_one_line(raw)) if why is None else Reject.of(raw, why)


def _page(answer: _Answer, found: Iterable[Event | Reject]) -> Page:
    for report in (answer, answer.list or _List()):
        if (report.code or report.error or report.message) and (
            problem := report.problem(has_result=answer.has_result)
        ):
            raise ProblemError(problem)
    events: list[Event] = []
    rejected: list[Reject] = []
    for one in found:
        if isinstance(one, Event):
            events.append(one)
        else:
            rejected.append(one)
    listing = answer.list or _List()
    follow = listing.response or _Next()
    next_page_id = follow.next_page_id or (events[-1].uuid if events else None)
    return Page(
        events=events,
        rejected=rejected,
        size=len(events) + len(rejected),
        says_more=bool(follow.next_page_token or follow.next_page_id),
        next_page_id=next_page_id if isinstance(next_page_id, str) else None,
        count=_as_count(answer.count_response),
    )


def _as_count(response: _Count | None) -> int | None:
    # In the JSON form of protobuf a 64-bit integer is text, and 0 may be left out.
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
        found = find(raw, "uuid"), find(raw, "meta", "create_time")
        uuid, text = (value if isinstance(value, str) else "" for value in found)
        has_own = "create_time" in fields(raw)
    if not uuid:
        return Reject.of(raw, "it has no uuid")
    try:
        stamp = normalize(text)
    except ValueError:
        return Reject.of(raw, "it has no readable meta.create_time")
    return Event(stamp, uuid, _without_create_time(raw) if has_own else raw)


def _without_create_time(raw: bytes) -> bytes:
    fields = _decode_fields(raw)
    del fields["create_time"]
    return msgspec.json.encode(fields)
