"""What happens every day: scans of CI, page visits, changes by people, and the scheduler that prunes at night."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from fake_endor_api.payloads import hex_id, pick
from fake_endor_api.realistic import objects
from fake_endor_api.realistic.people import DOMAIN, SCHEDULER, pod, runner_address
from fake_endor_api.realistic.records import DENIED, Act
from fake_endor_api.realistic.span import DAY, HOUR, usual_address, working_time
from fake_endor_api.times import SECOND

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from fake_endor_api.realistic.people import Cast, Identity, Person
    from fake_endor_api.realistic.records import Record
    from fake_endor_api.realistic.span import Span

_SCANNED = (
    ("CREATE", "ScanResult"),
    ("UPSERT", "RepositoryVersion"),
    ("UPSERT", "PackageVersion"),
    ("UPSERT", "PackageVersion"),
    ("UPSERT", "Metric"),
    ("UPSERT", "Finding"),
    ("CREATE", "Finding"),
    ("UPSERT", "DependencyMetadata"),
    ("UPDATE", "ScanResult"),
)
_MISSING = {"code": 5, "message": "object not found", "details": []}
_PRUNED = ("ScanResult", "PackageVersion", "DependencyMetadata", "RepositoryVersion")
_ON_PREM = "10.50.1.7"
_VENDOR = "10.99.0.3"


def scans(rng: Random, span: Span, cast: Cast, count: int) -> Iterator[Act]:
    """Give so many events of scans: by an API key, by a job in Kubernetes, and the nightly pruning."""
    left = count
    for act in _pruning(rng, span):
        left -= 1
        yield act
    run = 29_000_000
    denied_for = cast.keys[1]
    while left > 0:
        time = span.at(rng.random())
        if _is_quiet(rng, time):
            continue
        key = pick(rng, cast.keys)
        run += 1
        who, address = key.identity(span.passed(time)), runner_address(rng)
        if key.network is not None:
            address = f"{key.network}.{2 + rng.getrandbits(3)}"
        if rng.random() < 0.1:
            who, address = pod(rng, run), _ON_PREM
        for operation, kind in _SCANNED[:left]:
            left -= 1
            error = None
            if rng.random() < 0.004:
                # One key was given too little, and nobody has looked at it.
                error = DENIED if key is denied_for else _MISSING
            spec = objects.scan(rng) if kind == "ScanResult" else {"name": f"app-{rng.getrandbits(6)}", "extra": None}
            if time < span.last:
                yield Act(time, who, address, operation, kind, spec, error=error)
            time += rng.randrange(20 * SECOND)


def _pruning(rng: Random, span: Span) -> Iterator[Act]:
    for day in range(span.days + 2):
        time = span.midnight(day) + HOUR + rng.randrange(10 * 60 * SECOND)
        for _ in range(rng.randrange(15, 45)):
            time += rng.randrange(5 * SECOND)
            if span.first <= time < span.last:
                yield Act(time, SCHEDULER, _VENDOR, "DELETE", pick(rng, _PRUNED))
        # It also writes down each night when it looked at the integrations.
        if span.first <= time < span.last:
            yield Act(time, SCHEDULER, _VENDOR, "UPDATE", "Installation", objects.installation(rng), uuid="5" * 24)


def telemetry(rng: Random, span: Span, cast: Cast, count: int) -> Iterator[Act]:
    """Give so many events of what people looked at."""
    for _ in range(count):
        person = pick(rng, cast.people)
        time = working_time(rng, span, person)
        kind, spec = "UITelemetry", objects.page_visits(rng, time)
        if rng.random() < 0.3:
            kind, spec = "UserTelemetry", objects.user_events(rng, time)
        yield Act(time, person.identity, usual_address(rng, person, time), "CREATE", kind, spec)


def changes(rng: Random, span: Span, cast: Cast, count: int) -> Iterator[Act]:
    """Give so many ordinary changes by people."""
    # Drafts that were never turned on, so that changing them turns nothing off.
    drafts = [hex_id(rng) for _ in range(6)]
    left = count
    for act in _chores(rng, span, cast):
        left -= 1
        yield act
    for draft in drafts:
        left -= 1
        admin = pick(rng, cast.admins)
        time = span.first + rng.randrange(HOUR)
        yield Act(
            time, admin.identity, f"{admin.office}.5", "CREATE", "Policy", objects.policy(rng, disable=True), uuid=draft
        )
    exceptions: list[Act] = []
    for _ in range(max(0, left)):
        person = pick(rng, cast.people)
        time = working_time(rng, span, person)
        act = _change(rng, person, time)
        if act.kind == "Policy" and act.operation == "DELETE":
            # What is deleted is mostly an exception that is needed no more.
            done = [exception for exception in exceptions if exception.time < time]
            if done:
                exceptions.remove(done[0])
            act = replace(act, uuid=done[0].uuid) if done else replace(act, kind="SavedQuery")
        elif act.kind == "Policy" and act.operation == "CREATE":
            act = replace(act, uuid=hex_id(rng))
            if act.spec and act.spec["exception"] and act.error is None:
                exceptions.append(act)
        if act.kind == "Policy" and act.operation == "UPDATE" and rng.random() < 0.1:
            act = replace(act, spec=objects.policy(rng, disable=True), uuid=pick(rng, drafts))
        yield act


def _change(rng: Random, person: Person, time: int) -> Act:
    chance = rng.random()
    if chance < 0.4:
        operation, kind, spec = "UPDATE", "Project", objects.project(rng)
    elif chance < 0.6:
        operation, kind, spec = "UPDATE", "Finding", {"dismiss": True, "level": "FINDING_LEVEL_LOW"}
    elif chance < 0.72:
        operation, kind, spec = pick(rng, ("CREATE", "UPDATE")), "SavedQuery", {"query": {"kind": "Finding"}}
    elif chance < 0.84:
        operation, kind, spec = pick(rng, ("CREATE", "UPDATE", "UPDATE")), "Policy", objects.policy(rng)
    elif chance < 0.92:
        operation, kind = "CREATE", "Policy"
        spec = objects.exception(rng, objects.in_days(time, 30))
    elif chance < 0.96:
        operation, kind, spec = "UPDATE", "ScanProfile", {"toolchain_profile": None}
    else:
        operation, kind, spec = "DELETE", pick(rng, ("SavedQuery", "Project", "Policy")), None
    # Now and then somebody asks for what only an administrator may do.
    error = DENIED if rng.random() < 0.004 else None
    return Act(time, person.identity, usual_address(rng, person, time), operation, kind, spec, error=error)


def _chores(rng: Random, span: Span, cast: Cast) -> Iterator[Act]:
    """Give what administrators do from time to time, some of which is worth an alert though nothing is wrong."""

    def act(person: Person, operation: str, kind: str, spec: Record | None, time: int = 0) -> Act:
        time = time or working_time(rng, span, person)
        return Act(time, person.identity, usual_address(rng, person, time), operation, kind, spec)

    weeks = max(1, span.days // 7)
    admins = cast.admins
    for number in range(3 * weeks):
        email = f"new.person{number}@{DOMAIN}"
        yield act(pick(rng, admins), "CREATE", "Invitation", objects.invitation(email))
        grant = objects.grant(f"email={email}", pick(rng, ("SYSTEM_ROLE_READ_ONLY", "SYSTEM_ROLE_POLICY_EDITOR")))
        yield act(pick(rng, admins), "CREATE", "AuthorizationPolicy", grant)
    for _ in range(weeks):
        yield act(pick(rng, admins), "CREATE", "AuthorizationPolicy", objects.grant("group=security", objects.ADMIN))
        yield act(pick(rng, admins), "DELETE", "Policy", None)
        yield act(pick(rng, admins), "UPDATE", "NotificationTarget", objects.notification_target())
        yield act(pick(rng, admins), "CREATE", "Namespace", {"full_name": "acme.next", "managed": False})
        yield act(pick(rng, admins), "UPDATE", "Policy", objects.admission(rng, enforced=True))
        for _ in range(2):
            yield act(pick(rng, cast.people), "CREATE", "Policy", objects.exception(rng, None))
    for key in cast.keys:
        # The new key is made some hours before the old one is not used any more, by day.
        owner = key.owner
        time = working_time(rng, span, owner, from_share=max(0.0, key.rotates - 0.1))
        spec = objects.api_key(rng, "SYSTEM_ROLE_CODE_SCANNER", objects.in_days(time, 60))
        yield act(owner, "CREATE", "APIKey", spec, time)
        yield act(owner, "DELETE", "APIKey", None, min(time + HOUR, span.last - 1))
    yield from _clean_up(rng, span, pick(rng, admins))


def _clean_up(rng: Random, span: Span, person: Person) -> Iterator[Act]:
    time = working_time(rng, span, person)
    for _ in range(8):
        time = min(time + rng.randrange(60 * SECOND), span.last - 1)
        yield Act(time, person.identity, usual_address(rng, person, time), "DELETE", "SavedQuery")


def sign_ins(rng: Random, span: Span, cast: Cast, count: int) -> Iterator[tuple[Act, str]]:
    """Give so many sign-ins with the path that was asked for: those of API keys at scans, and those of people."""
    for _ in range(count):
        if rng.random() < 0.7:
            time = span.at(rng.random())
            key = pick(rng, cast.keys)
            address = f"{key.network}.3" if key.network else runner_address(rng)
            yield _sign_in(time, key.identity(span.passed(time)), address), "/v1/auth/api-key"
        else:
            person = pick(rng, cast.people)
            time = working_time(rng, span, person)
            act = _sign_in(time, person.identity, usual_address(rng, person, time))
            yield replace(act, error=DENIED if rng.random() < 0.03 else None), "/v1/auth/google/callback"


def _sign_in(time: int, who: Identity, address: str) -> Act:
    return Act(time, who, address, "CREATE", "AuthenticationLog")


def _is_quiet(rng: Random, time: int) -> bool:
    hour = time % DAY // HOUR
    return rng.random() < (0.0 if 6 <= hour < 20 else 0.6)
