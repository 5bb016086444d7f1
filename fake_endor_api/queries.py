"""The list parameters of a request."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from fake_endor_api.errors import invalid_argument

if t.TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX = "list_parameters."
_NAMES = frozenset(
    {
        "filter",
        "page_size",
        "page_token",
        "page_id",
        "sort.path",
        "sort.order",
        "count",
        "mask",
        "traverse",
        "archive",
    }
)
_LARGEST = 2**31 - 1
_BOOLEANS = {"": False, "false": False, "true": True}
_DESCENDING = {
    "": False,
    "SORT_ENTRY_ORDER_UNSPECIFIED": False,
    "SORT_ENTRY_ORDER_ASC": False,
    "SORT_ENTRY_ORDER_DESC": True,
}


@dataclass(frozen=True)
class ListQuery:
    """What one list request asks for."""

    namespace: str
    filter: str = ""
    page_size: int = 0
    """In objects; 0: the default."""
    page_token: int = 0
    """The offset of the first object."""
    page_id: str = ""
    """The uuid to continue after."""
    sort_path: str = ""
    descending: bool = False
    count: bool = False
    mask: tuple[str, ...] = ()
    traverse: bool = False
    archive: bool = False

    def __post_init__(self) -> None:
        """Refuse what no request can ask for, as the API does.

        Raises:
            ApiError: 400, a number is out of range, or parameters exclude each other.
        """
        for name, value in (("page size", self.page_size), ("page token", self.page_token)):
            if not 0 <= value <= _LARGEST:
                raise invalid_argument(f"invalid {name}: {value}")
        if self.page_id and self.sort_path:
            raise invalid_argument("page id cannot be provided with sort method")
        if self.page_id and self.page_token:
            raise invalid_argument("page id cannot be provided with page token")

    @classmethod
    def from_parameters(cls, namespace: str, parameters: Mapping[str, str]) -> ListQuery:
        """Return the query of a request's parameters.

        Raises:
            ApiError: 400, a list parameter is unknown or malformed.
        """
        for name in parameters:
            if name.startswith(_PREFIX) and name.removeprefix(_PREFIX) not in _NAMES:
                raise invalid_argument(f"unknown parameter: {name}")
        given = {name: parameters.get(_PREFIX + name, "") for name in _NAMES}
        if given["sort.order"] and not given["sort.path"]:
            raise invalid_argument("sort order without a sort path")
        return cls(
            namespace=namespace,
            filter=given["filter"],
            page_size=_integer("page size", given["page_size"]),
            page_token=_integer("page token", given["page_token"]),
            page_id=given["page_id"],
            sort_path=given["sort.path"],
            descending=_choice("sort order", given["sort.order"], _DESCENDING),
            count=_choice("count", given["count"], _BOOLEANS),
            mask=tuple(path.strip() for path in given["mask"].split(",") if path.strip()),
            traverse=_choice("traverse", given["traverse"], _BOOLEANS),
            archive=_choice("archive", given["archive"], _BOOLEANS),
        )


def _integer(name: str, text: str) -> int:
    digits = text.removeprefix("-")
    if text and not (digits.isascii() and digits.isdigit()):
        raise invalid_argument(f"invalid {name}: {text!r}")
    return int(text or 0)


def _choice(name: str, text: str, choices: Mapping[str, bool]) -> bool:
    if text not in choices:
        raise invalid_argument(f"invalid {name}: {text!r}")
    return choices[text]
