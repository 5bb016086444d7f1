"""Changes that are risky, and some that look like it; sprees of deletions; what is new for somebody."""

from __future__ import annotations

import typing as t

from tests.analytics_events import ADMIN, ALICE, BOB, MONDAY, POD, SCHEDULER, Log, deletions, event, series


def change(
    kind: str, spec: t.Any = None, *, operation: str = "UPDATE", at: str = "10:00:00", **more: t.Any
) -> dict[str, t.Any]:
    return event(f"{MONDAY}T{at}", operation, kind, more.pop("claims", ALICE), spec=spec, **more)


POLICY = {"policy_type": "POLICY_TYPE_USER_FINDING"}
EXCEPTION = {"policy_type": "POLICY_TYPE_EXCEPTION", "exception": {"reason": "x", "expiration_time": None}}
ENDING = {"policy_type": "POLICY_TYPE_EXCEPTION", "exception": {"expiration_time": "2026-06-01T00:00:00Z"}}
OPEN = {"allowed_ip_subnets": ["10.0.0.0/8", "0.0.0.0/0"]}
GRANT = {"clause": ["email=bob@example.com"], "permissions": ADMIN}
READER = {"clause": ["email=bob@example.com"], "permissions": {"roles": ["SYSTEM_ROLE_READ_ONLY"]}}
ALL = {"clause": ["group=x"], "permissions": {"roles": [], "rules": {"*": {"methods": ["METHOD_ALL"]}}}}
ADMISSION = {"policy_type": "POLICY_TYPE_ADMISSION", "admission": {"disable_enforcement": False}}
OFF = {"disable": True}
OUTSIDE = {"clause": ["email=x@mail.example"], "permissions": {"roles": ["SYSTEM_ROLE_READ_ONLY"]}}

RISKY: list[tuple[str, str, Log]] = [
    (
        "policy disabled",
        "high",
        [change("Policy", POLICY | {"disable": False}), change("Policy", POLICY | {"disable": True}, at="11:00:00")],
    ),
    ("policy disabled", "high", [change("Policy", POLICY | {"admission": {"disable_enforcement": True}})]),
    # What says nothing of it in between changes nothing.
    *(
        (
            "policy loosened",
            "high",
            [change("Policy", was), change("Policy", at="10:30:00"), change("Policy", now, at="11:00:00")],
        )
        for was, now in ((POLICY, EXCEPTION), (POLICY, ENDING), (ADMISSION, POLICY))
    ),
    # A change that leaves the type out leaves it as it was.
    *(
        (
            "policy loosened",
            "high",
            [
                change("Policy", was),
                change("Policy", {"disable": False}, at="10:30:00"),
                change("Policy", now, at="11:00:00"),
            ],
        )
        for was, now in ((POLICY, ENDING), (ADMISSION, POLICY))
    ),
    ("policy deleted", "medium", [change("Policy", operation="DELETE")]),
    (
        "admin granted",
        "high",
        [change("AuthorizationPolicy", READER), change("AuthorizationPolicy", GRANT, at="11:00:00")],
    ),
    ("admin granted", "high", [change("AuthorizationPolicy", ALL, operation="CREATE")]),
    ("admin granted", "high", [change("APIKey", {"permissions": ADMIN}, operation="CREATE")]),
    ("endless exception", "medium", [change("Policy", ENDING), change("Policy", EXCEPTION, at="11:00:00")]),
    (
        "endless exception",
        "medium",
        [change("Policy", EXCEPTION | {"disable": True}), change("Policy", EXCEPTION, at="11:00:00")],
    ),
    *(
        ("endless exception", "medium", [change("Policy", EXCEPTION | {"exception": {"expiration_time": end}})])
        for end in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "10000-01-01T00:00:00Z", "")
    ),
    ("outside invitation", "high", [change("Invitation", {"user_email": "x@Mail.Example"}, operation="CREATE")]),
    ("outside invitation", "high", [change("AuthorizationPolicy", OUTSIDE, operation="CREATE")]),
    *(
        ("outside invitation", "high", [change("AuthorizationPolicy", {"clause": ["email=bob@example.com", claim]})])
        for claim in ("email=x@mail.example", "user=x@mail.example@google", "domain=Mail.example")
    ),
    ("identity provider", "high", [change("IdentityProvider", operation="DELETE")]),
    ("IP policy", "critical", [change("IPAddressPolicy", OPEN)]),
    *(
        ("IP policy", "critical", [change("IPAddressPolicy", {"allowed_ip_subnets": ["10.0.0.0/8"], **off})])
        for off in (OFF, {"disabled": True}, {"enabled": False})
    ),
    ("IP policy", "critical", [change("IPAddressPolicy", operation="DELETE")]),
    ("namespace deleted", "high", [change("Namespace", operation="DELETE")]),
    ("integration", "medium", [change("SCMCredential", {})]),
    ("notification", "medium", [change("NotificationTarget", {})]),
    ("exporter", "medium", [change("Exporter", {}, operation="CREATE")]),
    ("audit log touched", "critical", [change("AuditLog", operation="DELETE")]),
]
"""Rule, severity, and acts of which the last one is told of."""


