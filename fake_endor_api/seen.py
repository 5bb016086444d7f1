"""What the fake remembers of a request."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from datetime import datetime


@dataclass
class Request:
    """A request that the fake has got; `status` is 0 until it has been answered."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    time: datetime
    status: int = 0
