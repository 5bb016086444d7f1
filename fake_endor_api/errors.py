"""Errors as the API reports them."""

from __future__ import annotations

import json
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Mapping

GRPC_CODES: dict[int, int] = {
    400: 3,
    401: 16,
    403: 7,
    404: 5,
    405: 12,
    408: 1,
    429: 8,
    500: 13,
    502: 14,
    503: 14,
    504: 4,
}
"""The gRPC code that goes with an HTTP status."""

_UNKNOWN = 2


class ApiError(Exception):
    """A request that the API refuses, or fails to answer.

    Args:
        status: The HTTP status.
        message: What went wrong.
        code: The gRPC code; by default the one that goes with the status.
        headers: Headers of the answer, such as `Retry-After`.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = GRPC_CODES.get(status, _UNKNOWN) if code is None else code
        self.headers = dict(headers or {})

    def body(self) -> bytes:
        """Return the answer's JSON body."""
        return json.dumps({"code": self.code, "message": self.message, "details": []}).encode()


def invalid_argument(message: str) -> ApiError:
    """Return the error for a request that asks for something impossible."""
    return ApiError(400, message)
