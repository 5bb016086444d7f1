"""What the answer to a question is made of: own words and numbers, and nothing that the log or the API said."""

from __future__ import annotations

import typing as t

NOT_ENOUGH = "not enough events to tell"


class Finding(t.NamedTuple):
    """The answer to a question.

    Attributes:
        found: what was found, for people.
        action: what the tap does about it.
        as_expected: whether it is what the documentation lets expect; None where it can't be told.
    """

    found: str
    action: str
    as_expected: bool | None = True


def untold(action: str, why: str = NOT_ENOUGH) -> Finding:
    """Give the finding where nothing can be told."""
    return Finding(why, action, None)
