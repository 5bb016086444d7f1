"""Audit logs as events of the class API Activity (6003)."""

from __future__ import annotations

import typing as t

from tap_endorlabs.ocsf.claims import UNKNOWN, take_user
from tap_endorlabs.ocsf.event import EventClass

if t.TYPE_CHECKING:
    from tap_endorlabs.ocsf.event import Record
    from tap_endorlabs.ocsf.fields import Json

API_ACTIVITY = EventClass(
    6003,
    "API Activity",
    6,
    "Application Activity",
    {"actor": "object", "api": "object", "resources": "array", "src_endpoint": "object"},
)


def api_activity(record: Record, version: str) -> Json:
    """Give the event of an audit log.

    Args:
        record: what is used of it is taken.
        version: that of OCSF.
    """
    number, name, code = record.operation()
    status, response = record.take_error()
    resource = record.take_object()
    return {
        **API_ACTIVITY.activity(number, name),
        **record.common(version, code),
        **status,
        "actor": take_actor(record),
        "api": {"operation": record.spec.text("operation") or UNKNOWN, **({"response": response} if response else {})},
        "src_endpoint": record.take_endpoint() or {"name": UNKNOWN},
        **({"resources": [resource]} if resource else {}),
        **record.unmapped(),
    }


def take_actor(record: Record) -> Json:
    """Give OCSF's `actor`: the user, and who vouches for it."""
    user, issuer = take_user(record.claims, record.meta), record.take_issuer()
    return {"user": user, **({"idp": {"name": issuer}, "session": {"issuer": issuer}} if issuer else {})}
