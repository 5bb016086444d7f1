"""The state of the run before, read and held against the settings; what is written is `Bookmark.to_state`."""

from __future__ import annotations

import typing as t

from tap_endorlabs.errors import StateError, one_line
from tap_endorlabs.sync.bookmark import REPLICATION_KEY, Bookmark, Gap, Scope
from tap_endorlabs.timestamps import EARLIEST, normalize

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
                raise StateError(f"The state was not written by this tap: it has bookmarks for {names}.")
            return bookmarks
        case {"singer_state": inner} | {"type": "STATE", "value": inner}:
            return bookmarks_in(inner, streams)
        case {} if not state:
            return {}
    raise StateError('The state is broken: it takes the form {"bookmarks": {"audit_logs": {…}}}.')


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
            f"{scope.namespace!r}.",
            "Correct it, or keep a state for each (--state-id-suffix with Meltano, a file of its own with --state), "
            "or start anew without a state.",
        )
    return bookmark, before


def _refuse_what_is_too_early(bookmark: Bookmark) -> None:
    """Refuse a time that lies so far back that nothing can be reckoned from it.

    Raises:
        StateError: there is one.
    """
    times = {"replication_key_value": [bookmark.value], "proofs": [bookmark.since, bookmark.proved]}
    times |= {"read_to": [bookmark.read_to], "gaps": [stamp for gap in bookmark.gaps for stamp in gap[:2]]}
    for name, stamps in times.items():
        if early := [stamp for stamp in stamps if stamp < EARLIEST]:
            raise StateError(f"The state is broken: {name} takes a time from 1970 on, not {early[0]!r}.")


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
        # What was emitted since is no measure for a count by the new settings, and what they add was not late.
        bookmark.forget_proofs()
        bookmark.read_to = bookmark.value
    return bookmark


def bookmark_of(state: Mapping[str, t.Any]) -> Bookmark | None:
    """Read a stream's bookmark from its state, None where it has none yet.

    Raises:
        StateError: the state is broken or was written by another tap.
    """
    if not state:
        return None
    key = state.get("replication_key", REPLICATION_KEY)
    if key != REPLICATION_KEY:
        raise StateError(
            f"The state was not written by this tap: its replication_key is {str(key)[:60]!r}, not {REPLICATION_KEY!r}."
        )
    value = _stamp("replication_key_value", state.get("replication_key_value"))
    emitted = _emitted("emitted", state.get("emitted", []))
    return Bookmark(
        value,
        {uuid: stamp for uuid, stamp in emitted.items() if stamp >= value},
        "",
        _gaps(state.get("gaps", []), value),
        _stamp("read_to", state.get("read_to", value)),
        *_proofs(state.get("proofs", [])),
    )


def _emitted(name: str, emitted: object) -> dict[str, str]:
    if isinstance(emitted, dict):  # as earlier versions wrote it
        return {uuid: _stamp(name, stamp) for uuid, stamp in emitted.items()}
    if _are_pairs(emitted) and all(isinstance(uuid, str) for _, uuid in emitted):
        return {uuid: _stamp(name, stamp) for stamp, uuid in emitted}
    raise _broken(name, "a list of times, each with a uuid", emitted)


def _are_pairs(value: object) -> t.TypeGuard[list[list[t.Any]]]:
    return isinstance(value, list) and all(isinstance(pair, list) and len(pair) == len("ab") for pair in value)


def _gaps(gaps: object, value: str) -> list[Gap]:
    if not isinstance(gaps, list) or not all(isinstance(gap, dict) for gap in gaps):
        raise _broken("gaps", "a list of objects with from and to", gaps)
    found = [
        Gap(
            _stamp("gaps.from", gap.get("from")),
            _stamp("gaps.to", gap.get("to")),
            None if gap.get("emitted") is None else _emitted("gaps.emitted", gap["emitted"]),
        )
        for gap in gaps
    ]
    if any(gap.begin > gap.end for gap in found):
        raise _broken("gaps", "objects whose from is not after their to", gaps)
    # What lies behind V is read anyway.
    return [gap._replace(end=min(gap.end, value)) for gap in found if gap.begin < min(gap.end, value)]


def _proofs(proofs: object) -> list[t.Any]:
    """Give the fields of a bookmark that are about proofs; none for a state that has none."""
    if _are_pairs(proofs) and len(proofs) in {0, 2} and all(type(n) is int and n >= 0 for _, n in proofs):
        return [value for stamp, count in proofs for value in (_stamp("proofs", stamp), count)]
    raise _broken("proofs", "two times, each with a number", proofs)


def scope_of(state: Mapping[str, t.Any]) -> Scope | None:
    """Read what a stream's state was made for, None where it does not say.

    Raises:
        StateError: the state is broken.
    """
    scope = state.get("scope")
    if scope is None:
        return None
    match scope:
        case {"namespace": str(namespace), "traverse": bool(traverse), "filter": str() | None as only}:
            return Scope(namespace, traverse, only)
    raise _broken("scope", "an object with namespace, traverse and filter", scope)


def _stamp(name: str, value: object) -> str:
    if isinstance(value, str):
        try:
            return normalize(value)
        except ValueError:
            pass
    raise _broken(name, "a time such as 2024-11-13T15:30:45.123456Z", value)


def _broken(name: str, takes: str, value: object) -> StateError:
    return StateError(f"The state is broken: {name} takes {takes}, not {str(value)[:60]!r}.")
