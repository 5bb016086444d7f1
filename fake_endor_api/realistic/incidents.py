"""Forty incidents, and what each of them is: what the views of `analytics/` have to find."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from fake_endor_api.payloads import hex_id, pick
from fake_endor_api.realistic import objects
from fake_endor_api.realistic.people import home_network, outsider, runner_address
from fake_endor_api.realistic.records import DENIED, Act
from fake_endor_api.realistic.span import DAY, night_time, usual_address, working_time
from fake_endor_api.times import SECOND

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    from fake_endor_api.realistic.people import Cast
    from fake_endor_api.realistic.records import Record
    from fake_endor_api.realistic.span import Span

Acts = t.Iterator[Act]
# What an actor's own habits tell needs time to know them.
_KNOWN = 0.5
MINUTE = 60 * SECOND


@dataclass(frozen=True)
class Plan:
    """An incident before it has uuids.

    Attributes:
        rule: which rule of the views it is for.
        acts: what was done.
    """

    rule: str
    acts: tuple[Act, ...]


class _Director:
    """Makes incidents of one log."""

    def __init__(self, rng: Random, span: Span, cast: Cast) -> None:
        self.rng = rng
        self.span = span
        self.cast = cast
        # Of eight owners, so that no key is stolen twice.
        keys = rng.sample(cast.keys[:8], 8)
        self._fixed = [key for key in keys if key.network]
        self._roaming = [key for key in keys if not key.network]

    def _by_day(self, operation: str, kind: str, spec: Record | None, *, admin: bool = True) -> Act:
        person = pick(self.rng, self.cast.admins if admin else self.cast.people[:30])
        time = working_time(self.rng, self.span, person)
        return Act(time, person.identity, usual_address(self.rng, person, time), operation, kind, spec)

    def policy_disabled(self) -> Acts:
        disabled = self._by_day("UPDATE", "Policy", objects.policy(self.rng, disable=True))
        disabled = replace(disabled, uuid=hex_id(self.rng))
        yield replace(disabled, time=disabled.time - MINUTE, spec=objects.policy(self.rng))
        yield disabled

    def policy_loosened(self) -> Acts:
        yield self._by_day("UPDATE", "Policy", objects.admission(self.rng, enforced=False))

    def admin_granted(self) -> Acts:
        person = pick(self.rng, self.cast.people)
        yield self._by_day("CREATE", "AuthorizationPolicy", objects.grant(f"email={person.email}", objects.ADMIN))

    def admin_key(self) -> Acts:
        act = self._by_day("CREATE", "APIKey", None)
        yield replace(act, spec=objects.api_key(self.rng, objects.ADMIN, objects.in_days(act.time, 365)))

    def key_at_night(self) -> Acts:
        person = pick(self.rng, self.cast.people[:30])
        time = night_time(self.rng, self.span, person, from_share=_KNOWN)
        address = f"{home_network(self.rng)}.77"
        spec = objects.api_key(self.rng, "SYSTEM_ROLE_READ_ONLY", objects.in_days(time, 365))
        yield Act(time, person.identity, address, "CREATE", "APIKey", spec)

    def stolen_key(self) -> Acts:
        """A key whose jobs run in one place is used somewhere else."""
        key = self._fixed.pop()
        time = self.span.at(_KNOWN + (0.95 - _KNOWN) * self.rng.random())
        address = runner_address(self.rng)
        for _ in range(self.rng.randrange(15, 35)):
            who = key.identity(self.span.passed(time))
            yield Act(time, who, address, "UPDATE", "Project", objects.project(self.rng))
            time += self.rng.randrange(MINUTE)

    def stolen_runner_key(self) -> Acts:
        """A key whose jobs run anywhere does what none of its jobs do."""
        key = self._roaming.pop()
        time = self.span.at(_KNOWN + (0.95 - _KNOWN) * self.rng.random())
        for kind in ("PackageManager", "Notification", "SBOMExport", "SBOMExport", "VEXExport"):
            who = key.identity(self.span.passed(time))
            yield Act(time, who, runner_address(self.rng), "CREATE", kind, {"name": "all", "extra": []})
            time += self.rng.randrange(MINUTE)

    def identity_provider(self) -> Acts:
        operation = pick(self.rng, ("CREATE", "UPDATE", "DELETE"))
        spec = None if operation == "DELETE" else objects.identity_provider()
        yield self._by_day(operation, "IdentityProvider", spec)

    def integration(self) -> Acts:
        operation = pick(self.rng, ("UPDATE", "DELETE"))
        spec = None if operation == "DELETE" else objects.installation(self.rng)
        yield self._by_day(operation, "Installation", spec)

    def exporter(self) -> Acts:
        yield self._by_day("CREATE", "Exporter", objects.exporter())

    def outsider_invited(self) -> Acts:
        yield self._by_day("CREATE", "Invitation", objects.invitation(outsider(self.rng)))

    def endless_exception(self) -> Acts:
        yield self._by_day("CREATE", "Policy", objects.exception(self.rng, None), admin=False)

    def namespace_deleted(self) -> Acts:
        yield self._by_day("DELETE", "Namespace", None)

    def mass_deletion(self) -> Acts:
        first = self._by_day("DELETE", "Project", None, admin=False)
        for number in range(self.rng.randrange(30, 60)):
            yield replace(first, time=first.time + number * 7 * SECOND + self.rng.randrange(SECOND))

    def slow_deletion(self) -> Acts:
        """Some an hour, each working day of a week."""
        person = self.cast.people[5 + self.rng.randrange(25)]
        begin = working_time(self.rng, self.span, person, from_share=0.3)
        begin = min(begin, self.span.last - 5 * DAY)
        for day in range(5):
            for number in range(12):
                time = begin + day * DAY + number * 35 * MINUTE + self.rng.randrange(5 * MINUTE)
                if time < self.span.last:
                    yield Act(time, person.identity, usual_address(self.rng, person, time), "DELETE", "Finding")

    def denied_often(self) -> Acts:
        first = replace(self._by_day("UPDATE", "AuthorizationPolicy", None, admin=False), error=DENIED)
        for number in range(self.rng.randrange(14, 30)):
            kind = pick(self.rng, ("AuthorizationPolicy", "APIKey", "Namespace", "IdentityProvider"))
            yield replace(first, time=first.time + number * 20 * SECOND, kind=kind)

    def audit_log_deleted(self) -> Acts:
        yield self._by_day("DELETE", "AuditLog", None)

    def ip_policy_opened(self) -> Acts:
        yield self._by_day("UPDATE", "IPAddressPolicy", objects.ip_policy("0.0.0.0/0", "::/0"))


def incidents(rng: Random, span: Span, cast: Cast) -> Iterator[Plan]:
    """Give the forty."""
    director = _Director(rng, span, cast)
    casts: tuple[tuple[str, int, Callable[[], Acts]], ...] = (
        ("policy disabled", 3, director.policy_disabled),
        ("policy disabled", 2, director.policy_loosened),
        ("admin granted", 3, director.admin_granted),
        ("admin granted", 1, director.admin_key),
        ("off hours", 3, director.key_at_night),
        ("new address", 3, director.stolen_key),
        ("new kind", 2, director.stolen_runner_key),
        ("identity provider", 2, director.identity_provider),
        ("integration", 2, director.integration),
        ("exporter", 1, director.exporter),
        ("outside invitation", 3, director.outsider_invited),
        ("endless exception", 3, director.endless_exception),
        ("namespace deleted", 2, director.namespace_deleted),
        ("mass deletion", 3, director.mass_deletion),
        ("slow deletion", 2, director.slow_deletion),
        ("denied often", 2, director.denied_often),
        ("audit log touched", 1, director.audit_log_deleted),
        ("IP policy", 2, director.ip_policy_opened),
    )
    for rule, times, acts in casts:
        for _ in range(times):
            # What would be later than the log has not happened.
            yield Plan(rule, tuple(act for act in acts() if act.time < span.last))
