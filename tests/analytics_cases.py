"""Audit logs whose answers are known, and what the views of `analytics/` must say of them, in any database."""

from __future__ import annotations

import typing as t

import pytest

from analytics import VIEWS, statements
from tests.analytics_answers import ANSWERS, LOG, NETWORKS, ODD, OUTCOMES, SIGN_INS, SIGNED, WHO
from tests.analytics_events import (
    ALICE,
    BOB,
    DENIED,
    KEY,
    MONDAY,
    POD,
    SCHEDULER,
    Log,
    event,
    numbered,
    series,
    sign_in,
)
from tests.analytics_risks import (
    EXCEPTION,
    GRANT,
    NETWORK_LISTS,
    NEWS,
    NEWS_FOUND,
    OFF,
    ORDINARY,
    OUTSIDE,
    POLICY,
    RISKY,
    SPREES,
    SPREES_FOUND,
    change,
)

if t.TYPE_CHECKING:
    from collections.abc import Sequence

Ask = t.Callable[[str], list[tuple[t.Any, ...]]]
"""Gives the rows that a query has, with times as ISO 8601 text."""

AS_OF = "CAST(NULL AS TIMESTAMP) AS as_of"


class ViewTests:
    """The tests of the views; a subclass says how a database is asked."""

    def load(self, log: Log, views: t.Iterable[str], sign_ins: Log) -> Ask:
        """Make the raw tables with these events, and the views."""
        raise NotImplementedError

    database: t.ClassVar[str]

    def asking(self, log: Log, sign_ins: Sequence[dict[str, t.Any]] = (), **settings: str) -> Ask:
        """Give what asks about a log that ends with its last event."""
        last = max((item["create_time"] for item in (*log, *sign_ins)), default="2026-01-01")
        views = []
        for text in statements(self.database):
            changed = text.replace(AS_OF, f"TIMESTAMP '{settings.get('as_of', last)}' AS as_of")
            for name, value in settings.items():
                changed = changed.replace(f"'' AS {name}", f"'{value}' AS {name}")
            views.append(changed)
        return self.load(numbered(log), views, numbered(sign_ins, 1 << 20))

    @pytest.mark.parametrize("query", ANSWERS)
    def test_a_view_answers_what_is_known(self, query: str) -> None:
        assert self.asking(LOG, SIGN_INS)(query) == ANSWERS[query]

    def test_an_actor_is_a_person_a_key_or_a_machine(self) -> None:
        ask = self.asking([item for item, _ in WHO])
        assert ask("SELECT actor, credential FROM audit_events ORDER BY uuid") == [who for _, who in WHO]

    def test_an_address_belongs_to_a_network(self) -> None:
        ask = self.asking([event(f"{MONDAY}T12:00:00", address=address) for address in NETWORKS])
        assert ask("SELECT network FROM audit_events ORDER BY uuid") == [(network,) for network in NETWORKS.values()]

    def test_an_event_or_sign_in_failed_or_not(self) -> None:
        usual = sign_in(f"{MONDAY}T12:00:00")
        sign_ins = [{**usual, "spec": {**usual["spec"], **said}} for said, _ in SIGNED]
        ask = self.asking([item for item, _ in OUTCOMES], sign_ins)
        query = "SELECT {} FROM audit_events WHERE activity {} 'sign-in' ORDER BY uuid"
        assert ask(query.format("failed, error_code, error_message", "<>")) == [told for _, told in OUTCOMES]
        assert ask(query.format("failed", "=")) == [(failed,) for _, failed in SIGNED]

    def test_a_payload_may_be_anything(self) -> None:
        kinds = ("Policy", "AuthorizationPolicy", "Invitation", "IPAddressPolicy")
        fields = ("exception", "admission", "permissions", "clause", "user_email", "disable", "policy_type")
        log = [event(f"{MONDAY}T10:00:00", "UPDATE", kind, ALICE, spec=value) for kind in kinds for value in ODD]
        for field in fields:
            log += [event(f"{MONDAY}T10:00:00", "UPDATE", "Policy", ALICE, spec={field: value}) for value in ODD]
        for value in ODD:
            log.append({**log[0], "spec": {**log[0]["spec"], "payload": value, "error": value}})
            log.append({**log[0], "spec": value, "meta": value, "tenant_meta": value})
        sign_ins = [
            {**item, "spec": {**item["spec"], "authorized_tenants": value}} for item in SIGN_INS for value in ODD
        ]
        ask = self.asking(log, sign_ins)
        assert ask("SELECT count(*) FROM audit_events") == [(len(log) + len(sign_ins),)]
        ask("SELECT * FROM alerts")

    @pytest.mark.parametrize(("rule", "severity", "acts"), RISKY, ids=[rule for rule, *_ in RISKY])
    def test_a_risky_change_is_told(self, rule: str, severity: str, acts: Log) -> None:
        ask = self.asking(acts)
        assert ask("SELECT rule, severity, actor, happened_at FROM risky_changes") == [
            (rule, severity, "alice@example.com", acts[-1]["create_time"])
        ]

    def test_ordinary_changes_are_not_told(self) -> None:
        assert self.asking(ORDINARY)("SELECT rule, object FROM risky_changes") == []

    @pytest.mark.parametrize(("severity", "lists"), NETWORK_LISTS.items(), ids=NETWORK_LISTS)
    def test_an_ip_policy_is_open_however_it_is_spelled(self, severity: str, lists: list[t.Any]) -> None:
        log = [change("IPAddressPolicy", {"allowed_ip_subnets": one, "clause": []}) for one in lists]
        ask = self.asking(log)
        query = "SELECT severity, reason LIKE '%look at it.' FROM risky_changes WHERE rule = 'IP policy' ORDER BY uuid"
        assert ask(query) == [(severity, severity == "critical" and one not in (None, "")) for one in lists]

    def test_objects_without_a_uuid_are_each_its_own(self) -> None:
        # In an event without the field, the payload's own uuid tells.
        log = [change("Policy", POLICY | {"disable": True}, uuid=uuid) for uuid in ("", "", "a", "")]
        for item in log:
            item["spec"]["message_uuid"] = item["spec"]["message_uuid"].removeprefix("Policy-1")
        log[2]["spec"]["payload"]["uuid"] = log[3]["spec"]["payload"]["uuid"] = "a"
        assert self.asking(log)("SELECT uuid FROM risky_changes ORDER BY uuid") == [(f"{n:024x}",) for n in range(3)]

    @pytest.mark.parametrize(
        ("kind", "spec", "later"),
        [
            ("Policy", EXCEPTION, EXCEPTION),
            ("AuthorizationPolicy", GRANT, GRANT),
            ("AuthorizationPolicy", OUTSIDE, OUTSIDE),
            ("Policy", POLICY | OFF, POLICY | OFF),
            ("Policy", POLICY | OFF, None),
        ],
    )
    def test_the_same_again_is_told_once(
        self, kind: str, spec: dict[str, t.Any], later: dict[str, t.Any] | None
    ) -> None:
        last = change(kind, later, operation="UPDATE" if later else "DELETE", at="12:00:00")
        # Also after a change that leaves out what it leaves as it was.
        for between in ([], *([change(kind, {name: spec[name]}, at="11:00:00")] for name in spec if name != "disable")):
            log = [change(kind, spec), *between, last]
            assert self.asking(log)("SELECT happened_at FROM risky_changes") == [(log[0]["create_time"],)]

    @pytest.mark.parametrize(
        "between", [("UPDATE", {"clause": ["email=carol@example.com"]}), ("DELETE", None)], ids=["another", "deleted"]
    )
    def test_full_rights_are_told_for_each_who_gets_them(self, between: tuple[str, t.Any]) -> None:
        operation, spec = between
        log = [
            change("AuthorizationPolicy", GRANT),
            change("AuthorizationPolicy", spec, operation=operation, at="11:00:00"),
            change("AuthorizationPolicy", GRANT, at="12:00:00"),
        ]
        expected = [item["create_time"] for item in log if item["spec"]["operation"] != "OPERATION_DELETE"]
        ask = self.asking(log)
        query = "SELECT happened_at FROM risky_changes WHERE rule = 'admin granted' ORDER BY happened_at"
        assert [time for (time,) in ask(query)] == expected

    def test_own_domains_can_be_set(self) -> None:
        log = [change("Invitation", {"user_email": "x@mail.example"}, operation="CREATE")]
        count = "SELECT count(*) FROM risky_changes"
        assert self.asking(log)(count) == [(1,)]
        assert self.asking(log, own_domains="acme.com, Mail.Example")(count) == [(0,)]

    def test_rules_can_be_muted(self) -> None:
        log = [change("IdentityProvider", {}), change("Exporter", {}, uuid="x")]
        ask = self.asking(log, muted_rules="identity provider, notification")
        assert ask("SELECT rule FROM alerts") == [("exporter",)]

    def test_deletions_are_held_against_what_is_usual(self) -> None:
        ask = self.asking(SPREES)
        query = "SELECT actor, happened_at, rule, severity FROM deletions ORDER BY actor, happened_at"
        assert ask(query) == SPREES_FOUND

    def test_a_new_network_kind_and_key_is_told_after_a_baseline(self) -> None:
        ask = self.asking(NEWS)
        assert ask("SELECT rule, actor, remote_address FROM new_for_actor ORDER BY happened_at, rule") == NEWS_FOUND

    def test_a_person_has_hours(self) -> None:
        days = [day[:10] for day in series("2026-03-02T00:00:00", 86_400, 20)]
        log = [event(f"{day}T09:30:00", "CREATE", "UITelemetry", ALICE) for day in days]
        log += [event(f"{day}T22:10:00", "UPDATE", "Project", [*KEY]) for day in days]
        log += [event("2026-03-12T10:59:00", claims=ALICE), event("2026-03-13T02:00:00", claims=ALICE)]
        ask = self.asking(log)
        assert ask("SELECT happened_at, actor, reason FROM off_hours") == [
            ("2026-03-13T02:00:00", "alice@example.com", "This person is active at this hour on 1 of 20 days.")
        ]

    def test_refusals_in_a_row_are_told_once_a_week(self) -> None:
        log = []
        for day in ("02", "03", "04", "20"):
            log += [event(time, claims=POD, error=DENIED) for time in series(f"2026-03-{day}T01:00:00", 60, 12)]
        log += [event(time, claims=ALICE, error=DENIED) for time in series("2026-03-02T09:00:00", 60, 9)]
        log += [event(time, claims=BOB, error={"code": 5}) for time in series("2026-03-02T09:00:00", 60, 30)]
        # Each night, and then for what it never asked before.
        for day in (f"2026-03-{number:02}" for number in range(2, 15)):
            log += [event(time, claims=SCHEDULER, error=DENIED) for time in series(f"{day}T02:00:00", 60, 10)]
        log += [event("2026-03-14T02:10:00", "CREATE", "APIKey", SCHEDULER, error={"code": "PERMISSION_DENIED"})]
        ask = self.asking(log)
        assert ask("SELECT happened_at, actor, severity FROM denied_often ORDER BY happened_at") == [
            ("2026-03-02T01:00:00", "nightly-scan@k8s", "medium"),
            ("2026-03-02T02:00:00", "scheduler@endor.ai", "medium"),
            ("2026-03-09T02:00:00", "scheduler@endor.ai", "medium"),
            ("2026-03-14T02:00:00", "scheduler@endor.ai", "high"),
            ("2026-03-20T01:00:00", "nightly-scan@k8s", "medium"),
        ]

    def test_sign_ins_that_fail_and_then_work_are_told(self) -> None:
        log = [sign_in(time, success=False) for time in series("2026-03-02T09:00:00", 60, 12)]
        log += [sign_in("2026-03-02T09:20:00"), sign_in("2026-03-02T09:30:00")]
        log += [
            sign_in(time, ["email=bob@example.com"], success=False) for time in series("2026-03-02T09:00:00", 600, 30)
        ]
        log += [sign_in("2026-03-05T09:00:00", ["email=carol@example.com"], tenants=5, address="203.0.113.9")]
        ask = self.asking([], log)
        assert ask("SELECT rule, actor FROM sign_ins WHERE reason LIKE '%actor%' ORDER BY rule") == [
            ("sign-in after failures", "alice@example.com"),
            ("sign-in failures", "alice@example.com"),
        ]
        assert ask("SELECT actor FROM sign_ins WHERE rule = 'many organizations'") == [("carol@example.com",)]

    def test_a_sign_in_after_a_long_attack_is_told(self) -> None:
        def tried(who: str, times: list[str], network: str) -> list[t.Any]:
            return [
                sign_in(time, [f"email={who}@example.com"], success=False, address=f"{network}{number}")
                for number, time in enumerate(times)
            ]

        log = [sign_in("2026-03-01T09:00:00", [f"email={who}@example.com"], address="192.0.2.1") for who in "abc"]
        # All day long; slowly, and over midnight; from all over a network, against many.
        log += tried("a", series("2026-03-02T00:00:00", 60, 1200), "203.0.113.")
        log += tried("b", series("2026-03-02T18:00:00", 3000, 12), "198.51.100.")
        for number, time in enumerate(series("2026-03-04T09:00:00", 60, 12)):
            log += tried(f"p{number}", [time], f"2001:db8::{number}:")
        # The owner signs in meanwhile.
        log += [sign_in("2026-03-02T10:00:00", ["email=a@example.com"], address="192.0.2.1")]
        log += [sign_in("2026-03-02T20:00:30", ["email=a@example.com"], address="203.0.113.9")]
        log += [sign_in("2026-03-03T04:30:00", ["email=b@example.com"], address="198.51.100.9")]
        log += [sign_in("2026-03-04T09:30:00", ["email=c@example.com"], address="2001:db8::c")]
        ask = self.asking([], log)
        query = "SELECT DISTINCT happened_at, actor FROM sign_ins WHERE rule = 'sign-in after failures' ORDER BY 1"
        assert ask(query) == [
            ("2026-03-02T10:00:00", "a@example.com"),
            ("2026-03-02T20:00:30", "a@example.com"),
            ("2026-03-03T04:30:00", "b@example.com"),
            ("2026-03-04T09:30:00", "c@example.com"),
        ]

    def test_a_sign_in_after_a_few_failures_a_day_is_told(self) -> None:
        def tried(who: str, address: str, days: int) -> list[t.Any]:
            times = [time for day in range(2, 2 + days) for time in series(f"2026-03-{day:02}T09:00:00", 7200, 3)]
            return [sign_in(time, [f"email={who}@example.com"], success=False, address=address) for time in times]

        log = tried("a", "203.0.113.1", 4) + tried("b", "203.0.113.2", 4) + tried("c", "203.0.113.3", 3)
        # The owner signs in meanwhile.
        log += [sign_in("2026-03-04T10:00:00", ["email=b@example.com"], address="192.0.2.1")]
        log += [
            sign_in("2026-03-20T09:00:00", [f"email={who}@example.com"], address=f"203.0.113.{number}")
            for number, who in enumerate("abc", 1)
        ]
        query = "SELECT DISTINCT actor, happened_at FROM sign_ins ORDER BY 1"
        assert self.asking([], log)(query) == [
            ("a@example.com", "2026-03-20T09:00:00"),
            ("b@example.com", "2026-03-20T09:00:00"),
        ]

    def test_an_office_in_which_some_fail_is_not_told(self) -> None:
        times = series("2026-03-02T09:00:00", 60, 60)
        log = [sign_in(time, [f"email=p{n}@example.com"], success=n % 3 > 0) for n, time in enumerate(times)]
        assert self.asking([], log)("SELECT rule FROM sign_ins") == [("sign-in failures",)]

    def test_a_silent_feed_is_told(self) -> None:
        hourly = [event(time, claims=POD) for time in series("2026-03-02T00:00:00", 3600, 48)]
        later = [event(time, claims=POD) for time in series("2026-03-04T09:00:00", 3600, 3)]
        ask = self.asking(hourly + later, as_of="2026-03-04T12:30:00")
        assert ask("SELECT happened_at, object FROM silent_feed") == [("2026-03-03T23:00:00", "audit_logs")]
        ask = self.asking(hourly + later, as_of="2026-03-05T12:30:00")
        assert ask("SELECT count(*) FROM silent_feed") == [(2,)]
        # Nobody works at night.
        days = [day[:10] for day in series("2026-03-02T00:00:00", 86_400, 5)]
        nights = [event(time, claims=POD) for day in days for time in series(f"{day}T00:00:00", 900, 73)]
        known = [("2026-03-02T18:00:00",), ("2026-03-03T18:00:00",)]
        query = "SELECT happened_at FROM silent_feed ORDER BY happened_at"
        assert self.asking(nights)(query) == known
        # Neither long ago nor in the future is a sign of life.
        wrong = [event(f"{year}-01-01T00:00:00", claims=POD) for year in ("0001", "2001", "2026", "2099", "9999")]
        ask = self.asking(nights + wrong, as_of="2026-03-08T12:00:00")
        assert ask(query)[-3:] == [*known, ("2026-03-06T18:00:00",)]
        assert self.asking([*nights, wrong[1]])(query) == known

    def test_loading_again_takes_in_what_is_new_and_drops_what_is_gone(self) -> None:
        ask = self.asking(LOG[:3])
        assert ask("SELECT count(*) FROM audit_events") == [(3,)]
        again = self.again(numbered(LOG)[1:])
        assert again("SELECT uuid FROM audit_events ORDER BY uuid") == [(f"{n:024x}",) for n in range(1, len(LOG))]

    def again(self, log: Log) -> Ask:
        """Put other events into the raw table of the database that was loaded last, and make the views again."""
        raise NotImplementedError

    def test_an_empty_log_has_no_answers(self) -> None:
        ask = self.asking([])
        assert [ask(f"SELECT * FROM {view}") for view in VIEWS] == [[]] * len(VIEWS)  # noqa: S608
