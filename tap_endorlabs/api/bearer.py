"""A bearer token, and until when it is valid."""

from __future__ import annotations

import base64
import datetime as dt
import json
import typing as t

from requests.auth import AuthBase

from tap_endorlabs.timestamps import moment_of, parse

if t.TYPE_CHECKING:
    import requests


class BearerAuth(AuthBase):
    """Sets a request's `Authorization` to a token.

    Args:
        token: the token.
        is_replacement: whether it was fetched as the one before had been refused.

    Attributes:
        accepted: whether the API has accepted it.
    """

    def __init__(self, token: str, *, is_replacement: bool = False) -> None:
        self.token = token
        self.is_replacement = is_replacement
        self.accepted = False

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header."""
        r.headers["Authorization"] = f"Bearer {self.token}"
        return r


def expiration(fields: dict[str, t.Any]) -> dt.datetime | None:
    """Give the expiry that the answer to a log-in tells, None where it tells none that can be read."""
    text = fields.get("expiration_time") or fields.get("expirationTime")
    try:
        return moment_of(parse(str(text)))
    except ValueError:
        return None


def jwt_expiration(token: str) -> dt.datetime | None:
    """Give the expiry that a token tells of itself, None where it is no JWT that does."""
    try:
        claims = token.split(".")[1]
        padded = claims + "=" * (-len(claims) % 4)
        expires = json.loads(base64.urlsafe_b64decode(padded))["exp"]
        return dt.datetime.fromtimestamp(expires, tz=dt.timezone.utc)
    except (ValueError, RecursionError, KeyError, IndexError, TypeError, OverflowError, OSError):
        return None
