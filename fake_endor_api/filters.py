"""Filters: which objects meet an expression, and in which range of time they must lie."""

from __future__ import annotations

import operator
import re
import typing as t
from dataclasses import dataclass

from fake_endor_api.behaviour import Behaviour
from fake_endor_api.errors import invalid_argument
from fake_endor_api.filter_syntax import COMPARISONS, Condition, Junction, Moment, parse
from fake_endor_api.times import parse_time

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fake_endor_api.filter_syntax import Expression, Literal

JsonObject: t.TypeAlias = "dict[str, t.Any]"
Predicate: t.TypeAlias = "Callable[[JsonObject], bool]"

CREATE_TIME = "meta.create_time"
MESSAGE_KIND = "spec.message_kind"
TIME_PATHS = frozenset({CREATE_TIME, "meta.update_time", "meta.upsert_time"})

NO_TIME = 10**30
"""Where objects without a time stand on the time axis: after all that have one."""

_COMPARE: dict[str, Callable[[t.Any, t.Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class TimeRange:
    """A half-open range of nanoseconds since 1970."""

    start: int = -NO_TIME
    end: int = NO_TIME + 1

    def __and__(self, other: TimeRange) -> TimeRange:
        """Return what both ranges share."""
        return TimeRange(max(self.start, other.start), min(self.end, other.end))


@dataclass(frozen=True)
class Filter:
    """A filter ready for use: an object meets it if it lies in `range` and `rest` holds."""

    range: TimeRange
    """Of `meta.create_time`, from the and-ed conditions on it."""
    rest: Predicate | None
    """All other conditions; None where there are none."""
    paths: tuple[str, ...]
    """The fields named, in the order of the text."""


def compile_filter(text: str, behaviour: Behaviour | None = None) -> Filter:
    """Return the filter that a text describes; a blank one is met by every object.

    Raises:
        ApiError: 400, the text is no filter.
    """
    if not text.strip():
        return Filter(TimeRange(), None, ())
    behaviour = behaviour or Behaviour()
    expression = parse(text, behaviour.moment)
    time_range, rest = TimeRange(), []
    for part in _conjuncts(expression):
        bounds = _bounds(part, first_after=int(behaviour.strict_bounds))
        if bounds is None:
            rest.append(_predicate(part))
        elif not behaviour.ignore_bounds:
            time_range &= bounds
    predicate = _all(rest) if len(rest) > 1 else rest[0] if rest else None
    return Filter(time_range, predicate, tuple(_paths(expression)))


def created_at(item: JsonObject) -> int:
    """Return an object's creation time in nanoseconds since 1970, or `NO_TIME`."""
    time = next(map(as_time, values_at(item, CREATE_TIME)), None)
    return NO_TIME if time is None else time


def values_at(item: JsonObject, path: str) -> list[t.Any]:
    """Return the values at a dotted path; null counts as none, an array as its elements."""
    return list(_flat(_fields_at(item, path)))


def as_time(value: object) -> int | None:
    """Return a value's nanoseconds since 1970, or None if it is no time."""
    try:
        return parse_time(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _fields_at(item: JsonObject, path: str) -> list[t.Any]:
    found: list[t.Any] = [item]
    for name in path.split("."):
        found = [value[name] for value in _flat(found) if isinstance(value, dict) and value.get(name) is not None]
    return found


def _flat(values: list[t.Any]) -> Iterator[t.Any]:
    for value in values:
        if isinstance(value, list):
            yield from value
        else:
            yield value


def _conjuncts(expression: Expression) -> Iterator[Expression]:
    if isinstance(expression, Junction) and expression.word == "and":
        for part in expression.parts:
            yield from _conjuncts(part)
    else:
        yield expression


def _paths(expression: Expression) -> Iterator[str]:
    if isinstance(expression, Condition):
        yield expression.path
    else:
        for part in expression.parts:
            yield from _paths(part)


def _bounds(expression: Expression, first_after: int) -> TimeRange | None:
    """Return the range that a condition on the creation time stands for, if it is one.

    Args:
        expression: The condition.
        first_after: How many nanoseconds after its bound the first time is that meets `>=`.
    """
    if not isinstance(expression, Condition) or expression.path != CREATE_TIME:
        return None
    if not isinstance(expression.literal, Moment):
        return None
    moment = expression.literal.nanoseconds
    return {
        "==": TimeRange(moment, moment + 1),
        "<": TimeRange(end=moment),
        "<=": TimeRange(end=moment + 1),
        ">": TimeRange(moment + 1, NO_TIME),
        ">=": TimeRange(moment + first_after, NO_TIME),
    }.get(expression.operator)


def _predicate(expression: Expression) -> Predicate:
    if isinstance(expression, Junction):
        parts = [_predicate(part) for part in expression.parts]
        return _all(parts) if expression.word == "and" else _any(parts)
    path, word, literal = expression.path, expression.operator, expression.literal
    if word.startswith("not "):
        positive = _predicate(Condition(path, word.removeprefix("not "), literal))
        return lambda item: not positive(item)
    if word == "exists":
        return lambda item: bool(_fields_at(item, path))
    if word in COMPARISONS:
        return _comparison(path, word, literal)
    return {"matches": _regex, "contains": _contains, "in": _membership}[word](path, literal)


def _membership(path: str, literal: Literal) -> Predicate:
    wanted = _scalars(literal)
    return lambda item: any(_is_one_of(value, wanted) for value in values_at(item, path))


def _all(parts: list[Predicate]) -> Predicate:
    return lambda item: all(part(item) for part in parts)


def _any(parts: list[Predicate]) -> Predicate:
    return lambda item: any(part(item) for part in parts)


def _scalars(literal: Literal) -> tuple[t.Any, ...]:
    values = literal if isinstance(literal, tuple) else (literal,)
    if any(isinstance(value, Moment) for value in values):
        raise invalid_argument("invalid filter: date() can only be compared")
    return values


def _comparison(path: str, word: str, literal: Literal) -> Predicate:
    """Compare values of one kind; `!=` holds unless one of the values is equal."""
    if path in TIME_PATHS and not isinstance(literal, Moment):
        raise invalid_argument(f"invalid filter: {path} is compared with date(...)")
    if word == "!=":
        equal = _comparison(path, "==", literal)
        return lambda item: not equal(item)
    compare = _COMPARE[word]
    if isinstance(literal, Moment):
        moment = literal.nanoseconds
        return lambda item: any(
            time is not None and compare(time, moment) for time in map(as_time, values_at(item, path))
        )
    return lambda item: any(_comparable(value, literal) and compare(value, literal) for value in values_at(item, path))


def _regex(path: str, literal: Literal) -> Predicate:
    if not isinstance(literal, str):
        raise invalid_argument("invalid filter: matches takes a string")
    try:
        search = re.compile(literal).search
    except re.error as error:
        raise invalid_argument(f"invalid filter: regular expression: {error}") from None
    return lambda item: any(isinstance(value, str) and search(value) is not None for value in values_at(item, path))


def _contains(path: str, literal: Literal) -> Predicate:
    """Look for an element of an array, or for a part of a string; of a list, for any."""
    wanted = _scalars(literal)
    return lambda item: any(_field_contains(field, wanted) for field in _fields_at(item, path))


def _field_contains(field: object, wanted: tuple[t.Any, ...]) -> bool:
    if isinstance(field, list):
        return any(_is_one_of(element, wanted) for element in field)
    if isinstance(field, str):
        return any(isinstance(value, str) and value in field for value in wanted)
    return False


def _is_one_of(value: object, wanted: tuple[t.Any, ...]) -> bool:
    return any(_comparable(value, other) and value == other for other in wanted)


def _comparable(value: object, literal: object) -> bool:
    if isinstance(value, bool) or isinstance(literal, bool):
        return isinstance(value, bool) and isinstance(literal, bool)
    if isinstance(value, (int, float)):
        return isinstance(literal, (int, float))
    return isinstance(value, str) and isinstance(literal, str)
