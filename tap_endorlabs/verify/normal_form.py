"""One form for a record, wherever it is stored, and its hash.

Destinations write the same number as `1e5`, `1E+5`, `100000` or `100000.0`, sort names, and add columns of their own.
"""

from __future__ import annotations

import json
import typing as t
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256

import msgspec

from tap_endorlabs.sync.bookmark import REPLICATION_KEY

ADDED = "_sdc_"
"""How the names of columns begin that targets add."""

_LONGEST = 4000
"""A number with a larger exponent stays as it is written: no database takes it."""


def _number(text: str) -> object:
    """Give the value of a number with a point or an exponent.

    What is whole keeps all its digits; of what is not, some destinations keep no more than fit into 64 bits.
    """
    try:
        exact = Decimal(text)
    except ArithmeticError:
        return msgspec.Raw(text.encode())
    if abs(exact.adjusted()) > _LONGEST:
        return msgspec.Raw(text.encode())
    if exact == exact.to_integral_value():
        return int(exact)
    rounded = float(text)
    return int(Decimal(repr(rounded))) if rounded.is_integer() else rounded


_decode = msgspec.json.Decoder(float_hook=_number).decode
_encode = msgspec.json.Encoder(order="sorted").encode
_COLON = (b"\\u003a", b"\\u003A")
"""A colon of a text that is written otherwise than in a normal form."""


def decode(text: str | bytes) -> t.Any:  # noqa: ANN401 - any JSON value
    """Decode JSON, with its numbers in their normal form.

    An object that has a name twice becomes JSON with all that it has, as programs read either of them. What can't be
    decoded stays as it is.
    """
    return _decoded(text)[0]


@lru_cache(maxsize=256)
def encoded(text: str) -> msgspec.Raw | None:
    """Do as `decode`, but leave the value as JSON, which `hash_of` takes as well; None where it is null."""
    value, again = _decoded(text)
    return None if value is None else msgspec.Raw(again or _encode(value))


def _decoded(text: str | bytes) -> tuple[t.Any, bytes | None]:
    """Give the value of JSON, and that encoded again where nothing was lost."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text.strip()
    try:
        value = _decode(raw)
        again = _encode(value)
        # A colon stands behind each name, and in texts, of which none is lost but with a name. Much faster than to ask.
        if raw.count(b":") == again.count(b":") and not any(colon in raw for colon in _COLON):
            return value, again
        return json.loads(raw, parse_float=_number, object_pairs_hook=_object), None
    except (ValueError, RecursionError):
        return {"undecodable": sha256(raw).hexdigest()}, None


def _object(pairs: list[tuple[str, t.Any]]) -> t.Any:  # noqa: ANN401 - any JSON value
    names = dict(pairs)
    if len(names) == len(pairs):
        return names
    return msgspec.Raw(b"{%b}" % b",".join(sorted(b"%b:%b" % (_encode(name), _encode(value)) for name, value in pairs)))


def hash_of(create_time: str, record: t.Mapping[str, t.Any]) -> bytes:
    """Give the SHA-256 of a record in its normal form.

    Args:
        create_time: its stamp, as databases give that another form.
        record: its fields by name, by `decode` or `encoded`. What targets add is left out, and so is null, as
            a column has it where the record had nothing.
    """
    fields = {name: value for name, value in record.items() if value is not None and not name.startswith(ADDED)}
    return sha256(_encode(fields | {REPLICATION_KEY: create_time})).digest()
