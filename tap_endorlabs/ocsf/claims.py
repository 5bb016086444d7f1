"""Who did it: the claims of a credential, as OCSF's `user`."""

from __future__ import annotations

import contextlib
import re
import typing as t

import msgspec

from tap_endorlabs.ocsf.fields import MOST_CHARACTERS, Json

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_endorlabs.ocsf.fields import Fields

_Claim = str | dict[str, msgspec.Raw] | msgspec.Raw

UNKNOWN = "unknown"
"""The name of what OCSF wants named where the record names nothing."""

_ADDRESS = re.compile(r"[a-zA-Z0-9_.+-]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9-.]+", re.ASCII)
"""What every version of OCSF takes for an e-mail address."""

_list = msgspec.json.Decoder(list[msgspec.Raw])
_claim: msgspec.json.Decoder[str | dict[str, msgspec.Raw]] = msgspec.json.Decoder(str | dict[str, msgspec.Raw])
_text = msgspec.json.Decoder(str)


class Claims:
    """The claims of a record that nobody has taken yet: texts such as `email=a@b.c` and `api-key`, or objects.

    Args:
        raw: them as JSON; what is no list is left as it is.
    """

    def __init__(self, raw: msgspec.Raw | None) -> None:
        self._claims: list[_Claim] = []
        self._other: msgspec.Raw | None = None
        self._values: dict[str, list[tuple[str, _Claim]]] = {}
        """The values of each name, with the claim that they stand in."""
        try:
            self._claims = [_decoded(one) for one in (() if raw is None else _list.decode(raw))]
        except msgspec.DecodeError:
            self._other = raw
        for claim in self._claims:
            for name, value in _pairs(claim):
                if value:
                    self._values.setdefault(name, []).append((value, claim))

    def take(self, *names: str, form: re.Pattern[str] | None = None) -> str | None:
        """Take the first claim of one of the names, the first name first.

        Args:
            names: such as `email`.
            form: what the whole value must match.
        """
        for name in names:
            found = self._values.get(name, [])
            for value, claim in found:
                if len(value) <= MOST_CHARACTERS and (form is None or form.fullmatch(value)):
                    found.remove((value, claim))
                    if isinstance(claim, dict):
                        del claim[name]
                    else:
                        self._claims.remove(claim)
                    return value
        return None

    def take_bare(self, text: str) -> bool:
        """Take the claim that is this text, and say whether it was there."""
        if text not in self._claims:
            return False
        self._claims.remove(text)
        return True

    def rest(self) -> t.Any:  # noqa: ANN401 - JSON is of any type
        """Give what nobody has taken."""
        return self._other or [claim for claim in self._claims if claim != {}]


def _decoded(raw: msgspec.Raw) -> _Claim:
    try:
        return _claim.decode(raw)
    except msgspec.DecodeError:
        return raw


def _pairs(claim: _Claim) -> Iterator[tuple[str, str]]:
    if isinstance(claim, str):
        name, _, value = claim.partition("=")
        yield name, value
    elif isinstance(claim, dict):
        for name, raw in claim.items():
            with contextlib.suppress(msgspec.DecodeError):
                yield name, _text.decode(raw)


def take_user(claims: Claims, meta: Fields) -> Json:
    """Give OCSF's `user`; where no claim names anybody, it is whom the API says the record is of.

    Args:
        claims: what is used of them is taken.
        meta: its `created_by` is taken where it is used.
    """
    full_name = " ".join(filter(None, (claims.take("firstname"), claims.take("lastname"))))
    address = claims.take("email", "subject", form=_ADDRESS)
    name = claims.take("user", "subject") or address or claims.take("email")
    uid = claims.take("ID")
    creator = meta.look("created_by")
    if name == creator or not (name or uid):
        name = meta.text("created_by") or name
    kind = _kind(claims, {str(text).rpartition("@")[2] for text in (name, creator)}, is_known=bool(name or uid))
    user = {
        "uid": uid,
        "name": name or (None if uid else UNKNOWN),
        "email_addr": address,
        "full_name": full_name,
        "domain": claims.take("domain"),
    }
    return {field: value for field, value in user.items() if value} | kind


def _kind(claims: Claims, endings: set[str], *, is_known: bool) -> Json:
    """Give what kind of user it is; the endings are those of names such as `ewok@endor.ai@google@api-key`."""
    if claims.take_bare("api-key") or "api-key" in endings:
        return {"type_id": 99, "type": "API key"}
    if claims.take_bare("x509") or "x509" in endings:
        return {"type_id": 3, "type": "System"}
    return {"type_id": 1, "type": "User"} if is_known else {"type_id": 0, "type": "Unknown"}
