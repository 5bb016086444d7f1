"""What the fake can be told to do: each option is free or undocumented in the API's contract."""

from __future__ import annotations

import math
import threading
import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime

from fake_endor_api.errors import ApiError

LastResponse = t.Literal["rotate", "full", "missing", "null", "empty", "zero"]
EmptyResult = t.Literal["rotate", "full", "list", "objects", "bare"]
ExpiryField = t.Literal["expiration_time", "expirationTime"]
SortsWithin = t.Literal["all", "a page", "a namespace"]
ArchiveWay = t.Literal["read", "empty", "ignored", 400, 403, 404, 405, 501]
Count = t.Literal["exact", "low", "high", "ignored", 400, 500, 501, 504]


class RateLimit:
    """A token bucket for list requests.

    Args:
        per_second: How many requests may pass in a second, in the long run.
        burst: How many may pass at once.
        http_date: Whether `Retry-After` is an HTTP date instead of seconds.
    """

    def __init__(self, per_second: float, *, burst: int = 1, http_date: bool = False) -> None:
        self.http_date = http_date
        self._per_second = per_second
        self._burst = burst
        self._tokens = float(burst)
        self._updated: datetime | None = None
        self._lock = threading.Lock()

    def check(self, now: datetime) -> None:
        """Let a request pass.

        Raises:
            ApiError: it has to wait; `Retry-After` says how long.
        """
        wait = self.take(now)
        if wait:
            until = (now + timedelta(seconds=wait)).replace(microsecond=0)
            value = format_datetime(until, usegmt=True) if self.http_date else str(wait)
            raise ApiError(429, "rate limit exceeded", headers={"Retry-After": value})

    def take(self, now: datetime) -> int:
        """Return 0 if the request may pass, else the whole seconds it has to wait."""
        with self._lock:
            if self._updated is not None:
                gained = (now - self._updated).total_seconds() * self._per_second
                self._tokens = min(self._burst, self._tokens + max(0.0, gained))
            self._updated = now
            if self._tokens >= 1:
                self._tokens -= 1
                return 0
            return max(1, math.ceil((1 - self._tokens) / self._per_second))


@dataclass(frozen=True)
class SlowQuery:
    """Queries that ask for more than this are refused, by default with a deadline error (504)."""

    max_range: timedelta | None = None
    """The widest range of `meta.create_time`; a filter without a lower bound is wider than any."""
    max_page_size: int | None = None
    """The largest page, in objects."""
    sorted_only: bool = False
    """Whether only queries with a sort are refused."""
    status: int = 504
    code: int = 4
    message: str = "context deadline exceeded"


@dataclass
class Behaviour:
    """The fake's options; may be changed while it runs, from the next request on."""

    # Queries
    honour_fractions: bool = False
    """Whether `date(...)` keeps fractions of a second, or cuts them off."""
    date_unit: timedelta = timedelta(seconds=1)
    """What `date(...)` is cut off to, where fractions are not kept."""
    date_offset: timedelta = timedelta(0)
    """How far off `date(...)` is, such as half a millisecond where times are rounded."""
    strict_bounds: bool = False
    """Whether `>=` is `>`."""
    ignore_bounds: bool = False
    """Whether conditions on `meta.create_time` are ignored."""
    shuffle_ties: bool = True
    """Whether objects with the same sort value change places from request to request."""
    ignore_sort: bool = False
    """Whether the active database, too, answers in the order of uuids whatever the sort."""
    sort_fails: int = 0
    """The status that a query with a sort ends in; 0: it is answered."""
    sorts_within: SortsWithin = "all"
    """What a sort puts in order: all objects, those of a page, or those of a namespace (one after the other)."""
    archive_ignores_sort: bool = True
    """Whether the archive answers in the order of uuids whatever the sort."""
    default_page_size: int = 100
    max_page_size: int = 500
    refuse_large_pages: bool = False
    """Whether a larger page is a 400, or answered with so many objects."""
    empty_every: int = 0
    """Each so many-th list answer has no objects, though there are; 0: none."""
    empty_names_next: bool = False
    """Whether such an answer names the page that was asked for as the next one."""
    ignore_page_id: bool = False
    """Whether each page is the first."""
    count: Count = "exact"
    """What `count=true` is answered with: the number, a lower or higher one, a list, or an error's status."""
    most_counted: int | None = None
    """No count is higher than this; None: they are as high as they are."""
    slow_query: SlowQuery | None = None
    archive_after: timedelta = timedelta(days=30)
    """The age at which an object moves from the active database to the archive."""
    archive_path: ArchiveWay = "read"
    """What `.../archived` does: reads the archive, gives nothing, gives active objects, or has this status."""
    archive_parameter: ArchiveWay = "read"
    """What `archive=true` does."""
    refused_kinds: frozenset[str] = frozenset()
    """Operators that the archive refuses in a condition on the kind."""
    blind_kinds: frozenset[str] = frozenset()
    """Operators that match nothing there."""
    archive_overlap: timedelta = timedelta(0)
    """Width of the zone centred on that age where an object is in both; negative: in neither."""

    # Answers
    last_response: LastResponse = "rotate"
    """The form of `response` on the last page."""
    empty_result: EmptyResult = "rotate"
    """The form of an answer without objects: `{"list": {}}`, an empty array, or `{}`."""
    compact: bool = False
    """Whether null and empty fields of the answer are left out."""
    endless_token: bool = False
    """Whether every page names a next one."""
    omit: frozenset[str] = frozenset()
    """Fields left out of list answers: any of `list`, `objects`, `response`."""
    gzip: bool = True
    """Whether answers are compressed for those who ask for it."""
    date_header: bool = True
    """Whether answers have a `Date`."""

    # Access
    token_lifetime: timedelta = timedelta(hours=4)
    expiry_field: ExpiryField | None = "expiration_time"
    """The name of the expiry in the answer to an API key; None: not told."""
    expiry: str | int | None = None
    """What the answer tells instead of the expiry."""
    expired_status: t.Literal[401, 403] = 401
    """How an expired token is refused."""
    token_delay: timedelta = timedelta(0)
    """How long a new token is refused."""
    log_in_status: int = 200
    """The status of the answer to an API key."""
    refuses_request_timeout: bool = False
    """Whether a request with the header `Request-Timeout` is refused (400)."""
    denied_namespaces: frozenset[str] = field(default_factory=frozenset)
    """Namespaces whose audit logs the key may not read (403)."""
    archive_denied: bool = False
    """Whether the key may not read the archive (403)."""

    # Load
    latency: float = 0.0
    """Seconds that each answer takes."""
    rate_limit: RateLimit | None = None

    def moment(self, nanoseconds: int) -> int:
        """Return what a `date(...)` stands for, both in nanoseconds since 1970."""
        if not self.honour_fractions:
            nanoseconds -= nanoseconds % (self.date_unit // _MICROSECOND * 1_000)
        return nanoseconds + self.date_offset // _MICROSECOND * 1_000


_MICROSECOND = timedelta(microseconds=1)
