"""Audit logs of what decides on access, as events of the class Entity Management (3004)."""

from __future__ import annotations

import re
import typing as t

from tap_endorlabs.ocsf.api_activity import take_actor
from tap_endorlabs.ocsf.claims import UNKNOWN
from tap_endorlabs.ocsf.event import EventClass

if t.TYPE_CHECKING:
    from tap_endorlabs.ocsf.event import Record
    from tap_endorlabs.ocsf.fields import Json

ENTITY_MANAGEMENT = EventClass(
    3004,
    "Entity Management",
    3,
    "Identity & Access Management",
    {"actor": "object", "entity": "object", "src_endpoint": "object"},
)

_KINDS = re.compile(r"(policy|role|api_?key|identity_?provider)$", re.IGNORECASE)
"""How the names of kinds end that decide on access: policies of all kinds, roles, API keys, identity providers."""


def is_of_an_entity(record: Record) -> bool:
    """Whether an audit log is of a policy, a role, an API key or an identity provider."""
    return _KINDS.search(str(record.spec.look("message_kind"))) is not None


def entity_management(record: Record, version: str) -> Json:
    """Give the event of an audit log of an entity.

    The class has no place for the operation as it was sent, nor for an error's details: they are in `unmapped`.

    Args:
        record: what is used of it is taken.
        version: that of OCSF, 1.4.0 or later: those before have an actor and an origin by profiles alone.
    """
    number, name, code = record.operation()
    status, response = record.take_error(details=False)
    message, endpoint = response.get("error_message"), record.take_endpoint()
    return {
        **ENTITY_MANAGEMENT.activity(number, name),
        **record.common(version, code),
        **status,
        **({"status_detail": message} if message else {}),
        "actor": take_actor(record),
        "entity": record.take_object() or {"name": UNKNOWN},
        **({"src_endpoint": endpoint} if endpoint else {}),
        **record.unmapped(),
    }
