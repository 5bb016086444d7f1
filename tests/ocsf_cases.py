"""Records of all shapes that may become OCSF events, and what is wrong with an event by the official schema."""

from __future__ import annotations

import copy
import datetime as dt
import importlib
import io
import json
import typing as t
from functools import cache

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from pydantic import ValidationError

from fake_endor_api import PARTNER_SAMPLE, make_events, make_sign_ins
from tap_endorlabs.api.records import Event
from tap_endorlabs.ocsf.mapper import OcsfMapper
from tap_endorlabs.sync.messages import record_lines
from tap_endorlabs.timestamps import normalize
from tests.conftest import NOW
from tests.test_loose_schema import odd_events

Json = dict[str, t.Any]

CLASSES = {
    6003: ("api_activity", "ApiActivity"),
    3002: ("authentication", "Authentication"),
    3004: ("entity_management", "EntityManagement"),
}
AUDIT, SIGN_INS = "audit_logs", "authentication_logs"

META: Json = {
    **dict.fromkeys(("description", "parent_kind", "parent_uuid", "version", "kind"), ""),
    **dict.fromkeys(("created_by", "updated_by", "update_time", "upsert_time", "index_data")),
    "tags": [],
    "annotations": {},
    "references": {},
}
SPECS: dict[str, Json] = {
    AUDIT: {
        **dict.fromkeys(("operation", "message_kind", "message_uuid", "remote_address"), ""),
        "payload": None,
        "error": None,
        "claims": [],
    },
    SIGN_INS: {
        **dict.fromkeys(("remote_address", "uri", "error_message"), ""),
        **dict.fromkeys(("status", "success")),
        "claims": [],
        "authorized_tenants": [],
    },
}
"""What the API writes in its default form where nothing is set."""


def in_default_form(stream: str, record: Json) -> Json:
    return {**record, "meta": META | record["meta"], "spec": SPECS[stream] | record["spec"]}


@cache
def records() -> list[tuple[str, Json]]:
    """Each stream's name with a record of it."""
    day = dt.timedelta(days=1)
    audit = [PARTNER_SAMPLE, *odd_events(), *make_events(60, NOW - day, NOW)]
    found = [(AUDIT, event) for event in audit] + [(SIGN_INS, event) for event in make_sign_ins(30, NOW - day, NOW)]
    found += [(stream, in_default_form(stream, record)) for stream, record in found[:20] + found[-10:]]
    found += [(AUDIT, changed(**{name: value})) for name, values in ODD.items() for value in values]
    found += [
        (SIGN_INS, changed(SIGN_IN, **{name: value})) for name, values in ODD_SIGN_INS.items() for value in values
    ]
    found += [(AUDIT, changed(message_uuid=..., payload=payload)) for payload in (..., {"a": 1})]
    kinds = (..., "x" * 70_000 + "Role")
    found += [(AUDIT, changed(message_uuid=..., message_kind=kind, payload=...)) for kind in kinds]
    for stream in (AUDIT, SIGN_INS):
        odd: tuple[t.Any, ...] = (None, {}, [], "text", 5)
        found += [(stream, {"uuid": "a" * 24, "meta": value, "spec": value}) for value in odd]
        found += [(stream, {"uuid": "a" * 24}), (stream, {"uuid": "a" * 24, "tenant_meta": {"namespace": 5}})]
    return [(stream, {**record, "create_time": _stamp(record)}) for stream, record in found]


def _stamp(record: Json) -> str:
    try:
        return normalize(record["meta"]["create_time"])
    except (KeyError, TypeError, ValueError):
        return "2026-03-31T10:00:00.000000Z"


PLAIN: Json = {
    "uuid": "5329295a9a5ca0509e000000",
    "tenant_meta": {"namespace": "acme"},
    "meta": {"create_time": "2026-03-31T10:00:00Z", "created_by": "jane@example.com@google"},
    "spec": {
        "operation": "OPERATION_UPDATE",
        "message_kind": "internal.endor.ai.endor.v1.AuthorizationPolicy",
        "message_uuid": "5329295a9a5ca0509e000001",
        "payload": {"@type": "x", "meta": {"name": "admins"}, "spec": {"disable": True, "ratio": 1.10}},
        "claims": ["email=jane@example.com", "issuer=https://idp.example.com"],
        "remote_address": "192.0.2.1",
    },
}
SIGN_IN: Json = {
    **PLAIN,
    "spec": {
        "claims": ["email=jane@example.com"],
        "remote_address": "192.0.2.1",
        "uri": "/v1/auth/saml",
        "success": True,
        "status": 200,
        "authorized_tenants": ["acme"],
    },
}


def changed(record: Json = PLAIN, **spec: t.Any) -> Json:
    """A record with other fields in its `spec`, or without those that are `...`."""
    record = copy.deepcopy(record)
    record["spec"] = {name: value for name, value in (record["spec"] | spec).items() if value is not ...}
    return record


