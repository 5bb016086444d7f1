"""What of JSON a decoder may pass on, although most targets can't read it."""

from __future__ import annotations

import json
import re
import typing as t

import msgspec

from tap_endorlabs.api.scan import is_deeper

if t.TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_DIGITS = 4300
"""Python, and so most targets, reads no integer of more digits."""

_MOST_LEVELS = 800
"""Python, and so most targets, reads no more than a thousand levels, less those of the program that reads."""

_STRIDE = 64
_MORE_DIGITS = re.compile(rb"(?<![0-9])[0-9]{%d}" % (_MOST_DIGITS // _STRIDE))
"""What every 64th byte of such an integer looks like: to look at all bytes would take longer than all else."""

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")

_decode_any = msgspec.json.Decoder(msgspec.Raw).decode


def check(objects: Iterable[bytes]) -> None:
    """Look for what the decoder passes on and targets can't read.

    Raises:
        ValueError: there is some.
        RecursionError: likewise.
    """
    for raw in objects:
        if not raw.isascii():
            raw.decode()
        if len(raw) > _MOST_DIGITS and _MORE_DIGITS.search(raw[::_STRIDE]):
            json.loads(raw)
        if len(raw) > 2 * _MOST_LEVELS and is_deeper(raw, _MOST_LEVELS):
            raise RecursionError


def flaw_of(raw: bytes) -> str | None:
    """Say what keeps a target from reading an object, None where nothing does."""
    too_deep = f"it has more than {_MOST_LEVELS} levels"
    if is_deeper(raw, _MOST_LEVELS):
        return too_deep
    try:
        raw.decode()
        _decode_any(raw)
    except UnicodeDecodeError:
        return "it has bytes that are not UTF-8"
    except (ValueError, RecursionError):
        return "it has half a character (a lone surrogate)" if _SURROGATE.search(raw) else "it is not JSON"
    try:
        json.loads(raw)
    except ValueError:
        return f"it has an integer of more than {_MOST_DIGITS:,} digits"
    except RecursionError:
        return too_deep
    return None
