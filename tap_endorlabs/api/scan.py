"""Looking into JSON that no decoder takes: by its quotes and brackets alone, without recursion."""

from __future__ import annotations

import json
import re
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|([\[\]{}:,])', re.DOTALL)
_CLOSING = {b"[": b"]", b"{": b"}"}
_CLOSED = frozenset(_CLOSING.values())
_NESTED = 2
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))


def members(container: bytes) -> Iterator[tuple[str, bytes]]:
    """Give the members of a JSON object or array, each with its name, which in an array is empty.

    Args:
        container: its JSON; a scalar has no members.

    Raises:
        ValueError: its brackets, or those of a member, do not match, or something stands where nothing can.
    """
    name, begin, more = "", 0, False
    for mark, start, depth in _marks(container):
        value = container[begin:start].strip()
        if mark in _CLOSING:
            if value:
                raise ValueError("a bracket stands where none can")
            begin = start + 1 if depth == 1 else begin
        elif mark == b":":
            name, begin = _text(value), start + 1
        else:
            if more or value or mark == b",":
                yield name, value
            name, begin, more = "", start + 1, True
    if begin and container[begin:].strip():
        raise ValueError("it goes on behind its end")


def _marks(container: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Give what divides a container, where it stands, and how deep it is: brackets, and between them commas and colons.

    Of what is nested in it only the opening brackets are told.
    """
    closing: list[bytes] = []
    for token in _TOKEN.finditer(container):
        mark = token[1]
        if mark is None:
            continue
        if mark in _CLOSING:
            closing.append(_CLOSING[mark])
            if len(closing) <= _NESTED:
                yield mark, token.start(), len(closing)
        elif mark in _CLOSED:
            if not closing or mark != closing.pop():
                raise ValueError("the brackets do not match")
            if not closing:
                yield mark, token.start(), 0
        elif len(closing) == 1:
            yield mark, token.start(), 1
    if closing:
        raise ValueError("it is cut off")


def fields(value: bytes) -> dict[str, bytes]:
    """Give the members of a JSON object by name, none for another value. Where a name comes twice the last counts."""
    return dict(members(value)) if value.startswith(b"{") else {}


def find(value: bytes, *path: str) -> t.Any:  # noqa: ANN401 - any JSON value
    """Give the scalar at a path of names in JSON, None where there is none that can be read."""
    for name in path:
        value = fields(value).get(name, b"")
    return None if value[:1] in {b"{", b"["} else _scalar(value)


def is_deeper(value: bytes, levels: int) -> bool:
    """Tell whether JSON is nested in more levels; that it is not is known fast."""
    if value.count(b"[") + value.count(b"{") <= levels:
        return False
    brackets = value.translate(_ONE_KIND, _NO_BRACKET)
    for _ in range(levels):
        inner = brackets.replace(b"[]", b"")
        if inner in {b"", brackets}:
            break
        brackets = inner
    # What does not match stands in a text.
    return inner != b"" and _depth(value) > levels


def _depth(value: bytes) -> int:
    depth = deepest = 0
    for token in _TOKEN.finditer(value):
        if token[1] in _CLOSING:
            depth += 1
            deepest = max(deepest, depth)
        elif token[1] in _CLOSED:
            depth -= 1
    return deepest


def _text(value: bytes) -> str:
    found = _scalar(value.strip())
    return found if isinstance(found, str) else ""


def _scalar(value: bytes) -> t.Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(value.decode(errors="replace"))
    except (ValueError, RecursionError):
        return None
