"""The fake API keeps to the contract that the tap is written for."""

from __future__ import annotations

import datetime as dt
import typing as t

import pytest
import requests
from jsonschema import Draft202012Validator

from fake_endor_api import (
    DEMO_KEY,
    DEMO_SECRET,
    PARTNER_SAMPLE,
    FakeEndorApi,
    Fault,
    RateLimit,
    SlowQuery,
    make_events,
    make_events_at,
    make_sign_ins,
)
from tap_endorlabs.tap import TapEndorLabs
from tests.conftest import NOW

if t.TYPE_CHECKING:
    from fake_endor_api import ManualClock

SECOND = 1_000_000_000
BASE = int(NOW.timestamp()) * SECOND - 3600 * SECOND


def log_in(api: FakeEndorApi, secret: str = DEMO_SECRET) -> requests.Response:
    return requests.post(f"{api.url}/v1/auth/api-key", json={"key": DEMO_KEY, "secret": secret}, timeout=5)


def ask(api: FakeEndorApi, namespace: str = "acme", path: str = "audit-logs", **parameters: str) -> requests.Response:
    """Ask for a list; in the names of the parameters two underscores stand for a dot."""
    token = log_in(api).json()["token"]
    return requests.get(
        f"{api.url}/v1/namespaces/{namespace}/{path}",
        params={f"list_parameters.{name.replace('__', '.')}": value for name, value in parameters.items()},
        headers={"Authorization": f"Bearer {token}"},
        timeout=5,
    )


def uuids(answer: requests.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["uuid"] for item in (answer.json().get("list") or {}).get("objects") or []]


def item(uuid: str, second: int, namespace: str = "acme", **spec: t.Any) -> dict[str, t.Any]:
    time = dt.datetime.fromtimestamp(BASE // SECOND + second, tz=dt.timezone.utc)
    return {
        "uuid": uuid,
        "tenant_meta": {"namespace": namespace},
        "meta": {"name": f"name {uuid}", "create_time": time.isoformat().replace("+00:00", "Z"), "tags": ["x", uuid]},
        "spec": {"operation": "OPERATION_CREATE", "message_kind": "Policy", **spec},
    }


@pytest.fixture
def small(empty_api: FakeEndorApi) -> FakeEndorApi:
    empty_api.store.add(
        [
            item("a", 0),
            item("b", 1, operation="OPERATION_DELETE"),
            item("c", 2, "acme.prod", message_kind="Project", remote_address="10.0.0.1"),
            item("d", 3, "acme.prod.app", operation="OPERATION_DELETE", message_kind="Project"),
            item("e", 4, "acmeprod"),
        ]
    )
    return empty_api


T1 = "date(2026-03-31T11:00:01Z)"


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("spec.operation=='OPERATION_DELETE'", "bd"),
        ('spec.operation == "OPERATION_DELETE"', "bd"),
        ("spec.operation!='OPERATION_DELETE'", "ac"),
        (f"meta.create_time>{T1}", "cd"),
        (f"meta.create_time>={T1}", "bcd"),
        (f"meta.create_time<{T1}", "a"),
        (f"meta.create_time<={T1}", "ab"),
        ('spec.message_kind in ["Project","Other"]', "cd"),
        ("meta.tags contains 'b'", "b"),
        ("meta.name matches 'name [ab]'", "ab"),
        ("spec.remote_address exists", "c"),
        (f"spec.operation=='OPERATION_DELETE' and meta.create_time>{T1}", "d"),
        (f"meta.create_time<{T1} or spec.remote_address exists", "ac"),
        (f"spec.message_kind=='Project' and (meta.create_time<{T1} or spec.operation=='OPERATION_DELETE')", "d"),
        (f"spec.message_kind=='Project' and meta.create_time<{T1} or spec.operation=='OPERATION_DELETE'", "bd"),
    ],
)
def test_the_filter_grammar(expression: str, found: str, small: FakeEndorApi) -> None:
    assert "".join(uuids(ask(small, filter=expression, traverse="true"))) == found


