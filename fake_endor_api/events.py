"""Made-up audit logs that look like the real ones, the same for the same arguments."""

from __future__ import annotations

import typing as t
from random import Random

from fake_endor_api.payloads import KIND_PREFIX, KINDS, hex_id, make_payload, pick
from fake_endor_api.times import format_time, to_nanoseconds

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

DEMO_NAMESPACE = "acme"
DEMO_CHILDREN = ("platform", "platform.api", "mobile")

_ERROR_SHARE = 0.03
_OBJECT_CLAIMS_SHARE = 0.02
_UNKNOWN_KIND_SHARE = 0.002

# Clocks of different grain give times with 9, 6, 3 and 0 fractional digits.
_GRAINS = (1, 1, 1, 1_000, 1_000, 1_000, 1_000_000, 1_000_000, 1_000_000_000)
_OPERATIONS = ("CREATE", "CREATE", "UPDATE", "UPDATE", "UPDATE", "UPSERT", "DELETE", "UNSPECIFIED")
_USERS = (
    "ewok@endor.ai@google@api-key",
    "jane.doe@example.com@github@google",
    "ci-runner@acme@api-key",
    "søren@example.dk@okta",
    "system",
)
_ISSUERS = ("https://accounts.google.com", "https://api.endorlabs.com", "https://acme.okta.com")
_ERRORS = ((3, "invalid argument"), (5, "object not found"), (7, "permission denied"), (13, "internal"))


def make_events(  # noqa: PLR0913
    count: int,
    start: datetime,
    end: datetime,
    *,
    seed: int = 0,
    namespace: str = DEMO_NAMESPACE,
    children: Sequence[str] = DEMO_CHILDREN,
) -> list[dict[str, t.Any]]:
    """Return events at random times in [start, end), in the order of their times.

    Args:
        count: How many.
        start: The earliest time, an aware datetime.
        end: The exclusive end, an aware datetime.
        seed: Another seed gives other events, with other uuids.
        namespace: The namespace of most events.
        children: Names below it, such as `platform.api`, that have events too.
    """
    rng = Random(seed)
    first, last = to_nanoseconds(start), to_nanoseconds(end)
    times = []
    for _ in range(count):
        time = rng.randrange(first, last)
        rounded = time - time % pick(rng, _GRAINS)
        times.append(rounded if rounded >= first else time)
    times.sort()
    return make_events_at(times, seed=seed, namespace=namespace, children=children)


def make_sign_ins(
    count: int, start: datetime, end: datetime, *, seed: int = 0, namespace: str = DEMO_NAMESPACE
) -> list[dict[str, t.Any]]:
    """Return authentication logs at random times in [start, end), in the order of their times."""
    rng = Random(seed)
    # They have a store of their own, but no uuid should be in both.
    events = make_events(count, start, end, seed=seed + 1_000_003, namespace=namespace)
    return [_sign_in(rng, event, namespace) for event in events]


def _sign_in(rng: Random, event: dict[str, t.Any], tenant: str) -> dict[str, t.Any]:
    success = rng.random() < 0.9
    spec = {
        "claims": event["spec"].get("claims", []),
        "remote_address": event["spec"]["remote_address"],
        "uri": pick(rng, ("/v1/auth/google", "/v1/auth/saml", "/v1/auth/api-key")),
        "success": success,
        "status": 200 if success else 401,
        "authorized_tenants": [tenant] if success else [],
    }
    if not success:
        spec["error_message"] = "invalid credentials"
    meta = {**event["meta"], "kind": "AuthenticationLog", "name": "sign-in"}
    namespace = {"namespace": "system"} if rng.random() < 0.5 else event["tenant_meta"]
    return {**event, "tenant_meta": namespace, "meta": meta, "spec": spec}


