"""Places in documents that programs fill: between two markers that name them."""

from __future__ import annotations


def between(document: str, name: str) -> str:
    """Give what stands between the markers of a name."""
    begin, end = _markers(name)
    return document.split(begin)[1].split(end, maxsplit=1)[0].strip()


def filled(document: str, name: str, text: str) -> str:
    """Give a document with a text between the markers of a name."""
    begin, end = _markers(name)
    head, rest = document.split(begin)
    _, tail = rest.split(end)
    return f"{head}{begin}\n{text}\n{end}{tail}"


def _markers(name: str) -> tuple[str, str]:
    return f"<!-- {name} -->", f"<!-- /{name} -->"
