"""An answer's body, read within bounds of size and time, whatever a server sends."""

from __future__ import annotations

import time
import typing as t
import zlib

import urllib3.exceptions
from requests.exceptions import (
    ChunkedEncodingError,
    ContentDecodingError,
    ReadTimeout,
    RequestException,
    SSLError,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable

    import requests

ENCODING = "gzip"
"""The one encoding that is asked for, and understood."""

LARGEST_BODY = 256 * 1024 * 1024
"""Bytes that a body may have, compressed or not: half a megabyte for each event of the largest page."""

_PIECE = 1 << 17
_GZIP = 16 + zlib.MAX_WBITS


class TooLargeError(RequestException):
    """A body is larger than `LARGEST_BODY`."""


def read_body(response: requests.Response, seconds: float, clock: Callable[[], float] = time.monotonic) -> bytes:
    """Read the body of an answer and decompress it.

    Args:
        response: the answer, whose body has not been read.
        seconds: how long all of it may take.
        clock: seconds on a steady clock.

    Raises:
        requests.RequestException: the body is cut off, broken, too large (`TooLargeError`) or too slow (`ReadTimeout`).
    """
    deadline = clock() + seconds
    pieces, size = [], 0
    try:
        # What has come in is taken at once: to wait for a full piece would give a trickle all the time it wants.
        while piece := response.raw.read1(_PIECE, decode_content=False):
            pieces.append(piece)
            size += len(piece)
            if size > LARGEST_BODY:
                raise TooLargeError
            if clock() > deadline:
                raise ReadTimeout
    except urllib3.exceptions.ReadTimeoutError as error:
        raise ReadTimeout(error) from error
    except urllib3.exceptions.SSLError as error:
        raise SSLError(error) from error
    except urllib3.exceptions.HTTPError as error:
        raise ChunkedEncodingError(error) from error
    return _decoded(b"".join(pieces), response.headers.get("Content-Encoding", "").strip().lower())


def _decoded(body: bytes, encoding: str) -> bytes:
    if not body or encoding in {"", "identity"}:
        return body
    if encoding != ENCODING:
        raise ContentDecodingError(f"the answer's encoding is {encoding!r}, not {ENCODING}")
    decoder = zlib.decompressobj(_GZIP)
    try:
        decoded = decoder.decompress(body, LARGEST_BODY + 1)
    except zlib.error as error:
        raise ContentDecodingError(error) from error
    if len(decoded) > LARGEST_BODY:
        raise TooLargeError
    if not decoder.eof or decoder.unused_data:
        raise ContentDecodingError("the compressed answer is cut off, or goes on after its end")
    return decoded
