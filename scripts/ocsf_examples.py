"""The worked examples of `docs/how-to/ocsf.md`: a record for each class of OCSF, and the event made of it."""

from __future__ import annotations

import json
import typing as t

import msgspec

from tap_endorlabs.ocsf.events import event_of
from tap_endorlabs.ocsf.settings import OcsfSettings
from tests.markers import filled

_AUDIT: dict[str, t.Any] = {
    "uuid": "6655c1f0a9b2c3d4e5f60718",
    "tenant_meta": {"namespace": "acme.platform"},
    "meta": {
        "create_time": "2026-11-22T10:03:20.853Z",
        "name": "update Project",
        "kind": "AuditLog",
        "created_by": "jane@example.com@google",
    },
    "spec": {
        "operation": "OPERATION_UPDATE",
        "message_kind": "internal.endor.ai.endor.v1.Project",
        "message_uuid": "6655c1f0a9b2c3d4e5f60001",
        "payload": {"meta": {"name": "payments-api"}, "spec": {"platform_source": "PLATFORM_SOURCE_GITHUB"}},
        "claims": [
            "ID=117",
            "user=jane@example.com@google",
            "email=jane@example.com",
            "firstname=Jane",
            "lastname=Doe",
            "domain=example.com",
            "issuer=https://accounts.google.com",
        ],
        "remote_address": "203.0.113.42",
    },
    "create_time": "2026-11-22T10:03:20.853000Z",
}
_SIGN_IN: dict[str, t.Any] = {
    "uuid": "6655c1f0a9b2c3d4e5f60719",
    "tenant_meta": {"namespace": "system"},
    "meta": {"create_time": "2026-11-22T10:01:07Z", "name": "sign-in", "kind": "AuthenticationLog"},
    "spec": {
        "claims": ["email=jane@example.com", "issuer=https://sso.example.com"],
        "remote_address": "203.0.113.42",
        "uri": "/v1/auth/saml",
        "success": False,
        "status": 401,
        "error_message": "invalid credentials",
    },
    "create_time": "2026-11-22T10:01:07.000000Z",
}
_POLICY: dict[str, t.Any] = {
    **_AUDIT,
    "uuid": "6655c1f0a9b2c3d4e5f60720",
    "meta": {"create_time": "2026-11-22T23:40:00.5Z", "name": "delete Policy", "created_by": "ci@acme@api-key"},
    "spec": {
        "operation": "OPERATION_DELETE",
        "message_kind": "internal.endor.ai.endor.v1.Policy",
        "message_uuid": "6655c1f0a9b2c3d4e5f60002",
        "error": {"code": 7, "message": "permission denied", "details": []},
        "claims": ["user=ci@acme", "issuing_user=jane@example.com", "api-key"],
        "remote_address": "runner-7.example.com",
    },
    "create_time": "2026-11-22T23:40:00.500000Z",
}
EXAMPLES: dict[str, tuple[str, dict[str, t.Any]]] = {
    "api_activity": ("audit_logs", _AUDIT),
    "authentication": ("authentication_logs", _SIGN_IN),
    "entity_management": ("audit_logs", _POLICY),
}
"""A stream and a record of it, by the class that it becomes."""


def example(name: str, version: str = "1.5") -> dict[str, t.Any]:
    """Give the event of an example."""
    stream, record = EXAMPLES[name]
    settings = OcsfSettings.of({"version": version, "entity_management": True, "key_column": False})
    _, made = event_of(stream, msgspec.Raw(msgspec.json.encode(record)), settings)
    return t.cast("dict[str, t.Any]", msgspec.json.decode(msgspec.json.encode(made)))


def with_examples(document: str) -> str:
    """Give the document with the examples in it."""
    for name, (stream, record) in EXAMPLES.items():
        text = f"A record of `{stream}`:\n\n{_block(record)}\n\nbecomes\n\n{_block(example(name))}"
        document = filled(document, name, text)
    return document


def _block(value: dict[str, t.Any]) -> str:
    return f"```json\n{json.dumps(value, indent=2, ensure_ascii=False)}\n```"
