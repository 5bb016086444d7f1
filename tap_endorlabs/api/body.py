"""An answer's body, read within bounds of size, whatever a server sends."""

from __future__ import annotations

import codecs
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
    import requests

ENCODING = "gzip"
"""The one encoding that is asked for, and understood."""

LARGEST_BODY = 256 * 1024 * 1024
"""Bytes that a body may have, compressed or not, at all."""

LARGEST_PAGE = 12 * 1024 * 1024
"""Bytes that a body may have where less can be asked for: several are in memory at once, in more than one form."""

_PIECE = 1 << 17
_STEP = 1 << 12
"""Bytes that are decompressed at a time: they become four megabytes at most, and the rest of them is copied for each
member that ends in them."""

_GZIP = 16 + zlib.MAX_WBITS


class BodyTooLargeError(RequestException):
    """A body has more than so many bytes."""

    def __init__(self, most: int) -> None:
        """Take how many it may have."""
        super().__init__()
        self.most = most


def read_body(response: requests.Response, most: int = LARGEST_BODY) -> bytes:
    """Read the body of an answer and decompress it; a byte order mark is left out.

    Args:
        response: the answer, whose body has not been read.
        most: how many bytes it may have, compressed or not.

    Raises:
        requests.RequestException: the body is cut off, broken, too large (`BodyTooLargeError`) or too slow
            (`ReadTimeout`).
    """
    pieces, size = [], 0
    try:
        while piece := response.raw.read1(_PIECE, decode_content=False):
            pieces.append(piece)
            size += len(piece)
            if size > most:
                raise BodyTooLargeError(most)
    except urllib3.exceptions.ReadTimeoutError as error:
        raise ReadTimeout(error) from error
    except urllib3.exceptions.SSLError as error:
        raise SSLError(error) from error
    except urllib3.exceptions.HTTPError as error:
        raise ChunkedEncodingError(error) from error
    encoding = response.headers.get("Content-Encoding", "")
    return _decoded(b"".join(pieces), encoding, most).removeprefix(codecs.BOM_UTF8)


def _decoded(body: bytes, encoding: str, most: int) -> bytes:
    names = [name.strip().lower().removeprefix("x-") for name in encoding.split(",")]
    encodings = [name for name in names if name not in {"", "identity"}]
    if not body or not encodings:
        return body
    if encodings != [ENCODING]:
        raise ContentDecodingError(f"the answer's encoding is {encoding!r}, not {ENCODING}")
    try:
        return _unzipped(body, most)
    except zlib.error as error:
        raise ContentDecodingError(error) from error


def _unzipped(body: bytes, most: int) -> bytes:
    """Decompress all members of a body, which zeros may follow."""
    decoder = zlib.decompressobj(_GZIP)
    # The first at once, which is faster: there seldom is another.
    pieces = [decoder.decompress(body, most + 1)]
    others, size = decoder.unused_data, len(pieces[0])
    for start in range(0, len(others), _STEP):
        rest = others[start : start + _STEP]
        while rest and size <= most:
            if decoder.eof:
                rest = rest.lstrip(b"\0")
                if not rest:
                    break
                decoder = zlib.decompressobj(_GZIP)
            if piece := decoder.decompress(rest):
                pieces.append(piece)
                size += len(piece)
            rest = decoder.unused_data
    if size > most:
        raise BodyTooLargeError(most)
    if not decoder.eof:
        raise ContentDecodingError("the compressed answer is cut off")
    return b"".join(pieces)
