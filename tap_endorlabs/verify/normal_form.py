"""One form for a record, wherever it is stored, and its hash.

Destinations write the same number as `1e5`, `1E+5`, `100000` or `100000.0`, sort names, and add columns of their own.
"""

from __future__ import annotations

import typing as t
from decimal import Decimal
from hashlib import sha256

import msgspec

from tap_endorlabs.sync.bookmark import REPLICATION_KEY

_LONGEST = 4000
"""A number with a larger exponent stays as it is written: no database takes it."""


def _number(text: str) -> object:
    """Give the value of a number with a point or an exponent.

    What is whole keeps all its digits; of what is not, some destinations keep no more than fit into 64 bits.
    """
    try:
        exact = Decimal(text)
    except ArithmeticError:
        return text
    if abs(exact.adjusted()) > _LONGEST:
        return text
    if exact == exact.to_integral_value():
        return int(exact)
    rounded = float(text)
    return int(Decimal(repr(rounded))) if rounded.is_integer() else rounded


decode = msgspec.json.Decoder(float_hook=_number).decode
"""Decodes JSON, with its numbers in their normal form."""

_encode = msgspec.json.Encoder(order="sorted").encode


def hash_of(create_time: str, record: t.Mapping[str, t.Any]) -> bytes:
    """Give the SHA-256 of a record in its normal form.

    Args:
        create_time: its stamp, as databases give that another form.
        record: its fields by name, decoded by `decode`. What targets add (`_sdc_...`) is left out, and so is null, as
            a column has it where the record had nothing.
    """
    fields = {name: value for name, value in record.items() if value is not None and not name.startswith("_sdc_")}
    return sha256(_encode(fields | {REPLICATION_KEY: create_time})).digest()
