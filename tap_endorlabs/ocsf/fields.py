"""The fields of a record: each is taken for a place in the event, and what nobody took is left for `unmapped`."""

from __future__ import annotations

import typing as t

import msgspec

MOST_CHARACTERS = 65_535
"""How long a text may be in OCSF 1.1."""

_MOST_OF_A_LONG = 1 << 63

_EMPTY = {b"null", b'""', b"[]", b"{}"}
"""How the API writes a field that is not set, where it does not leave it out."""

_SHORT = max(map(len, _EMPTY))


_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_any = msgspec.json.Decoder()

Json = dict[str, t.Any]
"""An object of an event; values that nobody looks into are `msgspec.Raw`, the bytes as they came."""


class Fields:
    """The fields of a JSON object that nobody has taken yet. What is null or empty counts as not there.

    Args:
        raw: the object as JSON. Anything else has no fields, and is left as it is.
    """

    def __init__(self, raw: msgspec.Raw | None = None) -> None:
        self._other: msgspec.Raw | None = None
        self._fields: dict[str, msgspec.Raw] = {}
        if raw is None:
            return
        try:
            found = _object.decode(raw)
        except msgspec.DecodeError:
            self._other = None if bytes(raw) in _EMPTY else raw
            return
        # Few are so short, and only those are copied.
        self._fields = {
            name: value for name, value in found.items() if len(value) > _SHORT or bytes(value) not in _EMPTY
        }

    def look(self, name: str) -> t.Any:  # noqa: ANN401 - JSON is of any type
        """Give a field's value without taking it, None where it is not there or can't be held."""
        raw = self._fields.get(name)
        if raw is None:
            return None
        try:
            return _any.decode(raw)
        except msgspec.DecodeError:
            return None

    def raw(self, name: str) -> msgspec.Raw | None:
        """Take a field as it came."""
        return self._fields.pop(name, None)

    def raw_object(self, name: str) -> msgspec.Raw | None:
        """Take a field that is an object, as it came."""
        return self.raw(name) if bytes(self._fields.get(name, b"")).lstrip()[:1] == b"{" else None

    def text(self, name: str) -> str | None:
        """Take a field that is a text OCSF has room for."""
        value = self.look(name)
        if not isinstance(value, str) or len(value) > MOST_CHARACTERS:
            return None
        del self._fields[name]
        return value

    def integer(self, name: str) -> int | None:
        """Take a field that is an integer of 64 bits."""
        value = self.look(name)
        if type(value) is not int or not -_MOST_OF_A_LONG <= value < _MOST_OF_A_LONG:
            return None
        del self._fields[name]
        return value

    def inner(self, name: str) -> Fields:
        """Take a field for its own fields; `put_back` what is left of them."""
        return Fields(self.raw(name))

    def put_back(self, name: str, rest: t.Any) -> None:  # noqa: ANN401 - JSON is of any type
        """Leave something under a name, unless it is empty."""
        if rest:
            self._fields[name] = rest

    def rest(self) -> t.Any:  # noqa: ANN401 - JSON is of any type
        """Give what nobody has taken."""
        return self._fields if self._other is None else self._other