ODD_ADDRESSES = ["2001:db8::1", "::ffff:192.0.2.1", "fe80::1%eth0", "::", " 192.0.2.1", "256.1.1.1"]
ODD_ADDRESSES += ["192.0.2.1, 198.51.100.7", "fe80::1%" + "x" * 50]
ODD_ERRORS: list[Json] = [{"code": code} for code in (0, 7, 99, -1, "7", 2**70)]
ODD_ERRORS += [
    {"message": "no"},
    {"code": 5, "message": 5, "details": {"a": 1}, "more": 1},
    {"code": 13, "details": []},
]
ODD: dict[str, list[t.Any]] = {
    "operation": [..., "", 5, "OPERATION_UPSERT", "USER_LOGIN", "x" * 70_000],
    "message_kind": [..., 5, "Role", "internal.endor.ai.endor.v1.APIKey", "a.IdentityProvider", "." * 9],
    "message_uuid": [..., 7, {}, "x" * 70_000],
    "payload": [
        ...,
        5,
        "text",
        [1],
        {},
        {"meta": 5},
        {"meta": {"name": 5}},
        {"a": 10**30},
        {"meta": {"name": "x" * 70_000}},
    ],
    "error": [..., {}, [], "text", *ODD_ERRORS],
    "claims": [
        ...,
        "email=a@b.c",
        {"email": "a@b.c"},
        [],
        [None, 5, [], {}, {"subject": 5}, {"a": 10**30}],
        ["email=scheduler", "email=scheduler@endor.ai", "user=scheduler@endor.ai@x509", "x509"],
        ["email=ci-t2mgh@k8s", "source_type=github", "issuing_user=jane@example.com", "api-key"],
        ["ID=17", "firstname=Jane", "lastname=Doe", "nickname=jd", "domain=example.com", "email=søren@example.dk"],
        ["lastname=Doe", "ID=", "=", "email=a@b.c", "email=a@b.c", "api-key", "api-key"],
        ["user=" + "x" * 70_000],
    ],
    "remote_address": [..., "", 5, "localhost", "192.0.2.1:443", *ODD_ADDRESSES],
    "new": ["of a later version", {"a": None}, 0, False],
}
ODD_SIGN_INS: dict[str, list[t.Any]] = {
    "uri": [
        ...,
        5,
        "",
        "/v1/auth/google?state=1&x",
        "/v1/auth/api-key",
        "/v1/auth/github",
        "?",
        "https://a.b/v1/auth/oidc",
    ],
    "success": [..., False, "yes", 1],
    "status": [..., 401, "401", 2**70, 0],
    "error_message": ["no", 5, "x" * 70_000],
    "claims": ODD["claims"],
    "remote_address": ODD["remote_address"],
}


def mapped(lines: bytes | str, **config: t.Any) -> list[Json]:
    """What the mapper makes of lines."""
    return [json.loads(line) for line in mapped_text(lines, **config).split("\n")[:-1]]


def mapped_text(lines: bytes | str, **config: t.Any) -> str:
    written = bytearray()
    mapper = OcsfMapper(config=config)
    mapper.message_writer.write_lines = written.extend  # type: ignore[attr-defined]
    mapper.listen(io.BytesIO(lines if isinstance(lines, bytes) else lines.encode()))  # type: ignore[arg-type]
    return written.decode()


def lines_of(found: list[tuple[str, Json]]) -> bytes:
    """RECORD messages as the tap writes them."""
    return b"".join(
        record_lines(stream, [Event(record["create_time"], record["uuid"], _body(record))], NOW)
        for stream, record in found
    )


def _body(record: Json) -> bytes:
    return json.dumps({name: value for name, value in record.items() if name != "create_time"}).encode()


def event_of(record: Json, stream: str = AUDIT, **config: t.Any) -> Json:
    (message,) = mapped(lines_of([(stream, {"create_time": _stamp(record), **record})]), **config)
    return t.cast("Json", message["record"])


@cache
def _validator(version: str, uid: int) -> Draft202012Validator:
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version))
    return Draft202012Validator(schema.get_class_schema(CLASSES[uid][0]))


@cache
def _model(version: str, uid: int) -> t.Any:
    return getattr(importlib.import_module(f"ocsf.v{version.replace('.', '_')}.events"), CLASSES[uid][1])


def problems(event: Json, version: str) -> list[str]:
    """What is wrong with an event, by two readings of the schema of a version such as `1.5.0`."""
    uid = event.get("class_uid")
    if uid not in CLASSES:
        return [f"no class {uid}"]
    found = [f"{list(error.path)}: {error.message}" for error in _validator(version, uid).iter_errors(event)]
    try:
        # A copy, as the model fills in captions.
        _model(version, uid).model_validate(copy.deepcopy(event))
    except ValidationError as error:
        found += [f"{list(one['loc'])}: {one['msg']}" for one in error.errors()]
    return found
