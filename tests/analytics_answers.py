"""Audit logs and sign-ins whose answers are known."""

from __future__ import annotations

import typing as t

from tests.analytics_events import ALICE, BOB, DENIED, KEY, MONDAY, POD, SCHEDULER, event, sign_in


def claims_of(*claims: t.Any, created_by: str = "system") -> dict[str, t.Any]:
    return event(f"{MONDAY}T12:00:00", claims=list(claims), created_by=created_by)


WHO: list[tuple[dict[str, t.Any], tuple[str, str]]] = [
    (claims_of(*ALICE), ("alice@example.com", "person")),
    (claims_of(*BOB), ("bob@example.com", "person")),
    (claims_of(*KEY), ("alice@example.com", "API key")),
    (claims_of(*SCHEDULER), ("scheduler@endor.ai", "system")),
    (claims_of(*POD), ("nightly-scan@k8s", "system")),
    (claims_of("user=runner-7d9f8b6c5d-x2v4z@k8s"), ("runner@k8s", "system")),
    (claims_of("email=scheduler", "x509"), ("scheduler", "system")),
    (claims_of("issuer=x", "email=", created_by="carol@example.com@okta"), ("carol@example.com", "person")),
    (claims_of(created_by="ewok@endor.ai@google@api-key"), ("ewok@endor.ai", "API key")),
    # What somebody calls himself is no address.
    (claims_of('nickname=x","email=root@example.com', "email=eve@example.com"), ("eve@example.com", "person")),
    (claims_of('nickname={"subject":"root@example.com"}', "email=eve@example.com"), ("eve@example.com", "person")),
    (claims_of("email=søren@example.dk"), ("søren@example.dk", "person")),
    (claims_of(7, None, {"email=a@b.c": 1}, {"subject": ""}), ("system", "system")),
    (event(f"{MONDAY}T12:00:00", claims="?", created_by=""), ("unknown", "system")),
    ({"create_time": f"{MONDAY}T12:00:00", "tenant_meta": None, "meta": None, "spec": None}, ("unknown", "system")),
]
"""Events, each with its actor and credential."""

LOG = [
    event("2026-02-28T23:59:59.999999", claims=None),
    event(f"{MONDAY}T08:00:00", "UPDATE", "Policy", ALICE, address="2001:db8:7::1"),
    event(f"{MONDAY}T09:00:00", "DELETE", "Project", BOB, error=DENIED, namespace="acme.prod"),
    event(f"{MONDAY}T10:00:00", "CREATE", "UITelemetry", ALICE),
    event(f"{MONDAY}T11:00:00", "UPSERT", "Finding", KEY),
    event(f"{MONDAY}T11:00:01", "UPDATE", "Finding", ALICE, address=""),
    {
        "create_time": "2026-03-03T09:00:00",
        "tenant_meta": {},
        "meta": {"created_by": ""},
        "spec": {"claims": BOB, "error": {"code": 0}, "operation": "USER_LOGIN", "message_kind": "AuthenticationLog"},
    },
]
SIGN_INS = [sign_in("2026-03-03T10:00:00", tenants=2), sign_in("2026-03-03T10:00:01", success=False)]

