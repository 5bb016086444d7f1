"""The `spec` of audited objects, with the fields that the vendor's own models name."""

from __future__ import annotations

import typing as t

from fake_endor_api.payloads import hex_id, pick
from fake_endor_api.times import format_time

if t.TYPE_CHECKING:
    from random import Random

    from fake_endor_api.realistic.records import Record

ADMIN = "SYSTEM_ROLE_ADMIN"
_DAY = 86_400_000_000_000
_LEVELS = ("LOW", "MEDIUM", "HIGH", "CRITICAL")


def policy(rng: Random, *, disable: bool = False) -> Record:
    """Return a policy that makes findings."""
    return {
        "policy_type": "POLICY_TYPE_USER_FINDING",
        "disable": disable,
        "rule": "package endor\n\ndeny[msg] {\n\tinput.score < 7\n}\n",
        "query_statements": ["data.endor.deny"],
        "resource_kinds": ["PackageVersion"],
        "project_selector": [],
        "project_exceptions": [f"$uuid={hex_id(rng)}"],
        "finding_level": f"FINDING_LEVEL_{pick(rng, _LEVELS)}",
        "template_uuid": None,
        "exception": None,
        "admission": None,
        "notification": None,
    }


def admission(rng: Random, *, enforced: bool) -> Record:
    """Return a policy that stops builds, or only logs that it would."""
    return policy(rng) | {
        "policy_type": "POLICY_TYPE_ADMISSION",
        "admission": {"disable_enforcement": not enforced, "bypass_exceptions": False},
    }


def exception(rng: Random, end: int | None) -> Record:
    """Return a policy that lets findings pass, until a time in nanoseconds since 1970 or for ever."""
    until = None if end is None else format_time(end)
    return policy(rng) | {
        "policy_type": "POLICY_TYPE_EXCEPTION",
        "exception": {"reason": "EXCEPTION_REASON_RISK_ACCEPTED", "expiration_time": until, "tags": []},
    }


def in_days(time: int, days: int) -> int:
    """Return a time so many days later."""
    return time + days * _DAY


def grant(claim: str, role: str) -> Record:
    """Return an authorization policy: who has the claim has the role."""
    return {
        "clause": [claim, "issuer=https://accounts.google.com"],
        "target_namespaces": [],
        "propagate": True,
        "permissions": {"roles": [role], "rules": {}, "except_resources": []},
        "expiration_time": None,
        "is_support_policy": False,
    }


def api_key(rng: Random, role: str, end: int) -> Record:
    """Return an API key, without its secret."""
    return {
        "key": f"endr+{hex_id(rng)}",
        "secret": "",
        "permissions": {"roles": [role], "rules": {}, "except_resources": []},
        "expiration_time": format_time(end),
        "issuing_user": None,
    }


def invitation(email: str) -> Record:
    """Return an invitation of a person to the tenant."""
    return {"user_email": email, "invitation_state": "INVITATION_STATE_UNSPECIFIED"}


def identity_provider() -> Record:
    """Return an identity provider."""
    return {
        "oidc_provider": None,
        "saml_provider": {
            "issuer": "https://sso.example/saml",
            "sso_url": "https://sso.example/login",
            "certificates": [],
        },
    }


def installation(rng: Random) -> Record:
    """Return an integration with a source code manager."""
    return {"login": "acme", "external_id": str(rng.getrandbits(30)), "enabled_features": [], "invalid": False}


def notification_target() -> Record:
    """Return where notifications go."""
    return {
        "action": {"action_type": "ACTION_TYPE_SLACK", "slack_config": {"webhook_url": ""}},
        "custom_template": None,
    }


def exporter() -> Record:
    """Return where findings are exported to."""
    return {"exporter_type": "EXPORTER_TYPE_S3", "s3_config": {"bucket_name": "acme-findings", "region": "eu-west-1"}}


def ip_policy(*subnets: str) -> Record:
    """Return from which networks the tenant may be used."""
    return {"allowed_ip_subnets": list(subnets)}


def project(rng: Random) -> Record:
    """Return a project."""
    return {
        "platform_source": "PLATFORM_SOURCE_GITHUB",
        "git": {"full_name": f"acme/app-{rng.getrandbits(6)}", "default_branch": "main"},
        "processing_status": {"scan_state": "SCAN_STATE_IDLE", "disable_automated_scan": False},
        "ingestion_token": "",
    }


def scan(rng: Random) -> Record:
    """Return what a scan of CI leaves behind."""
    return {
        "status": "STATUS_SUCCESS",
        "exit_code": "ENDORCTL_RC_SUCCESS",
        "type": "TYPE_ALL_SCANS",
        "stats": {"run_time_milliseconds": rng.random() * 1e5, "findings": [{"level": x, "count": 1} for x in _LEVELS]},
        "logs": ["resolved 214 packages"],
        "environment": {"arch": "amd64", "os": "linux"},
    }


def page_visits(rng: Random, time: int) -> Record:
    """Return what the web page tells of where somebody looked."""
    pages = ("/findings", "/projects", "/policies", "/settings/api-keys", "/dashboard")
    return {
        "events": [{"key": "PAGE_VISIT", "value": pick(rng, pages), "timestamp": format_time(time)}],
        "device_user_agent": {"browser_name": "Firefox", "os_name": "Linux"},
    }


def user_events(rng: Random, time: int) -> Record:
    """Return what the web page tells of what somebody used: a map of free-form names."""
    names = ("INSPECTED_CALL_GRAPH", "EXPORTED_FINDINGS", "OPENED_FILTER")
    return {"event_store": {pick(rng, names): {"value": "true", "timestamp": format_time(time), "properties": {}}}}
