"""A faithful fake of the Endor Labs API, as far as audit logs need it.

In tests: `with FakeEndorApi() as api`. From the command line: `python -m fake_endor_api --port 8080`.
"""

from __future__ import annotations

from fake_endor_api.behaviour import Behaviour, RateLimit, SlowQuery
from fake_endor_api.events import DEMO_NAMESPACE, make_events, make_events_at, make_sign_ins
from fake_endor_api.faults import Fault
from fake_endor_api.realistic import RealisticLog, make_realistic_log
from fake_endor_api.samples import PARTNER_SAMPLE
from fake_endor_api.server import DEMO_KEY, DEMO_SECRET, FakeEndorApi
from fake_endor_api.times import ManualClock

__all__ = [
    "DEMO_KEY",
    "DEMO_NAMESPACE",
    "DEMO_SECRET",
    "PARTNER_SAMPLE",
    "Behaviour",
    "FakeEndorApi",
    "Fault",
    "ManualClock",
    "RateLimit",
    "RealisticLog",
    "SlowQuery",
    "make_events",
    "make_events_at",
    "make_realistic_log",
    "make_sign_ins",
]
