"""Objects quoted from the API's documentation and its partners' pages, word for word."""

from __future__ import annotations

import typing as t

PARTNER_SAMPLE: dict[str, t.Any] = {
    "uuid": "a1b2c3d4-e5f6-7890-abcd-ef1234567890",
    "tenant_meta": {"namespace": "your-org"},
    "meta": {
        "create_time": "2024-11-13T15:30:45.123456Z",
        "update_time": "2024-11-13T15:30:45.123456Z",
        "name": "user_login_event",
        "kind": "AuditLog",
        "version": "v1",
        "description": "User authentication event",
        "created_by": "system",
        "updated_by": "system",
    },
    "spec": {
        "message_uuid": "f1e2d3c4-b5a6-9870-fedc-ba0987654321",
        "message_kind": "AuthenticationLog",
        "operation": "USER_LOGIN",
        "payload": {
            "user_id": "user@example.com",
            "authentication_method": "oauth",
            "session_id": "sess_1234567890abcdef",
            "success": True,
        },
        "claims": [
            {
                "subject": "user@example.com",
                "issuer": "endorlabs.com",
                "audience": "api.endorlabs.com",
            }
        ],
        "remote_address": "203.0.113.42",
    },
}
"""A sign-in with a dashed uuid, an operation of its own and claims that are objects."""
