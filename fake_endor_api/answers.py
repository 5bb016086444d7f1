"""The bodies of list answers, in the forms that the contract allows."""

from __future__ import annotations

import itertools
import json
import typing as t

from fake_endor_api.index import to_json

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from fake_endor_api.behaviour import Behaviour
    from fake_endor_api.filters import JsonObject
    from fake_endor_api.pages import Page
    from fake_endor_api.queries import ListQuery

_LAST_RESPONSES = {
    "full": b'{"next_page_token":0,"next_page_id":""}',
    "missing": None,
    "null": b"null",
    "empty": b"{}",
    "zero": b'{"next_page_token":0}',
}
_EMPTY_RESULTS = {
    "full": b'{"list":{"objects":[],"response":{"next_page_token":0,"next_page_id":""}},'
    b'"count_response":null,"group_response":null,"error":null}',
    "list": b'{"list":{}}',
    "objects": b'{"list":{"objects":[]}}',
    "bare": b"{}",
}
_UNSET = b',"count_response":null,"group_response":null,"error":null'
"""What the default form of an answer has besides its list."""


class Answers:
    """Writes pages as JSON, from objects that are JSON already."""

    def __init__(self) -> None:
        self._last = itertools.cycle(_LAST_RESPONSES)
        self._empty = itertools.cycle(_EMPTY_RESULTS)

    def body(self, page: Page, query: ListQuery, behaviour: Behaviour) -> bytes:
        """Give the body of a page's answer."""
        rest = b"" if behaviour.compact else _UNSET
        if page.count is not None:
            nothing = {} if behaviour.compact else {"list": None, "group_response": None}
            return to_json({**nothing, "count_response": {"count": page.count}})
        if not page.entries and not page.next_page_id:
            form = behaviour.empty_result
            return _EMPTY_RESULTS[next(self._empty) if form == "rotate" else form]
        if query.mask:
            objects = b",".join(to_json(_masked(item, query.mask)) for item in page.objects)
        else:
            objects = b",".join(entry.json for entry in page.entries)
        fields = {"objects": b"[" + objects + b"]", "response": self._response(page, behaviour)}
        kept = [
            b'"%s":%s' % (name.encode(), value)
            for name, value in fields.items()
            if value is not None and name not in behaviour.omit
        ]
        return b"{}" if "list" in behaviour.omit else b'{"list":{' + b",".join(kept) + b"}" + rest + b"}"

    def _response(self, page: Page, behaviour: Behaviour) -> bytes | None:
        if page.next_page_id:
            return to_json({"next_page_token": page.next_page_token, "next_page_id": page.next_page_id})
        form = behaviour.last_response
        return _LAST_RESPONSES[next(self._last) if form == "rotate" else form]


def rewritten(body: bytes, rewrite: Callable[[list[JsonObject]], list[JsonObject]]) -> bytes:
    """Give the body of a list answer with its objects changed."""
    content = json.loads(body)
    if objects := (content.get("list") or {}).get("objects"):
        content["list"]["objects"] = rewrite(objects)
    # With all that is not ASCII escaped: half of a surrogate pair has no other form.
    return json.dumps(content).encode()


def _masked(item: JsonObject, paths: tuple[str, ...]) -> JsonObject:
    """Keep of an object what the dotted paths name."""
    kept: JsonObject = {}
    for path in paths:
        source: t.Any = item
        target = kept
        *parents, last = path.split(".")
        for name in parents:
            source = source.get(name) if isinstance(source, dict) else None
            target = target.setdefault(name, {})
        if isinstance(source, dict) and last in source:
            target[last] = source[last]
    return kept
