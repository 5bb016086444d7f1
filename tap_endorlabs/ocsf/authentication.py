"""Sign-ins as events of the class Authentication (3002)."""

from __future__ import annotations

import re
import typing as t
from http import HTTPStatus

from tap_endorlabs.ocsf.claims import take_user
from tap_endorlabs.ocsf.event import EventClass, status_of

if t.TYPE_CHECKING:
    from tap_endorlabs.ocsf.event import Record
    from tap_endorlabs.ocsf.fields import Json

AUTHENTICATION = EventClass(
    3002,
    "Authentication",
    3,
    "Identity & Access Management",
    {
        "auth_protocol": "string",
        "auth_protocol_id": "integer",
        "http_request": "object",
        "service": "object",
        "session": "object",
        "src_endpoint": "object",
        "user": "object",
    },
)

_METHOD = re.compile(r"/auth/([^/?#]+)")
_OPENID, _SAML, _OAUTH = (4, "OpenID"), (5, "SAML"), (6, "OAUTH 2.0")
_PROTOCOLS = {"google": _OPENID, "oidc": _OPENID, "saml": _SAML, "github": _OAUTH, "gitlab": _OAUTH}
"""The protocol of each way to sign in, as its path in the API names it; others are told by that name."""


def authentication(record: Record, version: str) -> Json:
    """Give the event of a sign-in.

    Args:
        record: what is used of it is taken.
        version: that of OCSF.
    """
    issuer, endpoint, uri = record.take_issuer(), record.take_endpoint(), record.spec.text("uri")
    return {
        **AUTHENTICATION.activity(1, "Logon"),
        **record.common(version),
        **_status(record),
        **(_request(uri) if uri else {}),
        "service": {"name": "Endor Labs"},
        **({"session": {"issuer": issuer}} if issuer else {}),
        **({"src_endpoint": endpoint} if endpoint else {}),
        "user": take_user(record.claims, record.meta),
        **record.unmapped(),
    }


def _status(record: Record) -> Json:
    """Give the status by `success`; where that is not there, the API may have left out that it is false."""
    success, code, detail = (
        record.spec.look("success"),
        record.spec.integer("status"),
        record.spec.text("error_message"),
    )
    if isinstance(success, bool):
        record.spec.raw("success")
        is_success: bool | None = success
    else:
        is_success = False if detail else None if code is None else code < HTTPStatus.BAD_REQUEST
    status = status_of(is_success=is_success)
    if code is not None:
        status["status_code"] = str(code)
    return status | ({"status_detail": detail} if detail else {})


def _request(uri: str) -> Json:
    path, _, query = uri.partition("?")
    url = {"path": path, **({"query_string": query} if query else {})}
    found = _METHOD.search(path)
    if found is None:
        return {"http_request": {"url": url}}
    number, name = _PROTOCOLS.get(found[1].lower(), (99, found[1]))
    return {"auth_protocol_id": number, "auth_protocol": name, "http_request": {"url": url}}