def make_events_at(
    times: Iterable[int],
    *,
    seed: int = 0,
    namespace: str = DEMO_NAMESPACE,
    children: Sequence[str] = DEMO_CHILDREN,
) -> list[dict[str, t.Any]]:
    """Return one event for each time, in nanoseconds since 1970, in the order given.

    The other arguments are those of `make_events`. A uuid says nothing about its event's time.
    """
    moments = list(times)
    # So that two batches of one seed don't share uuids.
    rng = Random(f"{seed}/{len(moments)}/{moments[0] if moments else 0}")
    namespaces = (namespace, namespace, *(f"{namespace}.{child}" for child in children))
    machine = f"{rng.getrandbits(40):010x}"
    return [
        {
            "uuid": f"{rng.getrandbits(32):08x}{machine}{index:06x}",
            "tenant_meta": {"namespace": pick(rng, namespaces)},
            **_body(rng, time),
        }
        for index, time in enumerate(moments)
    ]


def _body(rng: Random, time: int) -> dict[str, t.Any]:
    kind = pick(rng, KINDS)
    operation = pick(rng, _OPERATIONS)
    user = pick(rng, _USERS)
    return {
        "meta": _meta(rng, time, f"{operation.lower()} {kind}", user),
        "spec": _spec(rng, kind, operation, user),
    }


def _meta(rng: Random, time: int, name: str, user: str) -> dict[str, t.Any]:
    moment = format_time(time)
    meta: dict[str, t.Any] = {
        "name": name,
        "kind": "AuditLog",
        "version": "v1",
        "create_time": moment,
        "update_time": moment,
        "created_by": user,
        "updated_by": user,
    }
    chance = rng.random()
    if chance < 0.5:
        meta["description"] = None if chance < 0.05 else f"{name} by {user}"
    if chance < 0.8:
        meta["upsert_time"] = None if chance > 0.75 else format_time(time + rng.getrandbits(20))
    if chance < 0.3:
        meta["parent_kind"] = "Namespace"
        meta["parent_uuid"] = hex_id(rng)
        meta["tags"] = ["audit", f"team={rng.getrandbits(3)}"] if chance < 0.2 else []
    if 0.3 < chance < 0.4:
        meta["annotations"] = {"ticket": f"SEC-{rng.getrandbits(12)}", "note": "geprüft ✔"}
        meta["references"] = {"Project": {"uuid": hex_id(rng), "list": {"objects": []}}}
    if chance > 0.9:
        meta["index_data"] = _index_data(rng, time, name)
    return meta


def _index_data(rng: Random, time: int, name: str) -> dict[str, t.Any]:
    return {
        "data": name.split(),
        "search_score": round(rng.random(), 3),
        "tenant": "",
        "will_be_deleted_at": format_time(time + 94_608_000 * 1_000_000_000) if rng.random() < 0.5 else None,
    }


def _spec(rng: Random, kind: str, operation: str, user: str) -> dict[str, t.Any]:
    uuid = hex_id(rng)
    spec: dict[str, t.Any] = {
        "operation": f"OPERATION_{operation}",
        "message_uuid": uuid,
        "remote_address": _address(rng),
    }
    chance = rng.random()
    if chance >= _UNKNOWN_KIND_SHARE:
        spec["message_kind"] = KIND_PREFIX + kind
    if operation != "DELETE":
        spec["payload"] = make_payload(rng, kind, uuid)
    elif chance < 0.5:
        spec["payload"] = None
    if chance < 0.99:
        spec["claims"] = _claims(rng, user)
    if rng.random() < _ERROR_SHARE:
        spec["error"] = _error(rng)
    return spec


def _claims(rng: Random, user: str) -> list[t.Any]:
    issuer = pick(rng, _ISSUERS)
    email = user.rsplit("@", 1)[0]
    if rng.random() < _OBJECT_CLAIMS_SHARE:
        return [{"subject": email, "issuer": issuer, "audience": "api.endorlabs.com"}]
    claims = [f"email={email}", f"issuer={issuer}"]
    if user.endswith("api-key"):
        claims.append("api-key")
    return claims


def _error(rng: Random) -> dict[str, t.Any]:
    code, message = pick(rng, _ERRORS)
    reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": message.upper(), "domain": "endor.ai"}
    return {"code": code, "message": message, "details": [reason] if code != 13 else []}


def _address(rng: Random) -> str | None:
    chance = rng.random()
    if chance < 0.02:
        return None
    if chance < 0.2:
        return f"2001:db8::{rng.getrandbits(16):x}:{rng.getrandbits(16):x}"
    return f"{pick(rng, ('192.0.2', '198.51.100', '203.0.113'))}.{rng.getrandbits(8)}"
