"""The audited objects inside of audit logs: one builder for each kind of message."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

T = t.TypeVar("T")

KIND_PREFIX = "internal.endor.ai.endor.v1."
_TYPE_PREFIX = "type.googleapis.com/"

_NAMES = ("payments-api", "web-frontend", "Größenrechner", "决策引擎", "naïve-bayes", "infra 🚀", "core")
_LANGUAGES = ("go", "python", "java", "rust", "typescript")
_LEVELS = ("FINDING_LEVEL_LOW", "FINDING_LEVEL_MEDIUM", "FINDING_LEVEL_HIGH", "FINDING_LEVEL_CRITICAL")
_RULE = 'package endor\n\ndeny[msg] {\n\tinput.score < 7 && input.name != "a\\b"\n}\n'


def pick(rng: Random, choices: Sequence[T]) -> T:
    """Return one of the choices; several times as fast as `rng.choice`."""
    return choices[int(rng.random() * len(choices))]


def hex_id(rng: Random) -> str:
    """Return 24 random hex digits, the form of a MongoDB ObjectId."""
    return f"{rng.getrandbits(96):024x}"


def _policy(rng: Random) -> dict[str, t.Any]:
    return {
        "policy_type": pick(rng, ("POLICY_TYPE_EXCEPTION", "POLICY_TYPE_NOTIFICATION")),
        "rule": _RULE,
        "query_statements": ["data.endor.deny"],
        "disable": rng.random() < 0.2,
        "threshold": rng.random() * 10,
        "template_values": {"severity": {"values": [pick(rng, _LEVELS)]}, "owner": None},
        "project_selector": [f"$uuid={hex_id(rng)}"],
    }


def _authorization_policy(rng: Random) -> dict[str, t.Any]:
    return {
        "clause": [f"email=user{rng.getrandbits(8)}@example.com", "issuer=https://accounts.google.com"],
        "target_namespaces": [],
        "propagate": rng.random() < 0.5,
        "permissions": {"rules": {"audit-logs": {"methods": ["METHOD_READ", "METHOD_LIST"]}}},
        "expiration_time": None,
    }


def _project(rng: Random) -> dict[str, t.Any]:
    return {
        "platform_source": "PLATFORM_SOURCE_GITHUB",
        "git": {
            "full_name": f"acme/{pick(rng, _NAMES)}",
            "http_clone_url": f"https://git.example.com/acme/{rng.getrandbits(16)}.git?a=1&b=<2>",
            "external_installation_id": str(rng.getrandbits(40)),
        },
        "processing_status": {"scan_state": "SCAN_STATE_IDLE", "disable_automated_scan": False},
        "ingestion_token": None,
    }


def _namespace(rng: Random) -> dict[str, t.Any]:
    return {"full_name": f"acme.{pick(rng, _NAMES)}", "managed": False, "quota": rng.getrandbits(20)}


def _repository_version(rng: Random) -> dict[str, t.Any]:
    return {
        "version": {"ref": f"release/{rng.getrandbits(6)}", "sha": f"{rng.getrandbits(160):040x}"},
        "last_commit_date": None,
        "size_bytes": rng.getrandbits(63),
        "languages": {pick(rng, _LANGUAGES): rng.random(), "other": 1e-07},
    }


def _scan_result(rng: Random) -> dict[str, t.Any]:
    return {
        "status": pick(rng, ("STATUS_SUCCESS", "STATUS_PARTIAL_SUCCESS", "STATUS_FAILURE")),
        "exit_code": pick(rng, ("ENDORCTL_RC_SUCCESS", "ENDORCTL_RC_POLICY_VIOLATION")),
        "stats": {
            "run_time_milliseconds": rng.random() * 1e6,
            "memory_used": 9_007_199_254_740_993 + rng.getrandbits(8),
            "findings": [{"level": level, "count": rng.getrandbits(5)} for level in _LEVELS],
        },
        "environment": {"arch": "arm64", "os": "linux", "config": {"Scan": {"depth": -1, "paths": []}}},
        "logs": ["resolved 214 packages", 'warning: "café" has no lock file\u2028'],
    }


def _user_telemetry(rng: Random) -> dict[str, t.Any]:
    return {
        "event": pick(rng, ("page_view", "login", "export")),
        "session": f"{rng.getrandbits(128):032x}",
        "counter": 18_446_744_073_709_551_615 - rng.getrandbits(16),
        "position": [rng.random() * 1920, rng.random() * -1080],
        "extra": {},
    }


def _license(rng: Random) -> dict[str, t.Any]:
    return {
        "license_type": "LICENSE_TYPE_ENTERPRISE",
        "seats": rng.getrandbits(10),
        "features": {"ai": {"enabled": True, "ratio": 0.1}, "legacy": None},
    }


_BUILDERS: dict[str, Callable[[Random], dict[str, t.Any]]] = {
    "Policy": _policy,
    "AuthorizationPolicy": _authorization_policy,
    "Project": _project,
    "Namespace": _namespace,
    "Repository": _project,
    "RepositoryVersion": _repository_version,
    "ScanResult": _scan_result,
    "ToolChain": _namespace,
    "UserTelemetry": _user_telemetry,
    "ApplicationTelemetry": _user_telemetry,
    "License": _license,
}
KINDS: tuple[str, ...] = tuple(_BUILDERS)
"""The kinds of audited messages, without their package."""


def make_payload(rng: Random, kind: str, uuid: str) -> dict[str, t.Any]:
    """Return the audited object of one of `KINDS` as a protobuf t.Any."""
    return {
        "@type": f"{_TYPE_PREFIX}{KIND_PREFIX}{kind}",
        "uuid": uuid,
        "meta": {"name": pick(rng, _NAMES), "kind": kind, "tags": []},
        "spec": _BUILDERS[kind](rng),
    }
