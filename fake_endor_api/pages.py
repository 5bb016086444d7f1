"""What the database answers a list query with."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from fake_endor_api.filters import JsonObject
    from fake_endor_api.index import Entry


@dataclass(frozen=True)
class Page:
    """One answer to a list query."""

    entries: tuple[Entry, ...] = ()
    next_page_token: int = 0
    """The offset of the next page; 0: there is none."""
    next_page_id: str = ""
    count: int | None = None
    """How many objects there are, where that was asked instead."""

    @property
    def objects(self) -> list[JsonObject]:
        """The page's objects, whole whatever the mask."""
        return [entry.item for entry in self.entries]

    @property
    def uuids(self) -> list[str]:
        """The uuids of the page's objects."""
        return [entry.uuid for entry in self.entries]