def each(*entries: t.Any) -> list[list[t.Any]]:
    return [[entry] for entry in entries]


NETWORK_LISTS: dict[str, list[t.Any]] = {
    "critical": [
        *each("0.0.0.0/0", "1.2.3.4/0", " 0.0.0.0/00 ", "0.0.0.0/0.0.0.0", "0/0", "any", "*"),
        *each("::/0", "0::/0", "0:0:0:0:0:0:0:0/0", "FC00::/0", "2000::/3", "::ffff:0:0/96"),
        ["0.0.0.0/1", "128.0.0.0/1"],
        ["::/1", "8000::/1"],
        ["10.0.0.0/8", "0::/0"],
        "0.0.0.0/0",
        "10.0.0.0/8,0.0.0.0/0",
        "10.0.0.0/8\n0.0.0.0/0",
        # What is no plain network may be all of them.
        *each("10.0.0.0/254.0.0.0", "0.0.0.0-255.255.255.255", "*.*.*.*", "10.*", "10.0.0.0/+8", "/0"),
        *each("0.0.0.0/ 0", "0.0.0.0 /0", "0.0.0.0/0\n", "0.0.0.0/0\t", "0.0.0.0/0\u200b", "10.0.0.0/8,"),
        *each(*(f"10.0.0.0/8{mark}0.0.0.0/0" for mark in (",", ";", "|", " ", "\n", "\t"))),
        *each("(0.0.0.0/0)", "'0.0.0.0/0'", '"0.0.0.0/0"', "0.0.0.0/0#temp", "[2000::]/3"),
        *each("f000::/1", "fc00::/1", "fc00::/6", "2000::/15", "::/16", "::", "::ffff:10.0.0.0/104"),
        *each("10.0.0.0/7", "0.0.0.0", "256.0.0.0/8", "010.0.0.0/8", "10.0.0.0/33", "10.0.0/8"),  # noqa: S104
        *each("2001:db8", "2001:db8::/129", "2001::db8::1", "2001:0:0:0:0:0:0:0:0", "20010::/32"),
        *each(None, 8, {"cidr": "10.0.0.0/8"}),
        # Together they are wide.
        ["3.0.0.0/8", "52.0.0.0/8", "13.0.0.0/9", "8.8.8.8"],
        [f"{first}.{second}.0.0/16" for first in (3, 52) for second in range(256)] + ["8.8.8.8"],
        ["2600::/16", "2a00::/16", "2001:db8::/32"],
        ["10.0.0.0/8", ""],
        {"subnets": ["0.0.0.0/0"]},
        {},
        [],
        [""],
        "",
        None,
    ],
    "medium": [
        ["10.0.0.0/8", "172.16.0.0/12"],
        "10.0.0.0/8, 172.16.0.0/12",
        ["fc00::/7", "2001:db8::/32"],
        ["203.0.113.0", "255.255.255.255/32", "1.2.3.4/9"],
        [f"198.51.{third}.0/24" for third in range(256)],
        ["3.0.0.0/8", "52.0.0.0/8"],
        # The same again is no wider, and what is private lets nobody in.
        ["3.0.0.0/8"] * 3,
        ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fd00::/16", "fd01::/16", "fd02::/16"],
        ["2001:DB8::1", "2000::/16", "2001:db8:1:2:3:4:5:6/128", "fe80::1:2/64", "2001:db8:1::/48"],
    ],
}
"""The networks of IP policies, by how severe they are."""

ORDINARY = [
    change("Policy", POLICY | {"disable": True}, operation="CREATE", uuid="a draft"),
    change("Policy", POLICY | {"disable": True}, uuid="a draft", at="11:00:00"),
    change("Policy", POLICY | {"disable": False}, uuid="on"),
    change("Policy", POLICY | {"disable": True}, uuid="refused", error={"code": 7}),
    change("Policy", ENDING, uuid="until summer"),
    change("Policy", uuid="until summer", operation="DELETE", at="11:00:00"),
    change("AuthorizationPolicy", READER, operation="CREATE", uuid="reader"),
    change("AuthorizationPolicy", GRANT, operation="DELETE", uuid="grant"),
    change("Invitation", {"user_email": "new@example.com"}, operation="CREATE"),
    change("Installation", {}, claims=SCHEDULER),
    change("Namespace", operation="DELETE", claims=SCHEDULER, uuid="stale"),
    change("Namespace", operation="CREATE", uuid="new"),
    change("AuditLog", operation="CREATE"),
]

