"""A range that is to be read, and the databases that it is read from: the active one, the archive, or both."""

from __future__ import annotations

import typing as t

Databases = tuple[bool, ...]
"""Which databases to read, the archive being `True`: first the one that events leave for the other, to miss none."""

ACTIVE: Databases = (False,)
ARCHIVE: Databases = (True,)
BOTH: Databases = (False, True)


class Zone(t.NamedTuple):
    """A range [start, stop), in whole seconds, whose events are all in certain databases."""

    start: int
    stop: int
    databases: Databases = ACTIVE
