"""The streams: their names, and where the API has them."""

from __future__ import annotations

from tap_endorlabs.sync.log_stream import LogStream


class AuditLogsStream(LogStream):
    """Who created, changed or deleted what, from where, with what result."""

    name = "audit_logs"
    resource = "audit-logs"


class AuthenticationLogsStream(LogStream):
    """Who signed in, from where, with what result. It is read only where it is selected."""

    name = "authentication_logs"
    resource = "authentication-logs"
    selected_by_default = False
    # The archive is documented for audit logs alone: it asks for a kind of message, which a sign-in has not.
    has_archive = False


STREAMS: dict[str, type[LogStream]] = {stream.name: stream for stream in (AuditLogsStream, AuthenticationLogsStream)}
"""All of them by name."""
