"""Bearer tokens of the fake: real-looking JWTs with no signature to speak of."""

from __future__ import annotations

import base64
import itertools
import json
import threading
import typing as t
from datetime import datetime, timezone

from fake_endor_api.errors import ApiError
from fake_endor_api.times import format_time, to_nanoseconds

if t.TYPE_CHECKING:
    from fake_endor_api.behaviour import Behaviour


class Tokens:
    """Issues tokens and checks them; safe for threads."""

    def __init__(self) -> None:
        self._expiry: dict[str, datetime] = {}
        self._issued: dict[str, datetime] = {}
        self._number = itertools.count(1)
        self._lock = threading.Lock()

    def __iter__(self) -> t.Iterator[str]:
        """Give all tokens ever issued."""
        with self._lock:
            return iter(list(self._expiry))

    def issue(self, now: datetime, behaviour: Behaviour) -> dict[str, t.Any]:
        """Give the answer to a log-in."""
        expires = now + behaviour.token_lifetime
        with self._lock:
            claims = {"sub": "api-key", "jti": next(self._number), "exp": int(expires.timestamp())}
            token = ".".join([_encoded({"alg": "none", "typ": "JWT"}), _encoded(claims), "c2lnbmF0dXJl"])
            self._expiry[token] = expires
            self._issued[token] = now
        return {"token": token, **self.fields(token, behaviour)}

    def fields(self, token: str, behaviour: Behaviour) -> dict[str, str | int]:
        """Give the field that tells a token's expiry, if one does."""
        if behaviour.expiry_field is None:
            return {}
        if behaviour.expiry is not None:
            return {behaviour.expiry_field: behaviour.expiry}
        return {behaviour.expiry_field: format_time(to_nanoseconds(self._expiry[token]))}

    def check(self, header: str, now: datetime, behaviour: Behaviour) -> str:
        """Give the token of an `Authorization` header.

        Raises:
            ApiError: the token is missing, unknown, revoked, expired, or too new.
        """
        token = header.removeprefix("Bearer ")
        with self._lock:
            expires = self._expiry.get(token)
        if not header.startswith("Bearer ") or expires is None or now < self._issued[token] + behaviour.token_delay:
            raise ApiError(401, "invalid token")
        if now >= expires:
            raise ApiError(behaviour.expired_status, "expired token")
        return token

    def revoke_all(self) -> None:
        """Make all tokens invalid."""
        with self._lock:
            self._expiry = dict.fromkeys(self._expiry, _LONG_AGO)


def _encoded(value: dict[str, t.Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


_LONG_AGO = datetime(1970, 1, 1, tzinfo=timezone.utc)
