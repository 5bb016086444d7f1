"""A month of a tenant as real logs look: mostly scans and page visits, some changes, and forty incidents.

What each incident is stands beside the events, never in them.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from operator import itemgetter
from random import Random

from fake_endor_api.events import DEMO_CHILDREN, DEMO_NAMESPACE
from fake_endor_api.payloads import pick
from fake_endor_api.realistic import routine
from fake_endor_api.realistic.incidents import incidents
from fake_endor_api.realistic.people import make_cast
from fake_endor_api.realistic.records import Record, record, sign_in
from fake_endor_api.realistic.span import Span
from fake_endor_api.times import parse_time, to_nanoseconds

if t.TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from fake_endor_api.realistic.records import Act

_TELEMETRY, _CHANGES = 0.2, 0.09
_LEAST_DAYS, _LEAST_EVENTS = 14, 3_000


@dataclass(frozen=True)
class Incident:
    """Events that belong together.

    Attributes:
        rule: the rule of `analytics/` that should tell of them.
        uuids: those of its events.
    """

    rule: str
    uuids: frozenset[str]


@dataclass(frozen=True)
class RealisticLog:
    """What a tenant's logs hold.

    Attributes:
        events: audit logs, in the order of their times.
        sign_ins: authentication logs, likewise.
        incidents: forty of them.
    """

    events: list[Record]
    sign_ins: list[Record]
    incidents: tuple[Incident, ...]

    @property
    def labels(self) -> dict[str, str]:
        """Return the rule of each event that belongs to an incident, by uuid."""
        return {uuid: incident.rule for incident in self.incidents for uuid in incident.uuids}


def make_realistic_log(  # noqa: PLR0913
    count: int,
    start: datetime,
    end: datetime,
    *,
    sign_ins: int = 0,
    seed: int = 0,
    namespace: str = DEMO_NAMESPACE,
) -> RealisticLog:
    """Return the logs of a tenant in [start, end), the same for the same arguments.

    Args:
        count: how many audit logs, at least 3,000: 70 % scans, 20 % page visits, 9 % changes, the rest incidents.
        start: the earliest time, an aware datetime.
        end: the exclusive end, at least 14 days later.
        sign_ins: how many authentication logs.
        seed: another seed gives other people and other events.
        namespace: the namespace of most events.

    Raises:
        ValueError: there are too few events or days for people to have habits.
    """
    span = Span(to_nanoseconds(start), to_nanoseconds(end))
    if span.days < _LEAST_DAYS or count < _LEAST_EVENTS:
        raise ValueError(f"A realistic log has at least {_LEAST_DAYS} days and {_LEAST_EVENTS:,} events.")
    rng = Random(f"realistic/{seed}")
    cast = make_cast(rng)
    namespaces = (namespace, namespace, *(f"{namespace}.{child}" for child in DEMO_CHILDREN))

    def recorded(acts: Iterable[Act]) -> list[Record]:
        return [record(rng, act, pick(rng, namespaces)) for act in acts]

    told, events = [], []
    for plan in incidents(rng, span, cast):
        made = recorded(plan.acts)
        told.append(Incident(plan.rule, frozenset(event["uuid"] for event in made)))
        events += made
    telemetry, changes = int(_TELEMETRY * count), int(_CHANGES * count)
    events += recorded(routine.telemetry(rng, span, cast, telemetry))
    events += recorded(routine.changes(rng, span, cast, changes))
    events += recorded(routine.scans(rng, span, cast, count - len(events)))
    signed = [sign_in(rng, act, uri, [namespace]) for act, uri in routine.sign_ins(rng, span, cast, sign_ins)]
    return RealisticLog(_in_order(events), _in_order(signed), tuple(told))


def _in_order(records: list[Record]) -> list[Record]:
    keyed = [((parse_time(item["meta"]["create_time"]), item["uuid"]), item) for item in records]
    return [item for _, item in sorted(keyed, key=itemgetter(0))]
