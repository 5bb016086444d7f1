"""What all destinations can be asked."""

from __future__ import annotations

import re
import typing as t

from tap_endorlabs.errors import TapError, one_line

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Progress = t.Callable[[int, int], object]
"""Is told how much of how much has been looked through."""

Record = tuple[str, t.Mapping[str, t.Any]]
"""The stamp and the fields of a row."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*", re.ASCII)


class Tally(t.NamedTuple):
    """What is between two stamps: rows, and events, which are fewer where a uuid is there more than once."""

    rows: int = 0
    events: int = 0


class Destination(t.Protocol):
    """Where a target has written the records.

    Attributes:
        complaints: a line for each thing that is wrong with it.
    """

    complaints: Sequence[str]

    def tallies(self, cuts: Sequence[str], progress: Progress) -> list[Tally]:
        """Count what lies between each stamp and the next.

        Raises:
            TapError: it can't be read.
        """
        ...

    def uuids(self, start: str, stop: str) -> Iterator[str]:
        """Give the uuids between two stamps that were neighbours in `tallies`, as often as they are there."""
        ...

    def records(self, start: str, stop: str, progress: Progress) -> Iterator[Record]:
        """Give the rows between two stamps, in any order.

        Raises:
            TapError: it can't be read.
        """
        ...

    def close(self) -> None:
        """Let it go."""


def quoted(table: str) -> str:
    """Give the name of a table as SQL takes it.

    Raises:
        TapError: it is none.
    """
    names = table.split(".")
    if not all(_PLAIN.fullmatch(name) for name in names):
        raise TapError(f"--table takes a name such as tap_endorlabs.audit_logs, not {one_line(repr(table), 80)}.")
    return ".".join(f'"{name}"' for name in names)


def need(extra: Callable[[], t.Any], package: str) -> t.Any:  # noqa: ANN401 - a module
    """Import a package of the extra.

    Raises:
        TapError: it is not installed.
    """
    try:
        return extra()
    except ImportError as error:
        raise TapError(
            f"The package {package} is not installed: install tap-endorlabs[verify] ({one_line(str(error), 100)})."
        ) from error
