"""OCSF events: valid by the official schema whatever the record is, and with all that it says."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.ocsf_examples import EXAMPLES, example
from tap_endorlabs.ocsf.settings import VERSIONS
from tests.ocsf_cases import (
    AUDIT,
    CLASSES,
    ODD,
    PLAIN,
    SIGN_IN,
    SIGN_INS,
    Json,
    changed,
    event_of,
    in_default_form,
    lines_of,
    mapped,
    problems,
    records,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

USUAL = {"1.1", "1.5", VERSIONS[-1]}
EACH_VERSION = [one if one in USUAL else pytest.param(one, marks=pytest.mark.faults) for one in VERSIONS]
WITH_ENTITIES = [version for version in VERSIONS if version >= "1.4"]


@pytest.mark.parametrize("version", EACH_VERSION)
def test_every_shape_is_a_valid_event(version: str) -> None:
    events = events_of(version=version)
    assert {event["class_uid"] for event in events} == {6003, 3002}
    assert {event["metadata"]["version"] for event in events} == {f"{version}.0"}
    assert [one for event in events for one in problems(event, f"{version}.0")] == []


@pytest.mark.parametrize("version", WITH_ENTITIES)
def test_every_shape_of_an_entity_is_a_valid_event(version: str) -> None:
    entities = [one for one in events_of(version=version, entity_management=True) if one["class_uid"] == 3004]
    assert len(entities) > 50
    assert [one for event in entities for one in problems(event, f"{version}.0")] == []


def events_of(**config: t.Any) -> list[Json]:
    """The event of each of the records."""
    events = [message["record"] for message in mapped(lines_of(records()), **config)]
    assert len(events) == len(records())
    return events


MISTAKES: dict[str, Callable[[Json], object]] = {
    "no time": lambda e: e.pop("time"),
    "time as text": lambda e: e.update(time="2026-03-31T10:00:00Z"),
    "no metadata": lambda e: e.pop("metadata"),
    "no version": lambda e: e["metadata"].pop("version"),
    "no product": lambda e: e["metadata"].pop("product"),
    "a product without a name": lambda e: e["metadata"].update(product={"vendor_name": "Endor Labs"}),
    "no severity": lambda e: e.pop("severity_id"),
    "a severity that there is not": lambda e: e.update(severity_id=50),
    "an activity that there is not": lambda e: e.update(activity_id=50),
    "a type of another activity": lambda e: e.update(type_uid=e["class_uid"] * 100),
    "a category of another class": lambda e: e.update(category_uid=1),
    "a field that there is not": lambda e: e.update(uuid="a"),
    "a status that there is not": lambda e: e.update(status_id=3),
    "a code that is a number": lambda e: e.update(status_code=5),
    "an address that is none": lambda e: e["src_endpoint"].update(ip="localhost"),
    "an endpoint of nothing": lambda e: e.update(src_endpoint={}),
    "a field of the metadata that there is not": lambda e: e["metadata"].update(namespace="acme"),
}
OF_ACTIVITIES: dict[str, Callable[[Json], object]] = {
    "no actor": lambda e: e.pop("actor"),
    "an actor of nothing": lambda e: e.update(actor={"idp": {"name": "x"}}),
    "a user without a name": lambda e: e["actor"].update(user={"type_id": 1}),
    "an e-mail address that is none": lambda e: e["actor"]["user"].update(email_addr="jane"),
    "a user of a kind that there is not": lambda e: e["actor"]["user"].update(type_id=7),
    "an identity provider without a name": lambda e: e["actor"].update(idp={}),
    "no operation": lambda e: e["api"].pop("operation"),
    "no endpoint": lambda e: e.pop("src_endpoint"),
    "a resource of nothing": lambda e: e["resources"].append({"type": "x"}),
    "one resource, not a list": lambda e: e.update(resources=e["resources"][0]),
    "the code of an error as text": lambda e: e["api"].update(response={"code": "7"}),
}
OF_SIGN_INS: dict[str, Callable[[Json], object]] = {
    "no user": lambda e: e.pop("user"),
    "no service": lambda e: e.pop("service"),
    "a protocol that there is not": lambda e: e.update(auth_protocol_id=50),
    "a protocol that is another": lambda e: e.update(auth_protocol="Kerberos"),
    "an address without a path": lambda e: e["http_request"].update(url={"query_string": "x"}),
}


@pytest.mark.parametrize("version", VERSIONS)
def test_mistakes_are_found(version: str) -> None:
    for stream, record, mistakes in (
        (AUDIT, PLAIN, MISTAKES | OF_ACTIVITIES),
        (SIGN_INS, SIGN_IN, MISTAKES | OF_SIGN_INS),
    ):
        for name, make in mistakes.items():
            event = event_of(record, stream, version=version)
            assert problems(event, f"{version}.0") == []
            make(event)
            assert problems(event, f"{version}.0"), (stream, name)


def leaves(value: t.Any) -> Iterator[t.Any]:
    if isinstance(value, dict):
        for one in value.values():
            yield from leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one)
    elif value is not None and value != "":
        yield value


def lost(record: Json, event: Json) -> list[t.Any]:
    """What a record says and its event does not."""
    said = {json.dumps(one) for one in leaves(event)}
    user = event.get("user") or event["actor"]["user"]
    url = event.get("http_request", {}).get("url", {})
    said |= {
        json.dumps(f"{url.get('path')}?{url.get('query_string')}"),
        *map(json.dumps, user.get("full_name", "").split(" ")),
    }
    said |= {event["status_code"]} if "status_code" in event else set()
    said |= {"API key": {'"api-key"'}, "System": {'"x509"'}}.get(user["type"], set())
    missing = []
    # The time at the top is the one in `meta`; a sign-in's success is the status.
    spec = record["spec"] if isinstance(record.get("spec"), dict) else {}
    kept = spec | ({"success": None} if isinstance(spec.get("success"), bool) else {})
    for leaf in leaves({**record, "create_time": None, "spec": kept or record.get("spec")}):
        value = leaf.partition("=")[2] if isinstance(leaf, str) else leaf
        if json.dumps(leaf) not in said and json.dumps(value) not in said:
            missing.append(leaf)
    return missing


@pytest.mark.parametrize("entities", [False, True])
def test_nothing_that_a_record_says_is_lost(*, entities: bool) -> None:
    for (_, record), event in zip(records(), events_of(entity_management=entities), strict=True):
        assert lost(record, event) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = ["ID", "user", "email", "domain", "firstname", "lastname", "issuer", "subject", "api-key", "x509", "other"]
VALUES = st.sampled_from(["a@b.c", "a@b.c@google", "a@b.c@api-key", "=", ""]) | st.text(max_size=5)
CLAIM = st.builds("{}={}".format, st.sampled_from(NAMES), VALUES) | st.sampled_from(NAMES)
CLAIMS = st.lists(CLAIM | st.dictionaries(st.sampled_from(NAMES), JSON, max_size=3) | JSON, max_size=6)
SPEC = st.fixed_dictionaries(
    {},
    optional={
        **{name: JSON | st.sampled_from([v for v in values if v is not ...]) for name, values in ODD.items()},
        "claims": CLAIMS | JSON,
        "error": st.fixed_dictionaries({}, optional=dict.fromkeys(("code", "message", "details"), JSON)) | JSON,
        "uri": st.text(max_size=9) | JSON,
        "success": JSON,
        "status": JSON,
        "error_message": JSON,
    },
)
META = st.fixed_dictionaries({}, optional=dict.fromkeys(("created_by", "create_time", "name", "tags"), VALUES | JSON))


@settings(max_examples=100)
@given(
    stream=st.sampled_from([AUDIT, SIGN_INS]),
    spec=SPEC | JSON,
    meta=META | JSON,
    tenant=JSON,
    version=st.sampled_from(VERSIONS),
    entities=st.booleans(),
)
def test_any_record_is_a_valid_event_with_all_that_it_says(  # noqa: PLR0913 - what may differ
    stream: str, spec: t.Any, meta: t.Any, tenant: t.Any, version: str, *, entities: bool
) -> None:
    record = {
        "uuid": "u",
        "tenant_meta": {"namespace": tenant},
        "meta": meta,
        "spec": spec,
        "create_time": "2026-03-31T10:00:00.123456Z",
    }
    event = event_of(record, stream, version=version, entity_management=entities and version in WITH_ENTITIES)
    assert problems(event, f"{version}.0") == []
    assert lost(record, event) == []
    assert event["time"] == 1774951200123


def test_both_forms_of_an_answer_make_the_same_event() -> None:
    for stream, record in records()[:60]:
        if isinstance(record.get("spec"), dict) and isinstance(record.get("meta"), dict):
            assert event_of(in_default_form(stream, record), stream) == event_of(record, stream)


def test_an_audit_log_is_api_activity() -> None:
    event = event_of(PLAIN)
    assert event == {
        "activity_id": 3,
        "activity_name": "Update",
        "category_uid": 6,
        "category_name": "Application Activity",
        "class_uid": 6003,
        "class_name": "API Activity",
        "type_uid": 600303,
        "type_name": "API Activity: Update",
        "time": 1774951200000,
        "metadata": {
            "version": "1.5.0",
            "product": {"name": "Endor Labs", "vendor_name": "Endor Labs"},
            "uid": PLAIN["uuid"],
            "event_code": "AuthorizationPolicy.UPDATE",
            "log_name": "audit_logs",
            "original_time": "2026-03-31T10:00:00Z",
            "tenant_uid": "acme",
        },
        "severity_id": 1,
        "severity": "Informational",
        "status_id": 1,
        "status": "Success",
        "actor": {
            "user": {"name": "jane@example.com", "email_addr": "jane@example.com", "type_id": 1, "type": "User"},
            "idp": {"name": "https://idp.example.com"},
            "session": {"issuer": "https://idp.example.com"},
        },
        "api": {"operation": "OPERATION_UPDATE"},
        "src_endpoint": {"ip": "192.0.2.1"},
        "resources": [
            {
                "uid": PLAIN["spec"]["message_uuid"],
                "name": "admins",
                "type": "internal.endor.ai.endor.v1.AuthorizationPolicy",
                "data": PLAIN["spec"]["payload"],
            }
        ],
        "unmapped": {"meta": {"created_by": "jane@example.com@google"}},
    }


@pytest.mark.parametrize(
    ("operation", "activity"),
    [
        ("OPERATION_CREATE", (1, "Create")),
        ("OPERATION_UPDATE", (3, "Update")),
        ("OPERATION_DELETE", (4, "Delete")),
        ("OPERATION_UPSERT", (99, "OPERATION_UPSERT")),
        ("USER_LOGIN", (99, "USER_LOGIN")),
        (..., (99, "Other")),
    ],
    ids=str,
)
def test_the_activity_is_the_operation(operation: t.Any, activity: tuple[int, str]) -> None:
    for entities in (False, True):
        event = event_of(changed(operation=operation), entity_management=entities)
        assert (event["activity_id"], event["activity_name"]) == activity
        assert event["type_uid"] == event["class_uid"] * 100 + activity[0]


NAMED = ["firstname=Jane", "lastname=Doe", "domain=example.com"]


@pytest.mark.parametrize(
    ("claims", "user"),
    [
        (
            ["email=scheduler", "email=scheduler@endor.ai"],
            {"name": "scheduler@endor.ai", "email_addr": "scheduler@endor.ai", "type_id": 1, "type": "User"},
        ),
        (
            [
                "ID=17",
                "user=jane@example.com@google",
                "email=jane@example.com",
                "firstname=Jane",
                "lastname=Doe",
                "domain=example.com",
            ],
            {
                "uid": "17",
                "name": "jane@example.com@google",
                "email_addr": "jane@example.com",
                "full_name": "Jane Doe",
                "domain": "example.com",
                "type_id": 1,
                "type": "User",
            },
        ),
        (["user=ci-t2mgh@k8s", "api-key"], {"name": "ci-t2mgh@k8s", "type_id": 99, "type": "API key"}),
        (["user=runner@acme@x509"], {"name": "runner@acme@x509", "type_id": 3, "type": "System"}),
        (["email=søren@example.dk"], {"name": "søren@example.dk", "type_id": 1, "type": "User"}),
        ([{"subject": "a@b.c"}], {"name": "a@b.c", "email_addr": "a@b.c", "type_id": 1, "type": "User"}),
        (["ID=17"], {"uid": "17", "type_id": 1, "type": "User"}),
        (..., {"name": "jane@example.com@google", "type_id": 1, "type": "User"}),
    ],
    ids=str,
)
def test_the_user_is_whom_the_claims_name(claims: t.Any, user: Json) -> None:
    assert event_of(changed(claims=claims))["actor"]["user"] == user
    assert event_of(changed(SIGN_IN, claims=claims), SIGN_INS)["user"] == user


def test_a_user_whom_nothing_names_is_unknown() -> None:
    record = {**changed(claims=...), "meta": {}}
    assert event_of(record)["actor"] == {"user": {"name": "unknown", "type_id": 0, "type": "Unknown"}}


@pytest.mark.parametrize(
    ("address", "endpoint"),
    [
        ("192.0.2.1", {"ip": "192.0.2.1"}),
        ("2001:db8::1", {"ip": "2001:db8::1"}),
        ("runner-7.example.com", {"name": "runner-7.example.com"}),
        ("192.0.2.1:443", {"name": "192.0.2.1:443"}),
        (..., {"name": "unknown"}),
    ],
    ids=str,
)
def test_an_endpoint_has_an_address_or_a_name(address: t.Any, endpoint: Json) -> None:
    assert event_of(changed(remote_address=address))["src_endpoint"] == endpoint


@pytest.mark.parametrize(
    ("error", "status", "response"),
    [
        (..., "Success", None),
        ({"code": 0}, "Success", {"code": 0, "error": "OK"}),
        (
            {"code": 7, "message": "no", "details": [{"@type": "x"}]},
            "Failure",
            {"code": 7, "error": "PERMISSION_DENIED", "error_message": "no", "data": {"details": [{"@type": "x"}]}},
        ),
        ({"message": "no"}, "Unknown", {"error_message": "no"}),
        ({"code": "PERMISSION_DENIED"}, "Failure", {"code": 7, "error": "PERMISSION_DENIED"}),
        ({"code": 99}, "Failure", {"code": 99}),
    ],
    ids=str,
)
def test_the_status_is_the_error_s_code(error: t.Any, status: str, response: Json | None) -> None:
    event = event_of(changed(error=error))
    assert event["status"] == status
    assert event["api"].get("response") == response
    assert event_of(changed(error=error), entity_management=True)["status"] == status


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, {"status_id": 1, "status_code": "200", "auth_protocol_id": 5, "auth_protocol": "SAML"}),
        ({"success": False, "status": 401, "error_message": "no"}, {"status_id": 2, "status_detail": "no"}),
        # The compact form may leave out that it is false.
        ({"success": ..., "status": 401}, {"status_id": 2, "status_code": "401"}),
        ({"success": ..., "status": ..., "error_message": "no"}, {"status_id": 2, "status_detail": "no"}),
        ({"success": ..., "status": ...}, {"status_id": 0, "status": "Unknown"}),
        ({"uri": "/v1/auth/google"}, {"auth_protocol_id": 4, "http_request": {"url": {"path": "/v1/auth/google"}}}),
        ({"uri": "/v1/auth/github?a=1"}, {"auth_protocol_id": 6, "auth_protocol": "OAUTH 2.0"}),
        ({"uri": "/v1/auth/api-key"}, {"auth_protocol_id": 99, "auth_protocol": "api-key"}),
    ],
    ids=str,
)
def test_a_sign_in_is_authentication(spec: Json, expected: Json) -> None:
    event = event_of(changed(SIGN_IN, **spec), SIGN_INS)
    assert (event["class_uid"], event["activity_id"]) == (3002, 1)
    assert {name: event[name] for name in expected} == expected


@pytest.mark.parametrize("kind", ["Policy", "NotificationPolicy", "Role", "APIKey", "IdentityProvider"])
def test_what_decides_on_access_is_an_entity_where_asked_for(kind: str) -> None:
    record = changed(
        message_kind=f"internal.endor.ai.endor.v1.{kind}", error={"code": 7, "message": "no", "details": [1]}
    )
    assert event_of(record)["class_uid"] == 6003
    event = event_of(record, entity_management=True)
    assert event["class_uid"] == 3004
    assert event["metadata"]["event_code"] == f"{kind}.UPDATE"
    assert event["entity"]["name"] == "admins"
    assert event["entity"]["data"] == record["spec"]["payload"]
    assert (event["status_code"], event["status_detail"]) == ("7", "no")
    assert event["unmapped"]["spec"] == {"error": {"details": [1]}, "operation": "OPERATION_UPDATE"}


@pytest.mark.parametrize("kind", ["Project", "PolicyTemplate", "ScanResult", "UITelemetry"])
def test_other_kinds_stay_api_activity(kind: str) -> None:
    assert (
        event_of(changed(message_kind=f"internal.endor.ai.endor.v1.{kind}"), entity_management=True)["class_uid"]
        == 6003
    )


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("version", WITH_ENTITIES)
def test_the_examples_of_the_how_to_are_valid(name: str, version: str) -> None:
    made = example(name, version)
    assert made["class_uid"] == {entry: uid for uid, (entry, _) in CLASSES.items()}[name]
    assert problems(made, f"{version}.0") == []
    assert lost(EXAMPLES[name][1], made) == []
