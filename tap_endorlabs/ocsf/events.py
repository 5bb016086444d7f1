"""Which class of OCSF a stream or a record becomes, and the event of a record."""

from __future__ import annotations

import typing as t

from tap_endorlabs.ocsf.api_activity import API_ACTIVITY, api_activity
from tap_endorlabs.ocsf.authentication import AUTHENTICATION, authentication
from tap_endorlabs.ocsf.entity_management import ENTITY_MANAGEMENT, entity_management, is_of_an_entity
from tap_endorlabs.ocsf.event import Record

if t.TYPE_CHECKING:
    import msgspec

    from tap_endorlabs.ocsf.event import EventClass
    from tap_endorlabs.ocsf.fields import Json
    from tap_endorlabs.ocsf.settings import OcsfSettings

_SIGN_INS = "authentication_logs"


def classes_of(stream: str, settings: OcsfSettings) -> tuple[EventClass, ...]:
    """Give what records of a stream become, nothing where the stream is not one of the tap's."""
    if stream == "audit_logs":
        return (API_ACTIVITY, ENTITY_MANAGEMENT) if settings.entity_management else (API_ACTIVITY,)
    return (AUTHENTICATION,) if stream == _SIGN_INS else ()


def event_of(stream: str, raw: msgspec.Raw, settings: OcsfSettings) -> tuple[EventClass, Json]:
    """Give the class and the event of a record.

    Args:
        stream: a stream of the tap.
        raw: the record as JSON.
        settings: the version, and whether entities have a class of their own.

    Raises:
        UnmappableError: the record has no key or no time.
    """
    record = Record(stream, raw)
    if stream == _SIGN_INS:
        found = AUTHENTICATION, authentication(record, settings.version)
    elif settings.entity_management and is_of_an_entity(record):
        found = ENTITY_MANAGEMENT, entity_management(record, settings.version)
    else:
        found = API_ACTIVITY, api_activity(record, settings.version)
    if settings.key_column:
        found[1]["uid"] = record.uuid
    return found
