"""Audit logs whose answers are known, and what the views of `analytics/` must say of them, in any database."""

from __future__ import annotations

import typing as t

import pytest

from analytics import VIEWS, statements

Ask = t.Callable[[str], list[tuple[t.Any, ...]]]
"""Gives the rows that a query has, with times as ISO 8601 text."""

ALICE = ["email=alice@example.com", "issuer=https://accounts.google.com"]
BOB: list[t.Any] = [{"subject": "bob@example.com", "issuer": "endorlabs.com", "audience": "api.endorlabs.com"}]
DENIED = {"code": 7, "message": "permission denied", "details": []}


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
) -> dict[str, t.Any]:
    spec = {
        "operation": f"OPERATION_{operation}",
        "message_kind": f"internal.endor.ai.endor.v1.{kind}",
        "message_uuid": f"{kind}-1",
        "payload": {"meta": {"name": f"the {kind}"}},
        "claims": claims,
        "error": error,
        "remote_address": address,
    }
    return {
        "create_time": time,
        "tenant_meta": {"namespace": namespace},
        "meta": {"created_by": created_by},
        "spec": spec,
    }


def deletions(actor: str, times: t.Iterable[str], **more: t.Any) -> list[dict[str, t.Any]]:
    return [event(time, "DELETE", claims=[f"email={actor}@example.com"], **more) for time in times]


