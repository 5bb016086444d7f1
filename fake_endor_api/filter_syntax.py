"""Reading a filter expression: its text to a tree of conditions."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from fake_endor_api.errors import invalid_argument
from fake_endor_api.times import parse_time

if t.TYPE_CHECKING:
    from collections.abc import Callable

COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
WORD_OPERATORS = ("in", "contains", "matches", "exists")
NEGATABLE = ("in", "contains", "exists")

_TOKEN = re.compile(
    r"""\s*(?:
        date\((?P<date>[^()]*)\)
      | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
      | (?P<word>[A-Za-z_@][\w@]*(?:\.[\w@]+)*)
      | (?P<symbol>==|!=|<=|>=|<|>|[()\[\],])
    )""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"""\\(["'\\])""")


@dataclass(frozen=True)
class Moment:
    """A `date(...)` literal, in nanoseconds since 1970."""

    nanoseconds: int


Scalar: t.TypeAlias = "str | int | float | bool | Moment"
Literal: t.TypeAlias = "Scalar | tuple[Scalar, ...] | None"


@dataclass(frozen=True)
class Condition:
    """One comparison; `literal` is None for `exists`."""

    path: str
    operator: str
    literal: Literal


@dataclass(frozen=True)
class Junction:
    """Expressions joined by `and` or by `or`."""

    word: str
    parts: tuple[Expression, ...]


Expression: t.TypeAlias = "Condition | Junction"


class _Token(t.NamedTuple):
    kind: str
    text: str


def parse(text: str, evaluate: Callable[[int], int]) -> Expression:
    """Return the tree of a filter expression.

    Args:
        text: The expression.
        evaluate: Gives what a `date(...)` stands for, both in nanoseconds since 1970.

    Raises:
        ApiError: 400, the text follows no rule of the grammar.
    """
    return _Parser(_tokens(text), evaluate).whole()


def _tokens(text: str) -> list[_Token]:
    tokens, position, end = [], 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise _syntax_error(f"unexpected {text[position:].strip()[:20]!r}")
        tokens.append(_Token(match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return tokens


def _syntax_error(detail: str) -> Exception:
    return invalid_argument(f"invalid filter: {detail}")


class _Parser:
    """Recursive descent: `or` of `and` of conditions and parentheses."""

    def __init__(self, tokens: list[_Token], evaluate: Callable[[int], int]) -> None:
        self._tokens = [*tokens, _Token("end", "")]
        self._position = 0
        self._evaluate = evaluate

    def whole(self) -> Expression:
        expression = self._junction("or")
        if self._peek().kind != "end":
            raise _syntax_error(f"unexpected {self._peek().text!r}")
        return expression

    def _peek(self) -> _Token:
        return self._tokens[self._position]

    def _next(self) -> _Token:
        token = self._peek()
        if token.kind == "end":
            raise _syntax_error("unexpected end")
        self._position += 1
        return token

    def _accept(self, kind: str, text: str) -> bool:
        found = self._peek() == (kind, text)
        self._position += found
        return found

    def _expect(self, symbol: str) -> None:
        token = self._next()
        if token != ("symbol", symbol):
            raise _syntax_error(f"expected {symbol!r}, found {token.text!r}")

    def _junction(self, word: str) -> Expression:
        parts = [self._operand(word)]
        while self._accept("word", word):
            parts.append(self._operand(word))
        return parts[0] if len(parts) == 1 else Junction(word, tuple(parts))

    def _operand(self, word: str) -> Expression:
        if word == "or":
            return self._junction("and")
        if self._accept("symbol", "("):
            expression = self._junction("or")
            self._expect(")")
            return expression
        return self._condition()

    def _condition(self) -> Condition:
        path = self._next()
        if path.kind != "word":
            raise _syntax_error(f"expected a field, found {path.text!r}")
        operator = self._next().text
        negated = "not " if operator == "not" else ""
        if negated:
            operator = self._next().text
            if operator not in NEGATABLE:
                raise _syntax_error(f"no such operator: {operator!r}")
        return self._comparison(path.text, operator, negated)

    def _comparison(self, path: str, operator: str, negated: str) -> Condition:
        if operator == "exists":
            return Condition(path, negated + operator, None)
        if operator not in COMPARISONS and operator not in WORD_OPERATORS:
            raise _syntax_error(f"no such operator: {operator!r}")
        if operator == "in" or (operator == "contains" and self._peek() == ("symbol", "[")):
            return Condition(path, negated + operator, self._list())
        return Condition(path, negated + operator, self._scalar())

    def _list(self) -> tuple[Scalar, ...]:
        self._expect("[")
        if self._accept("symbol", "]"):
            return ()
        items = [self._scalar()]
        while not self._accept("symbol", "]"):
            self._expect(",")
            items.append(self._scalar())
        return tuple(items)

    def _scalar(self) -> Scalar:
        token = self._next()
        if token.kind == "date":
            return self._moment(token.text)
        if token.kind == "string":
            return _ESCAPE.sub(r"\1", token.text[1:-1])
        if token.kind == "number":
            return float(token.text) if set(token.text) & set(".eE") else int(token.text)
        if token.text in ("true", "false"):
            return token.text == "true"
        raise _syntax_error(f"expected a value, found {token.text!r}")

    def _moment(self, text: str) -> Moment:
        try:
            nanoseconds = parse_time(text)
        except ValueError as error:
            raise _syntax_error(str(error)) from None
        return Moment(self._evaluate(nanoseconds))