@pytest.mark.parametrize("expression", ["spec.operation==", "(a==1", "a==1)", "a = 1", "and", "a==date(soon)"])
def test_a_malformed_filter_is_a_bad_request(expression: str, small: FakeEndorApi) -> None:
    answer = ask(small, filter=expression)
    assert answer.status_code == 400
    assert answer.json().keys() == {"code", "message", "details"}
    assert answer.json()["code"] == 3


def test_fractions_in_a_filter_are_not_honoured_unless_told(empty_api: FakeEndorApi) -> None:
    empty_api.store.add(make_events_at([BASE + 100, BASE + SECOND // 2]))
    expression = "meta.create_time>=date(2026-03-31T11:00:00.400Z)"
    assert len(uuids(ask(empty_api, filter=expression, traverse="true"))) == 2
    empty_api.behaviour.honour_fractions = True
    assert len(uuids(ask(empty_api, filter=expression, traverse="true"))) == 1


def test_child_namespaces_come_with_traverse_alone(small: FakeEndorApi) -> None:
    assert uuids(ask(small)) == ["a", "b"]
    assert uuids(ask(small, traverse="true")) == ["a", "b", "c", "d"]
    assert uuids(ask(small, "acme.prod")) == ["c"]
    assert ask(small, "nobody").status_code == 404


def test_a_sort_goes_both_ways_and_offsets_go_on(small: FakeEndorApi) -> None:
    order = {"traverse": "true", "sort__path": "meta.create_time"}
    assert uuids(ask(small, **order, sort__order="SORT_ENTRY_ORDER_DESC")) == ["d", "c", "b", "a"]
    first = ask(small, **order, page_size="3")
    assert uuids(first) == ["a", "b", "c"]
    assert first.json()["list"]["response"]["next_page_token"] == 3
    assert uuids(ask(small, **order, page_size="3", page_token="3")) == ["d"]


def test_a_page_id_goes_on_without_a_sort_and_is_refused_with_one(small: FakeEndorApi) -> None:
    first = ask(small, traverse="true", page_size="2").json()["list"]
    rest = ask(small, traverse="true", page_size="2", page_id=first["response"]["next_page_id"])
    assert uuids(rest) == ["c", "d"]
    refused = ask(small, page_id="a", sort__path="meta.create_time")
    assert refused.status_code == 400
    assert refused.json()["message"] == "page id cannot be provided with sort method"


def test_ties_change_places_from_request_to_request(empty_api: FakeEndorApi) -> None:
    empty_api.store.add(make_events_at([BASE] * 50))
    orders = {tuple(uuids(ask(empty_api, traverse="true", sort__path="meta.create_time"))) for _ in range(3)}
    assert len(orders) == 3


def test_the_page_size_has_a_default_and_a_maximum(api: FakeEndorApi) -> None:
    assert len(uuids(ask(api, traverse="true"))) == 100
    assert len(uuids(ask(api, traverse="true", page_size="900"))) == 500
    assert ask(api, page_size="many").status_code == 400
    assert ask(api, page_size="-1").status_code == 400


def test_count_and_mask(small: FakeEndorApi) -> None:
    assert ask(small, traverse="true", count="true").json()["count_response"] == {"count": 4}
    objects = ask(small, mask="uuid,meta.name").json()["list"]["objects"]
    assert objects[0] == {"uuid": "a", "meta": {"name": "name a"}}


def test_the_last_page_and_an_empty_result_take_every_form_of_the_contract(small: FakeEndorApi) -> None:
    full = {"next_page_token": 0, "next_page_id": ""}
    last = [ask(small).json()["list"].get("response", "missing") for _ in range(5)]
    assert sorted(map(str, last)) == sorted(map(str, [full, "missing", None, {}, {"next_page_token": 0}]))
    unset = {"count_response": None, "group_response": None, "error": None}
    empty = [ask(small, filter="meta.name=='x'").json() for _ in range(4)]
    forms = [{"list": {"objects": [], "response": full}, **unset}, {}, {"list": {}}, {"list": {"objects": []}}]
    assert sorted(map(str, empty)) == sorted(map(str, forms))


def test_a_token_is_needed_and_expires(small: FakeEndorApi, clock: ManualClock) -> None:
    answer = log_in(small).json()
    assert answer["expiration_time"] == "2026-03-31T16:00:00Z"
    headers = {"Authorization": f"Bearer {answer['token']}"}
    url = f"{small.url}/v1/namespaces/acme/audit-logs"
    assert requests.get(f"{small.url}/v1/auth", headers=headers, timeout=5).json() == answer
    assert requests.get(url, timeout=5).status_code == 401
    assert requests.get(url, headers=headers, timeout=5).status_code == 200
    clock.advance(4 * 3600)
    expired = requests.get(url, headers=headers, timeout=5)
    assert (expired.status_code, expired.json()["code"]) == (401, 16)


def test_a_token_can_be_revoked(small: FakeEndorApi) -> None:
    headers = {"Authorization": f"Bearer {log_in(small).json()['token']}"}
    small.tokens.revoke_all()
    assert requests.get(f"{small.url}/v1/namespaces/acme/audit-logs", headers=headers, timeout=5).status_code == 401


def test_wrong_credentials_and_permissions(small: FakeEndorApi) -> None:
    assert (log_in(small, "wrong").status_code, log_in(small, "wrong").json()["code"]) == (401, 16)
    bad = requests.post(f"{small.url}/v1/auth/api-key", data=b"{", timeout=5)
    assert bad.status_code == 400
    small.behaviour.denied_namespaces = frozenset({"acme"})
    assert (ask(small).status_code, ask(small).json()["code"]) == (403, 7)


def test_old_objects_are_in_the_archive_alone(empty_api: FakeEndorApi) -> None:
    days = 86_400 * SECOND
    now = BASE + 3600 * SECOND
    old, new = make_events_at([now - 31 * days, now - 29 * days])
    empty_api.store.add([old, new])
    kind = "spec.message_kind exists"
    times = "meta.create_time>=date(2026-01-01T00:00:00Z)"
    assert uuids(ask(empty_api, traverse="true")) == [new["uuid"]]
    assert uuids(ask(empty_api, traverse="true", archive="true", filter=f"{kind} and {times}")) == [old["uuid"]]
    archived = ask(empty_api, path="audit-logs/archived", traverse="true", filter=f"{kind} and {times}")
    assert uuids(archived) == [old["uuid"]]
    assert ask(empty_api, archive="true", filter=f"{times} and {kind}").status_code == 400
    empty_api.behaviour.archive_overlap = dt.timedelta(days=4)
    assert len(uuids(ask(empty_api, traverse="true"))) == 2


def test_late_objects_become_visible_in_time(small: FakeEndorApi, clock: ManualClock) -> None:
    small.store.add([item("z", 5)], visible_at=NOW + dt.timedelta(seconds=10))
    assert "z" not in uuids(ask(small))
    clock.advance(10)
    assert "z" in uuids(ask(small))


def test_answers_are_dated_and_compressed(small: FakeEndorApi) -> None:
    answer = ask(small)
    assert answer.headers["Date"] == "Tue, 31 Mar 2026 12:00:00 GMT"
    assert answer.headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize(("http_date", "wait"), [(False, "1"), (True, "Tue, 31 Mar 2026 12:00:01 GMT")])
def test_a_rate_limit_names_the_time_to_wait(
    http_date: bool,  # noqa: FBT001
    wait: str,
    small: FakeEndorApi,
    clock: ManualClock,
) -> None:
    small.behaviour.rate_limit = RateLimit(2, http_date=http_date)
    assert ask(small).status_code == 200
    refused = ask(small)
    assert (refused.status_code, refused.headers["Retry-After"], refused.json()["code"]) == (429, wait, 8)
    clock.advance(1)
    assert ask(small).status_code == 200


def test_a_query_that_asks_for_too_much_runs_out_of_time(small: FakeEndorApi) -> None:
    small.behaviour.slow_query = SlowQuery(max_range=dt.timedelta(hours=2), max_page_size=50)
    assert ask(small, page_size="50").status_code == 504
    narrow = "meta.create_time>=date(2026-03-31T10:30:00Z)"
    assert ask(small, page_size="50", filter=narrow).status_code == 200
    assert ask(small, page_size="51", filter=narrow).status_code == 504


@pytest.mark.parametrize("fault", [Fault.reset(), Fault.reset_in_body(), Fault.wrong_encoding()], ids=str)
def test_a_broken_answer_is_broken_once(fault: Fault, small: FakeEndorApi) -> None:
    small.fail(fault)
    with pytest.raises(requests.RequestException):
        ask(small)
    assert ask(small).status_code == 200


@pytest.mark.parametrize("fault", [Fault.truncated(), Fault.html(), Fault.empty(), Fault.raw(b"{")], ids=str)
def test_a_body_that_is_no_json_comes_with_200(fault: Fault, small: FakeEndorApi) -> None:
    small.fail(fault, after=1)
    assert ask(small).json()
    answer = ask(small)
    assert answer.status_code == 200
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()


def test_a_stall_answers_late(small: FakeEndorApi) -> None:
    small.fail(Fault.stall(0.05))
    assert ask(small).elapsed.total_seconds() >= 0.05


def test_a_status_fault_is_an_error_of_the_api(small: FakeEndorApi) -> None:
    small.fail(Fault.status(503, headers={"Retry-After": "9"}), times=None)
    assert [ask(small).json()["code"], ask(small).headers["Retry-After"]] == [14, "9"]
    small.heal()
    assert ask(small).status_code == 200


def test_events_look_like_real_ones() -> None:
    events = [*make_events(1000, NOW - dt.timedelta(days=20), NOW), PARTNER_SAMPLE]
    schema = TapEndorLabs(config={}, validate_config=False).streams["audit_logs"].schema
    validator = Draft202012Validator({**schema, "required": ["uuid"]})
    for event in events:
        validator.validate(event)
    fractions = {len(e["meta"]["create_time"].rstrip("Z").partition(".")[2]) for e in events}
    assert fractions == {0, 3, 6, 9}
    assert len({e["uuid"] for e in events}) == len(events)
    assert len({e["spec"].get("message_kind") for e in events}) > 5
    assert {type(claim) for e in events for claim in e["spec"].get("claims") or []} == {str, dict}
    assert any((e["spec"].get("error") or {}).get("details") for e in events)
    assert any("@type" in (e["spec"].get("payload") or {}) for e in events)
    assert events[:-1] == make_events(1000, NOW - dt.timedelta(days=20), NOW)


def test_a_tenant_of_any_name_gets_new_events_and_has_sign_ins() -> None:
    with FakeEndorApi(namespace="contoso") as api:
        requests.post(f"{api.url}/_fake/events", json={"count": 25}, timeout=5)
        assert {item["tenant_meta"]["namespace"].split(".")[0] for item in api.store.objects()} == {"contoso"}
        assert len(api.store) == 25
        token = requests.post(f"{api.url}/v1/auth/api-key", json={"key": api.key, "secret": api.secret}, timeout=5)
        headers = {"Authorization": f"Bearer {token.json()['token']}"}
        sign_ins = f"{api.url}/v1/namespaces/contoso/authentication-logs"
        assert requests.get(sign_ins, headers=headers, timeout=5).status_code == 200
    made = make_sign_ins(20, NOW - dt.timedelta(days=1), NOW, namespace="contoso")
    assert {tenant for item in made for tenant in item["spec"]["authorized_tenants"]} == {"contoso"}


def test_a_script_can_add_events(api: FakeEndorApi) -> None:
    added = requests.post(f"{api.url}/_fake/events", json={"count": 25, "seconds": 30}, timeout=5).json()
    assert added == {"added": 25, "events": 1225}
    assert len(requests.get(f"{api.url}/_fake/uuids", timeout=5).json()) == 1225
    assert requests.get(f"{api.url}/_fake/stats", timeout=5).json() == {"events": 1225, "requests": 0}