def numbered(log: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    return [{"uuid": f"{number:024x}", **item} for number, item in enumerate(log)]


MONDAY = "2026-03-02"
LOG = [
    event("2026-02-28T23:59:59.999999", claims=None, created_by="system"),
    event("2026-03-01T12:00:00", claims=["api-key"], created_by="ewok@endor.ai@google@api-key"),
    event(f"{MONDAY}T07:59:59.999999", "CREATE", claims=ALICE),
    event(f"{MONDAY}T08:00:00", "UPDATE", "Policy", ALICE, address="203.0.113.2"),
    event(f"{MONDAY}T17:59:59.999999", "CREATE", "AuthorizationPolicy", BOB),
    event(f"{MONDAY}T18:00:00", "DELETE", "APIKey", BOB, error=DENIED, namespace="acme.prod"),
    event(f"{MONDAY}T18:00:00", "UPSERT", "NotificationPolicy", ["issuer=x", "email="], created_by="carol@example.com"),
    {"create_time": "2026-03-03T09:00:00", "tenant_meta": None, "meta": None, "spec": None},
    {
        "create_time": "2026-03-03T09:00:00",
        "tenant_meta": {},
        "meta": {"created_by": ""},
        "spec": {"claims": "?", "error": {"code": 0}, "operation": "USER_LOGIN", "message_kind": "AuthenticationLog"},
    },
]
RAW = numbered(LOG)

SPREES = [
    *deletions("mallory", (f"{MONDAY}T{9 + n // 4:02}:{n % 4 * 15:02}:00" for n in range(10))),
    *deletions("dave", (f"{MONDAY}T09:00:{n:02}" for n in range(9))),
    *deletions("erin", (f"{MONDAY}T09:{n:02}:00" for n in range(5))),
    *deletions("erin", (f"{MONDAY}T09:{n + 19:02}:01" for n in range(5))),
    *deletions("tess", [f"{MONDAY}T12:00:00"] * 10),
    *deletions("fred", (f"{MONDAY}T09:00:{n:02}" for n in range(12)), error=DENIED),
]

ANSWERS = {
    "SELECT actor, by_api_key FROM audit_events ORDER BY uuid": [
        ("system", False),
        ("ewok@endor.ai", True),
        ("alice@example.com", False),
        ("alice@example.com", False),
        ("bob@example.com", False),
        ("bob@example.com", False),
        ("carol@example.com", False),
        ("unknown", False),
        ("unknown", False),
    ],
    """SELECT happened_at, namespace, operation, resource_kind, resource_uuid, resource_name, failed
    FROM audit_events WHERE resource_kind = 'Policy' OR actor = 'unknown' ORDER BY uuid""": [
        (f"{MONDAY}T08:00:00", "acme", "OPERATION_UPDATE", "Policy", "Policy-1", "the Policy", False),
        ("2026-03-03T09:00:00", None, None, None, None, None, False),
        ("2026-03-03T09:00:00", None, "USER_LOGIN", "AuthenticationLog", None, None, False),
    ],
    "SELECT * FROM activity_per_actor_and_day WHERE actor <> 'unknown' ORDER BY day, actor": [
        ("2026-02-28", "system", 1, 0, 1, 0, 0, 1),
        ("2026-03-01", "ewok@endor.ai", 1, 0, 1, 0, 0, 1),
        (MONDAY, "alice@example.com", 2, 1, 1, 0, 0, 2),
        (MONDAY, "bob@example.com", 2, 1, 0, 1, 1, 1),
        (MONDAY, "carol@example.com", 1, 0, 1, 0, 0, 1),
    ],
    "SELECT happened_at, actor, operation, error_code, error_message, namespace FROM failed_operations": [
        (f"{MONDAY}T18:00:00", "bob@example.com", "OPERATION_DELETE", "7", "permission denied", "acme.prod"),
    ],
    "SELECT category, actor, operation, failed FROM sensitive_changes ORDER BY happened_at, uuid": [
        ("policy", "alice@example.com", "OPERATION_UPDATE", False),
        ("authorization", "bob@example.com", "OPERATION_CREATE", False),
        ("API key", "bob@example.com", "OPERATION_DELETE", True),
        ("policy", "carol@example.com", "OPERATION_UPSERT", False),
    ],
    "SELECT happened_at FROM activity_outside_working_hours ORDER BY uuid": [
        ("2026-02-28T23:59:59.999999",),
        ("2026-03-01T12:00:00",),
        (f"{MONDAY}T07:59:59.999999",),
        (f"{MONDAY}T18:00:00",),
        (f"{MONDAY}T18:00:00",),
    ],
    "SELECT who, first_seen_at, last_seen_at, events FROM first_seen WHERE what = 'address' ORDER BY who": [
        ("203.0.113.1", "2026-02-28T23:59:59.999999", f"{MONDAY}T18:00:00", 6),
        ("203.0.113.2", f"{MONDAY}T08:00:00", f"{MONDAY}T08:00:00", 1),
    ],
    "SELECT who, first_seen_at FROM first_seen WHERE what = 'actor' AND events > 1 ORDER BY who": [
        ("alice@example.com", f"{MONDAY}T07:59:59.999999"),
        ("bob@example.com", f"{MONDAY}T17:59:59.999999"),
        ("unknown", "2026-03-03T09:00:00"),
    ],
    "SELECT * FROM mass_deletions": [],
}
"""What is to be answered of `RAW`, by query."""

SPREES_FOUND = [
    ("mallory@example.com", f"{MONDAY}T09:00:00", f"{MONDAY}T11:15:00", 10, 1, 1),
    ("tess@example.com", f"{MONDAY}T12:00:00", f"{MONDAY}T12:00:00", 10, 1, 1),
]
"""The mass deletions in `SPREES`: dave's are too few, erin paused for 15:01 minutes, fred's all failed."""

BERLIN = "'Europe/Berlin' AS time_zone"
BERLIN_LOG = [
    event(time, claims=ALICE)
    for time in (
        "2026-03-02T06:59:59",  # 07:59:59
        "2026-03-02T07:00:00",  # 08:00, winter
        "2026-03-02T17:00:00",  # 18:00
        "2026-03-30T06:00:00",  # 08:00, summer
        "2026-03-30T16:00:00",  # 18:00
        "2026-03-27T23:30:00",  # 00:30 on a Saturday
        "2026-03-29T22:30:00",  # 00:30 on a Monday
    )
]
BERLIN_OUTSIDE = [
    ("2026-03-02T06:59:59", "2026-03-02T07:59:59"),
    ("2026-03-02T17:00:00", "2026-03-02T18:00:00"),
    ("2026-03-27T23:30:00", "2026-03-28T00:30:00"),
    ("2026-03-29T22:30:00", "2026-03-30T00:30:00"),
    ("2026-03-30T16:00:00", "2026-03-30T18:00:00"),
]


class ViewTests:
    """The tests of the views; a subclass says how a database is asked."""

    def load(self, log: list[dict[str, t.Any]], views: t.Iterable[str]) -> Ask:
        """Make the raw table with these events, and the views."""
        raise NotImplementedError

    database: t.ClassVar[str]

    @pytest.mark.parametrize("query", ANSWERS)
    def test_a_view_answers_what_is_known(self, query: str) -> None:
        ask = self.load(RAW, statements(self.database))
        assert ask(query) == ANSWERS[query]

    def test_mass_deletions_are_told_from_busy_days(self) -> None:
        ask = self.load(numbered(SPREES), statements(self.database))
        assert ask("SELECT * FROM mass_deletions ORDER BY first_at") == SPREES_FOUND

    def test_working_hours_are_those_of_the_time_zone(self) -> None:
        views = [text.replace("'UTC' AS time_zone", BERLIN) for text in statements(self.database)]
        ask = self.load(numbered(BERLIN_LOG), views)
        query = "SELECT happened_at, local_time FROM activity_outside_working_hours ORDER BY happened_at"
        assert ask(query) == BERLIN_OUTSIDE

    def test_an_empty_log_has_no_answers(self) -> None:
        ask = self.load([], statements(self.database))
        assert [ask(f"SELECT * FROM {view}") for view in VIEWS] == [[]] * len(VIEWS)  # noqa: S608
