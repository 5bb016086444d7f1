"""Audit logs and sign-ins, each in a line."""

from __future__ import annotations

import datetime as dt
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Log = list[dict[str, t.Any]]

ALICE = ["ID=1", "user=alice@example.com@google", "email=Alice@example.com", "issuer=https://accounts.google.com"]
BOB: list[t.Any] = [{"subject": "bob@example.com", "issuer": "endorlabs.com", "audience": "api.endorlabs.com"}]
KEY = ["ID=7", "email=alice@example.com", "api-key"]
SCHEDULER = ["email=scheduler", "email=scheduler@endor.ai", "user=scheduler@endor.ai@x509", "x509"]
POD = ["user=nightly-scan-29318400-t2mgh@k8s"]
DENIED = {"code": 7, "message": "permission denied", "details": []}
ADMIN = {"roles": ["SYSTEM_ROLE_ADMIN"], "rules": {}}
MONDAY = "2026-03-02"


def event(  # noqa: PLR0913
    time: str,
    operation: str = "UPDATE",
    kind: str = "Project",
    claims: t.Any = None,
    *,
    created_by: str = "system",
    error: t.Any = None,
    address: str | None = "203.0.113.1",
    namespace: str = "acme",
    uuid: str | None = None,
    spec: t.Any = None,
) -> dict[str, t.Any]:
    inner = {
        "operation": f"OPERATION_{operation}",
        "message_kind": f"internal.endor.ai.endor.v1.{kind}",
        "message_uuid": uuid or f"{kind}-1",
        "payload": {"meta": {"name": f"the {kind}"}, "spec": spec},
        "claims": claims,
        "error": error,
        "remote_address": address,
    }
    return {
        "create_time": time,
        "tenant_meta": {"namespace": namespace},
        "meta": {"created_by": created_by},
        "spec": inner,
    }


def sign_in(
    time: str, claims: t.Any = None, *, success: bool = True, address: str = "203.0.113.1", tenants: int = 1
) -> t.Any:
    spec = {
        "claims": claims or ALICE,
        "remote_address": address,
        "uri": "/v1/auth/google/callback",
        "success": success,
        "status": 200 if success else 401,
        "error_message": "" if success else "no",
        "authorized_tenants": [f"org{number}" for number in range(tenants)] if success else [],
    }
    return {"create_time": time, "tenant_meta": {"namespace": "system"}, "meta": {"created_by": ""}, "spec": spec}


def series(first: str, seconds: float, count: int) -> list[str]:
    """Give times that are so far apart."""
    begin = dt.datetime.fromisoformat(first)
    return [(begin + dt.timedelta(seconds=seconds * number)).isoformat() for number in range(count)]


def deletions(actor: str, times: Iterable[str], **more: t.Any) -> Log:
    return [event(time, "DELETE", claims=[f"email={actor}@example.com"], **more) for time in times]


def numbered(log: Sequence[dict[str, t.Any]], prefix: int = 0) -> Log:
    return [{"uuid": f"{prefix + number:024x}", **item} for number, item in enumerate(log)]