ANSWERS = {
    "SELECT happened_at, namespace, actor, activity, operation, resource_kind, resource_name, failed, network"
    " FROM audit_events WHERE stream = 'audit_logs' ORDER BY happened_at": [
        (
            "2026-02-28T23:59:59.999999",
            "acme",
            "system",
            "change",
            "OPERATION_UPDATE",
            "Project",
            "the Project",
            False,
            "203.0.113.0/24",
        ),
        (
            f"{MONDAY}T08:00:00",
            "acme",
            "alice@example.com",
            "change",
            "OPERATION_UPDATE",
            "Policy",
            "the Policy",
            False,
            "2001:db8:7::/64",
        ),
        (
            f"{MONDAY}T09:00:00",
            "acme.prod",
            "bob@example.com",
            "change",
            "OPERATION_DELETE",
            "Project",
            "the Project",
            True,
            "203.0.113.0/24",
        ),
        (
            f"{MONDAY}T10:00:00",
            "acme",
            "alice@example.com",
            "telemetry",
            "OPERATION_CREATE",
            "UITelemetry",
            "the UITelemetry",
            False,
            "203.0.113.0/24",
        ),
        (
            f"{MONDAY}T11:00:00",
            "acme",
            "alice@example.com",
            "scan",
            "OPERATION_UPSERT",
            "Finding",
            "the Finding",
            False,
            "203.0.113.0/24",
        ),
        (
            f"{MONDAY}T11:00:01",
            "acme",
            "alice@example.com",
            "change",
            "OPERATION_UPDATE",
            "Finding",
            "the Finding",
            False,
            None,
        ),
        (
            "2026-03-03T09:00:00",
            None,
            "bob@example.com",
            "sign-in",
            "USER_LOGIN",
            "AuthenticationLog",
            None,
            False,
            None,
        ),
    ],
    "SELECT happened_at, actor, activity, resource_name, failed, error_code, tenants"
    " FROM audit_events WHERE stream = 'authentication_logs' ORDER BY happened_at": [
        ("2026-03-03T10:00:00", "alice@example.com", "sign-in", "/v1/auth/google/callback", False, "200", 2),
        ("2026-03-03T10:00:01", "alice@example.com", "sign-in", "/v1/auth/google/callback", True, "401", None),
    ],
    "SELECT * FROM activity_per_actor_and_day WHERE actor <> 'system' ORDER BY day, actor": [
        (MONDAY, "alice@example.com", 4, 1, 3, 0, 0, 2),
        (MONDAY, "bob@example.com", 1, 0, 0, 1, 1, 1),
        ("2026-03-03", "bob@example.com", 1, 0, 0, 0, 0, 0),
    ],
    "SELECT happened_at, actor, operation, error_code, error_message, namespace FROM failed_operations": [
        (f"{MONDAY}T09:00:00", "bob@example.com", "OPERATION_DELETE", "7", "permission denied", "acme.prod"),
    ],
}
"""What is to be answered of `LOG` and `SIGN_INS`, by query."""

NETWORKS = {
    "203.0.113.77": "203.0.113.0/24",
    "203.0.113.77:443": "203.0.113.0/24",
    "::ffff:203.0.113.77": "203.0.113.0/24",
    "2001:db8::1": "2001:db8::/64",
    "2001:0DB8:0:0:5:6:7:8": "2001:db8::/64",
    "2001:db8:0:1::1": "2001:db8:0:1::/64",
    "[2001:db8:0:1:ffff::1%eth0]:443": "2001:db8:0:1::/64",
    "1::2:3:4:5:6:7": "1:0:2:3::/64",
    "::1": "0::/64",
    "build-7.internal": "build-7.internal",
    "": None,
}
"""Addresses, each with its network."""

OUTCOMES: list[tuple[dict[str, t.Any], tuple[bool, str | None, str | None]]] = [
    (event(f"{MONDAY}T12:00:00", error=error), told)
    for error, told in (
        (None, (False, None, None)),
        ({}, (False, None, None)),
        ({"code": None, "message": "", "details": []}, (False, None, "")),
        ({"code": 0, "message": "", "details": []}, (False, "0", "")),
        ({"code": "OK"}, (False, "0", None)),
        ({"message": "permission denied"}, (True, None, "permission denied")),
        ({"code": None, "details": [{"reason": "x"}]}, (True, None, None)),
        ("permission denied", (True, None, "permission denied")),
        ({"code": "7", "message": "no"}, (True, "7", "no")),
        ({"code": "PERMISSION_DENIED", "message": "no"}, (True, "7", "no")),
        ({"code": "Unauthenticated", "message": "no"}, (True, "16", "no")),
        ({"code": "NOT_FOUND"}, (True, "NOT_FOUND", None)),
    )
]
"""Events, each with whether it failed, the code and the message."""

SIGNED: list[tuple[dict[str, t.Any], bool]] = [
    ({"success": True, "status": 302}, False),
    ({"success": False, "status": 200}, True),
    ({"success": None, "status": 201}, False),
    ({"success": None, "status": 302}, False),
    ({"success": None, "status": 302, "error_message": "no"}, True),
    ({"success": None, "status": 401}, True),
    ({"success": None, "status": None}, True),
]
"""What sign-ins say, each with whether it failed."""

ODD: tuple[t.Any, ...] = (None, 0, -1.5, True, "text", "", [], [None, 7, "x", {"a": []}], {}, {"": None}, {"spec": [1]})
"""What a payload may hold where something else is expected."""