SPREES = [
    *deletions("mallory", series(f"{MONDAY}T09:00:00", 900, 10)),
    *deletions("dave", series(f"{MONDAY}T09:00:00", 1, 9)),
    *deletions("erin", series(f"{MONDAY}T09:00:00", 60, 5)),
    *deletions("erin", series(f"{MONDAY}T09:19:01", 60, 5)),
    *deletions("tess", [f"{MONDAY}T12:00:00"] * 10),
    *deletions("fred", series(f"{MONDAY}T09:00:00", 1, 12), error={"code": 7}),
    # Each night, and once three times as much.
    *(item for n in range(2, 9) for item in deletions("prune", series(f"2026-03-{n:02}T01:00:00", 1, 10))),
    *deletions("prune", series("2026-03-09T01:00:00", 1, 30)),
    # The first night of a job is no news, but ten times as much is.
    *(event(time, "DELETE", claims=SCHEDULER) for time in series(f"{MONDAY}T02:00:00", 1, 20)),
    *(event(time, "DELETE", claims=SCHEDULER) for time in series("2026-03-07T02:00:00", 1, 200)),
    # A dozen a day, never two within a quarter of an hour.
    *(item for n in range(2, 8) for item in deletions("slow", series(f"2026-03-{n:02}T08:00:00", 1800, 12))),
]
SPREES_FOUND = [
    ("mallory@example.com", f"{MONDAY}T09:00:00", "mass deletion", "high"),
    ("prune@example.com", f"{MONDAY}T01:00:00", "mass deletion", "high"),
    ("prune@example.com", "2026-03-09T01:00:00", "mass deletion", "high"),
    ("scheduler@endor.ai", f"{MONDAY}T02:00:00", "mass deletion", "low"),
    ("scheduler@endor.ai", "2026-03-07T02:00:00", "mass deletion", "high"),
    ("slow@example.com", "2026-03-05T13:30:00", "slow deletion", "medium"),
    ("tess@example.com", f"{MONDAY}T12:00:00", "mass deletion", "high"),
]
"""Who is told of: dave's are too few, erin paused for 15:01 minutes, fred's all failed."""

_DAYS = [day[:10] for day in series("2026-03-01T00:00:00", 86_400, 12)]
_OWN_KEY = ["ID=8", "email=bob@example.com", "api-key"]
_RUNNER = ["ID=9", "email=carol@example.com", "api-key"]
NEWS = [
    *(event(f"{day}T09:00:00", claims=ALICE, address="203.0.113.1") for day in _DAYS),
    *(event(f"{day}T10:00:00", "UPSERT", "Finding", _OWN_KEY, address="203.0.113.2") for day in _DAYS),
    # On another runner each day.
    *(event(f"{day}T11:00:00", "UPSERT", "Finding", _RUNNER, address=f"198.51.{n}.1") for n, day in enumerate(_DAYS)),
    event("2026-03-03T09:00:00", claims=ALICE, address="192.0.2.9"),
    # Only looking around, and a day later known.
    event("2026-03-09T09:00:00", "CREATE", "UITelemetry", ALICE, address="198.18.0.1"),
    event("2026-03-11T09:30:00", claims=ALICE, address="198.18.0.2"),
    event("2026-03-12T12:00:00", claims=ALICE, address="198.18.7.7"),
    event("2026-03-12T13:00:00", "UPSERT", "Finding", _OWN_KEY, address="198.18.8.8"),
    event("2026-03-12T14:00:00", "CREATE", "Exporter", _RUNNER, address="198.18.9.9"),
    event("2026-03-12T15:00:00", "UPSERT", "Finding", ["ID=10", *_OWN_KEY[1:]], address="203.0.113.2"),
    event("2026-03-12T15:30:00", "UPSERT", "Finding", ["ID=10", *_OWN_KEY[1:]], address="198.18.10.10"),
    event("2026-03-12T16:00:00", claims=BOB, address="203.0.113.1"),
    # Three others did so before.
    *(event("2026-03-01T12:00:00", "CREATE", "SavedQuery", [f"email=p{n}@example.com"]) for n in range(3)),
    event("2026-03-12T16:30:00", "CREATE", "SavedQuery", ALICE),
    event("2026-03-12T17:00:00", claims=POD, address="203.0.113.1", error={"code": 7}),
]
NEWS_FOUND = [
    ("new address", "alice@example.com", "198.18.7.7"),
    ("new address", "bob@example.com", "198.18.8.8"),
    ("new kind", "carol@example.com", "198.18.9.9"),
    ("new key", "bob@example.com", "203.0.113.2"),
    ("new address", "bob@example.com", "198.18.10.10"),
    ("new actor", "bob@example.com", "203.0.113.1"),
]
