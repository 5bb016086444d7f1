"""Audit logs in the API's default form: every field is there, null or empty where it is unset."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from fake_endor_api.payloads import KIND_PREFIX, hex_id, pick
from fake_endor_api.times import SECOND, format_time

if t.TYPE_CHECKING:
    from random import Random

    from fake_endor_api.realistic.people import Identity

Record = dict[str, t.Any]

DENIED = {
    "code": 7,
    "message": "permission denied",
    "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "DENIED", "domain": "endor.ai"}],
}
# Most times have milliseconds, as those of the database behind the API; some are finer.
_GRAINS = (1_000_000, 1_000_000, 1_000_000, 1_000, 1)


@dataclass(frozen=True)
class Act:
    """What somebody does to an object.

    Attributes:
        time: nanoseconds since 1970.
        who: what the event says of who it was.
        address: where from.
        operation: such as `UPDATE`.
        kind: of the object, without its package.
        spec: of the object; None: the event has no payload.
        name: of the object.
        uuid: of the object; by default of one that nobody else touches.
        error: why it failed.
    """

    time: int
    who: Identity
    address: str
    operation: str
    kind: str
    spec: Record | None = None
    name: str = ""
    uuid: str = ""
    error: Record | None = None


def record(rng: Random, act: Act, namespace: str) -> Record:
    """Return an audit log."""
    uuid = act.uuid or hex_id(rng)
    name = act.name or f"{act.kind.lower()}-{uuid[:6]}"
    return {
        "uuid": _uuid(rng, act.time),
        "tenant_meta": {"namespace": namespace},
        "meta": meta(rng, act, "AuditLog"),
        "spec": {
            "operation": f"OPERATION_{act.operation}",
            "message_kind": f"{KIND_PREFIX}{act.kind}",
            "message_uuid": uuid,
            "payload": None if act.spec is None else _payload(act, uuid, name, namespace),
            "error": act.error,
            "claims": list(act.who.claims),
            "remote_address": act.address,
        },
    }


def sign_in(rng: Random, act: Act, uri: str, tenants: list[str]) -> Record:
    """Return an authentication log; it failed if the act has an error."""
    failed = act.error is not None
    return {
        "uuid": _uuid(rng, act.time),
        "tenant_meta": {"namespace": "system"},
        "meta": meta(rng, act, "AuthenticationLog"),
        "spec": {
            "claims": list(act.who.claims),
            "remote_address": act.address,
            "uri": uri,
            "success": not failed,
            "status": 401 if failed else 200,
            "error_message": "invalid credentials" if failed else "",
            "authorized_tenants": [] if failed else tenants,
        },
    }


def meta(rng: Random, act: Act, kind: str) -> Record:
    """Return the API's own bookkeeping."""
    moment = format_time(_rounded(rng, act.time))
    return {
        "name": f"{act.operation.lower()} {act.kind}",
        "kind": kind,
        "version": "v1",
        "description": "",
        "create_time": moment,
        "update_time": moment,
        "upsert_time": None,
        "created_by": act.who.created_by,
        "updated_by": act.who.created_by,
        "parent_kind": "",
        "parent_uuid": "",
        "tags": [],
        "annotations": {},
        "references": {},
        "index_data": None,
    }


def _payload(act: Act, uuid: str, name: str, namespace: str) -> Record:
    return {
        "@type": f"type.googleapis.com/{KIND_PREFIX}{act.kind}",
        "uuid": uuid,
        "tenant_meta": {"namespace": namespace},
        "meta": {
            "name": name,
            "kind": act.kind,
            "version": "v1",
            "description": "",
            "create_time": None,
            "created_by": act.who.created_by,
            "tags": [],
            "annotations": {},
            "index_data": None,
        },
        "spec": act.spec,
    }


def _uuid(rng: Random, time: int) -> str:
    # As a MongoDB ObjectId: the second, and what nobody can foresee.
    return f"{time // SECOND:08x}{rng.getrandbits(64):016x}"


def _rounded(rng: Random, time: int) -> int:
    return time - time % pick(rng, _GRAINS)
