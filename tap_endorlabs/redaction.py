"""Keeping secrets and forged lines out of what people read: messages, log records and tracebacks."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import re
import traceback
import typing as t
from functools import lru_cache
from html.entities import codepoint2name

if t.TYPE_CHECKING:
    from collections.abc import Iterator


_SHORTEST = 6
"""A text of fewer characters is no secret: to hide it would only garble the messages."""

_KEY = re.compile(r"endr(?:\+|%2[bB]|\\+u002[bB])[\w.~/+=%-]{4,}")
"""What an API key looks like: one in a place where nobody expects it is known by that alone."""

_QUOTES = "\"'`\u00b4\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb"
_ESCAPED = re.compile(r"[\\%&]|[^ -~]")
_BACKSLASHES = r"\\{1,4}"
_ESCAPE_LENGTH = 2
_HTML_NAMES = {ord("'"): ["apos"], **{code: [name] for code, name in codepoint2name.items()}}


class Secrets:
    """Texts that must not appear in any message, in whatever form they could get there.

    Args:
        texts: the first of them; more may be added.
    """

    def __init__(self, *texts: str) -> None:
        # The longest first: another may be a part of it.
        self._plain: dict[str, re.Pattern[str]] = {}
        self.add(*texts)

    def add(self, *texts: str) -> None:
        """Take more secrets; those of fewer than six characters are none.

        What copying has put around one is no part of it: it is hidden with that and without.
        """
        more = {form for text in texts for form in (text, bare(text)) if len(form.strip()) >= _SHORTEST}
        # Each pattern is made once: a run may get a token for every few requests.
        known = self._plain | {text: _plain_form(text) for text in more - self._plain.keys()}
        self._plain = {text: known[text] for text in sorted(known, key=len, reverse=True)}

    def hide(self, text: str) -> str:
        """Put `***` in the place of each secret, and of what looks like an API key."""
        secrets = self._plain
        for pattern in secrets.values():
            text = pattern.sub("***", text)
        # Patterns of all escapes are large, and few texts have any.
        if _ESCAPED.search(text):
            for secret in secrets:
                text = _escaped_form(secret).sub("***", text)
        return _KEY.sub("***", text)


def is_alien(character: str) -> bool:
    """Whether a character can't be part of a credential: a space, a line break, or one that nobody sees."""
    return character.isspace() or not character.isprintable()


def bare(credential: str) -> str:
    """Take off what copying may have put around a credential: spaces, unseen characters and quotes."""
    first, last = 0, len(credential)
    while first < last and _is_wrapping(credential[first]):
        first += 1
    while first < last and _is_wrapping(credential[last - 1]):
        last -= 1
    return credential[first:last]


def _is_wrapping(character: str) -> bool:
    return character in _QUOTES or is_alien(character)


def _plain_form(text: str) -> re.Pattern[str]:
    forms = {text, text.replace(" ", "+"), *_encoded(text)}
    return re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))), re.IGNORECASE)


def _encoded(text: str) -> set[str]:
    """Give the forms of a secret as a whole: in hexadecimal digits, and in base64, also behind a user and a colon."""
    raw = text.encode(errors="replace")
    forms = {raw.hex()}
    for before in range(3):
        # Of what stands before and behind, base64 mixes bits into the first and the last characters.
        first, last = (before * 8 + 5) // 6, (before + len(raw)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            whole = encode(bytes(before) + raw).decode().rstrip("=")
            forms |= {whole[first:last]} if before else {whole, whole[:last]}
    return forms


@lru_cache(maxsize=64)
def _escaped_form(text: str) -> re.Pattern[str]:
    """Give a pattern of a secret as it stands in URLs, JSON, HTML and Python's messages."""
    return re.compile("".join(map(_any_form, text)), re.IGNORECASE)


@lru_cache(maxsize=4096)
def _any_form(character: str) -> str:
    """Give a pattern of all the ways to write a character: a text may mix them, and escape what is escaped."""
    raw, code = character.encode(errors="replace"), ord(character)
    units = character.encode("utf-16-be", "surrogatepass").hex()
    numbers = [f"#0*{code}", f"#x0*{code:x}", *_HTML_NAMES.get(code, ())]
    escapes = {json.dumps(character)[1:-1], repr(character)[1:-1], f"\\{character}"}
    forms = {
        re.escape(character),
        re.escape(raw.decode()),
        "".join(f"%(?:25)*{byte:02x}" for byte in raw),
        "".join(rf"{_BACKSLASHES}u{units[at : at + 4]}" for at in range(0, len(units), 4)),
        rf"{_BACKSLASHES}(?:x{code:02x}|U{code:08x}|u\{{0*{code:x}\}})",
        "".join(rf"%(?:25)*u{units[at : at + 4]}" for at in range(0, len(units), 4)),
        "".join(rf"{_BACKSLASHES}{byte:03o}" for byte in raw),
        "".join(rf"{_BACKSLASHES}x{byte:02x}" for byte in raw),
        rf"\\{{0,4}}&(?:amp;)*(?:{'|'.join(numbers)});",
        *(_BACKSLASHES + re.escape(escape[-1]) for escape in escapes if len(escape) == _ESCAPE_LENGTH),
    }
    if character == " ":
        forms.add(r"\+")
    return f"(?:{'|'.join(sorted(forms))})"


@contextlib.contextmanager
def guarded_log(secrets: Secrets) -> Iterator[None]:
    """Make each log record of this process, libraries' too, one printable line that shows no secret.

    A traceback follows with its lines indented, so that no text in it can pass for a log line.
    """
    make = logging.getLogRecordFactory()

    def make_guarded(*args: t.Any, **kwargs: t.Any) -> logging.LogRecord:  # noqa: ANN401 - those of a log record
        record = make(*args, **kwargs)
        text = _message(record)
        if (line := _printable(secrets.hide(text))) != text:
            record.msg, record.args = line, None
        if record.exc_info:
            trace = secrets.hide("".join(traceback.format_exception(*record.exc_info)))
            # The formatter prints this text; one for JSON would rather take the exceptions apart itself, but shows
            # other fields of a record.
            record.exc_text = "\n".join(f"    {_printable(line)}" for line in trace.splitlines())
            record.traceback = record.exc_text
            record.exc_info = None
        return record

    logging.setLogRecordFactory(make_guarded)
    try:
        yield
    finally:
        logging.setLogRecordFactory(make)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - a library's wrong arguments, which the handler would print as they are
        record.args, message = None, f"{record.msg} {record.args}"
        record.msg = message
        return message


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
