"""What events of all classes have in common."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from tap_endorlabs.errors import TapError, one_line
from tap_endorlabs.ocsf.claims import UNKNOWN, Claims
from tap_endorlabs.ocsf.fields import MOST_CHARACTERS, Fields, Json
from tap_endorlabs.timestamps import normalize, second_of

_OPERATIONS = {"OPERATION_CREATE": (1, "Create"), "OPERATION_UPDATE": (3, "Update"), "OPERATION_DELETE": (4, "Delete")}
_CODES = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
]
"""The names of gRPC's status codes, by their numbers."""

_LONGEST_ADDRESS = 40
"""How long an address may be in OCSF."""

_LONGEST_NAME = 255
"""How much of an operation or a kind names an event; where it is placed itself, it is whole."""


_ADVICE = ": check that no stream map of the tap changes it."


class UnmappableError(TapError):
    """A record has no key or time; the text goes on where the input's line has been named."""


class _Meta(msgspec.Struct):
    name: str = ""


class _Object(msgspec.Struct):
    meta: _Meta | None = None


_object = msgspec.json.Decoder(_Object)


@dataclass(frozen=True)
class EventClass:
    """A class of OCSF.

    Attributes:
        uid: its number.
        name: its name.
        category_uid: the number of its category.
        category_name: the name of that.
        fields: what its events have of their own, with the JSON type of each.
    """

    uid: int
    name: str
    category_uid: int
    category_name: str
    fields: dict[str, str]

    def activity(self, number: int, name: str) -> Json:
        """Give the fields that say what was done."""
        return {
            "activity_id": number,
            "activity_name": name,
            "category_uid": self.category_uid,
            "category_name": self.category_name,
            "class_uid": self.uid,
            "class_name": self.name,
            "type_uid": self.uid * 100 + number,
            "type_name": f"{self.name}: {name}",
        }


class Record:
    """A record of the tap while it is taken apart.

    Args:
        stream: the stream it is of.
        raw: it as JSON.

    Attributes:
        uuid: its key.
        meta: what is left of `meta`.
        spec: what is left of `spec`.
        claims: what is left of the claims.

    Raises:
        UnmappableError: it has no key or time.
    """

    def __init__(self, stream: str, raw: msgspec.Raw) -> None:
        self._stream = stream
        self._top = Fields(raw)
        self.uuid = self._top.text("uuid") or ""
        self._time = self._read_time()
        self._tenant = self._top.inner("tenant_meta")
        self.meta = self._top.inner("meta")
        self.spec = self._top.inner("spec")
        self.claims = Claims(self.spec.raw("claims"))

    def _read_time(self) -> str:
        if not self.uuid:
            raise UnmappableError(f"a record of {self._stream}, has no readable uuid{_ADVICE}")
        try:
            return normalize(self._top.text("create_time") or "")
        except ValueError:
            which = f"record {one_line(self.uuid, 60)} of {self._stream}"
            raise UnmappableError(f"{which}, has no readable create_time{_ADVICE}") from None

    def common(self, version: str, event_code: str | None = None) -> Json:
        """Give what all events have: the time, the metadata and the severity.

        Args:
            version: that of OCSF, such as `1.5.0`.
            event_code: what the API calls such events.
        """
        metadata = {
            "version": version,
            "product": {"name": "Endor Labs", "vendor_name": "Endor Labs"},
            "uid": self.uuid,
            "event_code": event_code,
            "log_name": self._stream,
            "original_time": self.meta.text("create_time") or self._time,
            "tenant_uid": self._tenant.text("namespace"),
        }
        return {
            "time": second_of(self._time) * 1000 + int(self._time[20:23]),
            "metadata": {name: value for name, value in metadata.items() if value},
            "severity_id": 1,
            "severity": "Informational",
        }

    def operation(self) -> tuple[int, str, str | None]:
        """Look at the operation: give the number and the name of its activity, and the event code `Kind.OPERATION`."""
        operation, kind = (str(self.spec.look(name) or "")[:_LONGEST_NAME] for name in ("operation", "message_kind"))
        number, name = _OPERATIONS.get(operation, (99, operation or "Other"))
        code = ".".join(filter(None, (kind.rpartition(".")[2], operation.removeprefix("OPERATION_"))))
        return number, name, code

    def take_issuer(self) -> str | None:
        """Take the claim that says who vouches for the user."""
        return self.claims.take("issuer")

    def take_endpoint(self) -> Json | None:
        """Take where it came from, None where the record does not say."""
        address = self.spec.text("remote_address")
        if address is None:
            return None
        return {"ip" if _is_address(address) else "name": address}

    def take_object(self) -> Json:
        """Take what it was done to; nothing where the record does not speak of it."""
        payload = self.spec.raw_object("payload")
        found = {
            "uid": self.spec.text("message_uuid"),
            "name": None if payload is None else _name_of(payload),
            "type": self.spec.text("message_kind"),
            "data": payload,
        }
        known = {name: value for name, value in found.items() if value is not None}
        return known if not known or known.keys() & {"uid", "name"} else {"name": UNKNOWN, **known}

    def take_error(self, *, details: bool = True) -> tuple[Json, Json]:
        """Take the error: give the fields of the status, and those of OCSF's `response`.

        Args:
            details: whether there is a place for the details.
        """
        error = self.spec.inner("error")
        code = error.integer("code")
        if error.look("code") in _CODES:
            code = _CODES.index(error.text("code") or "")
        response: Json = {
            "code": code,
            "error": _CODES[code] if code is not None and 0 <= code < len(_CODES) else None,
            "error_message": error.text("message"),
        }
        if details and (data := error.raw("details")):
            response["data"] = {"details": data}
        found = {name: value for name, value in response.items() if value is not None}
        rest = error.rest()
        self.spec.put_back("error", rest)
        if code is None:
            return status_of(is_success=None if found or rest else True), found
        return {**status_of(is_success=code == 0), "status_code": str(code)}, found

    def unmapped(self) -> Json:
        """Give `unmapped` with all that has found no place, where there is such."""
        self.spec.put_back("claims", self.claims.rest())
        for name, inner in (("tenant_meta", self._tenant), ("meta", self.meta), ("spec", self.spec)):
            self._top.put_back(name, inner.rest())
        rest = self._top.rest()
        return {"unmapped": rest} if rest else {}


def status_of(*, is_success: bool | None) -> Json:
    """Give the fields of a status, None where it is not known."""
    if is_success is None:
        return {"status_id": 0, "status": "Unknown"}
    return {"status_id": 1, "status": "Success"} if is_success else {"status_id": 2, "status": "Failure"}


@lru_cache(maxsize=4096)
def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return len(text) <= _LONGEST_ADDRESS


def _name_of(payload: msgspec.Raw) -> str | None:
    try:
        meta = _object.decode(payload).meta
    except msgspec.DecodeError:
        return None
    return meta.name if meta and 0 < len(meta.name) <= MOST_CHARACTERS else None
