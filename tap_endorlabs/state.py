"""The state of the run before: taken out of what it comes in, and held against the settings."""

from __future__ import annotations

import typing as t

from tap_endorlabs.bookmark import START_ANEW, Bookmark, Scope, bookmark_of, scope_of
from tap_endorlabs.errors import StateError, one_line
from tap_endorlabs.validation import EARLIEST

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Container, Mapping


def bookmarks_in(state: object, streams: Container[str]) -> dict[str, dict[str, t.Any]]:
    """Give the streams' own states, also of a state as `meltano state get` prints it or as a STATE message has it.

    Args:
        state: a Singer state, or one of its two wrappings. Empty before the first run.
        streams: the streams that there are. The states of others are given, too, but some must be of these.

    Raises:
        StateError: it is no state, or of another tap.
    """
    match state:
        case {"bookmarks": dict(bookmarks)} if all(isinstance(one, dict) for one in bookmarks.values()):
            if bookmarks and not any(name in streams for name in bookmarks):
                names = one_line(", ".join(bookmarks), 100)
                raise StateError(f"The state was not written by this tap: it has bookmarks for {names}. {START_ANEW}")
            return bookmarks
        case {"singer_state": inner} | {"type": "STATE", "value": inner}:
            return bookmarks_in(inner, streams)
        case {} if not state:
            return {}
    raise StateError(f'The state is broken: it takes the form {{"bookmarks": {{"audit_logs": {{…}}}}}}. {START_ANEW}')


def read_state(state: Mapping[str, t.Any], scope: Scope) -> tuple[Bookmark | None, Scope | None]:
    """Read a stream's bookmark, and the scope that it was made for, as far as the state has them.

    Raises:
        StateError: the state is broken, or belongs to another namespace.
    """
    bookmark, before = bookmark_of(state), scope_of(state)
    if bookmark is not None:
        _refuse_what_is_too_early(bookmark)
    if before is not None and before.namespace != scope.namespace:
        raise StateError(
            f"The state belongs to namespace {before.namespace[:100]!r}, but the setting namespace is "
            f"{scope.namespace!r}: keep a state for each (--state-id-suffix with Meltano, a file of its own with "
            "--state), or start anew without a state."
        )
    return bookmark, before


def _refuse_what_is_too_early(bookmark: Bookmark) -> None:
    """Refuse a time that lies so far back that nothing can be reckoned from it.

    Raises:
        StateError: there is one.
    """
    times = {"replication_key_value": [bookmark.value], "proofs": [bookmark.since, bookmark.proved]}
    times |= {"gaps": [stamp for gap in bookmark.gaps for stamp in gap[:2]]}
    for name, stamps in times.items():
        if early := [stamp for stamp in stamps if stamp < EARLIEST]:
            raise StateError(f"The state is broken: {name} takes a time from 1970 on, not {early[0]!r}. {START_ANEW}")


def in_own_form(state: Mapping[str, t.Any], scope: Scope) -> dict[str, t.Any]:
    """Give a stream's state with all that this version writes and nothing else.

    Raises:
        StateError: the state is broken, or belongs to another namespace.
    """
    bookmark, before = read_state(state, scope)
    return bookmark.to_state(before or scope) if bookmark else {}


def resume(state: Mapping[str, t.Any], scope: Scope, logger: logging.Logger) -> Bookmark | None:
    """Take the bookmark out of a stream's state, and warn if it was made for a scope that saw other events.

    Raises:
        StateError: the state is broken, or belongs to another namespace.
    """
    bookmark, before = read_state(state, scope)
    if bookmark is not None and before is not None and before != scope:
        logger.warning(
            "The state was made with traverse=%s and filter=%r, now they are %s and %r: "
            "events before %s that only the new settings let through are not fetched",
            before.traverse,
            before.filter,
            scope.traverse,
            scope.filter,
            bookmark.value,
        )
        # What was emitted since is no measure for a count by the new settings.
        bookmark.forget_proofs()
    return bookmark
